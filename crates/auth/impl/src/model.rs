//! Sessions as they are kept; rules of their lives, of accounts and of the choice of an organisation, pure.

use auth_api::email::Email;
use auth_api::{ConnectionId, Membership, NewAccount, Session, SessionRules, SignInMethod};
use chrono::TimeDelta;
use kernel::{FieldFault, OrgId, SessionId, Timestamp, UserId, text};
use uuid::Uuid;

use crate::passwords;

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
    /// By which organisation's issuer, if it was by one: its sessions are for that organisation alone.
    pub(crate) connection: Option<ConnectionId>,
    /// Whether that issuer said that it asked for a second factor.
    pub(crate) issuer_factor: bool,
}

/// When a session ends by itself that is `stored` to end at a time: by what the platform and the organisation say now.
pub(crate) fn expires_at(stored: Timestamp, authenticated_at: Timestamp, life: TimeDelta, rules: SessionRules) -> Timestamp {
    [Some(life), lifetime(rules)]
        .into_iter()
        .flatten()
        .filter_map(|life| authenticated_at.checked_add_signed(life))
        .fold(stored, std::cmp::min)
}

/// When somebody counts as having shown who they are whom an organisation's issuer signs in: when they showed it to the issuer, as it says. Where it says
/// nothing of that, or that it was longer ago, it is no fresh proof, and no older than that takes: the session, which lives for `life`, begins now.
pub(crate) fn shown_at(told: Option<Timestamp>, now: Timestamp, life: TimeDelta) -> Timestamp {
    let before = now - TimeDelta::seconds(Session::FRESH_FOR + 1).min(life / 2);
    told.map_or(before, |at| at.clamp(before, now))
}

impl Proof {
    /// Given now: a sign-in begins.
    pub(crate) fn now(method: SignInMethod, at: Timestamp) -> Self {
        Self { id: Uuid::now_v7(), method, at, connection: None, issuer_factor: false }
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
    let own = [account.name.as_str(), &account.organization_name];
    faults.extend(passwords::fault("/password", &account.email, &own, password));
    faults
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
    fn what_an_issuer_was_shown_long_ago_is_no_fresh_proof_and_ends_no_session() {
        let now = chrono::DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let (ago, day) = (|seconds| now - TimeDelta::seconds(seconds), TimeDelta::days(1));
        for (told, at) in [(None, 301), (Some(301), 301), (Some(90_000), 301), (Some(200), 200), (Some(0), 0), (Some(-60), 0)] {
            assert_eq!(shown_at(told.map(ago), now, day), ago(at), "{told:?}");
        }
        assert_eq!(shown_at(None, now, TimeDelta::minutes(1)), ago(30));
    }

    #[test]
    fn good_accounts_pass() {
        assert_eq!(codes(&account("Ada@Example.com"), "correct horse"), []);
        assert_eq!(codes(&account("ada@example.com"), &"Dönerbude".repeat(16)[..128]), []);
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
            let rules = SessionRules { idle: Some(days(1)), lifetime: lifetime.map(days), mfa: None, suspended: false };
            expires_at(at + TimeDelta::days(stored), at, TimeDelta::days(life), rules) - at
        };
        assert_eq!(ends(30, 30, None), TimeDelta::days(30));
        assert_eq!(ends(30, 7, None), TimeDelta::days(7), "the platform's bound was lowered since");
        assert_eq!(ends(7, 30, None), TimeDelta::days(7), "what is promised to end does");
        assert_eq!(ends(30, 30, Some(2)), TimeDelta::days(2));
        assert_eq!(ends(30, 30, Some(60)), TimeDelta::days(30), "no organisation has more than the platform");
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
