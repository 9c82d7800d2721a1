//! Sessions as they are kept; rules of accounts and of the choice of an organisation, pure.

use auth_api::email::Email;
use auth_api::{Membership, NewAccount};
use kernel::{FieldFault, OrgId, SessionId, Timestamp, UserId, text};

use crate::passwords;

/// A session as it is stored: its roles are looked up anew.
pub(crate) struct StoredSession {
    pub(crate) id: SessionId,
    pub(crate) user: UserId,
    pub(crate) org: OrgId,
    pub(crate) expires_at: Timestamp,
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
    fn the_organisation_used_last_is_chosen() {
        let [a, b] = [OrgId::new(), OrgId::new()].map(|org| Membership { org, role: OrgRole::Member });
        assert_eq!(choose(&[a, b], Some(b.org)), Some(b));
        assert_eq!(choose(&[a, b], Some(OrgId::new())), Some(a));
        assert_eq!(choose(&[a, b], None), Some(a));
        assert_eq!(choose(&[], Some(a.org)), None);
    }
}
