//! Support sessions: whose they are, what they ask for, and that they end at their time.

use std::sync::Arc;

use audit_api::NewEntry;
use auth_api::{Error, SupportEnd, SupportSession};
use kernel::{Ctx, Fault, RequestId};
use serde_json::json;

use super::Service;
use crate::{repo, support_ends, support_token};

impl Service {
    /// Nothing of them is cached: they are few, and each of their requests is noted in the database anyway.
    pub(super) async fn live_support(&self, token: &str) -> Result<Arc<SupportSession>, Error> {
        // A text without its checksum costs nothing.
        let sought = support_token::sought(token).ok_or(Error::NotAuthenticated)?;
        let now = self.clock.now();
        let (session, rules) = self
            .system
            .read(async |tx| {
                let session = repo::support::find(tx, &sought, now).await?.ok_or(Error::NotAuthenticated)?;
                Ok::<_, Error>((session, self.directory.session_rules(tx, sought.org).await?))
            })
            .await?;
        // Nobody could take a consent back there.
        if rules.suspended { Err(Error::OrganizationSuspended) } else { Ok(Arc::new(session)) }
    }

    pub(super) async fn count_support(
        &self,
        session: &SupportSession,
        request: &RequestId,
        (route, refused): (&str, bool),
    ) -> Result<(), Error> {
        let now = self.instant();
        self.system
            .write(async |tx| {
                // Whoever takes the consent back at this moment waits, or is waited for: what ended is not noted any more.
                if !repo::support::hold(tx, session.org, session.id, now).await? {
                    return Err(Error::NotAuthenticated);
                }
                if repo::support::count(tx, (session.org, session.id), (route, refused), now).await? {
                    let action = if refused { "support_access.refuse" } else { "support_access.read" };
                    let entry = NewEntry::named(action, "support_session", session.id)
                        .after(json!({ "operator": session.operator, "route": route }));
                    self.audit.record_in(tx, &Ctx::system(session.org, request.clone()), entry).await?;
                }
                Ok(())
            })
            .await
    }

    /// Ends the consents and the sessions whose time is over, so that the trail says so. They are refused without. For a job that runs every minute.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn end_support_over(&self) -> Result<(), Fault> {
        let now = self.instant();
        let (orgs, sessions) = self
            .system
            .read(async |tx| {
                let orgs = repo::support::consents_over(tx, now).await?;
                Ok::<_, Fault>((orgs, repo::support::sessions_over(tx, now).await?))
            })
            .await?;
        for (org, id) in sessions {
            let ctx = Ctx::system(org, RequestId::generate());
            self.system
                .write(async |tx| {
                    if let Some(ended) = repo::support::end_session(tx, org, id, (now, SupportEnd::Over)).await? {
                        support_ends::record_end_in(tx, &*self.audit, &ctx, (&ended, SupportEnd::Over), None).await?;
                    }
                    Ok::<_, Fault>(())
                })
                .await?;
        }
        for org in orgs {
            let ctx = Ctx::system(org, RequestId::generate());
            self.system
                .write(async |tx| {
                    let open = repo::support::lock_open(tx, org).await?;
                    if let Some(open) = open.filter(|open| open.expires_at <= now) {
                        support_ends::end_consent_in(tx, &*self.audit, &ctx, &open, (now, SupportEnd::Over)).await?;
                    }
                    Ok::<_, Fault>(())
                })
                .await?;
        }
        Ok(())
    }
}
