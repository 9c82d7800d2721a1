//! `[tenders]`: how long everybody has. The keys that seal are the server's to keep.

use std::time::Duration;

use module::Reader;

/// Everything of this domain that an operator sets, save the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// A tender's deadline is at least so far away when it is published.
    pub minimum_submission_period: Duration,
    /// How long an award can be challenged before its contract is opened.
    pub standstill: Duration,
    /// How long both parties have to sign the contract before the award falls; zero: for ever.
    pub signature_period: Duration,
}

impl Default for Settings {
    /// Seven days to bid, no stand-still, fourteen days to sign.
    fn default() -> Self {
        Self {
            minimum_submission_period: Duration::from_secs(7 * 86_400),
            standstill: Duration::ZERO,
            signature_period: Duration::from_secs(14 * 86_400),
        }
    }
}

impl Settings {
    /// As configured.
    pub fn read(r: &mut Reader) -> Self {
        let least = if r.production() { "1h" } else { "1ms" };
        Self {
            minimum_submission_period: r.duration_within("tenders.minimum_submission_period", least, "366d"),
            standstill: r.duration_within("tenders.standstill", "0s", "366d"),
            signature_period: r.duration_within("tenders.signature_period", "0s", "366d"),
        }
    }
}
