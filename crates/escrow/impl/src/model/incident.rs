//! What befell a charge after it was paid, and what that means for the money: pure.

use escrow_api::{ChargeState, DisputeStage, DisputeState, FraudWarning, HoldKind};
use kernel::Money;

/// What an incident asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The money stops.
    Hold,
    /// Its own stop, if there is one, is over.
    Lift,
}

/// Something that befell a charge, as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incident {
    pub(crate) kind: HoldKind,
    /// The provider's object.
    pub(crate) object: String,
    /// The provider's word.
    pub(crate) state: String,
    /// How far it got; what is lower than what was seen before is old news.
    pub(crate) level: i64,
    pub(crate) effect: Effect,
    /// Nothing more is to come.
    pub(crate) is_over: bool,
    /// For a person, in one line.
    pub(crate) detail: String,
}

/// A review that ended.
const REVIEWED: i64 = 20;

fn of_dispute(dispute: &DisputeState) -> Incident {
    use DisputeStage as S;
    let (level, effect, is_over) = match dispute.stage {
        S::Inquiry => (10, Effect::Hold, false),
        S::InquiryClosed => (20, Effect::Lift, true),
        S::Open => (30, Effect::Hold, false),
        // Won, but where is the money? It stops until it is back.
        S::WonUnpaid => (40, Effect::Hold, false),
        S::Won => (50, Effect::Lift, true),
        S::Lost => (60, Effect::Hold, true),
    };
    let DisputeState { id, charge, status, amount, reason, .. } = dispute;
    let detail = format!("dispute {id} over {amount} of charge {charge} is {status}, because of {reason}");
    Incident { kind: HoldKind::Dispute, object: id.clone(), state: status.clone(), level, effect, is_over, detail }
}

fn of_warning(warning: &FraudWarning) -> Incident {
    let FraudWarning { id, charge, fraud_type, .. } = warning;
    Incident {
        kind: HoldKind::FraudWarning,
        object: id.clone(),
        state: fraud_type.clone(),
        level: 10,
        effect: Effect::Hold,
        is_over: true,
        detail: format!("the card's network warns of fraud with charge {charge} ({fraud_type}): a dispute may follow"),
    }
}

/// As people write it; in a currency that is not used here, as the provider counts.
fn shown(minor: i64, currency: &str) -> String {
    currency
        .parse()
        .map_or_else(|_| format!("{minor} minor units of {currency}"), |currency| Money::from_minor(minor, currency).to_string())
}

fn of_charge(charge: &ChargeState) -> Vec<Incident> {
    let mut found = Vec::new();
    let ChargeState { id, amount, amount_refunded, currency, status, captured, review, .. } = charge;
    let stop = |kind, object: &str, state: String, level, is_over, detail| Incident {
        kind,
        object: object.to_owned(),
        state,
        level,
        effect: Effect::Hold,
        is_over,
        detail,
    };
    if *amount_refunded > 0 {
        let state = format!("{amount_refunded} of {amount}");
        let detail = format!(
            "{} of {} of charge {id} were refunded past 14Build",
            shown(*amount_refunded, currency),
            shown(*amount, currency)
        );
        found.push(stop(HoldKind::Refund, id, state, *amount_refunded, true, detail));
    }
    if status != "succeeded" || !captured {
        let state = if *captured { status.clone() } else { format!("{status}, not captured") };
        let detail = format!("charge {id}, which brought money, is {state}");
        found.push(stop(HoldKind::Charge, id, state, 10, true, detail));
    }
    if let Some(review) = review {
        let detail = format!("charge {id} is under review at the provider");
        found.push(stop(HoldKind::Review, review, "open".to_owned(), 10, false, detail));
    }
    found
}

