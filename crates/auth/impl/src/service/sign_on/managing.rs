//! How an organisation's owners decide by which issuer people sign in. Whoever does decides who can be signed in as an owner, so nobody but owners does, in
//! a session of their own: none that the issuer made.

use std::collections::BTreeSet;

use audit_api::NewEntry;
use auth_api::{
    Client, Connection, ConnectionId, Error, NewConnection, OrganizationEventKind, Owned, Person, SignOnMode, SignOnTest, perm,
};
use kernel::{Ctx, Denied, FieldFault, ProjectRoles, RequestId, Scope, SessionId, UserId};
use mail_api::{Content, Language, Mail, Recipient, SignOnChange};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uow::Tx;
use uuid::Uuid;

use super::{Heard, SignOn};
use crate::organization_events::{self, Told};
use crate::repo;
use crate::security_event::Origin;

/// So many owners are named at most.
const MOST_BREAK_GLASS: usize = 10;
/// So long a name of an issuer, of a client, and a secret is at most.
const LONGEST_NAME: usize = 500;
const LONGEST_SECRET: usize = 2000;

/// What the trail says of a connection. Never its secret.
fn told(connection: &Connection) -> Value {
    json!({
        "issuer": connection.issuer, "clientId": connection.client_id, "mode": connection.mode.name(), "joins": connection.joins,
        "trustsSecondFactor": connection.trusts_factor, "breakGlassOwners": connection.break_glass,
    })
}

