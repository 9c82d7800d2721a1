//! Who is first: the lowest total; of equal totals the one that was received earlier (docs/domain/tenders.md).

use kernel::{BidId, Timestamp};

/// What decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The bid.
    pub bid: BidId,
    /// Its total in minor units.
    pub total: i64,
    /// When its last revision was received.
    pub received_at: Timestamp,
}

/// The bids in the order of their rank.
#[must_use]
pub fn ranked(mut bids: Vec<Entry>) -> Vec<BidId> {
    bids.sort_by_key(|bid| (bid.total, bid.received_at, bid.bid));
    bids.into_iter().map(|bid| bid.bid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_total_wins_then_the_earlier_last_submission() {
        let at = |seconds| Timestamp::from_timestamp(seconds, 0).expect("a time");
        let [a, b, c] = [BidId::new(), BidId::new(), BidId::new()];
        let entry = |bid, total, seconds| Entry { bid, total, received_at: at(seconds) };
        assert_eq!(ranked(vec![entry(a, 200, 1), entry(b, 100, 9), entry(c, 100, 5)]), [c, b, a]);
    }
}
