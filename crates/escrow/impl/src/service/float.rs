//! The platform's own money at the provider: it is topped up, paid out to the platform's bank, and taken by the provider for costs that belong to
//! no contract. Operators' verbs, no tenant's. How much it was the provider says, never the operator.

use escrow_api::{BalanceMovement, OwnTransfer, PaymentProvider, ProviderError, StatementEntry};
use kernel::{Currency, Decision, Fault, Money, MoneyError, Timestamp, rfc3339};
use rust_decimal::Decimal;
use uow::SystemUow;

use super::alarms::{OWN_MONEY_UNDONE, PAYOUT};
use super::coverage::{Coverage, look_in, report_coverage};
use crate::ledger::{Posting, own_money};
use crate::model::coverage::{CoverageLook, PostedFloat};
use crate::repo;
use crate::repo::coverage::NewFloat;

/// Why nothing is posted.
#[derive(Debug, thiserror::Error)]
pub enum FloatError {
    /// It is not a currency that is used here.
    #[error("{0}")]
    Currency(MoneyError),
    /// It is not an amount of that currency.
    #[error("the amount {given:?} is not one of {currency}: {why}")]
    Amount {
        /// What was given.
        given: String,
        /// The currency.
        currency: Currency,
        /// What is wrong with it.
        why: MoneyError,
    },
    /// It is nothing, or less.
    #[error(
        "the amount must be above zero: a float comes in (`build14 float`), a payout or a cost goes out (`build14 payout`, `build14 cost`)"
    )]
    NotPositive,
    /// It is not the id of such a thing.
    #[error("the source must be the provider's id of the {what}; {given:?} is none")]
    Source {
        /// What it is to be, and how such ids begin.
        what: &'static str,
        /// What was given.
        given: String,
    },
    /// It does not stand where money has moved.
    #[error("{source_object} is {state} at the provider: nothing was posted. {hint}")]
    NotDone {
        /// The source.
        source_object: String,
        /// The provider's word.
        state: String,
        /// What to do.
        hint: &'static str,
    },
    /// It is another matter.
    #[error("{source_object} is of the kind {kind}: nothing was posted. {hint}")]
    Kind {
        /// The source.
        source_object: String,
        /// The provider's word.
        kind: String,
        /// Where it belongs.
        hint: String,
    },
    /// It is not over what the operator thinks.
    #[error("{source_object} is over {found} at the provider, not {expected}: nothing was posted")]
    Differs {
        /// The source.
        source_object: String,
        /// What the provider says.
        found: Money,
        /// What the operator named.
        expected: Money,
    },
    /// It was posted before: it is not posted twice, nor changed.
    #[error("{source_object} was posted before, on {} by {}, as {posted}: nothing is posted twice", when(.at), whose(.operator))]
    PostedBefore {
        /// The source that was posted.
        source_object: String,
        /// What was posted for it; below zero: it went out.
        posted: Money,
        /// When.
        at: Timestamp,
        /// By whom; unknown of those of before it was asked for.
        operator: Option<String>,
    },
    /// What was paid out was not all the platform's own.
    #[error(
        "{source_object} paid out {paid_out}, but of the platform's own there are {surplus}: {over} of it are owed to tenants. Nothing was posted, \
         and {} is stopped. Top up {over} at the provider, post that with `build14 float`, then this payout",
        .paid_out.currency()
    )]
    NotOwn {
        /// The payout.
        source_object: String,
        /// How much it is.
        paid_out: Money,
        /// What the platform had over what it owes.
        surplus: Money,
        /// What is too much.
        over: Money,
    },
    /// The provider does not show it.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// Nobody's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

fn when(at: &Timestamp) -> String {
    rfc3339(*at)
}

fn whose(operator: &Option<String>) -> &str {
    operator.as_deref().unwrap_or("an operator whose name was not asked for then")
}

/// What becomes of the platform's own money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// It comes to the balance, or comes back.
    ComesIn,
    /// It goes to the platform's bank.
    IsPaidOut,
    /// The provider takes it for a cost that belongs to no contract.
    IsTaken,
}

/// The booking of a payout that did not arrive.
pub(super) const PAYOUT_CAME_BACK: [&str; 2] = ["payout_failure", "payout_cancel"];
/// The booking of a top-up that the bank took back.
pub(super) const TOPUP_TAKEN_BACK: &str = "topup_reversal";
/// Bookings of what the provider takes for itself. `adjustment` is also what a dispute does: of that, the fee alone is the platform's.
pub(super) const COSTS: [&str; 5] = ["stripe_fee", "stripe_fx_fee", "tax_fee", "network_cost", "adjustment"];

