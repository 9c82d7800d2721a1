//! `[leaving]`

use std::time::Duration;

use module::Reader;

/// What a deployment decides about who leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// For how long it can be taken back that an organisation, or an account, leaves.
    pub grace: Duration,
}

impl Default for Settings {
    /// Two weeks.
    fn default() -> Self {
        Self { grace: Duration::from_secs(14 * 24 * 3600) }
    }
}

impl Settings {
    /// As configured.
    pub fn read(r: &mut Reader) -> Self {
        // In production it is what a stolen session cannot take away.
        let least = if r.production() { "1d" } else { "0s" };
        Self { grace: r.duration_within("leaving.grace", least, "90d") }
    }
}
