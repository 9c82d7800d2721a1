//! What a person does about their own password and sessions.

use audit_api::NewEntry;
use auth_api::{Error, LiveSession, SecurityEventKind};
use kernel::{Ctx, Fault, FieldFault, SessionId, UserId};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::Service;
use crate::hasher::Verified;
use crate::security;
use crate::security_event::Origin;
use crate::{model, repo};

fn person(ctx: &Ctx) -> Result<UserId, Error> {
    ctx.user_id().ok_or(Error::NotAuthenticated)
}

impl Service {
    pub(super) async fn replace_password(
        &self,
        ctx: &Ctx,
        session: SessionId,
        current: SecretString,
        new: SecretString,
        origin: Origin<'_>,
    ) -> Result<(), Error> {
        let user = person(ctx)?;
        // Apart from sign-ins: those of strangers do not keep a person from changing the password.
        let key = format!("password of {user}");
        let tries = match self.attempts.enter_own(&key, &*self.clock).await {
            Ok(tries) => tries,
            Err(limited) => {
                return Err(self.refused(limited, SecurityEventKind::PasswordChangeLimited, Some(user), origin).await);
            }
        };
        let (known, stored) = self
            .system
            .read(async |tx| Ok::<_, Fault>((self.directory.person(tx, user).await?, repo::password(tx, user).await?)))
            .await?;
        let (Some(known), Some(stored)) = (known, stored) else { return Err(Error::NotAuthenticated) };
        let mut faults: Vec<_> = model::password_fault("/newPassword", &known.email, new.expose_secret()).into_iter().collect();
        if new.expose_secret() == current.expose_secret() {
            faults.push(FieldFault::new("/newPassword", "SAME_AS_BEFORE", "must not be the present password"));
        }
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let Verified { right, .. } = self.hasher.verify(current, Some(stored.clone())).await?;
        if !right {
            tries.were_wrong(self.clock.now());
            security::note(&self.system, SecurityEventKind::PasswordChangeFailed, Some(user), origin).await;
            return Err(Error::invalid("/currentPassword", "WRONG_PASSWORD", "is not the present password"));
        }
        self.attempts.forget_own(&key);
        drop(tries);
        let phc = self.hasher.hash(new).await?;
        self.system
            .write(async |tx| {
                repo::lock_person(tx, user).await?;
                if !repo::replace_password(tx, user, &stored, &phc).await? {
                    return Err(Fault::unavailable("the password changed meanwhile"));
                }
                let ended = repo::end_others(tx, user, session, self.clock.now()).await?;
                let entry = NewEntry::named("auth.change_password", "user", user).after(json!({ "endedSessions": ended }));
                self.audit.record_in(tx, ctx, entry).await?;
                security::note_in(tx, SecurityEventKind::PasswordChanged, user, &origin).await
            })
            .await?;
        self.cache.forget_user(user);
        Ok(())
    }

    pub(super) async fn live_sessions(&self, ctx: &Ctx) -> Result<Vec<LiveSession>, Error> {
        let user = person(ctx)?;
        Ok(self.system.read(async |tx| repo::live(tx, user, self.clock.now()).await).await?)
    }

    pub(super) async fn end_one(&self, ctx: &Ctx, session: SessionId) -> Result<(), Error> {
        let user = person(ctx)?;
        let hash = self
            .system
            .write(async |tx| {
                let hash = repo::end(tx, user, session, self.clock.now()).await?.ok_or(Error::NoSuchSession)?;
                self.audit.record_in(tx, ctx, NewEntry::named("auth.end_session", "session", session)).await?;
                Ok::<_, Error>(hash)
            })
            .await?;
        self.cache.forget(&hash);
        Ok(())
    }

    pub(super) async fn end_others(&self, ctx: &Ctx, session: SessionId) -> Result<(), Error> {
        let user = person(ctx)?;
        self.system
            .write(async |tx| {
                repo::lock_person(tx, user).await?;
                let ended = repo::end_others(tx, user, session, self.clock.now()).await?;
                let entry = NewEntry::named("auth.end_other_sessions", "user", user).after(json!({ "endedSessions": ended }));
                self.audit.record_in(tx, ctx, entry).await
            })
            .await?;
        self.cache.forget_user(user);
        Ok(())
    }
}
