//! Sessions as they are kept; rules of their lives of passwords and of the choice of an organisation, pure.

use auth_api::email::Email;
use auth_api::{Membership, NewAccount, SessionRules, SignInMethod, email};
use chrono::TimeDelta;
use kernel::{FieldFault, OrgId, SessionId, Timestamp, UserId, text};
use uuid::Uuid;

/// A session as it is stored: its roles are looked up anew.
pub(crate) struct StoredSession {
    pub(crate) id: SessionId,
    pub(crate) user: UserId,
    pub(crate) org: OrgId,
    pub(crate) expires_at: Timestamp,
    pub(crate) last_seen_at: Timestamp,
    pub(crate) sign_in: Proof,
}

/// That a person proved who they are: what the sessions of one sign-in have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proof {
    /// The same for all sessions of the sign-in.
    pub(crate) id: Uuid,
    pub(crate) method: SignInMethod,
    pub(crate) at: Timestamp,
}

/// When a session ends by itself that is `stored` to end at a time: by what the platform and the organisation say now.
pub(crate) fn expires_at(stored: Timestamp, authenticated_at: Timestamp, life: TimeDelta, rules: SessionRules) -> Timestamp {
    [Some(life), lifetime(rules)]
        .into_iter()
        .flatten()
        .filter_map(|life| authenticated_at.checked_add_signed(life))
        .fold(stored, std::cmp::min)
}

impl Proof {
    /// Given now: a sign-in begins.
    pub(crate) fn now(method: SignInMethod, at: Timestamp) -> Self {
        Self { id: Uuid::now_v7(), method, at }
    }
}

impl StoredSession {
    /// Whether it ended by itself, as far as what is stored tells.
    pub(crate) fn is_over(&self, life: TimeDelta, rules: SessionRules, now: Timestamp) -> bool {
        let ends = expires_at(self.expires_at, self.sign_in.at, life, rules);
        ends <= now || idle(rules).is_some_and(|idle| now - self.last_seen_at >= idle)
    }
}

/// For how long a session lives after its person signed in, by its organisation.
pub(crate) fn lifetime(rules: SessionRules) -> Option<TimeDelta> {
    rules.lifetime.and_then(|life| TimeDelta::from_std(life).ok())
}

/// For how long a session may go unused.
pub(crate) fn idle(rules: SessionRules) -> Option<TimeDelta> {
    rules.idle.and_then(|idle| TimeDelta::from_std(idle).ok())
}

const LEAST: usize = 8;
const MOST: usize = 128;

/// Passwords that are tried first, of at least eight characters (shorter ones are refused anyway).
const COMMON: &[&str] = &[
    "00000000",
    "11111111",
    "12121212",
    "12341234",
    "123123123",
    "12345678",
    "123456789",
    "1234567890",
    "12345678910",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "55555555",
    "66666666",
    "77777777",
    "87654321",
    "88888888",
    "987654321",
    "99999999",
    "aa123456",
    "aaaaaaaa",
    "abc12345",
    "abcd1234",
    "abcdefgh",
    "admin123",
    "administrator",
    "asdf1234",
    "asdfasdf",
    "asdfghjk",
    "asdfghjkl",
    "babygirl",
    "baseball",
    "basketball",
    "changeme",
    "charlie1",
    "computer",
    "corvette",
    "dragon123",
    "football",
    "football1",
    "hello123",
    "iloveyou",
    "iloveyou1",
    "internet",
    "jennifer",
    "jordan23",
    "letmein1",
    "liverpool",
    "maverick",
    "mercedes",
    "michelle",
    "monkey123",
    "mustang1",
    "p@ssw0rd",
    "p@ssword",
    "pass1234",
    "passw0rd",
    "password",
    "password!",
    "password1",
    "password12",
    "password123",
    "password1234",
    "princess",
    "princess1",
    "q1w2e3r4",
    "q1w2e3r4t5",
    "qazwsxedc",
    "qwer1234",
    "qwerqwer",
    "qwerty12",
    "qwerty123",
    "qwerty1234",
    "qwertyui",
    "qwertyuiop",
    "sample123",
    "samantha",
    "secret123",
    "starwars",
    "sunshine",
    "superman",
    "test1234",
    "trustno1",
    "victoria",
    "welcome1",
    "welcome123",
    "whatever",
    "zaq12wsx",
    "zxcvbnm1",
    "zxcvbnm123",
];

