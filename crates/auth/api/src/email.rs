//! What makes an email: the one home of its form, for sign-in and for the domain of people.

/// Where the emails of removed accounts point to: a reserved domain (RFC 2606), so no mail can go there.
pub const REMOVED_DOMAIN: &str = "removed.invalid";

/// The form in which emails are compared: what makes two spellings one person.
#[must_use]
pub fn key(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Whether this can be somebody's email at all; that it arrives is for a mail to prove.
#[must_use]
pub fn is_plausible(email: &str) -> bool {
    let Some((local, domain)) = email.rsplit_once('@') else { return false };
    email.len() <= 254
        && (1..=64).contains(&local.len())
        && !local.contains('@')
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
        && !domain.eq_ignore_ascii_case(REMOVED_DOMAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_is_one_person_whatever_its_case() {
        assert_eq!(key(" Ada@Example.COM "), "ada@example.com");
    }

    #[test]
    fn emails_that_cannot_be() {
        assert!(is_plausible("Ada@Example.com"));
        for email in
            ["a", "@b.c", "a@b", "a@b..c", "a b@c.de", "a@b@c.de", "a@-b.de", "a@b.de\n.x y", "removed-1@Removed.invalid"]
        {
            assert!(!is_plausible(email), "{email}");
        }
    }
}
