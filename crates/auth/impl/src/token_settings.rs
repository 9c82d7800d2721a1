//! `[tokens]`: what a deployment decides about tokens for other services.

use std::time::Duration;

use module::Reader;

/// What a deployment decides about tokens for other services.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// The services that tokens may be for, as they call themselves.
    pub audiences: Vec<String>,
    /// How long a token lives.
    pub lifetime: Duration,
    /// How long a key signs.
    pub rotate_every: Duration,
}

/// A service's name is at most so long.
const LONGEST_AUDIENCE: usize = 200;

impl TokenSettings {
    /// As configured.
    pub fn read(r: &mut Reader) -> Self {
        let audiences = r.list("tokens.audiences");
        if audiences.iter().any(|name| name.len() > LONGEST_AUDIENCE || !name.bytes().all(|byte| byte.is_ascii_graphic())) {
            r.fault(
                "tokens.audiences",
                format!("must be names of 1 to {LONGEST_AUDIENCE} visible characters, such as https://reports.example.com"),
            );
        }
        Self {
            audiences,
            lifetime: r.duration_within("tokens.lifetime", "10s", "5m"),
            rotate_every: r.duration_within("tokens.rotate_every", "1d", "400d"),
        }
    }
}

impl Default for TokenSettings {
    fn default() -> Self {
        let (lifetime, rotate_every) = (Duration::from_secs(5 * 60), Duration::from_secs(30 * 24 * 3600));
        Self { audiences: Vec::new(), lifetime, rotate_every }
    }
}
