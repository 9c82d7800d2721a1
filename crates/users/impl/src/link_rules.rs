//! What an invitation by a link is, pure: what it holds, and what may be said of one that is to be made.

use auth_api::email;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Fault, FieldFault, OrgId, Spent, Timestamp, text};
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use users_api::{Error, NewInvitationLink};
use uuid::Uuid;

/// So many links of an organisation count at a time.
pub(crate) const MOST_LINKS: u32 = 50;
/// So many join by one.
const MOST_USES: u32 = 1000;
/// For so many days one counts.
const MOST_DAYS: u32 = 90;
/// So many domains one names.
const MOST_DOMAINS: usize = 20;

/// So often an invitation by address is mailed.
const MOST_MAILS: i16 = 5;
/// So long it is not mailed again.
const PAUSE_SECONDS: u32 = 600;

/// The bytes of a token: the organisation, by which it is looked for, and 256 random bits.
const BYTES: usize = 16 + 32;
/// The length of a token as text.
const LENGTH: usize = BYTES / 3 * 4;

/// What a link holds, as it is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sought {
    pub(crate) org: OrgId,
    /// SHA-256 of the text.
    pub(crate) hash: [u8; 32],
}

/// A fresh token of an organisation, and as what it is kept.
pub(crate) fn fresh(org: OrgId) -> Result<(SecretString, Sought), Fault> {
    let mut bytes = [0; BYTES];
    let (place, random) = bytes.split_at_mut(16);
    place.copy_from_slice(org.0.as_bytes());
    OsRng.try_fill_bytes(random).map_err(Fault::internal)?;
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let sought = sought(&token).ok_or_else(|| Fault::internal("a fresh token cannot be read"))?;
    Ok((token.into(), sought))
}

