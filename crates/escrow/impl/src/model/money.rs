//! Fees and gross-up in whole minor units.

#[cfg(test)]
pub(crate) use escrow_api::bounds::grossed_up;
pub(crate) use escrow_api::bounds::share;

/// How a release divides: what leaves the held money, what the platform keeps, what the contractor gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Split {
    pub(crate) gross: i64,
    pub(crate) fee: i64,
    pub(crate) net: i64,
}

impl Split {
    /// `None` if nothing would be left for the contractor.
    pub(crate) fn of(gross: i64, fee_bps: u32) -> Option<Self> {
        let fee = share(gross, fee_bps);
        let net = gross.checked_sub(fee)?;
        (gross > 0 && net > 0).then_some(Self { gross, fee, net })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_the_domain_page() {
        assert_eq!(Split::of(1_000_000, 250), Some(Split { gross: 1_000_000, fee: 25_000, net: 975_000 }));
        assert_eq!(grossed_up(1_000_000, 290, 30), Some(1_029_898));
        assert_eq!(share(20, 250), 1);
        assert_eq!(share(19, 250), 0);
        assert_eq!(Split::of(0, 250), None);
        assert_eq!(Split::of(1, 5_000), None);
    }

    proptest! {
        #[test]
        fn a_grossed_up_charge_is_enough_and_the_smallest_that_is(
            amount in 1_i64..10_000_000_000, bps in 0_u32..1_000, fixed in 0_i64..1_000,
        ) {
            let charge = grossed_up(amount, bps, fixed).expect("fits");
            let left = |c: i64| i128::from(c) * i128::from(10_000 - bps) - i128::from(fixed) * 10_000;
            prop_assert!(left(charge) >= i128::from(amount) * 10_000);
            prop_assert!(left(charge - 1) < i128::from(amount) * 10_000);
        }

        #[test]
        fn a_split_loses_nothing(gross in 1_i64..10_000_000_000, bps in 0_u32..5_000) {
            if let Some(split) = Split::of(gross, bps) {
                prop_assert_eq!(split.fee + split.net, gross);
                prop_assert!(split.net > 0 && split.fee >= 0);
            }
        }
    }
}
