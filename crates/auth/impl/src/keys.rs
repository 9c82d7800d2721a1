//! `Keys`: the verbs on an organisation's API keys. What a key may do is [`crate::Service`]'s to tell, which resolves them.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use async_trait::async_trait;
use audit_api::{Audit, NewEntry};
use auth_api::{
    ApiKey, ApiKeyChange, ApiKeys, Authorizer, Error, FreshKey, Leavers, NewApiKey, Person, Revoked, Rotation, Sessions, perm,
};
use chrono::{SubsecRound, TimeDelta};
use kernel::{ApiKeyId, Clock, Ctx, Denied, Fault, Page, PageRequest, Permission, Position, Scope, SessionId, Timestamp, UserId};
use mail_api::{KeyChange, Language};
use module::Wired;
use serde_json::json;
use uow::{SystemUow, Tx, Uow};

use crate::key_mails::KeyMails;
use crate::key_rules::{self as rules, Checked};
use crate::key_settings::KeySettings;
use crate::{key_token, repo};

/// What the keys stand on.
pub struct KeysDependencies {
    /// The tenants' door: an organisation reads its own keys.
    pub uow: Uow,
    /// The platform's door: nobody else writes them.
    pub system: SystemUow,
    /// Who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// Who forgets what is kept of a key that changed.
    pub sessions: Arc<dyn Sessions>,
    /// The trail.
    pub audit: Arc<dyn Audit>,
    /// Who tells those who made keys.
    pub mails: KeyMails,
    /// Ends keys.
    pub clock: Arc<dyn Clock>,
    /// What a deployment decides about keys.
    pub settings: KeySettings,
}

/// API keys over PostgreSQL.
pub struct Keys {
    uow: Uow,
    system: SystemUow,
    authorizer: Arc<dyn Authorizer>,
    sessions: Arc<dyn Sessions>,
    audit: Arc<dyn Audit>,
    mails: KeyMails,
    clock: Arc<dyn Clock>,
    longest: TimeDelta,
    most: u32,
    live: bool,
}

impl Keys {
    /// Over what they stand on.
    ///
    /// # Errors
    /// A fault if a setting is out of range.
    pub fn new(dependencies: KeysDependencies) -> Result<Self, Fault> {
        let KeysDependencies { uow, system, authorizer, sessions, audit, mails, clock, settings } = dependencies;
        let longest = TimeDelta::from_std(settings.lifetime).map_err(Fault::internal)?;
        Ok(Self {
            uow,
            system,
            authorizer,
            sessions,
            audit,
            mails,
            clock,
            longest,
            most: settings.per_organization,
            live: settings.live,
        })
    }

    /// PostgreSQL keeps microseconds: what is answered now must equal what is read later.
    fn now(&self) -> Timestamp {
        self.clock.now().trunc_subsecs(6)
    }

    /// The person who manages the keys of the context's organisation.
    fn manager(&self, ctx: &Ctx) -> Result<UserId, Error> {
        let permission = perm::KEYS_MANAGE;
        self.authorizer.check(ctx, permission, Scope::Organization)?;
        ctx.person().ok_or_else(|| Denied { permission, project: None }.into())
    }

    /// Every permission that there is.
    fn known(&self, ctx: &Ctx) -> Vec<Permission> {
        self.authorizer.permissions(&Ctx::system(ctx.org, ctx.request.clone()))
    }

    /// Passes if the context holds each: nobody gives a key what they have not got.
    fn check_held(&self, ctx: &Ctx, scopes: &[Permission]) -> Result<(), Error> {
        for permission in scopes {
            self.authorizer.check(ctx, *permission, Scope::Organization)?;
        }
        Ok(())
    }

    /// Stores a key that was just made, if there is room, and records it; `replaces` is the one in whose place it is.
    async fn insert_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        new: NewKey,
        now: Timestamp,
        replaces: Option<ApiKeyId>,
    ) -> Result<FreshKey, Error> {
        if repo::keys::working(tx, ctx.org, now).await? >= i64::from(self.most) {
            return Err(Error::TooManyKeys(self.most));
        }
        let fresh = key_token::fresh(self.live)?;
        let key = ApiKey {
            id: ApiKeyId::new(),
            org: ctx.org,
            name: new.checked.name,
            shown: fresh.shown,
            scopes: new.checked.scopes.iter().map(|scope| scope.name().to_owned()).collect(),
            networks: new.checked.networks,
            created_by: new.creator,
            created_at: now,
            expires_at: new.checked.expires_at.trunc_subsecs(6),
            replaced: None,
            revoked: None,
            last_used_at: None,
        };
        repo::keys::insert(tx, &key, &fresh.hash).await?;
        let mut told = told(&key);
        told["scopes"] = json!(key.scopes);
        told["expiresAt"] = json!(key.expires_at);
        if let Some(replaces) = replaces {
            told["replaces"] = json!(replaces);
        }
        self.audit.record_in(tx, ctx, NewEntry::named("api_keys.create", "api_key", key.id).after(told)).await?;
        Ok(FreshKey { secret: fresh.secret, key })
    }

    /// Whoever made a key of the context's organisation.
    async fn creator(&self, ctx: &Ctx, id: ApiKeyId) -> Result<Option<Person>, Error> {
        let key = self.uow.read_one(ctx, async |tx| repo::keys::get(tx, ctx.org, id).await).await?;
        Ok(self.mails.person(key.created_by).await?)
    }

    async fn record_in(&self, tx: &mut Tx, ctx: &Ctx, action: &str, id: ApiKeyId, after: serde_json::Value) -> Result<(), Fault> {
        self.audit.record_in(tx, ctx, NewEntry::named(action, "api_key", id).after(after)).await
    }
}

