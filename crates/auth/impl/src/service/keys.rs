//! What an API key may do now: its own scopes, and what its creator is in the organisation.

use std::net::IpAddr;
use std::sync::Arc;

use audit_api::NewEntry;
use auth_api::{Error, FactorStanding, Leavers, LiveKey};
use chrono::TimeDelta;
use kernel::{AddedPermissions, ApiKeyId, Ctx, Fault, KeyUse, OrgId, OrgRole, ProjectRoles, Timestamp, UserId};
use serde_json::json;
use uow::Tx;

use super::Service;
use crate::key_cache::{Kept, NOTED_EVERY};
use crate::key_rules::StoredKey;
use crate::key_token;
use crate::place::Place;
use crate::repo;
use crate::token::TokenHash;

impl Service {
    pub(super) async fn live_key(&self, text: &str, from: Option<IpAddr>) -> Result<Arc<LiveKey>, Error> {
        // A text without its checksum costs nothing.
        let hash = key_token::hash(text).ok_or(Error::NotAuthenticated)?;
        let kept = match self.keys.get(&hash, &self.cache) {
            Some(kept) => kept,
            None if self.keys.is_unknown(&hash) => return Err(Error::NotAuthenticated),
            None => self.key_flights.share(&hash, self.look_up_key(hash)).await?.ok_or(Error::NotAuthenticated)?,
        };
        let now = self.clock.now();
        if kept.key.until <= now {
            return Err(Error::NotAuthenticated);
        }
        if kept.is_suspended {
            return Err(Error::OrganizationSuspended);
        }
        if !kept.key.lets_in(from) {
            return Err(Error::AddressNotAllowed);
        }
        if kept.is_to_be_noted(now) {
            self.note_use(kept.key.org, kept.key.by.id, now);
        }
        Ok(Arc::clone(&kept.key))
    }

    async fn look_up_key(&self, hash: TokenHash) -> Result<Option<Arc<Kept>>, Fault> {
        let began = self.cache.generation();
        let Some(stored) = self.system.read(async |tx| repo::keys::find(tx, &hash).await).await? else {
            self.keys.note_unknown(hash);
            return Ok(None);
        };
        let StoredKey { key, leavers } = stored;
        // In a transaction of its own, as of sessions.
        let (role, projects, added, of_leaver, factor, is_suspended) = match self.place(key.created_by, key.org).await? {
            Some(Place { role, projects, added, rules, factor, .. }) => (role, projects, added, false, factor, rules.suspended),
            None if leavers == Leavers::Keep => {
                let rules = self.system.read(async |tx| self.directory.session_rules(tx, key.org).await).await?;
                // Nobody is left whom a second factor could be asked for.
                (
                    OrgRole::Admin,
                    ProjectRoles::default(),
                    AddedPermissions::default(),
                    true,
                    FactorStanding::default(),
                    rules.suspended,
                )
            }
            None => return Ok(None),
        };
        let (until, last_used_at) = (key.until(), key.last_used_at);
        let by = Arc::new(KeyUse { id: key.id, scopes: key.scopes, of_leaver });
        let live =
            LiveKey { by, org: key.org, creator: key.created_by, role, projects, added, networks: key.networks, until, factor };
        let kept = Arc::new(Kept::new(live, began, last_used_at).suspended(is_suspended));
        self.keys.store(hash, Arc::clone(&kept));
        Ok(Some(kept))
    }

    /// Beside the request, which waits for nothing.
    fn note_use(&self, org: OrgId, id: ApiKeyId, now: Timestamp) {
        let (system, lately) = (self.system.clone(), now - TimeDelta::seconds(NOTED_EVERY));
        tokio::spawn(async move {
            let noted = system.write(async |tx| repo::keys::note_use(tx, org, id, now, lately).await).await;
            if let Err(fault) = noted {
                tracing::warn!(error = %fault, key = %id, "that an API key was used could not be noted");
            }
        });
    }

    pub(super) async fn revoke_keys_of_leaver_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        user: UserId,
        role: OrgRole,
    ) -> Result<(), Fault> {
        // A key that is kept has an administrator's rights: more than its creator had must come of leaving to nobody.
        let revoked = if role == OrgRole::Member {
            repo::keys::revoke_of_member(tx, ctx.org, user).await?
        } else {
            repo::keys::revoke_of_leaver(tx, ctx.org, user).await?
        };
        for id in revoked {
            let entry =
                NewEntry::named("api_keys.revoke", "api_key", id).after(json!({ "revokedFor": "leaver", "createdBy": user }));
            self.audit.record_in(tx, ctx, entry).await?;
        }
        Ok(())
    }
}
