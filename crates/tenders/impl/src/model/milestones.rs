//! Milestones: shares of the contract sum that add up to it exactly.

use kernel::{Currency, FieldFault, Money, text};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use tenders_api::{Milestone, Share, StatedAmount};

/// The largest weight.
const MOST_WEIGHT: i64 = 1_000_000;

/// The shares of one kind; what takes the rest goes with amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Percent,
    Amount,
    Weight,
}

const fn kind(share: Share) -> Kind {
    match share {
        Share::Percent(_) => Kind::Percent,
        Share::Amount(_) | Share::Remainder => Kind::Amount,
        Share::Weight(_) => Kind::Weight,
    }
}

/// The amount in the tender's currency.
fn money(amount: StatedAmount, currency: Currency) -> Option<Money> {
    Money::from_decimal(amount.value, currency).ok().filter(|_| amount.currency.is_none_or(|stated| stated == currency))
}

/// Whether each share is sane, all are of one kind, and percentages add up to 100 exactly.
pub fn check(milestones: &[Milestone], currency: Currency, faults: &mut Vec<FieldFault>) {
    let first = milestones.first().map(|milestone| kind(milestone.share));
    let mut rest = 0;
    for (at, milestone) in milestones.iter().enumerate() {
        if let Err(flaw) = text::line(&milestone.title, super::title::MOST_TITLE) {
            faults.push(flaw.at(format!("/milestones/{at}/title")));
        }
        let mut fault =
            |field: &str, code, detail: String| faults.push(FieldFault::new(format!("/milestones/{at}{field}"), code, detail));
        if Some(kind(milestone.share)) != first {
            fault("", "MIXED_KINDS", "all milestones of a tender have a percent, or all an amount, or all a weight".into());
            continue;
        }
        match milestone.share {
            Share::Percent(percent) => {
                if percent <= Decimal::ZERO || percent > Decimal::ONE_HUNDRED {
                    fault("/percent", "OUT_OF_RANGE", "must be more than 0 and at most 100".into());
                } else if percent.normalize().scale() > 4 {
                    fault("/percent", "TOO_MANY_DECIMALS", "at most 4 decimals are allowed".into());
                }
            }
            Share::Amount(amount) => {
                let pointer = if amount.currency.is_some() { "/amount/amount" } else { "/amount" };
                if amount.currency.is_some_and(|stated| stated != currency) {
                    fault("/amount/currency", "CURRENCY_MISMATCH", format!("must be {currency}, the project's currency"));
                } else if amount.value <= Decimal::ZERO {
                    fault(pointer, "OUT_OF_RANGE", "must be more than 0".into());
                } else if let Err(error) = Money::from_decimal(amount.value, currency) {
                    let many = matches!(error, kernel::MoneyError::TooManyDecimals { .. });
                    fault(pointer, if many { "TOO_MANY_DECIMALS" } else { "OUT_OF_RANGE" }, error.to_string());
                }
            }
            Share::Remainder => {
                rest += 1;
                if rest > 1 {
                    fault("/remainder", "DUPLICATE", "one milestone takes what the others leave, not several".into());
                }
            }
            Share::Weight(weight) => {
                if weight <= Decimal::ZERO || weight > Decimal::from(MOST_WEIGHT) {
                    fault("/weight", "OUT_OF_RANGE", format!("must be more than 0 and at most {MOST_WEIGHT}"));
                } else if weight.normalize().scale() > 4 {
                    fault("/weight", "TOO_MANY_DECIMALS", "at most 4 decimals are allowed".into());
                }
            }
        }
    }
    match first {
        Some(Kind::Percent) | None => check_percent_sum(milestones, faults),
        Some(Kind::Amount) if fixed(milestones, currency).is_none() && faults.is_empty() => {
            faults.push(FieldFault::new("/milestones", "OUT_OF_RANGE", "together the amounts are too large"));
        }
        Some(Kind::Amount | Kind::Weight) => {}
    }
}

