//! Milestones: percentages of the contract sum that add up exactly.

use kernel::{FieldFault, Money};
use rust_decimal::Decimal;
use tenders_api::Milestone;

/// Whether the percentages add up to 100 exactly and each is sane.
pub fn check(milestones: &[Milestone], faults: &mut Vec<FieldFault>) {
    for (at, milestone) in milestones.iter().enumerate() {
        if milestone.title.trim().is_empty() {
            faults.push(FieldFault::new(format!("/milestones/{at}/title"), "REQUIRED", "must not be blank"));
        }
        if milestone.percent <= Decimal::ZERO || milestone.percent > Decimal::ONE_HUNDRED {
            faults.push(FieldFault::new(
                format!("/milestones/{at}/percent"),
                "OUT_OF_RANGE",
                "must be more than 0 and at most 100",
            ));
        } else if milestone.percent.normalize().scale() > 4 {
            faults.push(FieldFault::new(
                format!("/milestones/{at}/percent"),
                "TOO_MANY_DECIMALS",
                "at most 4 decimals are allowed",
            ));
        }
    }
    let sum = milestones.iter().try_fold(Decimal::ZERO, |sum, milestone| sum.checked_add(milestone.percent));
    if sum != Some(Decimal::ONE_HUNDRED) {
        let sum = sum.map_or_else(|| "too much".to_owned(), |sum| sum.normalize().to_string());
        faults.push(FieldFault::new(
            "/milestones",
            "PERCENT_SUM",
            format!("the percentages must add up to 100: they add up to {sum}"),
        ));
    }
}

/// The amount of each milestone: percent × total rounded half up, the last one gets what remains, so that they add up exactly. None is
/// nothing as long as the total has a minor unit for each: what is lacking is taken from the largest.
#[must_use]
pub fn amounts(total: Money, milestones: &[Milestone]) -> Vec<Money> {
    let mut left = total.minor();
    let last = milestones.len().saturating_sub(1);
    let amount = |percent: Decimal| {
        let part = total.to_decimal().checked_mul(percent)?.checked_div(Decimal::ONE_HUNDRED)?;
        Money::rounded(part, total.currency()).ok().map(Money::minor)
    };
    let parts = milestones.iter().enumerate().map(|(at, milestone)| {
        let part = if at == last { left } else { amount(milestone.percent).unwrap_or(left).min(left) };
        left -= part;
        part
    });
    let mut parts: Vec<i64> = parts.collect();
    if total.minor() >= least(milestones.len()) {
        while let Some(empty) = parts.iter().position(|part| *part == 0) {
            if let Some(largest) = parts.iter_mut().max() {
                *largest -= 1;
            }
            parts[empty] = 1;
        }
    }
    parts.into_iter().map(|part| Money::from_minor(part, total.currency())).collect()
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

    fn milestones(percents: &[&str]) -> Vec<Milestone> {
        let one = |percent: &&str| Milestone { title: "M".into(), percent: percent.parse().expect("a decimal"), due_on: None };
        percents.iter().map(one).collect()
    }

    fn minor(total: i64, percents: &[&str]) -> Vec<i64> {
        amounts(Money::from_minor(total, Currency::EUR), &milestones(percents)).iter().map(|m| m.minor()).collect()
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
        let codes = |percents: &[&str]| {
            let mut faults = Vec::new();
            check(&milestones(percents), &mut faults);
            faults.into_iter().map(|f| format!("{} {}", f.pointer, f.code)).collect::<Vec<_>>()
        };
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
            let milestones: Vec<_> = percents.into_iter().map(|percent| Milestone { title: "M".into(), percent, due_on: None }).collect();
            let amounts = amounts(Money::from_minor(total, Currency::EUR), &milestones);
            prop_assert_eq!(amounts.iter().map(|m| m.minor()).sum::<i64>(), total);
            prop_assert!(amounts.iter().all(|m| m.minor() >= i64::from(total >= least(amounts.len()))));
        }
    }
}