/// What is wrong with a new account (NIST SP 800-63B: length and a list, no rules about kinds of characters).
pub(crate) fn faults_of(account: &NewAccount, password: &str) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    if let Err(flaw) = Email::parse(&account.email) {
        faults.push(flaw.at("/email"));
    }
    for (pointer, name) in [("/name", &account.name), ("/organizationName", &account.organization_name)] {
        if let Err(flaw) = text::line(name, 200) {
            faults.push(flaw.at(pointer));
        }
    }
    faults.extend(password_fault("/password", &account.email, password));
    faults
}

/// What is wrong with the password of who signs in with `email`.
pub(crate) fn password_fault(pointer: &str, email: &str, password: &str) -> Option<FieldFault> {
    let email = email::key(email);
    let length = password.chars().count();
    let lower = password.to_lowercase();
    if length < LEAST {
        Some(FieldFault::new(pointer, "TOO_SHORT", format!("must have at least {LEAST} characters")))
    } else if length > MOST {
        Some(FieldFault::new(pointer, "TOO_LONG", format!("must have at most {MOST} characters")))
    } else if COMMON.contains(&lower.as_str()) {
        Some(FieldFault::new(pointer, "TOO_COMMON", "is one of the passwords that are tried first: choose another"))
    } else if lower == email || email.split('@').next() == Some(&lower) {
        Some(FieldFault::new(pointer, "SAME_AS_EMAIL", "must not be the email"))
    } else {
        None
    }
}

/// The organisation to start in: the one used last if the membership still is there, else the oldest.
pub(crate) fn choose(memberships: &[Membership], last: Option<OrgId>) -> Option<Membership> {
    memberships.iter().find(|m| Some(m.org) == last).or_else(|| memberships.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::OrgRole;

    fn account(email: &str) -> NewAccount {
        NewAccount { email: email.into(), name: "Ada".into(), organization_name: "Works".into() }
    }

    fn codes(account: &NewAccount, password: &str) -> Vec<(String, &'static str)> {
        faults_of(account, password).into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn good_accounts_pass() {
        assert_eq!(codes(&account("Ada@Example.com"), "correct horse"), []);
        assert_eq!(codes(&account("ada@example.com"), &"ä".repeat(128)), []);
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let bad = NewAccount { email: "ada@".into(), name: " ".into(), organization_name: String::new() };
        let expected =
            [("/email", "INVALID_FORMAT"), ("/name", "REQUIRED"), ("/organizationName", "REQUIRED"), ("/password", "TOO_SHORT")];
        assert_eq!(codes(&bad, "short"), expected.map(|(pointer, code)| (pointer.to_owned(), code)));
    }

    #[test]
    fn weak_passwords_are_refused() {
        let fault = |password: &str| codes(&account("longname@example.com"), password).first().map(|(_, code)| *code);
        assert_eq!(fault("Password123"), Some("TOO_COMMON"));
        assert_eq!(fault("LongName@example.com"), Some("SAME_AS_EMAIL"));
        assert_eq!(fault("longname"), Some("SAME_AS_EMAIL"));
        assert_eq!(fault(&"x".repeat(129)), Some("TOO_LONG"));
    }

    #[test]
    fn a_session_ends_by_the_shortest_of_what_bounds_it() {
        let at = chrono::DateTime::UNIX_EPOCH;
        let days = |n: u64| std::time::Duration::from_secs(n * 24 * 3600);
        let ends = |stored, life, lifetime: Option<u64>| {
            let rules = SessionRules { idle: Some(days(1)), lifetime: lifetime.map(days) };
            expires_at(at + TimeDelta::days(stored), at, TimeDelta::days(life), rules) - at
        };
        assert_eq!(ends(30, 30, None), TimeDelta::days(30));
        assert_eq!(ends(30, 7, None), TimeDelta::days(7), "the platform's bound was lowered since");
        assert_eq!(ends(7, 30, None), TimeDelta::days(7), "what is promised to end does");
        assert_eq!(ends(30, 30, Some(2)), TimeDelta::days(2));
        assert_eq!(ends(30, 30, Some(60)), TimeDelta::days(30), "no organisation has more than the platform");
    }

    #[test]
    fn the_list_holds_what_the_length_lets_through() {
        assert!(COMMON.iter().all(|p| p.chars().count() >= LEAST && *p == p.to_lowercase()));
    }

    #[test]
    fn the_organisation_used_last_is_chosen() {
        let [a, b] = [OrgId::new(), OrgId::new()].map(|org| Membership { org, role: OrgRole::Member });
        assert_eq!(choose(&[a, b], Some(b.org)), Some(b));
        assert_eq!(choose(&[a, b], Some(OrgId::new())), Some(a));
        assert_eq!(choose(&[a, b], None), Some(a));
        assert_eq!(choose(&[], Some(a.org)), None);
    }
}