fn check_percent_sum(milestones: &[Milestone], faults: &mut Vec<FieldFault>) {
    let percents = milestones.iter().filter_map(|milestone| match milestone.share {
        Share::Percent(percent) => Some(percent),
        _ => None,
    });
    let sum = percents.into_iter().try_fold(Decimal::ZERO, |sum, percent| sum.checked_add(percent));
    if sum != Some(Decimal::ONE_HUNDRED) {
        let sum = sum.map_or_else(|| "too much".to_owned(), |sum| sum.normalize().to_string());
        faults.push(FieldFault::new(
            "/milestones",
            "PERCENT_SUM",
            format!("the percentages must add up to 100: they add up to {sum}"),
        ));
    }
}

/// What the amounts that are given come to.
fn fixed(milestones: &[Milestone], currency: Currency) -> Option<Money> {
    milestones.iter().try_fold(Money::zero(currency), |sum, milestone| match milestone.share {
        Share::Amount(amount) => sum.checked_add(money(amount, currency)?),
        _ => Some(sum),
    })
}

/// Why a contract over `total` cannot be paid in these milestones; nothing if it can. `pointer` is to what makes the total.
#[must_use]
pub fn unpayable_total(total: Money, milestones: &[Milestone], pointer: &str) -> Option<FieldFault> {
    let count = milestones.len();
    if milestones.iter().any(|milestone| kind(milestone.share) == Kind::Amount) {
        let fixed = fixed(milestones, total.currency())?;
        let takes_rest = milestones.iter().any(|milestone| milestone.share == Share::Remainder);
        let detail = match takes_rest {
            true if total.minor() > fixed.minor() => return None,
            true => {
                format!("the total must be more than {fixed}, the fixed milestones, of which one takes the rest: it is {total}")
            }
            false if total == fixed => return None,
            false => format!("the total must be {fixed}, to which the milestones of the tender add up: it is {total}"),
        };
        return Some(FieldFault::new(pointer, "MILESTONES_DIFFER", detail));
    }
    let least = Money::from_minor(least(count), total.currency());
    (total.minor() < least.minor()).then(|| {
        let detail = format!("the total must be at least {least}: it is {total}, to be paid in {count} milestones");
        FieldFault::new(pointer, "OUT_OF_RANGE", detail)
    })
}

/// The amount of each milestone. Percentages: percent × total rounded half up, the last one gets what remains. Weights: in proportion, rounded
/// down, and what is left over goes to the largest fractions. They add up exactly, and none is nothing as long as the total has a minor unit
/// for each: what is lacking is taken from the largest. Amounts are as they are given.
#[must_use]
pub fn amounts(total: Money, milestones: &[Milestone]) -> Vec<Money> {
    let parts = match milestones.first().map(|milestone| kind(milestone.share)) {
        Some(Kind::Amount) => by_amount(total, milestones),
        Some(Kind::Weight) => none_is_nothing(total.minor(), by_weight(total.minor(), milestones)),
        Some(Kind::Percent) | None => none_is_nothing(total.minor(), by_percent(total, milestones)),
    };
    parts.into_iter().map(|part| Money::from_minor(part, total.currency())).collect()
}

/// What is known of the amounts before there are bids, by place: those that are given, and shares of the estimate, if there is one.
#[must_use]
pub fn expected(estimate: Option<Money>, milestones: &[Milestone], currency: Currency) -> Vec<(usize, Money)> {
    let given = milestones.iter().enumerate().filter_map(|(at, milestone)| match milestone.share {
        Share::Amount(amount) => Some((at, money(amount, currency)?)),
        _ => None,
    });
    match estimate {
        Some(estimate) if milestones.first().is_some_and(|milestone| kind(milestone.share) != Kind::Amount) => {
            amounts(estimate, milestones).into_iter().enumerate().collect()
        }
        _ => given.collect(),
    }
}

