//! What is done later: the tasks that this domain enqueues, run by [`crate::Service`].

use kernel::TenderId;
use serde::{Deserialize, Serialize};

/// T6 and T7: [`crate::Service::close_due`].
pub const CLOSE_JOB: &str = "tenders.close";

/// A2 and C1 after a stand-still: [`crate::Service::finish_standstill`].
pub const FINISH_STANDSTILL_JOB: &str = "tenders.finish_standstill";

/// An award falls whose contract is not signed in time: [`crate::Service::fall_unsigned`].
pub const FALL_AWARD_JOB: &str = "tenders.fall_award";

/// The payload of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderJob {
    /// The tender.
    pub tender: TenderId,
}
