//! How sessions begin: with a sign-in, with another proof of who somebody is, in another organisation.

use auth_api::{
    Again, Client, ConnectionId, Entered, Error, FactorKind, FactorShown, FactorStanding, Membership, SecurityEventKind, Session,
    SessionRules, SignInMethod, SignedIn, SwitchOnce, Switched,
};
use chrono::SubsecRound;
use kernel::{Actor, AddedPermissions, Ctx, Fault, OrgId, ProjectRoles, RequestId, SessionId, Timestamp, UserId};
use mail_api::{FactorChange, Language};
use secrecy::SecretString;
use uow::Tx;

use super::Service;
use super::account::person;
use crate::attempts::{own_factor_key, own_password_key};
use crate::checked::Checked;
use crate::hasher::Verified;
use crate::model::{Proof, StoredSession};
use crate::organization_events::{self, Told};
use crate::security_event::Origin;
use crate::token::{self, TokenHash};
use crate::{device, model, repo, security};

/// How many sessions one sign-in may have, by switches of the organisation; for more those end that went unused for longest.
const MOST_OF_SIGN_IN: u32 = 20;

/// A session to be begun.
pub(super) struct Opening<'a> {
    pub request: &'a RequestId,
    pub user: UserId,
    /// In which of their organisations.
    pub membership: Membership,
    /// How it comes about, in the trail.
    pub action: &'a str,
    /// On what.
    pub client: &'a Client,
    /// By which proof.
    pub sign_in: Proof,
}

impl Service {
    /// Now, as PostgreSQL keeps it, to microseconds: what is answered must equal what is read later.
    pub(super) fn instant(&self) -> Timestamp {
        self.clock.now().trunc_subsecs(6)
    }

    /// Makes a session of a person in one of their organisations.
    pub(super) async fn open_in(
        &self,
        tx: &mut Tx,
        opening: Opening<'_>,
        (token, hash): (SecretString, TokenHash),
    ) -> Result<SignedIn, Error> {
        let Opening { request, user, membership, action, client, sign_in } = opening;
        self.directory.admits_in(tx, user).await?;
        let now = self.instant();
        let session = Session {
            id: SessionId::new(),
            user,
            org: membership.org,
            role: membership.role,
            projects: ProjectRoles::default(),
            added: AddedPermissions::default(),
            expires_at: sign_in.at + self.life,
            authenticated_at: sign_in.at,
            // What that is worth there is looked at before anybody is answered.
            factor: FactorStanding { has: sign_in.issuer_factor, ..FactorStanding::default() },
            bound: sign_in.connection.is_some(),
        };
        repo::lock_person(tx, user).await?;
        let device = client.agent.as_deref().and_then(device::label);
        let new = repo::NewSession { session: &session, sign_in, device, address: client.address };
        repo::insert_session(tx, &hash, new, now).await?;
        let mut ended = repo::end_oldest(tx, (user, sign_in.connection), self.most_sessions, now).await?;
        ended.extend(repo::end_least_used(tx, user, sign_in.id, MOST_OF_SIGN_IN, now).await?);
        for ended in ended {
            self.forget_in(tx, move |cache| cache.forget(&ended));
        }
        self.record_in(tx, request, &session, action).await?;
        let told = Told::of_opening(session.org, user, action);
        organization_events::tell_in(tx, &told, &Origin { request, address: client.address }).await?;
        Ok(SignedIn { token, session, device: None })
    }

    /// A signed-in person is told their project roles too, and when the session ends, as every later request will know them.
    pub(super) async fn complete(&self, mut signed_in: SignedIn) -> Result<SignedIn, Error> {
        let session = &mut signed_in.session;
        if let Some(place) = self.place(session.user, session.org).await? {
            session.expires_at = model::expires_at(session.expires_at, session.authenticated_at, self.life, place.rules);
            session.factor = place.factor_of(session.factor.has);
            session.projects = place.projects;
            session.added = place.added;
        }
        Ok(signed_in)
    }

    /// The same of one that may still wait for a second factor.
    pub(super) async fn complete_entered(&self, entered: Entered) -> Result<Entered, Error> {
        Ok(match entered {
            Entered::SignedIn(signed_in) => Entered::SignedIn(self.complete(signed_in).await?),
            pending @ Entered::Pending(_) => pending,
        })
    }

