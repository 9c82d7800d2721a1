//! `[single_sign_on]`: how the issuers of organisations are asked, which say themselves where theirs is.

use std::time::Duration;

use module::Reader;

/// How they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignOnSettings {
    /// How long one request may take.
    pub timeout: Duration,
    /// Whether an issuer may be at a private address, and without TLS: of developers and tests alone.
    pub private_issuers: bool,
}

impl SignOnSettings {
    /// As configured.
    pub fn read(r: &mut Reader) -> Self {
        let timeout = r.duration_within("single_sign_on.timeout", "100ms", "60s");
        let private_issuers = r.flag("single_sign_on.private_issuers");
        if private_issuers && r.production() {
            r.fault(
                "single_sign_on.private_issuers",
                "is for development: in production any organisation could have this server ask what is reachable from here alone",
            );
        }
        Self { timeout, private_issuers }
    }
}
