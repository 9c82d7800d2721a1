//! What is charged for a milestone, and what one may be over so that one charge can pay it.

use kernel::{Currency, FieldFault, Money};

use crate::{CostBearer, Terms};

/// round_half_up(amount × bps / 10,000) of a positive amount.
#[must_use]
pub fn share(amount: i64, bps: u32) -> i64 {
    let exact = i128::from(amount) * i128::from(bps) + 5_000;
    i64::try_from(exact.div_euclid(10_000)).unwrap_or(i64::MAX)
}

/// The smallest charge that leaves at least `amount` after `bps` and `fixed`.
/// `None` if it does not fit, or if the rate eats everything.
#[must_use]
pub fn grossed_up(amount: i64, bps: u32, fixed: i64) -> Option<i64> {
    let kept = 10_000_i128 - i128::from(bps);
    if kept <= 0 {
        return None;
    }
    let wanted = (i128::from(amount) + i128::from(fixed)) * 10_000;
    i64::try_from((wanted + kept - 1).div_euclid(kept)).ok()
}

impl Terms {
    /// What the owner is charged for a milestone over `amount` minor units; `None` if no charge leaves so much.
    #[must_use]
    pub fn charge_of(&self, amount: i64) -> Option<i64> {
        match self.bearer {
            CostBearer::Owner => grossed_up(amount, self.processing_bps, self.processing_fixed),
            CostBearer::Platform => Some(amount),
        }
    }

    fn leaves_something(&self, amount: i64) -> bool {
        amount > share(amount, self.fee_bps)
    }

    /// What a milestone may be over.
    #[must_use]
    pub fn milestone_bounds(&self, currency: Currency) -> MilestoneBounds {
        let (least, most) = currency.charge_limits();
        let charged = |amount: i64| self.charge_of(amount).unwrap_or(i64::MAX);
        let smallest = first(1, least, |amount| charged(amount) >= least && self.leaves_something(amount));
        // The charge grows with the amount and is never below it.
        let too_large = first(1, most.saturating_add(1), |amount| charged(amount) > most);
        MilestoneBounds {
            least: Money::from_minor(smallest, currency),
            most: Money::from_minor(too_large - 1, currency),
            charge: (Money::from_minor(least, currency), Money::from_minor(most, currency)),
        }
    }
}

/// The first number from `low` to `high` for which it holds, where it holds for all after the first; `high` if for none before.
fn first(low: i64, high: i64, holds: impl Fn(i64) -> bool) -> i64 {
    let (mut low, mut high) = (low, high);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

/// What a milestone may be over, so that one charge pays it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MilestoneBounds {
    /// The least.
    pub least: Money,
    /// The most.
    pub most: Money,
    /// What the provider charges at least and at most.
    charge: (Money, Money),
}

impl MilestoneBounds {
    /// A fault for each of the milestones that could never be funded: their places, from 0, and amounts; `at` gives the pointer of a place.
    #[must_use]
    pub fn faults(&self, amounts: impl IntoIterator<Item = (usize, Money)>, at: impl Fn(usize) -> String) -> Vec<FieldFault> {
        let out = |amount: &Money| amount.minor() < self.least.minor() || amount.minor() > self.most.minor();
        let fault = |(n, amount): (usize, Money)| {
            let detail = format!(
                "milestone {} would be worth {amount}, which cannot be paid: it must be from {} to {}, since one charge, the processing cost \
                 included where the owner bears it, is from {} to {}",
                n + 1,
                self.least,
                self.most,
                self.charge.0,
                self.charge.1,
            );
            FieldFault::new(at(n), "MILESTONE_NOT_PAYABLE", detail)
        };
        amounts.into_iter().filter(|(_, amount)| out(amount)).map(fault).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(code: &str, bearer: CostBearer) -> (i64, i64) {
        let terms = Terms { fee_bps: 250, bearer, processing_bps: 290, processing_fixed: 30 };
        let MilestoneBounds { least, most, .. } = terms.milestone_bounds(code.parse().expect("known"));
        (least.minor(), most.minor())
    }

    #[test]
    fn the_gross_up_counts() {
        // 0.18 with its cost is charged 0.50, and 970,999.69 is charged 999,999.99.
        assert_eq!(bounds("EUR", CostBearer::Owner), (18, 97_099_969));
        assert_eq!(bounds("EUR", CostBearer::Platform), (50, 99_999_999));
        assert_eq!(grossed_up(18, 290, 30), Some(50));
        assert_eq!(grossed_up(17, 290, 30), Some(49));
        assert_eq!(grossed_up(97_099_969, 290, 30), Some(99_999_999));
    }

    #[test]
    fn every_bound_is_the_last_that_can_be_charged() {
        for currency in Currency::all() {
            let terms = Terms { fee_bps: 250, bearer: CostBearer::Owner, processing_bps: 399, processing_fixed: 8_500 };
            let (least, most) = currency.charge_limits();
            let bounds = terms.milestone_bounds(currency);
            let charge = |amount| terms.charge_of(amount).expect("fits");
            let smallest = bounds.least.minor();
            assert!(charge(smallest) >= least && (smallest == 1 || charge(smallest - 1) < least), "{currency}");
            assert!(charge(bounds.most.minor()) <= most && charge(bounds.most.minor() + 1) > most, "{currency}");
        }
    }

    #[test]
    fn each_milestone_that_cannot_be_paid_is_named_with_the_limits() {
        let terms = Terms { fee_bps: 250, bearer: CostBearer::Owner, processing_bps: 290, processing_fixed: 30 };
        let eur = |minor| Money::from_minor(minor, Currency::EUR);
        let at = |n| format!("/milestones/{n}/amount");
        let faults =
            terms.milestone_bounds(Currency::EUR).faults([eur(1), eur(1_000_000), eur(98_000_000)].into_iter().enumerate(), at);
        let named: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
        assert_eq!(named, [("/milestones/0/amount", "MILESTONE_NOT_PAYABLE"), ("/milestones/2/amount", "MILESTONE_NOT_PAYABLE")]);
        assert!(faults[1].detail.contains("worth 980000.00 EUR"), "{}", faults[1].detail);
        assert!(faults[1].detail.contains("0.18 EUR to 970999.69 EUR"), "{}", faults[1].detail);
    }
}
