//! Which addresses may be asked that somebody else named: public ones. What is reachable from this machine alone is nobody's to have asked from here.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec::IntoIter;

use hyper::Uri;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

/// Whether an address may be asked by its form: over TLS, by a name that is none of this machine or its network. What the name resolves to is seen
/// when it is.
pub(crate) fn may_be_asked(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_name = bare.parse::<IpAddr>().is_err() && bare.contains('.') && !bare.ends_with('.');
    let last = bare.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    // A name that ends in digits is read as an address by some.
    let is_public = !last.bytes().all(|byte| byte.is_ascii_digit()) && !["localhost", "local", "internal"].contains(&&*last);
    uri.scheme_str() == Some("https") && is_name && is_public
}

/// Whether an address is one of the Internet's, which everybody can ask.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// By the registry of special addresses (RFC 6890 and what came after it).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

/// What stands for an address of the other kind is as public as that.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, ..] = address.segments();
    // Only this is given to anybody: neither loopback nor link-local, unique local, multicast or mapped addresses.
    let is_global = a & 0xe000 == 0x2000;
    let is_special = (a == 0x2001 && (b < 0x0200 || b == 0x0db8)) || (a == 0x3fff && b < 0x1000);
    let [d, e] = b.to_be_bytes();
    let [f, g] = c.to_be_bytes();
    let carries = a != 0x2002 || is_public_v4(Ipv4Addr::new(d, e, f, g));
    is_global && !is_special && carries
}

/// Resolves names, to public addresses alone where it is guarded: of what somebody else named nobody is asked who is not, however often the name changes
/// its mind.
#[derive(Clone)]
pub(crate) struct Resolver {
    names: GaiResolver,
    guarded: bool,
}

impl Resolver {
    pub(crate) fn new(guarded: bool) -> Self {
        Self { names: GaiResolver::new(), guarded }
    }
}

impl Service<Name> for Resolver {
    type Response = IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        self.names.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (found, guarded) = (self.names.call(name), self.guarded);
        Box::pin(async move {
            let all: Vec<SocketAddr> = found.await?.collect();
            // One that is not public makes all of them doubtful.
            if guarded && !all.iter().all(|address| is_public(address.ip())) {
                return Err(io::Error::other("it is at no public address"));
            }
            Ok(all.into_iter())
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;

    #[test]
    fn what_is_reachable_from_here_alone_is_not_asked() {
        for uri in [
            "http://login.example.com/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://203.0.113.7/",
            "https://localhost/",
            "https://metadata/",
            "https://metadata.google.internal/",
            "https://printer.local/",
            "https://sub.localhost/",
            "https://0x7f.1/",
            "https://login.example.com./",
        ] {
            assert!(!may_be_asked(&uri.parse().unwrap()), "{uri}");
        }
        for uri in ["https://login.example.com/realms/acme", "https://login.example.com:8443/"] {
            assert!(may_be_asked(&uri.parse().unwrap()), "{uri}");
        }
    }

    #[test]
    fn special_addresses_are_not_public_in_whatever_form() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["1.1.1.1", "100.63.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1", "2002:101:101::"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_back_here_is_not_resolved_for_others() {
        let mut found = Resolver::new(false).call("localhost".parse().unwrap()).await.unwrap();
        assert!(found.all(|address| address.ip().is_loopback()));
        let refused = Resolver::new(true).call("localhost".parse().unwrap()).await.unwrap_err();
        assert_eq!(refused.to_string(), "it is at no public address");
    }
}
