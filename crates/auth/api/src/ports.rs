//! What sign-in needs from domains above it: ports that they implement, joined in `bin/server`.

use std::time::Duration;

use async_trait::async_trait;
use kernel::{Fault, OrgId, OrgRole, ProjectId, ProjectRole, RequestId, UserId};
use uow::{ReadTx, Tx};

use crate::email::Email;
use crate::{Error, MfaPolicy, Overseen};

/// A person and the organisation they want to start with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// Email, as written; it is compared without regard to case.
    pub email: String,
    /// The person's name.
    pub name: String,
    /// The organisation's name.
    pub organization_name: String,
}

/// A person as sign-in knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// Their email.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Whether they have shown that the email is theirs.
    pub email_verified: bool,
}

/// A person whose address was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proven {
    /// Whether it had been before.
    pub was_verified: bool,
}

/// What was made for a [`NewAccount`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// The person.
    pub user: UserId,
    /// The organisation.
    pub org: OrgId,
}

/// A place in an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// The organisation.
    pub org: OrgId,
    /// The role in it.
    pub role: OrgRole,
}

/// An organisation with its owners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// What it is called.
    pub name: String,
    /// Its owners, the first ones first.
    pub owners: Vec<Person>,
}

/// Which domains organisations have proven to be their own; implemented by `users`. All of it runs as the platform. By default no organisation
/// has any.
#[async_trait]
pub trait Domains: Send + Sync {
    /// Whose a domain is, as long as what proves it is published.
    ///
    /// # Errors
    /// A fault.
    async fn owner_of_domain(&self, _tx: &ReadTx<'_>, _domain: &str) -> Result<Option<OrgId>, Fault> {
        Ok(None)
    }

    /// Whether an organisation has proven this domain, also while what proves it is missing for a few days.
    ///
    /// # Errors
    /// A fault.
    async fn is_domain_of(&self, _tx: &ReadTx<'_>, _org: OrgId, _domain: &str) -> Result<bool, Fault> {
        Ok(false)
    }

    /// Whether it has, and what proves it is published; that stays so until the transaction ends.
    ///
    /// # Errors
    /// A fault.
    async fn hold_domain_in(&self, _tx: &mut Tx, _org: OrgId, _domain: &str) -> Result<bool, Fault> {
        Ok(false)
    }

    /// Whether it has proven any.
    ///
    /// # Errors
    /// A fault.
    async fn has_domain_in(&self, _tx: &mut Tx, _org: OrgId) -> Result<bool, Fault> {
        Ok(false)
    }
}

/// What an organisation decides about sessions in it, within the platform's own bounds: how long they live, and of whom a second factor is asked; and
/// whether anybody acts there at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionRules {
    /// For how long one may go unused.
    pub idle: Option<Duration>,
    /// For how long one lives after its person signed in, whatever is done with it.
    pub lifetime: Option<Duration>,
    /// For whom it asks for a second factor; `None`: as the platform does.
    pub mfa: Option<MfaPolicy>,
    /// Whether the organisation is suspended: nobody acts in it, by a session or a key.
    pub suspended: bool,
}

/// People and their memberships; implemented by `users` over `tenants`. All of it runs as the platform, since no tenant is known yet.
#[async_trait]
pub trait Directory: Domains {
    /// Makes the person, the organisation and the owner's membership. `request` goes into the trail.
    ///
    /// # Errors
    /// [`Error::EmailTaken`].
    async fn create_in(&self, tx: &mut Tx, request: &RequestId, account: &NewAccount) -> Result<Account, Error>;

