//! `[domains]`

use std::net::SocketAddr;
use std::time::Duration;

use module::Reader;

/// How domains are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainSettings {
    /// The servers of the domain name system that are asked; none: those of this machine.
    pub resolvers: Vec<SocketAddr>,
    /// How long each try may take.
    pub timeout: Duration,
}

impl DomainSettings {
    /// As configured.
    pub fn read(r: &mut Reader) -> Self {
        let resolvers = r.parsed_list("domains.resolvers");
        Self { resolvers, timeout: r.duration_within("domains.timeout", "100ms", "30s") }
    }
}