    /// The person proves again who they are, for a session with another token instead of this one.
    pub(super) async fn prove_again(
        &self,
        ctx: &Ctx,
        session: SessionId,
        again: Again,
        client: &Client,
    ) -> Result<SignedIn, Error> {
        let user = person(ctx)?;
        let by = self.system.read(async |tx| repo::sign_on::made_by(tx, session).await).await?;
        match again {
            Again::Password(password) => self.prove_by_password(ctx, (user, session, by), password, client).await,
            Again::Factor(shown) => self.prove_by_factor(ctx, (user, session, by), shown, client).await,
        }
    }

    async fn prove_by_password(
        &self,
        ctx: &Ctx,
        (user, session, by): (UserId, SessionId, Option<ConnectionId>),
        password: SecretString,
        client: &Client,
    ) -> Result<SignedIn, Error> {
        let origin = || Origin { request: &ctx.request, address: client.address };
        // As for a change of the password: apart from the sign-ins of strangers.
        let key = own_password_key(user, by);
        let tries = match self.attempts.enter_own(&key, &*self.clock).await {
            Ok(tries) => tries,
            Err(limited) => {
                return Err(self.refused(limited, SecurityEventKind::SignInLimited, (user, ctx.org), origin()).await);
            }
        };
        let stored = self.system.read(async |tx| repo::password(tx, user).await).await?;
        let Verified { right, stronger } = self.hasher.verify(password, stored.clone()).await?;
        if !right {
            tries.were_wrong(self.clock.now());
            security::note(&self.system, SecurityEventKind::SignInFailed, (user, ctx.org), origin()).await;
            return Err(Error::invalid("/password", "WRONG_PASSWORD", "is not the present password"));
        }
        // What the sessions of an issuer share stays spent, or the person would give it back to who guesses there.
        if by.is_none() {
            self.attempts.forget_own(&key);
        }
        drop(tries);
        let (ended, signed_in) = self
            .system
            .write(async |tx| {
                if repo::lock_person(tx, user).await? != stored {
                    return Err(Fault::unavailable("the password changed meanwhile").into());
                }
                if !repo::factors::kinds(tx, user).await?.is_empty() {
                    let detail = "you have a second factor: show that instead of the password";
                    return Err(Error::invalid("/code", "REQUIRED", detail));
                }
                if let (Some(old), Some(new)) = (&stored, &stronger) {
                    repo::replace_password(tx, user, old, new).await?;
                }
                self.replace_session_in(tx, ctx, session, Some(SignInMethod::Password), client).await
            })
            .await?;
        self.cache.forget(&ended);
        self.complete(signed_in).await
    }

    async fn prove_by_factor(
        &self,
        ctx: &Ctx,
        (user, session, by): (UserId, SessionId, Option<ConnectionId>),
        shown: FactorShown,
        client: &Client,
    ) -> Result<SignedIn, Error> {
        let origin = || Origin { request: &ctx.request, address: client.address };
        let language = client.language.unwrap_or(Language::English);
        let known = self.oneself(user).await?;
        let tries = self.try_own_factor((user, by), origin()).await?;
        let outcome = self
            .system
            .write(async |tx| {
                repo::lock_person(tx, user).await?;
                match self.check_factor_in(tx, (user, session.0), &shown, &origin()).await? {
                    Checked::Wrong(copied) => return Ok::<_, Error>(Err(copied)),
                    Checked::Right(FactorKind::RecoveryCode) => {
                        self.tell_in(tx, &known, FactorChange::RecoveryCodeUsed, language).await?;
                    }
                    Checked::Right(_) => {}
                }
                Ok(Ok(self.replace_session_in(tx, ctx, session, None, client).await?))
            })
            .await?;
        let (ended, signed_in) = match outcome {
            Ok(replaced) => replaced,
            Err(copied) => {
                self.tell_of_copy((user, ctx.org), copied, origin(), language).await;
                return Err(self.wrong_own_factor(user, &tries, origin()).await);
            }
        };
        if by.is_none() {
            self.attempts.forget_own(&own_factor_key(user, by));
        }
        drop(tries);
        self.cache.forget(&ended);
        self.complete(signed_in).await
    }