    /// Makes a further organisation for a person who is there already, with them as its owner: for somebody who was added to an
    /// organisation by email and now registers (`name` is how they call themselves), or who was removed from their last one.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    async fn found_in(
        &self,
        tx: &mut Tx,
        request: &RequestId,
        user: UserId,
        name: Option<&str>,
        organization_name: &str,
    ) -> Result<Account, Error>;

    /// The address of this key is the person's from now on: they have shown it. `None` if they have another one by now, or removed the account. The
    /// person is locked.
    ///
    /// # Errors
    /// A fault.
    async fn prove_in(&self, tx: &mut Tx, user: UserId, email_key: &str) -> Result<Option<Proven>, Fault>;

    /// The person has another address from now on, which they have shown to be theirs. Answers the one before; `None` if they removed the account.
    ///
    /// # Errors
    /// [`Error::EmailTaken`].
    async fn readdress_in(&self, tx: &mut Tx, user: UserId, email: &Email) -> Result<Option<String>, Error>;

    /// Passes if the person may have a session: an account that leaves lets nobody in, whatever they proved. By default everybody may.
    ///
    /// # Errors
    /// [`Error::AccountLeaving`].
    async fn admits_in(&self, _tx: &mut Tx, _user: UserId) -> Result<(), Error> {
        Ok(())
    }

    /// Makes a person with a proven address who has no organisation of their own: for an organisation that vouches for the address, and makes
    /// them its member in the same transaction.
    ///
    /// # Errors
    /// [`Error::EmailTaken`], [`Error::Invalid`].
    async fn create_for_in(&self, tx: &mut Tx, email: &Email, name: &str) -> Result<UserId, Error>;

    /// The person's place in an organisation, as it is now.
    ///
    /// # Errors
    /// A fault.
    async fn membership_in(&self, tx: &mut Tx, user: UserId, org: OrgId) -> Result<Option<Membership>, Fault>;

    /// Makes a person who asks for it, and who has proven their address, a member: by the invitation that waits for them, or without one if `anybody` of the
    /// organisation's own domains comes in. `request` goes into the trail.
    ///
    /// # Errors
    /// [`Error::NotInvited`], [`Error::NotLetIn`].
    async fn join_in(
        &self,
        tx: &mut Tx,
        request: &RequestId,
        user: UserId,
        email: &Email,
        org: OrgId,
        anybody: bool,
    ) -> Result<Membership, Error>;

    /// An organisation with its owners, locked against change until the transaction ends; `None` if it leaves, or there is none.
    ///
    /// # Errors
    /// A fault.
    async fn lock_organization_in(&self, tx: &mut Tx, org: OrgId) -> Result<Option<Owned>, Fault>;

    /// Whether one of these people is an owner of the organisation.
    ///
    /// # Errors
    /// A fault.
    async fn is_owner_among(&self, tx: &ReadTx<'_>, org: OrgId, people: &[UserId]) -> Result<bool, Fault>;

    /// The person with this email, if there is one.
    ///
    /// # Errors
    /// A fault.
    async fn person_by_email(&self, tx: &ReadTx<'_>, email: &str) -> Result<Option<Person>, Fault>;

    /// A person by their id, if they are there.
    ///
    /// # Errors
    /// A fault.
    async fn person(&self, tx: &ReadTx<'_>, user: UserId) -> Result<Option<Person>, Fault>;

    /// The person's place in one organisation, if they have one there, and neither of them leaves.
    ///
    /// # Errors
    /// A fault.
    async fn membership(&self, tx: &ReadTx<'_>, user: UserId, org: OrgId) -> Result<Option<Membership>, Fault>;

    /// The permissions of the person's custom roles in the organisation, by name, in any order. By default there are none.
    ///
    /// # Errors
    /// A fault.
    async fn added_permissions(&self, _tx: &ReadTx<'_>, _user: UserId, _org: OrgId) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    /// The slugs of the person's custom roles in the organisation, in their order. By default there are none.
    ///
    /// # Errors
    /// A fault.
    async fn custom_roles(&self, _tx: &ReadTx<'_>, _user: UserId, _org: OrgId) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    /// The person's memberships in organisations that are neither suspended nor leave, the oldest first.
    ///
    /// # Errors
    /// A fault.
    async fn memberships(&self, tx: &ReadTx<'_>, user: UserId) -> Result<Vec<Membership>, Fault>;

    /// How long the organisation lets sessions live, whether it lets any, and for whom it asks for a second factor.
    ///
    /// # Errors
    /// A fault.
    async fn session_rules(&self, tx: &ReadTx<'_>, org: OrgId) -> Result<SessionRules, Fault>;

    /// An organisation, locked, as whoever looks after it from outside sees it; `None` if there is none, as by default.
    ///
    /// # Errors
    /// A fault.
    async fn overseen_in(&self, _tx: &mut Tx, _org: OrgId) -> Result<Option<Overseen>, Fault> {
        Ok(None)
    }

    /// Every organisation that has rules of its own, with them.
    ///
    /// # Errors
    /// A fault.
    async fn organizations_with_session_rules(&self, tx: &ReadTx<'_>) -> Result<Vec<(OrgId, SessionRules)>, Fault>;
}

/// Project teams; implemented by `projects`.
#[async_trait]
pub trait Teams: Send + Sync {
    /// The person's roles in teams of the organisation's projects.
    ///
    /// # Errors
    /// A fault.
    async fn roles(&self, tx: &ReadTx<'_>, org: OrgId, user: UserId) -> Result<Vec<(ProjectId, ProjectRole)>, Fault>;

    /// Those of these projects: where the others are known.
    ///
    /// # Errors
    /// A fault.
    async fn roles_among(
        &self,
        tx: &ReadTx<'_>,
        org: OrgId,
        user: UserId,
        projects: &[ProjectId],
    ) -> Result<Vec<(ProjectId, ProjectRole)>, Fault>;

    /// Whether the organisation has this project, in a transaction of the tenant's own. By default it has none.
    ///
    /// # Errors
    /// A fault.
    async fn has_project(&self, _tx: &ReadTx<'_>, _org: OrgId, _project: ProjectId) -> Result<bool, Fault> {
        Ok(false)
    }

    /// Takes all of them away, within the transaction that ends the membership, as the tenant or as the platform; answers which they were.
    ///
    /// # Errors
    /// A fault.
    async fn leave_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<Vec<(ProjectId, ProjectRole)>, Fault>;
}