impl Own {
    /// What a source may be.
    const fn sources(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::ComesIn => (
                "top-up, such as tu_1Mt…, or of the balance transaction (txn_…) by which a payout that was posted came back",
                &["tu_", "txn_"],
            ),
            Self::IsPaidOut => (
                "payout, such as po_1Mt…, or of the balance transaction (txn_…) by which a top-up that was posted was taken back",
                &["po_", "txn_"],
            ),
            Self::IsTaken => ("balance transaction that took it, such as txn_1Mt…", &["txn_"]),
        }
    }
}

/// What an operator names: the provider's object that moved the platform's own money, and, if they say so, over how much they think it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Float {
    own: Own,
    source: String,
    expected: Option<Money>,
}

impl Float {
    /// From what an operator types: `tu_…`, and perhaps `5000.00` and `EUR`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(own: Own, source: &str, expected: Option<(&str, &str)>) -> Result<Self, FloatError> {
        let (what, prefixes) = own.sources();
        let named = prefixes.iter().any(|prefix| source.strip_prefix(prefix).is_some_and(|id| !id.is_empty()));
        let visible = source.len() <= 255 && source.bytes().all(|byte| byte.is_ascii_graphic());
        if !visible || !named {
            return Err(FloatError::Source { what, given: source.to_owned() });
        }
        let expected = expected.map(|(amount, currency)| positive(amount, currency)).transpose()?;
        Ok(Self { own, source: source.to_owned(), expected })
    }
}

pub(super) fn positive(amount: &str, currency: &str) -> Result<Money, FloatError> {
    // The provider writes its codes in small letters.
    let currency: Currency = currency.to_ascii_uppercase().parse().map_err(FloatError::Currency)?;
    let wrong = |why| FloatError::Amount { given: amount.to_owned(), currency, why };
    let decimal: Decimal = amount.parse().map_err(|_| wrong(MoneyError::NotADecimal(amount.to_owned())))?;
    let money = Money::from_decimal(decimal, currency).map_err(wrong)?;
    if money.minor() > 0 { Ok(money) } else { Err(FloatError::NotPositive) }
}

/// What stands in the ledger for a float.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FloatPosted {
    /// What it was posted for: the provider's object, or the id of a loss or of a recovery.
    pub source: String,
    /// When it was posted.
    pub at: Timestamp,
    /// The provider's word for where it stood.
    pub status: String,
    /// Its two postings.
    pub entries: Vec<StatementEntry>,
    /// What its currency has over what it owes; negative: what it lacks. New funding and new releases are stopped once more lacks than the
    /// reserve.
    pub surplus: Money,
    /// How much may lack before they are stopped.
    pub reserve: Money,
    /// What the provider's balance lacked of what the books said, when it was last asked: while it does, they are stopped, too.
    pub missing: Money,
    /// Releases that waited for it and are sent now.
    pub resumed: usize,
}

impl FloatPosted {
    /// Of a posting, and of the look after it.
    pub(super) fn of(posting: &Posting, at: Timestamp, status: String, looked: &CoverageLook, resumed: usize) -> Self {
        let money = |minor| Money::from_minor(minor, posting.currency);
        let entries = posting.entries.iter().map(|entry| StatementEntry {
            account: entry.account.unsigned_abs(),
            name: own_money(entry.account).to_owned(),
            subject: entry.subject,
            amount: money(entry.amount),
        });
        Self {
            source: posting.source.object.clone(),
            at,
            status,
            entries: entries.collect(),
            surplus: money(looked.surplus),
            reserve: money(looked.reserve),
            missing: money(looked.missing()),
            resumed,
        }
    }
}

/// Money of the platform's own that moved, as the provider shows it.
struct Seen {
    status: String,
    movement: BalanceMovement,
    /// What the balance has more, of the platform's own; below zero: less.
    amount: Money,
    /// What must have been posted for this to be the platform's: what came back once left.
    undoes: Option<String>,
}

fn net(movement: &BalanceMovement) -> Result<Money, Fault> {
    movement.net().ok_or_else(|| Fault::internal(format!("{} is beyond all bounds", movement.id)))
}

