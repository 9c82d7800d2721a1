//! `Network`: addresses that belong together.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A network in CIDR notation: `10.0.0.0/8`, `2001:db8::/32`, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: u128,
    prefix: u32,
}

/// Where the addresses of IPv4 lie among those of IPv6.
const MAPPED: u32 = 96;

impl Network {
    /// Whether the address belongs to it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        bits(address) & mask(self.prefix) == self.address
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a network such as 10.0.0.0/8");
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(most), str::parse).map_err(|_| wrong())?;
        if length > most {
            return Err(wrong());
        }
        let prefix = 128 - most + length;
        Ok(Self { address: bits(address) & mask(prefix), prefix })
    }
}

/// In one form: the first address of the network, and how much of it all have.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = std::net::Ipv6Addr::from(self.address);
        match first.to_ipv4_mapped() {
            Some(v4) if self.prefix >= MAPPED => write!(f, "{v4}/{}", self.prefix - MAPPED),
            _ => write!(f, "{first}/{}", self.prefix),
        }
    }
}

fn mask(prefix: u32) -> u128 {
    u128::MAX.checked_shl(128 - prefix).unwrap_or(0)
}

/// IPv4 as its IPv6 mapping, so that `::ffff:10.0.0.1` is 10.0.0.1.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_checked() {
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "x/8", "10.0.0.0/"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        let all: Network = "::/0".parse().expect("a network");
        assert!(all.contains("10.1.2.3".parse().expect("an address")));
    }

    #[test]
    fn a_network_is_shown_in_one_form() {
        for (written, shown) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("203.0.113.7", "203.0.113.7/32"),
            ("::ffff:10.0.0.1", "10.0.0.1/32"),
            ("2001:db8:1::5/32", "2001:db8::/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(written.parse::<Network>().expect("a network").to_string(), shown, "{written}");
        }
    }
}
