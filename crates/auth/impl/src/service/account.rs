//! What a person does about their own password and sessions.

use std::collections::HashMap;

use audit_api::NewEntry;
use auth_api::{Error, LiveSession, SecurityEventKind, SessionRules};
use kernel::{Ctx, Fault, FieldFault, OrgId, SessionId, UserId};
use mail_api::{Content, Language, Mail, Recipient};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::Service;
use crate::attempts::own_password_key;
use crate::hasher::Verified;
use crate::repo::Listed;
use crate::security;
use crate::security_event::Origin;
use crate::{model, passwords, repo};

pub(super) fn person(ctx: &Ctx) -> Result<UserId, Error> {
    ctx.user_id().ok_or(Error::NotAuthenticated)
}

impl Service {
    pub(super) async fn replace_password(
        &self,
        ctx: &Ctx,
        session: SessionId,
        (current, new): (SecretString, SecretString),
        origin: Origin<'_>,
        language: Language,
    ) -> Result<(), Error> {
        let user = person(ctx)?;
        // Apart from sign-ins: those of strangers do not keep a person from changing the password.
        let key = own_password_key(user, None);
        let tries = match self.attempts.enter_own(&key, &*self.clock).await {
            Ok(tries) => tries,
            Err(limited) => {
                return Err(self.refused(limited, SecurityEventKind::PasswordChangeLimited, (user, ctx.org), origin).await);
            }
        };
        let (known, stored) = self
            .system
            .read(async |tx| Ok::<_, Fault>((self.directory.person(tx, user).await?, repo::password(tx, user).await?)))
            .await?;
        let (Some(known), Some(stored)) = (known, stored) else { return Err(Error::NotAuthenticated) };
        let mut faults: Vec<_> =
            passwords::fault("/newPassword", &known.email, &[&known.name], new.expose_secret()).into_iter().collect();
        if new.expose_secret() == current.expose_secret() {
            faults.push(FieldFault::new("/newPassword", "SAME_AS_BEFORE", "must not be the present password"));
        }
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let Verified { right, .. } = self.hasher.verify(current, Some(stored.clone())).await?;
        if !right {
            tries.were_wrong(self.clock.now());
            security::note(&self.system, SecurityEventKind::PasswordChangeFailed, (user, ctx.org), origin).await;
            return Err(Error::invalid("/currentPassword", "WRONG_PASSWORD", "is not the present password"));
        }
        self.attempts.forget_own(&key);
        drop(tries);
        if let Some(fault) = self.breached("/newPassword", &new).await {
            return Err(Error::Invalid(vec![fault]));
        }
        let phc = self.hasher.hash(new).await?;
        self.system
            .write(async |tx| {
                repo::lock_person(tx, user).await?;
                if !repo::replace_password(tx, user, &stored, &phc).await? {
                    return Err(Fault::unavailable("the password changed meanwhile"));
                }
                let now = self.clock.now();
                // What somebody asked for by mail who knew the old one must not take the account along.
                repo::proofs::end_of_person(tx, user, now).await?;
                repo::pending::end_of_person(tx, user, now).await?;
                let ended = repo::end_others(tx, user, session, now).await?;
                let entry = NewEntry::named("auth.change_password", "user", user).after(json!({ "endedSessions": ended }));
                self.audit.record_in(tx, ctx, entry).await?;
                security::note_in(tx, SecurityEventKind::PasswordChanged, (user, ctx.org), &origin).await?;
                let told = Mail {
                    key: format!("password-changed:{}", Uuid::now_v7()),
                    to: Recipient::at(&*known.email).named(&*known.name),
                    language,
                    content: Content::PasswordChanged { at: now, link: None },
                };
                self.mails.send_in(tx, told).await?;
                Ok(())
            })
            .await?;
        self.cache.forget_user(user);
        Ok(())
    }

    pub(super) async fn live_sessions(&self, ctx: &Ctx) -> Result<Vec<LiveSession>, Error> {
        let (user, now) = (person(ctx)?, self.clock.now());
        let live = self
            .system
            .read(async |tx| {
                let (mut live, mut known) = (Vec::new(), HashMap::<OrgId, SessionRules>::new());
                for Listed { live: session, stored } in repo::live(tx, user, now).await? {
                    let rules = match known.get(&session.org) {
                        Some(rules) => *rules,
                        None => self.directory.session_rules(tx, session.org).await?,
                    };
                    known.insert(session.org, rules);
                    if !stored.is_over(self.life, rules, now) {
                        let expires_at = model::expires_at(stored.expires_at, stored.sign_in.at, self.life, rules);
                        live.push(LiveSession { expires_at, ..session });
                    }
                }
                Ok::<_, Fault>(live)
            })
            .await?;
        Ok(live)
    }

    /// Ends a session with the others of the same sign-in: what was switched to goes with it.
    pub(super) async fn end_sign_in(&self, ctx: &Ctx, session: SessionId) -> Result<(), Error> {
        let user = person(ctx)?;
        self.system
            .write(async |tx| {
                repo::lock_person(tx, user).await?;
                let ended = repo::end_sign_in(tx, user, session, self.clock.now()).await?;
                if !ended.is_empty() {
                    self.audit.record_in(tx, ctx, NewEntry::named("auth.logout", "session", session)).await?;
                }
                for hash in ended {
                    self.forget_in(tx, move |cache| cache.forget(&hash));
                }
                Ok::<_, Error>(())
            })
            .await
    }

    pub(super) async fn end_all(&self, ctx: &Ctx) -> Result<(), Error> {
        let user = person(ctx)?;
        self.system
            .write(async |tx| {
                repo::lock_person(tx, user).await?;
                let ended = repo::end_all(tx, user, self.clock.now()).await?;
                repo::pending::end_of_person(tx, user, self.clock.now()).await?;
                let entry = NewEntry::named("auth.logout_everywhere", "user", user).after(json!({ "endedSessions": ended }));
                self.audit.record_in(tx, ctx, entry).await?;
                self.forget_in(tx, move |cache| cache.forget_user(user));
                Ok::<_, Error>(())
            })
            .await
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
