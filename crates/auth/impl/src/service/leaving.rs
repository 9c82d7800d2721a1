//! What ends with whoever leaves the platform: every way in, at once.

use audit_api::NewEntry;
use auth_api::{Revoked, SupportEnd};
use kernel::{Ctx, Fault, UserId};
use serde_json::json;
use uow::Tx;

use super::Service;
use crate::{repo, support_ends};

impl Service {
    /// The person is locked: whoever signs in at this moment waits, and is refused then ([`auth_api::Directory::admits_in`]).
    pub(super) async fn lock_out_in(&self, tx: &mut Tx, user: UserId) -> Result<(), Fault> {
        let now = self.clock.now();
        repo::end_all(tx, user, now).await?;
        repo::proofs::end_of_person(tx, user, now).await?;
        repo::pending::end_of_person(tx, user, now).await?;
        self.forget_in(tx, move |cache| cache.forget_user(user));
        Ok(())
    }

    /// The sessions first: a key that is on its way in one of them is made before the keys are revoked, or not at all.
    pub(super) async fn close_in(&self, tx: &mut Tx, ctx: &Ctx) -> Result<(), Fault> {
        let org = ctx.org;
        repo::lives::end_of_organization(tx, org, self.clock.now()).await?;
        // Nobody comes in by its issuer any more, nor what waits for a second factor.
        if let Some(connection) = repo::sign_on::delete(tx, org).await? {
            repo::pending::end_of_connection(tx, connection, self.clock.now()).await?;
        }
        repo::keys::lock_leavers(tx, org).await?;
        for id in repo::keys::revoke_all(tx, org).await? {
            let entry = NewEntry::named("api_keys.revoke", "api_key", id).after(json!({ "revokedFor": Revoked::Person.name() }));
            self.audit.record_in(tx, ctx, entry).await?;
        }
        if let Some(open) = repo::support::lock_open(tx, org).await? {
            support_ends::end_consent_in(tx, &*self.audit, ctx, &open, (self.instant(), SupportEnd::Leaving)).await?;
        }
        self.forget_in(tx, move |cache| cache.forget_org(org));
        Ok(())
    }
}