fn by_amount(total: Money, milestones: &[Milestone]) -> Vec<i64> {
    let fixed = fixed(milestones, total.currency()).map_or(0, Money::minor);
    let part = |milestone: &Milestone| match milestone.share {
        Share::Amount(amount) => money(amount, total.currency()).map_or(0, Money::minor),
        _ => total.minor() - fixed,
    };
    milestones.iter().map(part).collect()
}

fn by_percent(total: Money, milestones: &[Milestone]) -> Vec<i64> {
    let mut left = total.minor();
    let last = milestones.len().saturating_sub(1);
    let amount = |share: Share| {
        let Share::Percent(percent) = share else { return None };
        let part = total.to_decimal().checked_mul(percent)?.checked_div(Decimal::ONE_HUNDRED)?;
        Money::rounded(part, total.currency()).ok().map(Money::minor)
    };
    let parts = milestones.iter().enumerate().map(|(at, milestone)| {
        let part = if at == last { left } else { amount(milestone.share).unwrap_or(left).min(left) };
        left -= part;
        part
    });
    parts.collect()
}

/// By the largest remainder; of equal ones the first.
fn by_weight(total: i64, milestones: &[Milestone]) -> Vec<i64> {
    let scaled = |milestone: &Milestone| match milestone.share {
        Share::Weight(weight) => (weight * Decimal::from(10_000)).to_i128().unwrap_or(0),
        _ => 0,
    };
    let weights: Vec<i128> = milestones.iter().map(scaled).collect();
    let all: i128 = weights.iter().sum::<i128>().max(1);
    let exact = weights.iter().map(|weight| i128::from(total) * weight);
    let (mut parts, mut rests): (Vec<i64>, Vec<(usize, i128)>) = exact
        .enumerate()
        .map(|(at, exact)| (i64::try_from(exact.div_euclid(all)).unwrap_or(0), (at, exact.rem_euclid(all))))
        .unzip();
    rests.sort_by_key(|(at, rest)| (-rest, *at));
    let left = total - parts.iter().sum::<i64>();
    for (at, _) in rests.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        parts[at] += 1;
    }
    parts
}

fn none_is_nothing(total: i64, mut parts: Vec<i64>) -> Vec<i64> {
    if total >= least(parts.len()) {
        while let Some(empty) = parts.iter().position(|part| *part == 0) {
            if let Some(largest) = parts.iter_mut().max() {
                *largest -= 1;
            }
            parts[empty] = 1;
        }
    }
    parts
}

