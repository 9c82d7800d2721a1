//! To which name, and to which origin, the passkeys of a server are bound.

use kernel::Fault;
use webauthn_rs::prelude::Url;

/// Where a server's pages are, as passkeys see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// The name that keys are bound to (the relying party's id).
    pub(crate) name: String,
    /// Where alone they are used.
    pub(crate) origin: Url,
}

/// That of a server with this URL; `None` where it is a number, to which no browser binds a key. The machine itself has a name: a developer opens
/// `http://localhost:…` rather than `http://127.0.0.1:…`.
///
/// # Errors
/// A fault if it is no URL.
pub(crate) fn address_of(public_url: &str) -> Result<Option<Address>, Fault> {
    let mut url = Url::parse(public_url).map_err(|error| Fault::internal(format!("server.public_url is no URL: {error}")))?;
    let own = url.host_str().is_some_and(|host| {
        let number = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        number.is_ok_and(|number| number.is_loopback())
    });
    if own {
        url.set_host(Some("localhost")).map_err(|error| Fault::internal(format!("localhost is no host: {error}")))?;
    }
    let name = url.domain().map(str::to_owned);
    // An origin has no path.
    let origin = Url::parse(&url.origin().ascii_serialization()).map_err(|error| Fault::internal(error.to_string()))?;
    Ok(name.map(|name| Address { name, origin }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(url: &str) -> Option<(String, String)> {
        let address = address_of(url).unwrap_or_else(|fault| panic!("{fault}"))?;
        Some((address.name, address.origin.to_string()))
    }

    #[test]
    fn keys_are_bound_to_the_name_of_the_server() {
        for (url, name, origin) in [
            ("https://api.example.com", "api.example.com", "https://api.example.com/"),
            ("https://api.example.com:8443/app/", "api.example.com", "https://api.example.com:8443/"),
            ("http://localhost:8080", "localhost", "http://localhost:8080/"),
            ("http://127.0.0.1:8080", "localhost", "http://localhost:8080/"),
            ("http://[::1]:8080", "localhost", "http://localhost:8080/"),
        ] {
            assert_eq!(told(url), Some((name.to_owned(), origin.to_owned())), "{url}");
        }
        assert_eq!(told("https://192.0.2.7"), None);
        assert_eq!(told("https://[2001:db8::1]"), None);
        assert!(address_of("api.example.com").is_err());
    }
}
