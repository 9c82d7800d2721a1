//! Which domains may be an organisation's, and what proves that one is; pure.

use auth_api::email;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use kernel::{Fault, FieldFault, Timestamp};
use rand::TryRngCore;
use rand::rngs::OsRng;
use users_api::OrganizationDomain;

/// So many an organisation lists.
pub(crate) const MOST_DOMAINS: u32 = 20;

/// At which everybody can have an address.
const PUBLIC: &str = include_str!("../data/public-mail-domains.txt");

/// For so long what proved a domain may be missing, until it is nobody's any more.
pub(crate) fn grace() -> TimeDelta {
    TimeDelta::days(7)
}

/// So often a proven one is looked at.
pub(crate) fn pause() -> TimeDelta {
    TimeDelta::hours(24)
}

/// Whether nobody has said for so long what is published of a proven one that it counts as nothing.
pub(crate) fn is_unanswered(domain: &OrganizationDomain, now: Timestamp) -> bool {
    domain.looked_at.is_some_and(|looked_at| now - looked_at >= TimeDelta::days(30))
}

/// A domain that may be an organisation's, as those of addresses are compared.
pub(crate) fn checked(domain: &str) -> Result<String, Vec<FieldFault>> {
    let Ok(domain) = email::domain(domain) else {
        let detail = "must be a domain as it stands behind the @ of addresses, such as example.com";
        return Err(vec![FieldFault::new("/domain", "INVALID_FORMAT", detail)]);
    };
    if is_public(&domain) {
        let detail = "everybody can have an address there: it is no organisation's own";
        return Err(vec![FieldFault::new("/domain", "PUBLIC_MAIL_DOMAIN", detail)]);
    }
    Ok(domain)
}

fn is_public(domain: &str) -> bool {
    let listed = PUBLIC.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    listed.into_iter().any(|public| domain.strip_suffix(public).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

/// What has to be published: to be guessed by nobody, and another one each time.
pub(crate) fn challenge() -> Result<String, Fault> {
    let mut bytes = [0; 32];
    OsRng.try_fill_bytes(&mut bytes).map_err(Fault::internal)?;
    Ok(format!("14build-domain={}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// Whether what proves a domain is among what is published under its name.
pub(crate) fn is_proven_by(domain: &OrganizationDomain, texts: &[String]) -> bool {
    texts.iter().any(|text| text.trim() == domain.challenge)
}

/// Since when it is missing, and whether that is too long, if it is not published at `now`.
pub(crate) fn missed(domain: &OrganizationDomain, now: Timestamp) -> (Timestamp, bool) {
    let since = domain.missing_since.unwrap_or(now);
    (since, now - since >= grace())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use kernel::UserId;
    use uuid::Uuid;

    use super::*;

    fn domain(missing_since: Option<Timestamp>) -> OrganizationDomain {
        let at = chrono::DateTime::UNIX_EPOCH;
        OrganizationDomain {
            id: Uuid::nil(),
            domain: "example.com".into(),
            challenge: challenge().unwrap(),
            claimed_by: UserId(Uuid::nil()),
            created_at: at,
            proven_at: Some(at),
            looked_at: Some(at),
            missing_since,
        }
    }

    #[test]
    fn domains_of_everybody_are_nobodys() {
        assert_eq!(checked(" Example.COM ").unwrap(), "example.com");
        assert_eq!(checked("notgmail.com").unwrap(), "notgmail.com");
        for (text, code) in [
            ("GMAIL.com", "PUBLIC_MAIL_DOMAIN"),
            ("mail.gmx.de", "PUBLIC_MAIL_DOMAIN"),
            ("yahoo.co.uk", "PUBLIC_MAIL_DOMAIN"),
            ("example", "INVALID_FORMAT"),
            ("ada@example.com", "INVALID_FORMAT"),
        ] {
            assert_eq!(checked(text).unwrap_err()[0].code, code, "{text}");
        }
        let listed: Vec<_> = PUBLIC.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        assert!(
            listed.len() > 90 && listed.iter().all(|line| email::domain(line).as_deref() == Ok(*line)),
            "as they are compared"
        );
    }

    #[test]
    fn a_domain_is_proven_by_its_own_challenge_alone() {
        let (ours, other) = (domain(None), domain(None));
        assert_ne!(ours.challenge, other.challenge);
        let published = |text: &str| is_proven_by(&ours, &["v=spf1 -all".to_owned(), text.to_owned()]);
        assert!(published(&ours.challenge) && published(&format!(" {} ", ours.challenge)));
        assert!(!published(&other.challenge) && !published("") && !published(&format!("{}x", ours.challenge)));
        assert_eq!(ours.record_name(), "_14build-challenge.example.com");
    }

    #[test]
    fn a_domain_of_which_nobody_says_anything_is_missing_after_thirty_days() {
        let at = |hours: i64| chrono::DateTime::UNIX_EPOCH + TimeDelta::hours(hours);
        assert!(!is_unanswered(&domain(None), at(30 * 24 - 1)));
        assert!(is_unanswered(&domain(None), at(30 * 24)));
    }

    #[test]
    fn a_domain_whose_proof_is_missing_is_lost_after_a_week() {
        let at = |hours: i64| chrono::DateTime::UNIX_EPOCH + TimeDelta::hours(hours);
        assert_eq!(missed(&domain(None), at(5)), (at(5), false));
        assert_eq!(missed(&domain(Some(at(5))), at(4 + 7 * 24)), (at(5), false));
        assert_eq!(missed(&domain(Some(at(5))), at(5 + 7 * 24)), (at(5), true));
    }
}
