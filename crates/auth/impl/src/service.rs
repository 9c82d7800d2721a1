//! The verbs of sign-in and sessions.

mod account;
mod admitting;
mod asking;
mod breached;
mod elsewhere;
mod entering;
mod factors;
mod keys;
mod leaving;
mod lives;
mod opening;
mod passkey_use;
mod passkeys;
mod places;
mod proofs;
mod proving;
mod registering;
mod sign_on;
mod support;

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use audit_api::{Audit, NewEntry};
use auth_api::{
    Accounts, Again, Breaches, Ceremonies, Client, Directory, Entered, Error, LiveKey, LiveSession, Membership, MfaPolicy,
    NewAccount, Person, Registered, SecurityEvent, Session, Sessions, SignIn, SignedIn, SupportSession, SwitchOnce, Switched,
    Teams,
};
use chrono::TimeDelta;
use db::{Signal, Voucher};
use kernel::{
    Clock, Ctx, Denied, Fault, OrgId, OrgRole, Page, PageRequest, ProjectId, ProjectRole, RequestId, SessionId, Timestamp, UserId,
};
use mail_api::{Language, Mails};
use secrecy::SecretString;
use serde_json::json;
use tokio::task::JoinHandle;
use uow::{ReadTx, SystemUow, Tx};
use uuid::Uuid;

use crate::attempts::Attempts;
use crate::cache::Cache;
use crate::challenge::ChallengeSecret;
use crate::factor_secret::FactorSecret;
use crate::flights::Flights;
use crate::hasher::Hasher;
use crate::held::{Held, Seen};
use crate::key_cache::{Kept, KeyCache};
use crate::model::StoredSession;
use crate::place::Place;
use crate::security;
use crate::security_event::{Origin, SpentLimit};
use crate::sign_on_secret::SignOnSecret;
use crate::token::{self, TokenHash};
use crate::{Settings, model, organization_events, repo, written};

pub use elsewhere::Elsewhere;
pub use sign_on::SignOn;

/// What the service stands on.
pub struct Dependencies {
    /// The platform's door: before a session is found, nobody knows its tenant.
    pub system: SystemUow,
    /// Who people are and where they belong.
    pub directory: Arc<dyn Directory>,
    /// Their roles in teams.
    pub teams: Arc<dyn Teams>,
    /// The trail.
    pub audit: Arc<dyn Audit>,
    /// What proves addresses, and what is told of an account, goes by mail.
    pub mails: Arc<dyn Mails>,
    /// How passkeys are made and used.
    pub ceremonies: Arc<dyn Ceremonies>,
    /// Ends sessions.
    pub clock: Arc<dyn Clock>,
    /// What a deployment decides about sign-in.
    pub settings: Settings,
}

/// Sign-in and sessions over PostgreSQL. One per process: the cache and the room for hashing are its own.
pub struct Service {
    system: SystemUow,
    directory: Arc<dyn Directory>,
    teams: Arc<dyn Teams>,
    audit: Arc<dyn Audit>,
    mails: Arc<dyn Mails>,
    ceremonies: Arc<dyn Ceremonies>,
    challenges: ChallengeSecret,
    clock: Arc<dyn Clock>,
    hasher: Hasher,
    cache: Arc<Cache>,
    flights: Flights<TokenHash, Option<Arc<Held>>>,
    places: Flights<(UserId, OrgId), Option<Place>>,
    keys: KeyCache,
    key_flights: Flights<TokenHash, Option<Arc<Kept>>>,
    attempts: Attempts,
    seen: Arc<Seen>,
    life: TimeDelta,
    switch_secret: SecretString,
    factor_secret: FactorSecret,
    sign_on_secret: SignOnSecret,
    mfa_policy: MfaPolicy,
    most_sessions: u32,
    events_kept: TimeDelta,
    device_kept: TimeDelta,
    hearing: db::Hearing,
    /// Who knows passwords from breaches, if anybody is asked.
    breaches: Option<Arc<dyn Breaches>>,
}

