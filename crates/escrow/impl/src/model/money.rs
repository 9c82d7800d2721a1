//! Fees and gross-up in whole minor units.

#[cfg(test)]
pub(crate) use escrow_api::bounds::grossed_up;
pub(crate) use escrow_api::bounds::share;

/// round_half_up(whole × part / of): what of `whole` goes with `part` of `of`.
pub(crate) fn proportion(whole: i64, part: i64, of: i64) -> i64 {
    let exact = 2 * i128::from(whole) * i128::from(part) + i128::from(of);
    i64::try_from(exact.div_euclid(2 * i128::from(of).max(1))).unwrap_or(i64::MAX)
}

/// What was released of a milestone before, without what was refused and is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Earlier {
    pub(crate) gross: i64,
    pub(crate) fees: i64,
}

/// Why a part cannot be released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPart {
    /// It is nothing, or more than there is.
    OutOfRange,
    /// The fee eats it.
    TooSmall,
    /// The fee would eat what is left, so that it could never be released.
    RestTooSmall,
}

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

    /// The next part, of `gross` out of what is `held`: its fee is the fee of everything released by then, less the fees taken before. So the
    /// fees of all parts add up to the fee of the whole, whatever the parts are; and what is left can always be released in one more.
    pub(crate) fn part(earlier: Earlier, held: i64, gross: i64, fee_bps: u32) -> Result<Self, NoPart> {
        if gross <= 0 || gross > held {
            return Err(NoPart::OutOfRange);
        }
        let next = |earlier: Earlier, gross: i64| {
            // Fees that were rounded part by part, as they once were, may have been too high: nothing is taken then.
            let fee = share(earlier.gross.checked_add(gross)?, fee_bps).checked_sub(earlier.fees)?.max(0);
            let net = gross.checked_sub(fee)?;
            (net > 0).then_some(Self { gross, fee, net })
        };
        let part = next(earlier, gross).ok_or(NoPart::TooSmall)?;
        let then = Earlier { gross: earlier.gross + gross, fees: earlier.fees + part.fee };
        if gross < held && next(then, held - gross).is_none() {
            return Err(NoPart::RestTooSmall);
        }
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_parts_of_a_fee_sum_to_it() {
        assert_eq!([0, 1, 333, 500, 1_000].map(|part| proportion(25, part, 1_000)), [0, 0, 8, 13, 25]);
        assert_eq!(proportion(i64::MAX, 1, 1), i64::MAX);
    }

    #[test]
    fn the_example_of_the_domain_page() {
        assert_eq!(Split::of(1_000_000, 250), Some(Split { gross: 1_000_000, fee: 25_000, net: 975_000 }));
        assert_eq!(grossed_up(1_000_000, 290, 30), Some(1_029_898));
        assert_eq!(share(20, 250), 1);
        assert_eq!(share(19, 250), 0);
        assert_eq!(Split::of(0, 250), None);
        assert_eq!(Split::of(1, 5_000), None);
    }

    #[test]
    fn three_thirds_pay_the_shown_fee() {
        let (mut earlier, mut held, mut fees) = (Earlier::default(), 1_000_000, Vec::new());
        for gross in [333_333, 333_333, 333_334] {
            let part = Split::part(earlier, held, gross, 250).expect("a part");
            earlier = Earlier { gross: earlier.gross + gross, fees: earlier.fees + part.fee };
            held -= gross;
            fees.push(part.fee);
        }
        assert_eq!((fees, earlier.fees), (vec![8_333, 8_334, 8_333], 25_000));
    }

    #[test]
    fn nothing_is_left_that_could_never_be_released() {
        // 19 of 20 cost nothing, so that the last one would be all fee.
        assert_eq!(Split::part(Earlier::default(), 20, 19, 250), Err(NoPart::RestTooSmall));
        assert_eq!(Split::part(Earlier { gross: 19, fees: 0 }, 2, 1, 250), Err(NoPart::TooSmall));
        assert_eq!(Split::part(Earlier { gross: 19, fees: 0 }, 2, 2, 250), Ok(Split { gross: 2, fee: 1, net: 1 }));
        assert_eq!(Split::part(Earlier::default(), 20, 21, 250), Err(NoPart::OutOfRange));
        assert_eq!(Split::part(Earlier::default(), 20, 0, 250), Err(NoPart::OutOfRange));
        // Rounded part by part before: the last part takes what is missing, or nothing.
        assert_eq!(Split::part(Earlier { gross: 666_666, fees: 16_666 }, 333_334, 333_334, 250).map(|part| part.fee), Ok(8_334));
        assert_eq!(Split::part(Earlier { gross: 40, fees: 2 }, 5, 5, 250).map(|part| part.fee), Ok(0));
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
        fn fees_of_parts_add_up_to_the_fee_of_the_whole(
            whole in prop_oneof![1_i64..200, 1_i64..10_000_000_000], bps in 0_u32..=5_000,
            cuts in prop::collection::vec(0_i64..1_000, 0..20), small in prop::collection::vec(1_i64..4, 0..5),
        ) {
            let Some(shown) = Split::of(whole, bps) else { return Ok(()) };
            let (mut earlier, mut held, mut nets) = (Earlier::default(), whole, 0);
            let wanted = small.iter().copied().chain(cuts.iter().map(|cut| whole * cut / 1_000));
            for gross in wanted {
                let Ok(part) = Split::part(earlier, held, gross, bps) else { continue };
                prop_assert_eq!((part.gross, part.fee + part.net), (gross, gross));
                prop_assert!(part.net > 0 && part.fee >= 0);
                earlier = Earlier { gross: earlier.gross + gross, fees: earlier.fees + part.fee };
                prop_assert_eq!(earlier.fees, share(earlier.gross, bps));
                held -= gross;
                nets += part.net;
            }
            if held > 0 {
                let rest = Split::part(earlier, held, held, bps).expect("what is left can always be released");
                earlier.fees += rest.fee;
                nets += rest.net;
            }
            prop_assert_eq!((earlier.fees, nets), (shown.fee, shown.net));
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
