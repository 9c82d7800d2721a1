//! The platform's own money, and whether what is there covers what is owed.

use kernel::{Currency, Money, Timestamp};

/// What a look at a currency says: coverage, and what the provider said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CoverageLook {
    pub(crate) currency: Currency,
    /// Float and money less liabilities, by the books, in minor units. Negative: short.
    pub(crate) surplus: i64,
    /// How much may lack of it before anything is stopped.
    pub(crate) reserve: i64,
    /// What the provider's balance has, when it was last read.
    pub(crate) holds: Option<i64>,
    /// What it should have had at least.
    pub(crate) should: Option<i64>,
    /// Whether money of it was stopped before this look.
    pub(crate) was_stopped: bool,
}

impl CoverageLook {
    /// So many minor units of the currency.
    pub(crate) fn money(&self, minor: i64) -> Money {
        Money::from_minor(minor, self.currency)
    }

    /// What the provider lacks of what the books say; zero if nothing.
    pub(crate) fn missing(&self) -> i64 {
        self.should.zip(self.holds).map_or(0, |(should, holds)| (should - holds).max(0))
    }

    /// Whether money of the currency is stopped.
    pub(crate) fn is_stopped(&self) -> bool {
        self.surplus.saturating_add(self.reserve) < 0 || self.missing() > 0
    }
}

/// A float as it was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PostedFloat {
    pub(crate) source_object: String,
    pub(crate) amount: Money,
    pub(crate) at: Timestamp,
    pub(crate) operator: Option<String>,
}

/// A loss of which something did not come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredLoss {
    /// Its row.
    pub(crate) row: uuid::Uuid,
    /// By which people name it.
    pub(crate) id: String,
    /// What of it did not come back.
    pub(crate) open: Money,
    pub(crate) at: Timestamp,
}