/// How soon it is asked again whom to obey.
const READY_PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

/// A task that ends with this.
struct Listening(JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What is known of somebody who wants to sign in.
struct Known {
    person: Person,
    password: Option<String>,
    memberships: Vec<Membership>,
    last: Option<OrgId>,
    /// Into which of their organisations they come by its own issuer alone.
    shut: Vec<OrgId>,
}

impl Service {
    /// Over what it stands on.
    ///
    /// # Errors
    /// A fault if a setting is out of range.
    pub fn new(dependencies: Dependencies) -> Result<Self, Fault> {
        let Dependencies { system, directory, teams, audit, mails, ceremonies, clock, settings } = dependencies;
        let challenges = ChallengeSecret::derived(&settings.switch_secret)?;
        let hasher = Hasher::new(settings.hash_threads, settings.hash_queue, settings.hash_wait)?;
        let life = TimeDelta::from_std(settings.session_life).map_err(Fault::internal)?;
        let attempts = Attempts::new(settings.wrong_per_email, settings.wrong_per_network, settings.hash_wait);
        let cache = Arc::new(Cache::new(&settings));
        let (flights, places) = (Flights::new(settings.cached_sessions), Flights::new(settings.cached_sessions));
        let seen = Arc::new(Seen::new(settings.cached_sessions));
        let (keys, key_flights) = (KeyCache::new(&settings), Flights::new(settings.cached_sessions));
        let factor_secret = FactorSecret::derived(&settings.switch_secret, &settings.previous_secrets)?;
        let sign_on_secret = SignOnSecret::derived(&settings.switch_secret, &settings.previous_secrets)?;
        let most_sessions = settings.sessions_per_person.max(1);
        let events_kept = TimeDelta::from_std(settings.events_kept).map_err(Fault::internal)?;
        let device_kept = TimeDelta::from_std(settings.device_kept).map_err(Fault::internal)?;
        Ok(Self {
            system,
            directory,
            teams,
            audit,
            mails,
            ceremonies,
            challenges,
            clock,
            hasher,
            cache,
            flights,
            places,
            keys,
            key_flights,
            attempts,
            seen,
            life,
            switch_secret: settings.switch_secret,
            factor_secret,
            sign_on_secret,
            mfa_policy: settings.mfa_policy,
            most_sessions,
            events_kept,
            device_kept,
            hearing: settings.hearing,
            breaches: None,
        })
    }

    /// Keeps the cache coherent with the other replicas, until the handle is aborted. Before this listens nothing is cached. Meanwhile it is written
    /// down which sessions were used.
    pub fn listen(&self, url: SecretString) -> JoinHandle<()> {
        let (cache, voucher, hearing) = (Arc::clone(&self.cache), Voucher::new(self.system.clone()), self.hearing);
        let (system, seen) = (self.system.clone(), Arc::clone(&self.seen));
        tokio::spawn(async move {
            // Nothing is heard before it is known whom to obey.
            while let Err(error) = voucher.ready().await {
                tracing::warn!(%error, "cannot listen for ends of sessions yet; trying again");
                tokio::time::sleep(READY_PAUSE).await;
            }
            let listening = db::listen(url, &[repo::CHANNEL], hearing, move |signal| match signal {
                Signal::Connected => cache.connected(),
                Signal::Notified { payload, .. } => cache.heard(&payload, &voucher),
                Signal::Lost => cache.lost(),
            });
            // Ends with the handle, as this does.
            let mut listening = Listening(listening);
            loop {
                tokio::select! {
                    _ = &mut listening.0 => return,
                    () = tokio::time::sleep(written::WRITTEN_EVERY) => {}
                }
                if let Err(error) = written::write_seen(&system, &seen).await {
                    tracing::warn!(%error, "it could not be written down which sessions were used; trying again");
                }
            }
        })
    }

    /// Notes that a limit of requests was spent, which is counted elsewhere. Never fails: what cannot be stored is in the log.
    pub async fn note_spent(&self, limit: SpentLimit, request: &RequestId, from: Option<IpAddr>) {
        security::note_spent(&self.system, limit, Origin { request, address: from }).await;
    }

    /// Tells an organisation that a permission was refused in it. Never fails.
    pub async fn note_denied(&self, ctx: &Ctx, denied: &Denied) {
        organization_events::tell_denied(&self.system, ctx, denied).await;
    }

    /// Removes what is left of sessions that were over before `before`, the security events that were kept for long enough, and what was mailed to
    /// prove addresses, or begun elsewhere, and is over for a day. For a daily job.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn purge(&self, before: Timestamp) -> Result<usize, Fault> {
        security::purge(&self.system, self.clock.now() - self.events_kept).await?;
        let kept_since = self.clock.now() - self.events_kept;
        self.system.write(async |tx| repo::organization_events::purge(tx, kept_since).await).await?;
        let yesterday = self.clock.now() - TimeDelta::days(1);
        self.system.write(async |tx| repo::proofs::purge(tx, yesterday).await).await?;
        self.system.write(async |tx| repo::identities::purge(tx, yesterday).await).await?;
        self.system.write(async |tx| repo::sign_on::purge(tx, yesterday).await).await?;
        self.system.write(async |tx| repo::pending::purge(tx, yesterday).await).await?;
        self.system.write(async |tx| repo::devices::purge(tx, self.clock.now()).await).await?;
        self.system.write(async |tx| repo::passkeys::purge_challenges(tx, self.clock.now()).await).await?;
        // No sign-in lives for longer.
        let oldest = self.clock.now() - self.life;
        self.system.write(async |tx| repo::purge_ends(tx, oldest).await).await?;
        self.system.write(async |tx| repo::purge(tx, before).await).await
    }

    /// What is known of an email's person; of an unknown one as many questions are asked, so that the answer takes as long.
    async fn known(&self, email: &str) -> Result<Option<Known>, Fault> {
        self.system
            .read(async |tx| {
                let person = self.directory.person_by_email(tx, email).await?;
                let id = person.as_ref().map_or(UserId(Uuid::nil()), |person| person.id);
                let password = repo::password(tx, id).await?;
                let memberships = self.directory.memberships(tx, id).await?;
                let last = repo::last_org(tx, id).await?;
                let shut = self.shut_to(tx, person.as_ref(), &memberships).await?;
                Ok(person.map(|person| Known { person, password, memberships, last, shut }))
            })
            .await
    }

    /// Forgets in this process as soon as `tx` is committed, before anybody is answered: others are told by a notification, which may take its
    /// time. Before the commit it would be too early: a look-up would find, and keep, what is about to end.
    fn forget_in(&self, tx: &mut Tx, forget: impl FnOnce(&Cache) + Send + 'static) {
        let cache = Arc::clone(&self.cache);
        tx.after_commit(move || forget(&cache));
    }

    async fn record_in(&self, tx: &mut Tx, request: &RequestId, session: &Session, action: &str) -> Result<(), Fault> {
        let entry = NewEntry::named(action, "session", session.id).after(json!({ "expiresAt": session.expires_at }));
        self.audit.record_in(tx, &session.ctx(request.clone()), entry).await
    }

    async fn look_up(&self, hash: &TokenHash) -> Result<Option<Held>, Fault> {
        let Some(stored) = self.system.read(async |tx| repo::session(tx, hash).await).await? else { return Ok(None) };
        let StoredSession { id, user, org, expires_at, last_seen_at, sign_in } = stored;
        // In a transaction of its own: nobody holds a connection while they wait for another's look.
        let Some(place) = self.place(user, org).await? else { return Ok(None) };
        // What an issuer made that is not the organisation's any more, or not this person's, is worth nothing.
        if sign_in.connection.is_some() && sign_in.connection != place.door.connection {
            return Ok(None);
        }
        let (bound, factor) = (sign_in.connection.is_some(), place.factor_of(sign_in.issuer_factor));
        let Place { role, projects, added, rules, door, .. } = place;
        let expires_at = model::expires_at(expires_at, sign_in.at, self.life, rules);
        // What this process saw may not be written yet.
        let last_seen_at = self.seen.of(id).map_or(last_seen_at, |seen| seen.max(last_seen_at));
        let authenticated_at = sign_in.at;
        let session = Session { id, user, org, role, projects, added, expires_at, authenticated_at, factor, bound };
        let held = Held::new(session, model::idle(rules), last_seen_at).suspended(rules.suspended);
        Ok(Some(held.shut(door.only && !bound)))
    }
}