/// A top-up or a payout that moved money.
fn done(own: OwnTransfer, kind: &str, words: &[&str], hint: &'static str) -> Result<Seen, FloatError> {
    let OwnTransfer { id, status, movement } = own;
    match movement {
        // Whatever its id says: what the provider booked it as decides.
        Some(movement) if movement.kind != kind => {
            let hint = format!("That is no {kind}: ask the provider what {} is", movement.id);
            Err(FloatError::Kind { source_object: id, kind: movement.kind, hint })
        }
        Some(movement) if words.contains(&status.as_str()) => {
            Ok(Seen { amount: net(&movement)?, status, movement, undoes: None })
        }
        _ => Err(FloatError::NotDone { source_object: id, state: status, hint }),
    }
}

/// Asks the provider for what the operator named, and passes if it is that, and money has moved.
async fn look(provider: &dyn PaymentProvider, float: &Float) -> Result<Seen, FloatError> {
    let Float { own, source, .. } = float;
    let seen = match (own, source.starts_with("txn_")) {
        (Own::ComesIn, false) => {
            let hint = "Only what succeeded is there; if it fails, nothing is to be posted";
            done(provider.top_up(source).await?, "topup", &["succeeded"], hint)?
        }
        // It left the balance when it was made, whenever the bank has it.
        (Own::IsPaidOut, false) => {
            let hint = "What did not arrive is on the balance again";
            done(provider.payout(source).await?, "payout", &["paid", "in_transit", "pending"], hint)?
        }
        (_, true) | (Own::IsTaken, false) => booked(*own, provider.balance_movement(source).await?)?,
    };
    if seen.amount.minor() > 0 && !seen.movement.available {
        let hint = "It can be posted once it is available";
        return Err(FloatError::NotDone { source_object: source.clone(), state: "pending".to_owned(), hint });
    }
    if let Some(expected) = float.expected {
        let found = Money::from_minor(seen.amount.minor().saturating_abs(), seen.amount.currency());
        if found != expected {
            return Err(FloatError::Differs { source_object: source.clone(), found, expected });
        }
    }
    Ok(seen)
}

/// Whether a dispute caused a booking.
pub(super) fn is_disputes(movement: &BalanceMovement) -> bool {
    movement.source.as_ref().is_some_and(|source| ["dp_", "du_"].iter().any(|prefix| source.starts_with(prefix)))
}

/// What the platform itself lost with a booking that took something; below zero, or nothing. Of a dispute's that is the fee alone: the disputed amount
/// is its contract's.
pub(super) fn own_cost(movement: &BalanceMovement) -> Result<Money, Fault> {
    if is_disputes(movement) {
        return Ok(Money::from_minor(movement.fee.minor().saturating_neg(), movement.fee.currency()));
    }
    net(movement)
}

/// A booking by itself, if it is of the kind that the verb posts.
fn booked(own: Own, movement: BalanceMovement) -> Result<Seen, FloatError> {
    let kind = movement.kind.as_str();
    let caused_by = movement.source.clone().unwrap_or_default();
    let fits = match own {
        Own::ComesIn => PAYOUT_CAME_BACK.contains(&kind),
        Own::IsPaidOut => kind == TOPUP_TAKEN_BACK,
        Own::IsTaken => COSTS.contains(&kind),
    };
    if !fits {
        let hint = match kind {
            "topup" => format!("A top-up is posted by its own id: `build14 float --source {caused_by}`"),
            "payout" => format!("A payout is posted by its own id: `build14 payout --source {caused_by}`"),
            "payout_failure" | "payout_cancel" => "What came back of a payout is posted with `build14 float`".to_owned(),
            TOPUP_TAKEN_BACK => "A top-up that was taken back is posted with `build14 payout`".to_owned(),
            kind if COSTS.contains(&kind) => "What the provider takes is posted with `build14 cost`".to_owned(),
            _ => "It belongs to a contract, whose books post it by themselves".to_owned(),
        };
        return Err(FloatError::Kind { source_object: movement.id.clone(), kind: kind.to_owned(), hint });
    }
    let amount = match own {
        Own::IsTaken => own_cost(&movement)?,
        _ => net(&movement)?,
    };
    let goes_out = own != Own::ComesIn;
    if amount.minor() == 0 || (amount.minor() < 0) != goes_out {
        let hint = if goes_out { "It took nothing of the platform's own" } else { "It brought nothing" }.to_owned();
        return Err(FloatError::Kind { source_object: movement.id.clone(), kind: kind.to_owned(), hint });
    }
    let undoes = (own != Own::IsTaken).then_some(caused_by);
    let status = if movement.available { "available" } else { "pending" }.to_owned();
    Ok(Seen { status, amount, undoes, movement })
}