/// Everything that befell a charge. `None` for a charge that the provider does not know, which cannot be.
pub(crate) fn incidents(
    id: &str,
    charge: Option<&ChargeState>,
    disputes: &[DisputeState],
    warnings: &[FraudWarning],
    open_reviews: &[String],
) -> Vec<Incident> {
    let mut found: Vec<Incident> = disputes.iter().map(of_dispute).collect();
    found.extend(warnings.iter().map(of_warning));
    match charge {
        Some(charge) => {
            if charge.disputed && disputes.is_empty() {
                // It says so, but shows none: as one that is open.
                found.push(Incident {
                    kind: HoldKind::Charge,
                    object: id.to_owned(),
                    state: "disputed".to_owned(),
                    level: 20,
                    effect: Effect::Hold,
                    is_over: true,
                    detail: format!("charge {id} is disputed, but no dispute of it is shown"),
                });
            }
            found.extend(of_charge(charge));
            let ended = open_reviews.iter().filter(|known| charge.review.as_ref() != Some(*known));
            found.extend(ended.map(|review| Incident {
                kind: HoldKind::Review,
                object: review.clone(),
                state: "closed".to_owned(),
                level: REVIEWED,
                effect: Effect::Lift,
                is_over: true,
                detail: format!("the review of charge {id} ended"),
            }));
        }
        None => found.push(Incident {
            kind: HoldKind::Charge,
            object: id.to_owned(),
            state: "unknown to the provider".to_owned(),
            level: 30,
            effect: Effect::Hold,
            is_over: true,
            detail: format!("charge {id}, which brought money, is not known to the provider"),
        }),
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charge() -> ChargeState {
        ChargeState {
            id: "ch_1".to_owned(),
            intent: Some("pi_1".to_owned()),
            status: "succeeded".to_owned(),
            captured: true,
            disputed: false,
            amount: 1_000,
            amount_refunded: 0,
            currency: "EUR".to_owned(),
            review: None,
        }
    }

    fn dispute(stage: DisputeStage) -> DisputeState {
        DisputeState {
            id: "dp_1".to_owned(),
            charge: "ch_1".to_owned(),
            intent: Some("pi_1".to_owned()),
            status: "some".to_owned(),
            stage,
            amount: "10.00 EUR".to_owned(),
            reason: "fraudulent".to_owned(),
            booked: Vec::new(),
        }
    }

    fn kinds(found: &[Incident]) -> Vec<(&str, Effect)> {
        found.iter().map(|incident| (incident.kind.name(), incident.effect)).collect()
    }

    #[test]
    fn a_charge_that_is_as_it_should_be_stops_nothing() {
        assert_eq!(incidents("ch_1", Some(&charge()), &[], &[], &[]), []);
    }

    #[test]
    fn whatever_is_wrong_with_a_charge_stops_its_money() {
        let wrong = [
            ("charge", ChargeState { status: "failed".to_owned(), ..charge() }),
            ("charge", ChargeState { status: "a_new_word".to_owned(), ..charge() }),
            ("charge", ChargeState { captured: false, ..charge() }),
            ("charge", ChargeState { disputed: true, ..charge() }),
            ("refund", ChargeState { amount_refunded: 1, ..charge() }),
        ];
        for (kind, broken) in wrong {
            assert_eq!(kinds(&incidents("ch_1", Some(&broken), &[], &[], &[])), [(kind, Effect::Hold)]);
        }
        assert_eq!(kinds(&incidents("ch_1", None, &[], &[], &[])), [("charge", Effect::Hold)]);
    }

    #[test]
    fn a_refund_is_told_as_people_write_amounts() {
        let told = |currency: &str| {
            let charge = ChargeState { amount_refunded: 125, currency: currency.to_owned(), ..charge() };
            incidents("ch_1", Some(&charge), &[], &[], &[]).remove(0).detail
        };
        assert_eq!(told("EUR"), "1.25 EUR of 10.00 EUR of charge ch_1 were refunded past 14Build");
        assert!(told("XTS").starts_with("125 minor units of XTS of 1000 minor units of XTS of charge"));
    }

    #[test]
    fn a_review_stops_the_money_until_it_ends() {
        let under_review = ChargeState { review: Some("prv_1".to_owned()), ..charge() };
        let known = ["prv_1".to_owned()];
        assert_eq!(kinds(&incidents("ch_1", Some(&under_review), &[], &[], &known)), [("review", Effect::Hold)]);
        assert_eq!(kinds(&incidents("ch_1", Some(&charge()), &[], &[], &known)), [("review", Effect::Lift)]);
    }

    #[test]
    fn a_dispute_only_moves_on_and_only_an_end_in_our_favour_lets_go() {
        use DisputeStage as S;
        let stages = [S::Inquiry, S::InquiryClosed, S::Open, S::WonUnpaid, S::Won, S::Lost];
        let seen = stages.map(|stage| of_dispute(&dispute(stage)));
        assert!(seen.windows(2).all(|pair| pair[0].level < pair[1].level), "in their order");
        let effect = seen.map(|incident| incident.effect == Effect::Lift);
        assert_eq!(effect, [false, true, false, false, true, false]);
    }
}