    /// Another session in the place of one, by a fresh proof of the same sign-in.
    async fn replace_session_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        session: SessionId,
        method: Option<SignInMethod>,
        client: &Client,
    ) -> Result<(TokenHash, SignedIn), Error> {
        let Actor::User(user, role) = ctx.actor else { return Err(Error::NotAuthenticated) };
        let before = repo::session_by_id(tx, user, session).await?.ok_or(Error::NotAuthenticated)?;
        if let Some(connection) = before.sign_in.connection {
            // The connection before its sessions, as who turns it off: of none that ended there is another one.
            repo::sign_on::hold(tx, ctx.org, connection).await?.ok_or(Error::NotAuthenticated)?;
        }
        let ended = repo::end(tx, user, session, self.clock.now()).await?.ok_or(Error::NotAuthenticated)?;
        let sign_in = Proof { method: method.unwrap_or(before.sign_in.method), at: self.instant(), ..before.sign_in };
        let (request, membership) = (&ctx.request, Membership { org: ctx.org, role });
        let opening = Opening { request, user, membership, action: "auth.reauthenticate", client, sign_in };
        Ok((ended, self.open_in(tx, opening, token::fresh()?).await?))
    }

    /// A session of the same sign-in in another organisation.
    pub(super) async fn open_elsewhere(
        &self,
        ctx: &Ctx,
        session: &Session,
        org: OrgId,
        client: &Client,
        once: Option<&SwitchOnce>,
    ) -> Result<Switched, Error> {
        let user = person(ctx)?;
        if session.bound {
            return Err(Error::SingleSignOnSession);
        }
        let (membership, rules) = self
            .system
            .read(async |tx| {
                Ok::<_, Fault>((self.directory.membership(tx, user, org).await?, self.directory.session_rules(tx, org).await?))
            })
            .await?;
        let membership = membership.ok_or(Error::NotAMember)?;
        if rules.suspended {
            return Err(Error::OrganizationSuspended);
        }
        // What was made there meanwhile is refused when it is used.
        if self.place(user, org).await?.is_some_and(|place| place.door.only) {
            return Err(Error::SingleSignOnRequired(org));
        }
        let repeatable = once.map(|once| token::switched(&self.switch_secret, org, once)).transpose()?;
        let (signed_in, again) = self
            .system
            .write(async |tx| {
                // The person before their sessions, as everybody who touches several of them. And of two calls with one key the later one finds what
                // the other made.
                repo::lock_person(tx, user).await?;
                let here = repo::session_by_id(tx, user, session.id).await?.ok_or(Error::NotAuthenticated)?;
                if here.sign_in.connection.is_some() {
                    return Err(Error::SingleSignOnSession);
                }
                let token = match &repeatable {
                    Some((token, hash)) => match repo::session_of(tx, hash).await? {
                        None => (token.clone(), *hash),
                        Some((made, false)) if !made.is_over(self.life, rules, self.clock.now()) => {
                            return Ok((again(token.clone(), &made, membership), true));
                        }
                        // It has ended since: this is another switch.
                        Some(_) => token::fresh()?,
                    },
                    None => token::fresh()?,
                };
                let ended_at = repo::sessions_ended_at(tx, user, org).await?;
                if self.is_too_old(&here, rules) || ended_at.is_some_and(|ended| here.sign_in.at <= ended) {
                    return Err(Error::AuthenticateAgain);
                }
                let (request, sign_in) = (&ctx.request, here.sign_in);
                let opening = Opening { request, user, membership, action: "auth.switch", client, sign_in };
                Ok::<_, Error>((self.open_in(tx, opening, token).await?, false))
            })
            .await?;
        Ok(Switched { signed_in: self.complete(signed_in).await?, again })
    }

    /// Whether a session of the same sign-in would be over by these rules when it began.
    fn is_too_old(&self, here: &StoredSession, rules: SessionRules) -> bool {
        model::expires_at(here.expires_at, here.sign_in.at, self.life, rules) <= self.clock.now()
    }
}

/// The session that an earlier call made.
fn again(token: SecretString, made: &StoredSession, membership: Membership) -> SignedIn {
    let StoredSession { id, user, org, expires_at, sign_in, .. } = *made;
    let (role, projects, added) = (membership.role, ProjectRoles::default(), AddedPermissions::default());
    let (factor, bound) = (FactorStanding::default(), sign_in.connection.is_some());
    let authenticated_at = sign_in.at;
    let session = Session { id, user, org, role, projects, added, expires_at, authenticated_at, factor, bound };
    SignedIn { token, session, device: None }
}