/// A key that is about to be made.
struct NewKey {
    checked: Checked,
    creator: UserId,
}

/// What of a key can be changed, as the trail tells it.
fn told(key: &ApiKey) -> serde_json::Value {
    let networks: Vec<String> = key.networks.iter().map(ToString::to_string).collect();
    json!({ "name": key.name, "allowedNetworks": networks })
}

/// Passes if the session lives, which it does until the transaction has ended: whoever ends the sessions of a person, and after them their keys,
/// misses none that was on its way. Before anything else is locked, as they do.
async fn hold_in(tx: &mut Tx, user: UserId, session: SessionId) -> Result<(), Error> {
    if repo::hold_session(tx, user, session).await? { Ok(()) } else { Err(Error::NotAuthenticated) }
}

/// Passes if the key works.
fn works(key: &ApiKey, now: Timestamp) -> Result<(), Error> {
    let state = if key.revoked.is_some() {
        "revoked"
    } else if key.replaced.is_some() {
        "replaced"
    } else if key.expires_at <= now {
        "expired"
    } else {
        return Ok(());
    };
    Err(Error::state("API key", state, "make a new one"))
}

#[async_trait]
impl ApiKeys for Keys {
    async fn create(&self, ctx: &Ctx, session: SessionId, new: NewApiKey, language: Language) -> Result<FreshKey, Error> {
        let (creator, now) = (self.manager(ctx)?, self.now());
        let checked = rules::checked(new, &self.known(ctx), now, self.longest).map_err(Error::Invalid)?;
        self.check_held(ctx, &checked.scopes)?;
        let person = self.mails.person(creator).await?;
        self.system
            .write(async |tx| {
                hold_in(tx, creator, session).await?;
                repo::keys::lock_leavers(tx, ctx.org).await?;
                let fresh = self.insert_in(tx, ctx, NewKey { checked, creator }, now, None).await?;
                self.mails.tell_in(tx, person.as_ref(), (&fresh.key, KeyChange::Made), now, language).await?;
                Ok(fresh)
            })
            .await
    }