/// Whether it is a plain text of no more than so many bytes.
fn is_plain(text: &str, most: usize) -> bool {
    !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether it may be a secret: issuers make them of whatever ASCII has.
fn is_secret(text: &str) -> bool {
    (1..=LONGEST_SECRET).contains(&text.len()) && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

/// What was done, by whom.
struct Done<'a> {
    change: SignOnChange,
    connection: ConnectionId,
    before: Option<Value>,
    after: Option<Value>,
    client: &'a Client,
    language: Language,
}

impl SignOn {
    /// The person who decides in the context's organisation.
    pub(super) fn manager(&self, ctx: &Ctx) -> Result<UserId, Error> {
        let permission = perm::SIGN_ON_MANAGE;
        self.authorizer.check(ctx, permission, Scope::Organization)?;
        ctx.person().ok_or_else(|| Denied { permission, project: None }.into())
    }

    /// The organisation, locked, once it is sure that the person is still its owner, and in a session of their own.
    async fn begin_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId, session: SessionId) -> Result<Owned, Error> {
        repo::lock_person(tx, user).await?;
        let session = repo::session_by_id(tx, user, session).await?.ok_or(Error::NotAuthenticated)?;
        if session.sign_in.connection.is_some() {
            return Err(Error::SingleSignOnSession);
        }
        let owned = self.auth.directory.lock_organization_in(tx, ctx.org).await?.ok_or(Error::NoSingleSignOn)?;
        if owned.owners.iter().any(|owner| owner.id == user) {
            Ok(owned)
        } else {
            Err(Denied { permission: perm::SIGN_ON_MANAGE, project: None }.into())
        }
    }

    /// What is wrong with a connection, its owners aside.
    fn faults_of(&self, new: &NewConnection) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        let issuer =
            if is_plain(&new.issuer, LONGEST_NAME) { self.issuers.flaw(&new.issuer) } else { Some("must be a plain URL") };
        if let Some(flaw) = issuer {
            faults.push(FieldFault::new("/issuer", "INVALID_FORMAT", flaw));
        }
        if !is_plain(&new.client_id, LONGEST_NAME) {
            faults.push(FieldFault::new("/clientId", "INVALID_FORMAT", "must be 1 to 500 visible ASCII characters"));
        }
        if new.client_secret.as_ref().is_some_and(|secret| !is_secret(secret.expose_secret())) {
            faults.push(FieldFault::new("/clientSecret", "INVALID_FORMAT", "must be 1 to 2000 characters of ASCII"));
        }
        if new.break_glass.len() > MOST_BREAK_GLASS
            || new.break_glass.iter().collect::<BTreeSet<_>>().len() < new.break_glass.len()
        {
            let detail = format!("must be at most {MOST_BREAK_GLASS}, each of them once");
            faults.push(FieldFault::new("/breakGlassOwners", "DUPLICATE", detail));
        }
        faults
    }

    /// Passes if each of these is an owner who shows a second factor before every session: they come in without the issuer.
    async fn check_break_glass_in(&self, tx: &mut Tx, owned: &Owned, people: &[UserId]) -> Result<(), Error> {
        let mut faults = Vec::new();
        for (place, user) in people.iter().enumerate() {
            let pointer = format!("/breakGlassOwners/{place}");
            if !owned.owners.iter().any(|owner| owner.id == *user) {
                faults.push(FieldFault::new(pointer, "NOT_AN_OWNER", "is no owner of this organisation"));
            } else if repo::factors::kinds(tx, *user).await?.is_empty() {
                faults.push(FieldFault::new(pointer, "NO_SECOND_FACTOR", "has no second factor: they set one up first"));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }

    pub(super) async fn configure(
        &self,
        ctx: &Ctx,
        session: SessionId,
        new: NewConnection,
        (client, language): (&Client, Language),
    ) -> Result<Connection, Error> {
        let user = self.manager(ctx)?;
        let faults = self.faults_of(&new);
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let (org, now) = (ctx.org, self.auth.instant());
        self.auth
            .system
            .write(async |tx| {
                let owned = self.begin_in(tx, ctx, user, session).await?;
                self.check_break_glass_in(tx, &owned, &new.break_glass).await?;
                let before = repo::sign_on::lock(tx, org).await?.map(|stored| stored.connection);
                let same = before.clone().filter(|it| it.issuer == new.issuer && it.client_id == new.client_id);
                let after = match same {
                    Some(same) if same.mode == SignOnMode::Enforced && new.break_glass.is_empty() => {
                        return Err(without_break_glass());
                    }
                    Some(same) => Connection {
                        joins: new.joins,
                        trusts_factor: new.trusts_factor,
                        break_glass: new.break_glass.clone(),
                        ..same
                    },
                    None => Connection {
                        id: ConnectionId::new(),
                        org,
                        issuer: new.issuer.clone(),
                        client_id: new.client_id.clone(),
                        mode: SignOnMode::Off,
                        joins: new.joins,
                        trusts_factor: new.trusts_factor,
                        break_glass: new.break_glass.clone(),
                        tested_at: None,
                        created_at: now,
                        updated_at: now,
                    },
                };
                let is_kept = before.as_ref().is_some_and(|before| before.id == after.id);
                let sealed = match &new.client_secret {
                    Some(secret) => Some(self.auth.sign_on_secret.seal((org, after.id), secret)?),
                    None => None,
                };
                let after = if is_kept {
                    let after = repo::sign_on::save(tx, after).await?;
                    if let Some(sealed) = &sealed {
                        repo::sign_on::set_secret(tx, org, after.id, sealed).await?;
                    }
                    after
                } else {
                    let detail = "is needed: a secret counts for one issuer and one client";
                    let sealed = sealed.as_ref().ok_or_else(|| Error::invalid("/clientSecret", "REQUIRED", detail))?;
                    if let Some(before) = &before {
                        self.end_in(tx, before).await?;
                        repo::sign_on::delete(tx, org).await?;
                    }
                    repo::sign_on::insert(tx, after, sealed).await?
                };
                let mut said = told(&after);
                said["newSecret"] = json!(new.client_secret.is_some());
                let (change, connection) = (SignOnChange::Configured, after.id);
                let before = before.as_ref().map(told);
                let done = Done { change, connection, before, after: Some(said), client, language };
                self.finish_in(tx, ctx, (&owned, user), done).await?;
                Ok(after)
            })
            .await
    }

    pub(super) async fn turn(
        &self,
        ctx: &Ctx,
        session: SessionId,
        mode: SignOnMode,
        (client, language): (&Client, Language),
    ) -> Result<Connection, Error> {
        let user = self.manager(ctx)?;
        self.auth
            .system
            .write(async |tx| {
                let owned = self.begin_in(tx, ctx, user, session).await?;
                let before = repo::sign_on::lock(tx, ctx.org).await?.ok_or(Error::NoSingleSignOn)?.connection;
                if before.mode == mode {
                    return Ok(before);
                }
                if mode != SignOnMode::Off {
                    if before.tested_at.is_none() {
                        return Err(Error::SignOnUntested);
                    }
                    if !self.auth.directory.has_domain_in(tx, ctx.org).await? {
                        return Err(Error::NoProvenDomain);
                    }
                }
                if mode == SignOnMode::Enforced {
                    if before.break_glass.is_empty() {
                        return Err(without_break_glass());
                    }
                    self.check_break_glass_in(tx, &owned, &before.break_glass).await?;
                }
                let after = repo::sign_on::save(tx, Connection { mode, ..before.clone() }).await?;
                let change = match mode {
                    SignOnMode::Off => SignOnChange::TurnedOff,
                    SignOnMode::Optional => SignOnChange::TurnedOn,
                    SignOnMode::Enforced => SignOnChange::Enforced,
                };
                if mode == SignOnMode::Off {
                    self.end_in(tx, &before).await?;
                }
                let (connection, before, said) = (after.id, Some(told(&before)), Some(told(&after)));
                let done = Done { change, connection, before, after: said, client, language };
                self.finish_in(tx, ctx, (&owned, user), done).await?;
                Ok(after)
            })
            .await
    }

    pub(super) async fn forget(
        &self,
        ctx: &Ctx,
        session: SessionId,
        (client, language): (&Client, Language),
    ) -> Result<(), Error> {
        let user = self.manager(ctx)?;
        self.auth
            .system
            .write(async |tx| {
                let owned = self.begin_in(tx, ctx, user, session).await?;
                let before = repo::sign_on::lock(tx, ctx.org).await?.ok_or(Error::NoSingleSignOn)?.connection;
                self.end_in(tx, &before).await?;
                repo::sign_on::delete(tx, ctx.org).await?;
                let (change, connection) = (SignOnChange::Removed, before.id);
                let done = Done { change, connection, before: Some(told(&before)), after: None, client, language };
                self.finish_in(tx, ctx, (&owned, user), done).await
            })
            .await
    }

    /// Ends what a connection made: sessions, and sign-ins that wait for a second factor.
    async fn end_in(&self, tx: &mut Tx, connection: &Connection) -> Result<(), Error> {
        let now = self.auth.clock.now();
        repo::pending::end_of_connection(tx, connection.id, now).await?;
        repo::lives::end_of_connection(tx, connection.org, connection.id, now).await?;
        Ok(())
    }

    /// Records what was done, tells all owners, and has it count here at once; the other servers are told by the database.
    async fn finish_in(&self, tx: &mut Tx, ctx: &Ctx, (owned, user): (&Owned, UserId), done: Done<'_>) -> Result<(), Error> {
        let Done { change, connection, before, after, client, language } = done;
        let action = format!("single_sign_on.{}", change.name());
        let mut entry = NewEntry::named(action, "connection", connection);
        if let Some(before) = before {
            entry = entry.before(before);
        }
        if let Some(after) = after {
            entry = entry.after(after);
        }
        self.auth.audit.record_in(tx, ctx, entry).await?;
        let event = Told::of(Some(ctx.org), OrganizationEventKind::SignOnChanged, Some(user));
        organization_events::tell_in(tx, &event, &Origin { request: &ctx.request, address: client.address }).await?;
        let by = owned.owners.iter().find(|owner| owner.id == user).map(|owner| owner.name.clone()).unwrap_or_default();
        let (at, mark) = (self.auth.instant(), Uuid::now_v7());
        for Person { id, email, name, .. } in &owned.owners {
            let told = Mail {
                key: format!("single-sign-on-changed:{mark}:{id}"),
                to: Recipient::at(&**email).named(&**name),
                language,
                content: Content::SingleSignOnChanged { organization: owned.name.clone(), change, by: by.clone(), at },
            };
            self.auth.mails.send_in(tx, told).await?;
        }
        let org = ctx.org;
        self.auth.forget_in(tx, move |cache| cache.forget_org(org));
        Ok(())
    }

    /// Notes that somebody came back from the issuer for whoever tests the connection: it passed if the address is of a proven domain. Nobody is signed in.
    pub(super) async fn note_test(
        &self,
        connection: &Connection,
        (user, session): (UserId, SessionId),
        heard: Heard<'_>,
    ) -> Result<SignOnTest, Error> {
        let org = connection.org;
        let request: RequestId = heard.asking.request.clone();
        self.auth
            .system
            .write(async |tx| {
                repo::lock_person(tx, user).await?;
                // Whoever signed out meanwhile tests nothing.
                repo::session_by_id(tx, user, session).await?.ok_or(Error::SignInSpent)?;
                let owned = self.auth.directory.lock_organization_in(tx, org).await?.ok_or(Error::SignInSpent)?;
                owned.owners.iter().find(|owner| owner.id == user).ok_or(Error::SignInSpent)?;
                let address = heard.address();
                let at_home = match &address {
                    Some(address) => self.auth.directory.hold_domain_in(tx, org, address.domain()).await?,
                    None => false,
                };
                let before = repo::sign_on::lock(tx, org).await?.map(|stored| stored.connection);
                let before = before.filter(|before| before.id == connection.id).ok_or(Error::SignInSpent)?;
                if at_home {
                    let tested_at = Some(self.auth.instant());
                    repo::sign_on::save(tx, Connection { tested_at, ..before }).await?;
                }
                let role = kernel::OrgRole::Owner;
                let there = Ctx::user(org, user, role, ProjectRoles::default(), request.clone());
                let entry =
                    NewEntry::named("single_sign_on.test", "connection", connection.id).after(json!({ "passed": at_home }));
                self.auth.audit.record_in(tx, &there, entry).await?;
                Ok(SignOnTest { email: heard.told.email.clone(), at_home })
            })
            .await
    }
}

fn without_break_glass() -> Error {
    let detail = "name at least one owner with a second factor, who comes in should the issuer not answer";
    Error::invalid("/breakGlassOwners", "REQUIRED", detail)
}
