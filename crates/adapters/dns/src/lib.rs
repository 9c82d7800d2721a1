//! The texts that a domain's owner publishes (TXT records), asked of the domain name system: of the servers that an operator names, else of those that this
//! machine asks.
//!
//! Nothing is remembered from one look to the next: whoever has just published a text is seen, and who has just taken it away as well. Each look has
//! sockets of its own, with the random ports, ids and letters that make an answer hard to forge.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use kernel::Fault;
use users_api::TxtRecords;

/// Where a machine says which servers it asks.
const OF_THE_MACHINE: &str = "/etc/resolv.conf";
/// The port of such servers.
const PORT: u16 = 53;
/// So often a server is asked that does not answer.
const ATTEMPTS: usize = 2;

/// Asks servers of the domain name system.
#[derive(Debug, Clone)]
pub struct Resolver {
    servers: Vec<SocketAddr>,
    timeout: Duration,
}

impl Resolver {
    /// Asks these servers; without any, those of this machine. Each try takes as long as `timeout` at most.
    #[must_use]
    pub fn new(servers: Vec<SocketAddr>, timeout: Duration) -> Self {
        Self { servers, timeout }
    }

    /// Whom to ask. Looked up each time: a machine's servers change while a program runs.
    fn servers(&self) -> Vec<SocketAddr> {
        if self.servers.is_empty() { of_the_machine(Path::new(OF_THE_MACHINE)) } else { self.servers.clone() }
    }

    fn fresh(&self) -> Result<TokioResolver, Fault> {
        let mut config = ResolverConfig::default();
        for server in self.servers() {
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                connection.port = server.port();
                connection
            });
            config.add_name_server(NameServerConfig::new(server.ip(), true, connections.into()));
        }
        if config.name_servers().is_empty() {
            return Err(Fault::unavailable("no server of the domain name system is known: name one in domains.resolvers"));
        }
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options = builder.options_mut();
        options.timeout = self.timeout;
        options.attempts = ATTEMPTS;
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        options.case_randomization = true;
        builder.build().map_err(Fault::internal)
    }
}

/// The servers that a file of the form of `resolv.conf` names.
fn of_the_machine(file: &Path) -> Vec<SocketAddr> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let named = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        if words.next() == Some("nameserver") { words.next()?.parse::<IpAddr>().ok() } else { None }
    });
    named.map(|ip| SocketAddr::new(ip, PORT)).collect()
}

#[async_trait]
impl TxtRecords for Resolver {
    async fn texts(&self, name: &str) -> Result<Vec<String>, Fault> {
        let resolver = self.fresh()?;
        // Whole, so that nothing of this machine's own domain is appended.
        let found = match resolver.txt_lookup(format!("{name}.")).await {
            Ok(found) => found,
            Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
            Err(error) => return Err(Fault::unavailable(error)),
        };
        let texts = found.answers().iter().filter_map(|record| match &record.data {
            // A long text comes in pieces.
            RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
            _ => None,
        });
        Ok(texts.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_of_a_machine_are_those_that_its_file_names() {
        let file = std::env::temp_dir().join(format!("build14-resolv-{}", std::process::id()));
        let text = "# made by hand\nsearch example.com\nnameserver 192.0.2.1\n nameserver 2001:db8::1 \nnameserver\nnameserver nonsense\noptions edns0\n";
        std::fs::write(&file, text).expect("it is written");
        let servers = of_the_machine(&file);
        std::fs::remove_file(&file).expect("it is removed");
        assert_eq!(servers.iter().map(ToString::to_string).collect::<Vec<_>>(), ["192.0.2.1:53", "[2001:db8::1]:53"]);
        assert!(of_the_machine(Path::new("/nowhere/at/all")).is_empty());
    }
}
