//! A sign-in elsewhere that has begun: what the provider is asked with, and where the browser may go on. Pure.

use auth_api::email::Email;
use auth_api::{Question, Told};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{Fault, FieldFault, SessionId, Timestamp, UserId, text};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::token;

/// So long somebody may take at a provider.
const MINUTES: i64 = 10;
/// So many identities an account has at most.
pub(crate) const MOST: u32 = 20;
/// A longer path is not returned to.
const LONGEST_PATH: usize = 500;
/// A longer name is not taken over.
const LONGEST_NAME: usize = 200;
/// What an issuer may call a person at most, by its specification, and itself, by ours.
const LONGEST_SUBJECT: usize = 255;
const LONGEST_ISSUER: usize = 500;
/// What is no address is not kept.
const LONGEST_EMAIL: usize = 254;

/// What began, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pending {
    /// At which provider.
    pub(crate) provider: String,
    /// Who links an identity, and in which session.
    pub(crate) linking: Option<(UserId, SessionId)>,
    /// Where the browser goes on.
    pub(crate) return_to: String,
}

/// Until when what begins at `now` can be ended.
pub(crate) fn until(now: Timestamp) -> Timestamp {
    now + TimeDelta::minutes(MINUTES)
}

/// What a provider is asked with, for a state and the cookie of the browser. Nothing of it is stored: whoever reads the database, or sees the state on its
/// way, lacks the cookie and the deployment's secret.
pub(crate) fn question(secret: &SecretString, browser: &SecretString, state: SecretString) -> Result<Question, Fault> {
    let derived = |label: &[u8]| -> Result<SecretString, Fault> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).map_err(Fault::internal)?;
        for part in [label, browser.expose_secret().as_bytes(), state.expose_secret().as_bytes()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Ok(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()).into())
    };
    let (nonce, verifier) = (derived(b"14build/elsewhere-nonce")?, derived(b"14build/elsewhere-verifier")?);
    Ok(Question { state, nonce, verifier })
}

/// The cookie of a browser, if it is one of ours.
pub(crate) fn known_browser(browser: Option<&SecretString>) -> Option<SecretString> {
    let browser = browser?;
    let ours = |text: &str| {
        token::hash(text).is_some() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    ours(browser.expose_secret()).then(|| browser.clone())
}

/// The cookie by which a browser is known when it comes back, and its hash: the one that it has, if that is one of ours, so that of two sign-ins under way in
/// two windows neither ends the other; else a fresh one.
pub(crate) fn browser_of(cookie: Option<&SecretString>) -> Result<(SecretString, token::TokenHash), Fault> {
    let kept = known_browser(cookie).and_then(|kept| token::hash(kept.expose_secret()).map(|hash| (kept, hash)));
    kept.map_or_else(token::fresh, Ok)
}

/// Where a browser goes on: a path of this server, and nothing that a browser would take for another one.
pub(crate) fn return_path(given: Option<&str>) -> Result<String, FieldFault> {
    let path = given.unwrap_or("/");
    let rest = path.strip_prefix('/').filter(|rest| !rest.starts_with(['/', '\\']));
    let sound = rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'));
    if sound && path.len() <= LONGEST_PATH {
        return Ok(path.to_owned());
    }
    Err(FieldFault::new("/returnTo", "INVALID_FORMAT", "must be a path of this server, such as /projects, in ASCII"))
}

/// What was told, as it is kept: nothing that is no identity, no address that is none.
pub(crate) fn checked(told: Told) -> Option<Told> {
    let named = |text: &str, most: usize| !text.is_empty() && text.len() <= most && !text.contains(char::is_control);
    if !named(&told.issuer, LONGEST_ISSUER) || !named(&told.subject, LONGEST_SUBJECT) {
        return None;
    }
    let email = told.email.filter(|email| email.len() <= LONGEST_EMAIL && Email::parse(email).is_ok());
    let email_verified = told.email_verified && email.is_some();
    let name = told.name.and_then(|name| text::line(&name, LONGEST_NAME).ok());
    Some(Told { email, email_verified, name, ..told })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_server_are_returned_to() {
        for path in ["/", "/projects", "/projects?page=2#top", "/a//b", "/%2f%2fevil.example", "/..//evil.example"] {
            assert_eq!(return_path(Some(path)).unwrap(), path);
        }
        assert_eq!(return_path(None).unwrap(), "/");
        for path in [
            "",
            "projects",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/a\\b",
            "https://evil.example/",
            "javascript:alert(1)",
            "/\tevil.example",
            "/\n/evil.example",
            "/a b",
            "/\u{ad}",
            "/ä",
            " /",
        ] {
            assert_eq!(return_path(Some(path)).unwrap_err().code, "INVALID_FORMAT", "{path:?}");
        }
        assert!(return_path(Some(&format!("/{}", "a".repeat(499)))).is_ok());
        assert!(return_path(Some(&format!("/{}", "a".repeat(500)))).is_err());
    }

    #[test]
    fn what_is_asked_with_hangs_on_the_browser_and_the_state_and_the_secret() {
        let of = |secret: &str, browser: &str, state: &str| {
            let question = question(&secret.to_owned().into(), &browser.to_owned().into(), state.to_owned().into()).unwrap();
            (question.nonce.expose_secret().to_owned(), question.verifier.expose_secret().to_owned())
        };
        let (nonce, verifier) = of("s", "browser", "state");
        assert!(verifier.len() == 43 && nonce.len() == 43 && nonce != verifier, "as long as PKCE wants it");
        assert_eq!(of("s", "browser", "state"), (nonce.clone(), verifier));
        for other in [of("t", "browser", "state"), of("s", "browse", "rstate"), of("s", "browser", "stat")] {
            assert_ne!(other.0, nonce);
        }
    }

    #[test]
    fn a_cookie_that_is_none_of_ours_is_not_kept() {
        let known = |text: &str| known_browser(Some(&text.to_owned().into())).is_some();
        assert!(known(&"a".repeat(43)));
        assert!(!known("") && !known(&"a".repeat(42)) && !known(&format!("{};", "a".repeat(42))));
        assert!(known_browser(None).is_none());
    }

    #[test]
    fn what_is_told_is_no_more_than_it_is() {
        let told = Told {
            issuer: "https://issuer.example".to_owned(),
            subject: "1".to_owned(),
            email: Some("ada@example.com".to_owned()),
            email_verified: true,
            name: Some(" Ada ".to_owned()),
        };
        let kept = checked(told.clone()).unwrap();
        assert!(kept.email_verified && kept.email.is_some() && kept.name.is_some());
        let kept = checked(Told { email: Some("nobody".to_owned()), name: Some("\u{200b}".to_owned()), ..told.clone() }).unwrap();
        assert_eq!((kept.email, kept.email_verified, kept.name), (None, false, None));
        for subject in [String::new(), "a\nb".to_owned(), "a".repeat(256)] {
            assert_eq!(checked(Told { subject, ..told.clone() }), None);
        }
    }
}