/// What a text would be as a token; `None` if it cannot be one.
pub(crate) fn sought(token: &str) -> Option<Sought> {
    if token.len() != LENGTH {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let org = Uuid::from_slice(bytes.get(..16)?).ok()?;
    Some(Sought { org: OrgId(org), hash: Sha256::digest(token.as_bytes()).into() })
}

/// A link that is to be made, tidied: its domains as those of addresses are compared, each once.
pub(crate) fn checked(new: NewInvitationLink) -> Result<NewInvitationLink, Vec<FieldFault>> {
    let NewInvitationLink { label, domains, most_uses, days } = new;
    let mut faults = Vec::new();
    let label = label.and_then(|label| text::line(&label, 100).map_err(|flaw| faults.push(flaw.at("/label"))).ok());
    if domains.len() > MOST_DOMAINS {
        faults.push(FieldFault::new("/domains", "TOO_LONG", format!("must have at most {MOST_DOMAINS} domains")));
    }
    let mut known: Vec<String> = Vec::new();
    for (index, domain) in domains.iter().enumerate() {
        match email::domain(domain) {
            Ok(domain) if known.contains(&domain) => {
                faults.push(FieldFault::new(format!("/domains/{index}"), "DUPLICATE", "is listed already"));
            }
            Ok(domain) => known.push(domain),
            Err(_) => {
                let detail =
                    "must be a domain as it stands behind the @ of addresses, such as example.com; those below it are others";
                faults.push(FieldFault::new(format!("/domains/{index}"), "INVALID_FORMAT", detail));
            }
        }
    }
    for (pointer, number, most) in [("/maxUses", most_uses, MOST_USES), ("/days", days, MOST_DAYS)] {
        if !(1..=most).contains(&number) {
            faults.push(FieldFault::new(pointer, "OUT_OF_RANGE", format!("must be 1 to {most}")));
        }
    }
    if faults.is_empty() { Ok(NewInvitationLink { label, domains: known, most_uses, days }) } else { Err(faults) }
}

/// Whether somebody with this address joins by a link of these domains. What stands below a domain is another.
pub(crate) fn lets_in(domains: &[String], email_key: &str) -> bool {
    domains.is_empty() || domains.iter().any(|domain| domain == email::domain_of(email_key))
}

/// Whether an invitation that was mailed so often, the last time then, is mailed again now.
pub(crate) fn mailed_again(mailed: i16, last: Timestamp, now: Timestamp) -> Result<(), Error> {
    if mailed >= MOST_MAILS {
        return Err(Error::MailedOften(MOST_MAILS.unsigned_abs().into()));
    }
    let pause = std::time::Duration::from_secs(PAUSE_SECONDS.into());
    let passed = (now - last).to_std().unwrap_or_default();
    match pause.checked_sub(passed) {
        Some(wait) if !wait.is_zero() => {
            Err(Error::TooManyMails(Spent { limit: "mails", requests: 1, seconds: PAUSE_SECONDS, wait }))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use chrono::TimeDelta;
    use secrecy::ExposeSecret;

    use super::*;

    fn new(domains: &[&str]) -> NewInvitationLink {
        let domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
        NewInvitationLink { label: None, domains, most_uses: 1, days: 1 }
    }

    #[test]
    fn a_token_says_of_which_organisation_it_is_and_no_two_are_the_same() {
        let org = OrgId::new();
        let ((a, kept), (b, other)) = (fresh(org).unwrap(), fresh(org).unwrap());
        assert_eq!(sought(a.expose_secret()), Some(kept));
        assert_eq!((kept.org, other.org), (org, org));
        assert!(kept.hash != other.hash && a.expose_secret() != b.expose_secret());
        assert_eq!(a.expose_secret().len(), LENGTH);
        for none in ["", "short", &"!".repeat(LENGTH), &"ä".repeat(LENGTH / 2)] {
            assert_eq!(sought(none), None, "{none}");
        }
    }

    #[test]
    fn a_domain_lets_in_its_own_addresses_and_none_that_look_like_it() {
        let NewInvitationLink { domains, .. } = checked(new(&["Example.com", "bücher.example"])).unwrap();
        assert_eq!(domains, ["example.com", "bücher.example"]);
        for inside in ["ada@example.com", "ada@bücher.example"] {
            assert!(lets_in(&domains, inside), "{inside}");
        }
        for outside in [
            "ada@mail.example.com",
            "ada@example.com.evil.example",
            "ada@notexample.com",
            "example.com@evil.example",
            "ada@example.co",
        ] {
            assert!(!lets_in(&domains, outside), "{outside}");
        }
        assert!(lets_in(&[], "ada@wherever.example"));
    }

    #[test]
    fn every_fault_of_a_link_is_told() {
        let bad = NewInvitationLink {
            label: Some("\u{200b}".into()),
            domains: ["example.com", "nonsense", "EXAMPLE.com"].map(str::to_owned).to_vec(),
            most_uses: 0,
            days: 91,
        };
        let faults = checked(bad).unwrap_err();
        let told: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
        assert_eq!(
            told,
            [
                ("/label", "INVALID_CHARACTER"),
                ("/domains/1", "INVALID_FORMAT"),
                ("/domains/2", "DUPLICATE"),
                ("/maxUses", "OUT_OF_RANGE"),
                ("/days", "OUT_OF_RANGE")
            ]
        );
    }

    #[test]
    fn an_invitation_is_mailed_again_after_a_pause_and_five_times() {
        let at = |seconds: i64| chrono::DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        let Err(Error::TooManyMails(spent)) = mailed_again(1, at(0), at(599)) else { panic!("mailed") };
        assert_eq!(spent.wait, std::time::Duration::from_secs(1));
        assert!(mailed_again(1, at(0), at(600)).is_ok() && mailed_again(4, at(0), at(600)).is_ok());
        assert!(matches!(mailed_again(5, at(0), at(9_999)), Err(Error::MailedOften(5))));
        assert!(matches!(mailed_again(1, at(10), at(0)), Err(Error::TooManyMails(_))), "a clock that was set back");
    }
}
