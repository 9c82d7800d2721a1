//! A place of ours that a mail leads to.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A link, below the setting `server.public_url`: whoever sends a mail never sees a host, so that no request can choose one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Link(String);

impl Link {
    /// To a path of ours, such as `/reset-password`. What is not of a path's characters is encoded.
    #[must_use]
    pub fn to(path: &str) -> Self {
        let mut link = String::from("/");
        for c in path.trim_start_matches('/').chars() {
            if c.is_ascii_alphanumeric() || "/-._~".contains(c) {
                link.push(c);
            } else {
                let mut bytes = [0; 4];
                link.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")));
            }
        }
        Self(link)
    }

    /// With a parameter that the server reads; `value` is encoded.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let pair = pair(name, value);
        let at = self.0.find('#').unwrap_or(self.0.len());
        let sign = if self.0[..at].contains('?') { '&' } else { '?' };
        self.0.insert_str(at, &format!("{sign}{pair}"));
        self
    }

    /// With a parameter behind the `#`, which browsers keep to themselves: it stands in no log and in no `Referer`. For secrets that a script reads.
    #[must_use]
    pub fn with_secret(mut self, name: &str, value: &str) -> Self {
        self.0.push(if self.0.contains('#') { '&' } else { '#' });
        self.0.push_str(&pair(name, value));
        self
    }

    /// The path with what follows it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The whole address, below the server's own.
    #[must_use]
    pub fn below(&self, public_url: &str) -> String {
        format!("{}{}", public_url.trim_end_matches('/'), self.0)
    }
}

/// A link lets whoever has it in: it does not belong into logs.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.split(['?', '#']).next().unwrap_or_default();
        write!(f, "Link({path}…)")
    }
}

fn pair(name: &str, value: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_never_leaves_the_server() {
        for path in ["//evil.example/x", "/\\evil.example", "@evil.example", "https://evil.example", "/a\r\nb"] {
            let link = Link::to(path).below("https://build14.example/");
            let rest = link.strip_prefix("https://build14.example/").expect("ours");
            assert!(!rest.starts_with('/') && !rest.contains(['\\', '@', ':', '\r', '\n']), "{link}");
        }
        assert_eq!(Link::to("/a b").as_str(), "/a%20b");
        assert!(Link::to("/ü/€").as_str().is_ascii());
    }

    #[test]
    fn parameters_are_encoded_and_stand_where_they_belong() {
        let link = Link::to("/reset-password").with_secret("token", "a+b&c").with("lang", "de").with("next", "/x?y");
        assert_eq!(link.as_str(), "/reset-password?lang=de&next=%2Fx%3Fy#token=a%2Bb%26c");
        assert_eq!(format!("{link:?}"), "Link(/reset-password…)");
    }
}
