//! The client's address: the peer's, or what trusted proxies say about it in the one header that they are known to set.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use actix_web::http::header::{self, HeaderMap};
use auth_api::Network;

/// The header in which the proxies of a deployment tell the client's address. The other one is whatever the client made up: a proxy passes
/// on what it does not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientIpHeader {
    /// `X-Forwarded-For: client, proxy`
    #[default]
    XForwardedFor,
    /// `Forwarded: for=client, for=proxy` (RFC 7239)
    Forwarded,
}

impl FromStr for ClientIpHeader {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "x-forwarded-for" => Ok(Self::XForwardedFor),
            "forwarded" => Ok(Self::Forwarded),
            _ => Err(format!("{text:?} should be x-forwarded-for or forwarded, whichever the proxies set")),
        }
    }
}

/// The client's address. The one forwarding header is read from the nearest hop back, as long as each hop is a trusted proxy: what stands
/// before the first untrusted hop is whatever that hop made up.
pub fn address(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[Network], header: ClientIpHeader) -> Option<IpAddr> {
    let mut client = peer?;
    if !is_trusted(client, trusted) {
        return Some(client);
    }
    for hop in hops(headers, header).into_iter().rev() {
        let Some(hop) = hop else { break };
        client = hop;
        if !is_trusted(client, trusted) {
            break;
        }
    }
    Some(client)
}

/// Somebody with an IPv6 address usually has 2⁶⁴ of them.
pub fn network_of(address: Option<IpAddr>) -> IpAddr {
    match address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX))),
        },
        v4 => v4,
    }
}

/// Whether the address is that of a trusted proxy.
pub fn is_trusted(address: IpAddr, trusted: &[Network]) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// Every hop that the header names, the client first; `None` where a hop is not an address.
fn hops(headers: &HeaderMap, header: ClientIpHeader) -> Vec<Option<IpAddr>> {
    let all = |name| headers.get_all(name).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    match header {
        ClientIpHeader::XForwardedFor => all(header::X_FORWARDED_FOR).map(parse).collect(),
        ClientIpHeader::Forwarded => all(header::FORWARDED).map(forwarded_for).collect(),
    }
}

/// `for="[2001:db8::1]:4711";proto=https` → the address.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pair =
        element.split(';').filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    parse(pair.1.trim_matches('"'))
}

/// An address with or without brackets and port.
fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.split(']').next()).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn seen_by(header: ClientIpHeader, peer: &str, given: &[(&'static str, &'static str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let trusted: Vec<Network> = ["10.0.0.0/8", "::1"].iter().map(|text| text.parse().expect("a network")).collect();
        address(peer.parse().ok(), &headers, &trusted, header).expect("an address").to_string()
    }

    fn seen(peer: &str, name: &'static str, value: &'static str) -> String {
        seen_by(name.parse().expect("a header"), peer, &[(name, value)])
    }

    #[test]
    fn headers_count_only_behind_trusted_proxies() {
        assert_eq!(seen("203.0.113.9", "x-forwarded-for", "1.1.1.1"), "203.0.113.9");
        assert_eq!(seen("203.0.113.9", "forwarded", "for=1.1.1.1"), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", "x-forwarded-for", "1.1.1.1"), "1.1.1.1");
        assert_eq!(seen("::ffff:10.0.0.1", "x-forwarded-for", "1.1.1.1"), "1.1.1.1");
        assert_eq!(seen("10.0.0.1", "x-forwarded-for", "6.6.6.6, 1.1.1.1, 10.0.0.2"), "1.1.1.1", "6.6.6.6 is made up");
        assert_eq!(seen("10.0.0.1", "x-forwarded-for", "1.1.1.1, unknown"), "10.0.0.1");
        assert_eq!(seen("::1", "forwarded", "for=\"[2001:db8::7]:4711\";proto=https"), "2001:db8::7");
        assert_eq!(seen("::1", "forwarded", "for=1.1.1.1:80"), "1.1.1.1");
        assert_eq!(seen("::1", "forwarded", "for=\"6.6.6.6, for=1.1.1.1"), "1.1.1.1", "an open quote swallows nothing");
    }

    #[test]
    fn only_the_configured_header_is_read() {
        use ClientIpHeader::{Forwarded, XForwardedFor};
        let both = [("forwarded", "for=6.6.6.6"), ("x-forwarded-for", "1.1.1.1")];
        assert_eq!(seen_by(XForwardedFor, "10.0.0.1", &both), "1.1.1.1", "the client sent `Forwarded` itself");
        let both = [("x-forwarded-for", "6.6.6.6"), ("forwarded", "for=1.1.1.1")];
        assert_eq!(seen_by(Forwarded, "10.0.0.1", &both), "1.1.1.1", "the client sent `X-Forwarded-For` itself");
        let others =
            [("x-real-ip", "6.6.6.6"), ("cf-connecting-ip", "6.6.6.6"), ("client-ip", "6.6.6.6"), ("forwarded", "for=6.6.6.6")];
        assert_eq!(seen_by(XForwardedFor, "10.0.0.1", &others), "10.0.0.1");
        let lines = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "1.1.1.1")];
        assert_eq!(seen_by(XForwardedFor, "10.0.0.1", &lines), "1.1.1.1", "the proxy's own line is the last");
    }
}
