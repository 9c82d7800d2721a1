//! `[audit]`, save the key that signs, which is the server's to keep.

use std::time::Duration;

use module::Reader;

/// Everything of this domain that an operator sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How often the heads that have moved are signed: each round writes a line to the log.
    pub sign_every: Duration,
}

impl Default for Settings {
    /// Every five minutes.
    fn default() -> Self {
        Self { sign_every: Duration::from_secs(300) }
    }
}

impl Settings {
    /// As configured.
    pub fn read(r: &mut Reader) -> Self {
        Self { sign_every: r.duration_within("audit.sign_every", "10s", "1d") }
    }
}