#[async_trait]
impl Sessions for Service {
    async fn resolve(&self, token: &str) -> Result<Arc<Session>, Error> {
        let hash = token::hash(token).ok_or(Error::NotAuthenticated)?;
        // What seems unused here may have been used on another replica, and that be written down.
        let kept = self.cache.get(&hash).filter(|held| !held.is_unused(self.clock.now()));
        let held = match kept {
            Some(held) => held,
            None => {
                let look_up = async {
                    let began = self.cache.generation();
                    let found = self.look_up(&hash).await?.map(Arc::new);
                    if let Some(held) = &found {
                        self.cache.store(began, hash, Arc::clone(held));
                    }
                    Ok(found)
                };
                self.flights.share(&hash, look_up).await?.ok_or(Error::NotAuthenticated)?
            }
        };
        let now = self.clock.now();
        if held.session.expires_at <= now || held.is_unused(now) {
            return Err(Error::NotAuthenticated);
        }
        if held.is_suspended {
            return Err(Error::OrganizationSuspended);
        }
        if held.is_shut {
            return Err(Error::SingleSignOnRequired(held.session.org));
        }
        held.used(now, &self.seen);
        Ok(Arc::clone(&held.session))
    }

    fn is_stale(&self, session: &Session) -> bool {
        session.is_stale_at(self.clock.now())
    }