    async fn list(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<ApiKey>, Error> {
        self.authorizer.check(ctx, perm::KEYS_READ, Scope::Organization)?;
        let rows = self.uow.read_one(ctx, async |tx| repo::keys::page(tx, ctx.org, page).await).await?;
        Ok(Page::cut(rows, page, |key| Position { created_at: key.created_at, id: key.id.0 }))
    }

    async fn get(&self, ctx: &Ctx, id: ApiKeyId) -> Result<ApiKey, Error> {
        self.authorizer.check(ctx, perm::KEYS_READ, Scope::Organization)?;
        self.uow.read_one(ctx, async |tx| repo::keys::get(tx, ctx.org, id).await).await
    }

    async fn changeable(&self, ctx: &Ctx, id: ApiKeyId) -> Result<ApiKey, Error> {
        self.manager(ctx)?;
        self.uow.read_one(ctx, async |tx| repo::keys::get(tx, ctx.org, id).await).await
    }

    async fn change(&self, ctx: &Ctx, id: ApiKeyId, change: ApiKeyChange, language: Language) -> Result<ApiKey, Error> {
        self.manager(ctx)?;
        let (name, networks) = rules::checked_change(&change).map_err(Error::Invalid)?;
        let creator = self.creator(ctx, id).await?;
        self.system
            .write(async |tx| {
                let before = repo::keys::lock(tx, ctx.org, id).await?;
                if before.revoked.is_some() {
                    return Err(Error::state("API key", "revoked", "make a new one"));
                }
                let after = ApiKey { name, networks, ..before.clone() };
                if after == before {
                    return Ok(before);
                }
                repo::keys::save(tx, &after).await?;
                let entry = NewEntry::named("api_keys.change", "api_key", id).before(told(&before)).after(told(&after));
                self.audit.record_in(tx, ctx, entry).await?;
                let told = (&before, KeyChange::Changed);
                self.mails.tell_in(tx, creator.as_ref(), told, self.now(), language).await?;
                self.sessions.forget_user_in(tx, after.created_by).await?;
                Ok(after)
            })
            .await
    }

    async fn rotate(
        &self,
        ctx: &Ctx,
        session: SessionId,
        id: ApiKeyId,
        how: Rotation,
        language: Language,
    ) -> Result<FreshKey, Error> {
        let (creator, now) = (self.manager(ctx)?, self.now());
        let (overlap, expires_at) = rules::checked_rotation(how, now, self.longest).map_err(Error::Invalid)?;
        let known = self.known(ctx);
        let (person, before) = (self.mails.person(creator).await?, self.creator(ctx, id).await?);
        self.system
            .write(async |tx| {
                hold_in(tx, creator, session).await?;
                repo::keys::lock_leavers(tx, ctx.org).await?;
                let old = repo::keys::lock(tx, ctx.org, id).await?;
                works(&old, now)?;
                // A permission that is no more, or is one of persons by now, is not given on.
                let scopes = known.iter().filter(|known| old.scopes.iter().any(|scope| scope == known.name()));
                let scopes: Vec<Permission> = scopes.copied().filter(|scope| !auth_api::needs_person(*scope)).collect();
                if scopes.is_empty() {
                    return Err(Error::state("API key", "without scopes", "make a new one"));
                }
                self.check_held(ctx, &scopes)?;
                let checked = Checked { name: old.name.clone(), scopes, networks: old.networks.clone(), expires_at };
                let fresh = self.insert_in(tx, ctx, NewKey { checked, creator }, now, Some(id)).await?;
                let until = (now + overlap).min(old.expires_at);
                repo::keys::replace(tx, ctx.org, id, fresh.key.id, until).await?;
                let after = json!({ "replacedBy": fresh.key.id, "overlapEndsAt": until });
                self.record_in(tx, ctx, "api_keys.rotate", id, after).await?;
                self.mails.tell_in(tx, before.as_ref(), (&old, KeyChange::Replaced), now, language).await?;
                // Of one's own one hears once.
                if old.created_by != creator {
                    self.mails.tell_in(tx, person.as_ref(), (&fresh.key, KeyChange::Made), now, language).await?;
                }
                self.sessions.forget_user_in(tx, old.created_by).await?;
                Ok(fresh)
            })
            .await
    }

    async fn revoke(&self, ctx: &Ctx, id: ApiKeyId, language: Language) -> Result<(), Error> {
        self.manager(ctx)?;
        let creator = self.creator(ctx, id).await?;
        self.system
            .write(async |tx| {
                let key = repo::keys::lock(tx, ctx.org, id).await?;
                if key.revoked.is_some() {
                    return Ok(());
                }
                repo::keys::revoke(tx, ctx.org, id, Revoked::Person).await?;
                self.record_in(tx, ctx, "api_keys.revoke", id, json!({ "revokedFor": Revoked::Person.name() })).await?;
                self.mails.tell_in(tx, creator.as_ref(), (&key, KeyChange::Revoked), self.now(), language).await?;
                self.sessions.forget_user_in(tx, key.created_by).await?;
                Ok(())
            })
            .await
    }

    async fn leavers(&self, ctx: &Ctx) -> Result<Leavers, Error> {
        self.authorizer.check(ctx, perm::KEYS_READ, Scope::Organization)?;
        Ok(self.uow.read_one(ctx, async |tx| repo::keys::leavers(tx, ctx.org).await).await?)
    }

    async fn set_leavers(&self, ctx: &Ctx, leavers: Leavers) -> Result<(), Error> {
        self.manager(ctx)?;
        self.system
            .write(async |tx| {
                let before = repo::keys::lock_leavers(tx, ctx.org).await?;
                if before == leavers {
                    return Ok(());
                }
                repo::keys::set_leavers(tx, ctx.org, leavers).await?;
                let entry = NewEntry::named("api_keys.set_leavers", "organization", ctx.org)
                    .before(json!({ "apiKeysOfLeavers": before.name() }))
                    .after(json!({ "apiKeysOfLeavers": leavers.name() }));
                self.audit.record_in(tx, ctx, entry).await?;
                for creator in repo::keys::creators(tx, ctx.org).await? {
                    // Of whoever has left already, whose keys were kept.
                    for id in repo::keys::revoke_of_leaver(tx, ctx.org, creator).await? {
                        let after = json!({ "revokedFor": Revoked::Leaver.name(), "createdBy": creator });
                        self.record_in(tx, ctx, "api_keys.revoke", id, after).await?;
                    }
                    self.sessions.forget_user_in(tx, creator).await?;
                }
                Ok(())
            })
            .await
    }
}

impl Wired for Keys {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self as Arc<dyn ApiKeys>));
    }
}
