//! `[tenants]`

use std::time::Duration;

use module::Reader;

/// Everything of this domain that an operator sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long an approver whom no owner made does not count as a second person.
    pub approver_wait: Duration,
}

impl Default for Settings {
    /// A day.
    fn default() -> Self {
        Self { approver_wait: Duration::from_secs(24 * 3600) }
    }
}

impl Settings {
    /// As configured.
    pub fn read(r: &mut Reader) -> Self {
        // In production it is what keeps one person from approving twice.
        let least = if r.production() { "1h" } else { "0s" };
        Self { approver_wait: r.duration_within("tenants.approver_wait", least, "365d") }
    }
}