/// The least total, in minor units, of which every milestone gets something.
#[must_use]
pub fn least(milestones: usize) -> i64 {
    i64::try_from(milestones).unwrap_or(i64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use kernel::Currency;
    use proptest::prelude::*;

    use super::*;

    fn of(share: Share) -> Milestone {
        Milestone { title: "M".into(), share, due_on: None }
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    fn milestones(percents: &[&str]) -> Vec<Milestone> {
        percents.iter().map(|percent| of(Share::Percent(decimal(percent)))).collect()
    }

    fn weights(weights: &[&str]) -> Vec<Milestone> {
        weights.iter().map(|weight| of(Share::Weight(decimal(weight)))).collect()
    }

    /// Amounts; an empty one takes the rest.
    fn fixed_at(amounts: &[&str]) -> Vec<Milestone> {
        let share = |text: &&str| match *text {
            "" => Share::Remainder,
            text => Share::Amount(StatedAmount { value: decimal(text), currency: None }),
        };
        amounts.iter().map(|text| of(share(text))).collect()
    }

    fn split(total: i64, milestones: &[Milestone]) -> Vec<i64> {
        amounts(Money::from_minor(total, Currency::EUR), milestones).iter().map(|m| m.minor()).collect()
    }

    fn found(milestones: &[Milestone]) -> Vec<String> {
        let mut faults = Vec::new();
        check(milestones, Currency::EUR, &mut faults);
        faults.into_iter().map(|f| format!("{} {}", f.pointer, f.code)).collect()
    }

    #[test]
    fn three_equal_parts_are_equal() {
        assert_eq!(split(23_086_500, &weights(&["1", "1", "1"])), [7_695_500, 7_695_500, 7_695_500]);
        assert_eq!(split(23_086_500, &fixed_at(&["76955", "76955.00", "76955"])), [7_695_500, 7_695_500, 7_695_500]);
    }

    #[test]
    fn weights_give_what_is_left_over_to_the_largest_fractions() {
        assert_eq!(split(100, &weights(&["1", "1", "1"])), [34, 33, 33]);
        assert_eq!(split(101, &weights(&["1", "1", "1"])), [34, 34, 33]);
        // 100 × 3/8 = 37.5, 2/8 = 25, 3/8 = 37.5
        assert_eq!(split(100, &weights(&["3", "2", "3"])), [38, 25, 37]);
        assert_eq!(split(1_000, &weights(&["0.5", "0.2501", "0.2499"])), [500, 250, 250]);
        assert_eq!(split(100, &weights(&["1000000", "0.0001"])), [99, 1], "none is nothing");
    }

    #[test]
    fn amounts_are_exact_and_one_may_take_the_rest() {
        let plan = fixed_at(&["100", "", "50.50"]);
        assert_eq!(split(20_000, &plan), [10_000, 4_950, 5_050]);
        let misfit = |total, plan: &[Milestone]| {
            super::unpayable_total(Money::from_minor(total, Currency::EUR), plan, "/lines")
                .map(|fault| (fault.code, fault.detail))
        };
        assert_eq!(misfit(15_051, &plan), None);
        let (code, detail) = misfit(15_050, &plan).expect("nothing would be left for the second");
        assert_eq!(code, "MILESTONES_DIFFER");
        assert_eq!(
            detail,
            "the total must be more than 150.50 EUR, the fixed milestones, of which one takes the rest: it is 150.50 EUR"
        );
        let exact = fixed_at(&["100", "50.50"]);
        assert_eq!(misfit(15_050, &exact), None);
        let (_, detail) = misfit(15_051, &exact).expect("too much");
        assert_eq!(detail, "the total must be 150.50 EUR, to which the milestones of the tender add up: it is 150.51 EUR");
        assert_eq!(misfit(1, &weights(&["1", "1"])).map(|(code, _)| code), Some("OUT_OF_RANGE"));
        assert_eq!(misfit(2, &weights(&["1", "1"])), None);
    }

    #[test]
    fn shares_are_of_one_kind_and_sane() {
        assert!(found(&weights(&["1", "2.5"])).is_empty());
        assert!(found(&fixed_at(&["1", "2.5", ""])).is_empty());
        assert_eq!(
            found(&weights(&["0", "1000000.1"])),
            ["/milestones/0/weight OUT_OF_RANGE", "/milestones/1/weight OUT_OF_RANGE"]
        );
        assert_eq!(
            found(&fixed_at(&["0", "1.001", "", "", "1"])),
            ["/milestones/0/amount OUT_OF_RANGE", "/milestones/1/amount TOO_MANY_DECIMALS", "/milestones/3/remainder DUPLICATE"]
        );
        assert_eq!(found(&fixed_at(&["92233720368547758.07", "0.01"])), ["/milestones OUT_OF_RANGE"]);
        let yen = Share::Amount(StatedAmount { value: Decimal::ONE, currency: "JPY".parse().ok() });
        assert_eq!(found(&[of(yen)]), ["/milestones/0/amount/currency CURRENCY_MISMATCH"]);
        let mixed = [weights(&["1"]), fixed_at(&["1"]), milestones(&["100"]), fixed_at(&[""])].concat();
        let expected = ["/milestones/1 MIXED_KINDS", "/milestones/2 MIXED_KINDS", "/milestones/3 MIXED_KINDS"];
        assert_eq!(found(&mixed), expected);
    }

    fn minor(total: i64, percents: &[&str]) -> Vec<i64> {
        split(total, &milestones(percents))
    }

    #[test]
    fn the_remainder_goes_to_the_last() {
        assert_eq!(minor(964_900, &["30", "30", "40"]), [289_470, 289_470, 385_960]);
        assert_eq!(minor(100, &["33.3333", "33.3333", "33.3334"]), [33, 33, 34]);
        assert_eq!(minor(5, &["50", "50"]), [3, 2]);
        assert_eq!(minor(2, &["25", "25", "25", "25"]), [1, 1, 0, 0], "never less than nothing is left");
    }

    #[test]
    fn no_milestone_is_nothing_and_the_largest_pays() {
        assert_eq!(minor(100_000, &["99.9999", "0.0001"]), [99_999, 1]);
        assert_eq!(minor(100_000, &["0.0001", "99.9998", "0.0001"]), [1, 99_998, 1]);
        assert_eq!(minor(4, &["25", "25", "25", "25"]), [1, 1, 1, 1]);
        assert_eq!(minor(3, &["97", "1", "1", "1"]), [3, 0, 0, 0], "there is not enough");
    }

    #[test]
    fn percentages_must_add_up() {
        let codes = |percents: &[&str]| found(&milestones(percents));
        assert!(codes(&["33.3333", "33.3333", "33.3334"]).is_empty());
        assert_eq!(codes(&["50", "49.9999"]), ["/milestones PERCENT_SUM"]);
        assert_eq!(codes(&[]), ["/milestones PERCENT_SUM"]);
        assert_eq!(codes(&["100", "0"]), ["/milestones/1/percent OUT_OF_RANGE"]);
    }

    proptest! {
        #[test]
        fn amounts_add_up_to_the_total_and_none_is_nothing(total in prop_oneof![0_i64..=50, 0_i64..=1_000_000_000_000], cuts in prop::collection::vec(1_u32..=1_000_000, 1..8)) {
            let whole: u32 = cuts.iter().sum();
            let mut left = Decimal::ONE_HUNDRED;
            let mut percents: Vec<Decimal> = cuts.iter().map(|cut| {
                let percent = (Decimal::from(*cut) * Decimal::ONE_HUNDRED / Decimal::from(whole)).trunc_with_scale(4);
                left -= percent;
                percent
            }).collect();
            *percents.last_mut().expect("one") += left;
            let milestones: Vec<_> = percents.into_iter().map(|percent| of(Share::Percent(percent))).collect();
            let amounts = amounts(Money::from_minor(total, Currency::EUR), &milestones);
            prop_assert_eq!(amounts.iter().map(|m| m.minor()).sum::<i64>(), total);
            prop_assert!(amounts.iter().all(|m| m.minor() >= i64::from(total >= least(amounts.len()))));
        }

        #[test]
        fn weights_are_kept_to_the_minor_unit(
            total in prop_oneof![0_i64..=50, 0_i64..=1_000_000_000_000], parts in prop::collection::vec(1_i64..=10_000_000_000, 1..200),
        ) {
            let plan: Vec<_> = parts.iter().map(|weight| of(Share::Weight(Decimal::new(*weight, 4)))).collect();
            let given = split(total, &plan);
            prop_assert_eq!(given.iter().sum::<i64>(), total);
            let all: i128 = parts.iter().map(|part| i128::from(*part)).sum();
            let exact = |part: i64| i128::from(total) * i128::from(part);
            if parts.iter().all(|part| exact(*part) >= all) {
                for (given, part) in given.iter().zip(&parts) {
                    let off = i128::from(*given) * all - exact(*part);
                    prop_assert!(off.abs() < all, "never a whole minor unit away from its exact share");
                }
            }
            prop_assert!(given.iter().all(|part| *part >= i64::from(total >= least(given.len()))));
        }
    }
}