    async fn resolve_key(&self, key: &str, from: Option<IpAddr>) -> Result<Arc<LiveKey>, Error> {
        self.live_key(key, from).await
    }

    async fn resolve_support(&self, token: &str) -> Result<Arc<SupportSession>, Error> {
        self.live_support(token).await
    }

    async fn note_support(&self, session: &SupportSession, request: &RequestId, route: &str, refused: bool) -> Result<(), Error> {
        self.count_support(session, request, (route, refused)).await
    }

    async fn forget_user_in(&self, tx: &mut Tx, user: UserId) -> Result<(), Fault> {
        repo::tell_person(tx, user).await?;
        self.forget_in(tx, move |cache| cache.forget_user(user));
        Ok(())
    }

    async fn forget_role_in(&self, tx: &mut Tx, user: UserId, org: OrgId, project: ProjectId) -> Result<(), Fault> {
        repo::tell_role(tx, user, org, project).await?;
        self.forget_in(tx, move |cache| cache.forget_role(user, org, project));
        Ok(())
    }

    async fn forget_organization_in(&self, tx: &mut Tx, org: OrgId) -> Result<(), Fault> {
        self.forget_in(tx, move |cache| cache.forget_org(org));
        Ok(())
    }

    async fn end_sessions_in(&self, tx: &mut Tx, user: UserId, org: OrgId) -> Result<(), Fault> {
        repo::end_in_org(tx, user, org).await?;
        self.forget_in(tx, move |cache| cache.forget_user(user));
        Ok(())
    }
}

#[async_trait]
impl Accounts for Service {
    async fn is_registered_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<bool, Fault> {
        repo::is_registered(tx, org, user).await
    }

    async fn comes_by_issuer_alone(&self, tx: &ReadTx<'_>, org: OrgId, user: UserId) -> Result<bool, Fault> {
        let Some(membership) = self.directory.membership(tx, user, org).await? else { return Ok(false) };
        let person = self.directory.person(tx, user).await?;
        Ok(!self.shut_to(tx, person.as_ref(), &[membership]).await?.is_empty())
    }

