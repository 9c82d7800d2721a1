//! `[leaving]`

use std::time::Duration;

use module::Reader;

/// What a deployment decides about who leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// For how long it can be taken back that an organisation, or an account, leaves.
    pub grace: Duration,
    /// For how long an archive of what somebody takes along is kept.
    pub export_kept: Duration,
    /// How many bytes one may have.
    pub export_most_bytes: usize,
}

/// A database keeps it, and a process holds it while it is made.
const MOST_BYTES: usize = 1 << 30;

impl Default for Settings {
    /// Two weeks, one week, 64 MiB.
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        Self { grace: days(14), export_kept: days(7), export_most_bytes: 64 << 20 }
    }
}

impl Settings {
    /// As configured.
    pub fn read(r: &mut Reader) -> Self {
        // In production it is what a stolen session cannot take away.
        let least = if r.production() { "1d" } else { "0s" };
        let grace = r.duration_within("leaving.grace", least, "90d");
        let export_kept = r.duration_within("leaving.export_kept", "1h", "30d");
        let export_most_bytes = r.number("leaving.export_most_bytes", "67108864");
        if !(1 << 20..=MOST_BYTES).contains(&export_most_bytes) && !r.has_fault("leaving.export_most_bytes") {
            r.fault("leaving.export_most_bytes", format!("must be from 1048576 to {MOST_BYTES}"));
        }
        Self { grace, export_kept, export_most_bytes }
    }
}