/// The double entry: what undoes a posting is its opposite.
fn posting(own: Own, source: &str, seen: &Seen) -> Posting {
    let (minor, currency) = (seen.amount.minor(), seen.amount.currency());
    match (own, &seen.undoes) {
        (Own::ComesIn, None) | (Own::IsPaidOut, Some(_)) => Posting::float(source, minor, currency),
        (Own::IsPaidOut, None) | (Own::ComesIn, Some(_)) => Posting::payout(source, -minor, currency),
        (Own::IsTaken, _) => Posting::cost(source, -minor, currency),
    }
}

/// Posts a float, a payout or a cost exactly as the provider shows it, once, under the name of the person who does it, and looks at coverage in the
/// same transaction: what waited for it goes on at once.
///
/// # Errors
/// The provider's, if it does not show such an object; [`FloatError`]: if no money has moved, it was posted before, or a payout was not all the
/// platform's own; a fault of the database.
pub async fn post_float(
    system: &SystemUow,
    provider: &dyn PaymentProvider,
    float: &Float,
    by: &Decision,
) -> Result<FloatPosted, FloatError> {
    let Float { own, source, .. } = float;
    let seen = look(provider, float).await?;
    let (amount, currency) = (seen.amount, seen.amount.currency());
    let posting = posting(*own, source, &seen);
    let new = NewFloat::booked(&posting.source, amount, &seen.status, &seen.movement);
    let (posted, found) = system
        .write(async |tx| {
            repo::coverage::lock(tx).await?;
            if let Some(before) = repo::coverage::posted(tx, source, &seen.movement.id).await? {
                let PostedFloat { source_object, amount: posted, at, operator } = before;
                return Err(FloatError::PostedBefore { source_object, posted, at, operator });
            }
            if let Some(undone) = &seen.undoes {
                if !repo::coverage::is_posted(tx, undone).await? {
                    let hint = format!("{undone}, which it undoes, was never posted: the books are right without both");
                    let kind = seen.movement.kind.clone();
                    return Err(FloatError::Kind { source_object: source.clone(), kind, hint });
                }
                tx.settle_alarms(OWN_MONEY_UNDONE, std::slice::from_ref(undone), &by.operator, "the opposite was posted").await?;
            }
            if *own == Own::IsPaidOut && seen.undoes.is_none() {
                let surplus = repo::coverage::surplus(tx, currency).await?;
                let over = Money::from_minor(-surplus.minor().saturating_add(amount.minor()), currency);
                if over.minor() > 0 {
                    let paid_out = Money::from_minor(-amount.minor(), currency);
                    return Err(FloatError::NotOwn { source_object: source.clone(), paid_out, surplus, over });
                }
                tx.settle_alarms(PAYOUT, std::slice::from_ref(source), &by.operator, "posted").await?;
            }
            let at = repo::coverage::post_float(tx, &new, by).await?;
            let found = look_in(tx, None).await?;
            let coverage = found.iter().find(|one| one.seen.currency == currency);
            let Coverage { seen: looked, resumed } =
                coverage.ok_or_else(|| Fault::internal(format!("no coverage of {currency} after its float")))?;
            Ok((FloatPosted::of(&posting, at, seen.status.clone(), looked, *resumed), found))
        })
        .await?;
    report_coverage(&found);
    Ok(posted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_types_is_checked() {
        let expected = Some(Money::from_minor(500_000, Currency::EUR));
        assert_eq!(
            Float::parse(Own::ComesIn, "tu_123", Some(("5000.00", "EUR"))).expect("fine"),
            Float { own: Own::ComesIn, source: "tu_123".to_owned(), expected }
        );
        let small = Float::parse(Own::ComesIn, "tu_123", Some(("5000.00", "eur"))).expect("fine");
        assert_eq!(small.expected, expected);
        for (own, source) in
            [(Own::ComesIn, "txn_1"), (Own::IsPaidOut, "po_1"), (Own::IsPaidOut, "txn_1"), (Own::IsTaken, "txn_1")]
        {
            assert_eq!(Float::parse(own, source, None).expect("fine"), Float { own, source: source.to_owned(), expected: None });
        }
        let refused = |own, source| Float::parse(own, source, None).expect_err("refused").to_string();
        for source in ["", "tu_", "po_1", "a b", "tu_ 1", "tu_ü"] {
            let said = refused(Own::ComesIn, source);
            assert!(
                said.starts_with("the source must be the provider's id of the top-up, such as tu_1Mt…"),
                "{source:?}: {said}"
            );
        }
        assert!(refused(Own::IsPaidOut, "dp_1").contains("of the payout, such as po_1Mt…"));
        let expected =
            "the source must be the provider's id of the balance transaction that took it, such as txn_1Mt…; \"dp_1\" is none";
        assert_eq!(refused(Own::IsTaken, "dp_1"), expected);

        let said =
            |amount, currency| Float::parse(Own::ComesIn, "tu_1", Some((amount, currency))).expect_err("refused").to_string();
        let not_positive = "the amount must be above zero: a float comes in (`build14 float`), a payout or a cost goes out (`build14 payout`, `build14 cost`)";
        let cases = [
            (said("5000.001", "EUR"), "the amount \"5000.001\" is not one of EUR: at most 2 decimals are allowed"),
            (said("0.5", "JPY"), "the amount \"0.5\" is not one of JPY: at most 0 decimals are allowed"),
            (said("much", "EUR"), "the amount \"much\" is not one of EUR: \"much\" is not a decimal number such as \"1234.50\""),
            (
                said("92233720368547758.08", "EUR"),
                "the amount \"92233720368547758.08\" is not one of EUR: the amount is too large",
            ),
            (said("0.00", "EUR"), not_positive),
            (said("-1", "EUR"), not_positive),
            (said("1", "EURO"), "\"EURO\" is not an ISO 4217 code of a currency that can be used here"),
        ];
        for (said, expected) in cases {
            assert_eq!(said, expected);
        }
    }

    fn movement(kind: &str, amount: i64, fee: i64, source: &str) -> BalanceMovement {
        let eur = |minor| Money::from_minor(minor, Currency::EUR);
        BalanceMovement {
            id: "txn_1".to_owned(),
            kind: kind.to_owned(),
            source: Some(source.to_owned()),
            amount: eur(amount),
            fee: eur(fee),
            available: true,
        }
    }

    #[test]
    fn a_booking_is_posted_by_the_verb_it_belongs_to_and_over_the_platforms_part() {
        let amount = |own, movement| booked(own, movement).map(|seen| (seen.amount.minor(), seen.undoes));
        assert_eq!(amount(Own::IsTaken, movement("stripe_fee", -200, 0, "acct_1")).expect("posts"), (-200, None));
        let fee_of_dispute = amount(Own::IsTaken, movement("adjustment", -1_000_000, 1_500, "dp_1"));
        assert_eq!(fee_of_dispute.expect("posts"), (-1_500, None), "the rest is its contract's");
        assert_eq!(amount(Own::IsTaken, movement("adjustment", -700, 0, "other")).expect("posts"), (-700, None));
        let back = amount(Own::ComesIn, movement("payout_failure", 300, 0, "po_1"));
        assert_eq!(back.expect("posts"), (300, Some("po_1".to_owned())));
        let taken_back = amount(Own::IsPaidOut, movement("topup_reversal", -300, 0, "tu_1"));
        assert_eq!(taken_back.expect("posts"), (-300, Some("tu_1".to_owned())));

        let why = |own, movement| booked(own, movement).map(|_| ()).expect_err("refused").to_string();
        let hint = |kind: &str, hint: &str| format!("txn_1 is of the kind {kind}: nothing was posted. {hint}");
        let contract = "It belongs to a contract, whose books post it by themselves";
        for kind in ["charge", "payment", "refund", "transfer", "transfer_refund", "something_new"] {
            for own in [Own::ComesIn, Own::IsPaidOut, Own::IsTaken] {
                assert_eq!(why(own, movement(kind, -5, 0, "x")), hint(kind, contract));
            }
        }
        assert_eq!(
            why(Own::IsTaken, movement("payout", -5, 0, "po_1")),
            hint("payout", "A payout is posted by its own id: `build14 payout --source po_1`")
        );
        assert_eq!(
            why(Own::ComesIn, movement("topup", 5, 0, "tu_1")),
            hint("topup", "A top-up is posted by its own id: `build14 float --source tu_1`")
        );
        let nothing = "It took nothing of the platform's own";
        assert_eq!(why(Own::IsTaken, movement("adjustment", 1_000_000, 0, "dp_1")), hint("adjustment", nothing));
        assert_eq!(why(Own::IsTaken, movement("adjustment", 5, 0, "x")), hint("adjustment", nothing));
    }
}