    async fn leave_teams_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
        self.teams.leave_in(tx, org, user).await
    }

    async fn sign_out_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<(), Fault> {
        repo::note_sessions_ended(tx, user, org, self.clock.now()).await?;
        self.end_sessions_in(tx, user, org).await
    }

    async fn leave_keys_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId, role: OrgRole) -> Result<(), Fault> {
        self.revoke_keys_of_leaver_in(tx, ctx, user, role).await
    }

    async fn shut_out_in(&self, tx: &mut Tx, user: UserId) -> Result<(), Fault> {
        self.lock_out_in(tx, user).await
    }

    async fn close_organization_in(&self, tx: &mut Tx, ctx: &Ctx) -> Result<(), Fault> {
        self.close_in(tx, ctx).await
    }

    async fn remove_in(&self, tx: &mut Tx, user: UserId) -> Result<(), Fault> {
        repo::lock_person(tx, user).await?;
        // Whoever signs in by one at this moment is waited for, and signed out with the others.
        repo::identities::delete_of_person(tx, user).await?;
        repo::sign_on::delete_of_person(tx, user).await?;
        repo::end_all(tx, user, self.clock.now()).await?;
        repo::delete_password(tx, user).await?;
        repo::devices::forget_all(tx, user).await?;
        repo::delete_events(tx, user).await?;
        repo::organization_events::forget_addresses(tx, user).await?;
        repo::forget_clients(tx, user).await?;
        repo::proofs::delete_of_person(tx, user).await?;
        repo::pending::delete_of_person(tx, user).await?;
        repo::factors::delete_all(tx, user).await?;
        self.forget_in(tx, move |cache| cache.forget_user(user));
        Ok(())
    }
}

#[async_trait]
impl SignIn for Service {
    async fn register(
        &self,
        request: &RequestId,
        account: NewAccount,
        password: SecretString,
        client: &Client,
        language: Language,
    ) -> Result<Registered, Error> {
        self.register_person(request, account, password, client, language).await
    }

    async fn login(
        &self,
        request: &RequestId,
        email: &str,
        password: SecretString,
        client: &Client,
        device: Option<&SecretString>,
    ) -> Result<Entered, Error> {
        let entered = self.enter(request, email, password, client, device).await?;
        self.complete_entered(entered).await
    }

    async fn change_password(
        &self,
        ctx: &Ctx,
        session: SessionId,
        current: SecretString,
        new: SecretString,
        from: Option<IpAddr>,
        language: Language,
    ) -> Result<(), Error> {
        self.replace_password(ctx, session, (current, new), Origin { request: &ctx.request, address: from }, language).await
    }

    async fn sessions(&self, ctx: &Ctx) -> Result<Vec<LiveSession>, Error> {
        self.live_sessions(ctx).await
    }

    async fn end_session(&self, ctx: &Ctx, session: SessionId) -> Result<(), Error> {
        self.end_one(ctx, session).await
    }

    async fn end_other_sessions(&self, ctx: &Ctx, session: SessionId) -> Result<(), Error> {
        self.end_others(ctx, session).await
    }

    async fn security_events(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<SecurityEvent>, Error> {
        let user = ctx.user_id().ok_or(Error::NotAuthenticated)?;
        Ok(security::of(&self.system, user, page).await?)
    }

    async fn reauthenticate(&self, ctx: &Ctx, session: SessionId, again: Again, client: &Client) -> Result<SignedIn, Error> {
        self.prove_again(ctx, session, again, client).await
    }

    async fn logout(&self, ctx: &Ctx, session: SessionId) -> Result<(), Error> {
        self.end_sign_in(ctx, session).await
    }

    async fn logout_everywhere(&self, ctx: &Ctx) -> Result<(), Error> {
        self.end_all(ctx).await
    }

    async fn switch(
        &self,
        ctx: &Ctx,
        session: &Session,
        org: OrgId,
        client: &Client,
        once: Option<&SwitchOnce>,
    ) -> Result<Switched, Error> {
        self.open_elsewhere(ctx, session, org, client, once).await
    }
}
