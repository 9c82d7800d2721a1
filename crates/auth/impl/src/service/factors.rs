//! What a person does about their second factors. Each change is in the trail, an event of the account, and told by mail.

use async_trait::async_trait;
use audit_api::NewEntry;
use auth_api::{
    Asking, Error, FactorKind, FactorShown, MfaPolicy, NewTotp, OwnFactors, SecondFactors, SecurityEventKind, SessionRules,
    SignedIn,
};
use chrono::TimeDelta;
use kernel::{Ctx, Fault, OrgRole, SessionId, Timestamp, UserId};
use mail_api::FactorChange;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uow::Tx;

use super::account::person;
use super::asking::{address_of, origin};
use super::{Known, Service};
use crate::attempts::own_factor_key;
use crate::{recovery, repo, security, totp};

/// For so long an authenticator can be confirmed.
const SET_UP_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// Whether an organisation asks somebody of this role for a second factor. By the role alone: of whom it asks more by a role in a team, it refuses what it
/// asks for.
fn asks(policy: MfaPolicy, role: OrgRole) -> bool {
    match policy {
        MfaPolicy::Off => false,
        MfaPolicy::Privileged => matches!(role, OrgRole::Owner | OrgRole::Admin),
        MfaPolicy::Everyone => true,
    }
}

impl Service {
    /// What is known of the context's person.
    pub(super) async fn oneself(&self, user: UserId) -> Result<Known, Error> {
        let person = self.system.read(async |tx| self.directory.person(tx, user).await).await?;
        let person = person.ok_or(Error::NotAuthenticated)?;
        self.known(&person.email).await?.filter(|known| known.person.id == user).ok_or(Error::NotAuthenticated)
    }

    /// Locks whoever changes their second factors, against sign-ins too, and makes sure of their session.
    pub(super) async fn lock_oneself_in(&self, tx: &mut Tx, known: &Known, session: SessionId) -> Result<(), Error> {
        let user = known.person.id;
        let email = address_of(&known.person.email)?;
        // Proven before, it stays so: what counts here is the lock, which a sign-in by mail has too.
        self.directory.prove_in(tx, user, email.key()).await?.ok_or(Error::NotAuthenticated)?;
        repo::lock_person(tx, user).await?;
        repo::session_by_id(tx, user, session).await?.ok_or(Error::NotAuthenticated).map(drop)
    }

    /// Ends what was begun without the factors of now: other sessions, sign-ins that wait, links that were mailed.
    pub(super) async fn end_before_in(&self, tx: &mut Tx, user: UserId, session: SessionId) -> Result<usize, Fault> {
        let now = self.clock.now();
        repo::proofs::end_of_person(tx, user, now).await?;
        repo::pending::end_of_person(tx, user, now).await?;
        let ended = repo::end_others(tx, user, session, now).await?;
        self.forget_in(tx, move |cache| cache.forget_user(user));
        Ok(ended)
    }

    /// Fresh recovery codes, in the place of those there were.
    pub(super) async fn renew_codes_in(&self, tx: &mut Tx, user: UserId, now: Timestamp) -> Result<Vec<SecretString>, Fault> {
        let mut codes = Vec::with_capacity(recovery::MADE);
        let mut hashes = Vec::with_capacity(recovery::MADE);
        for _ in 0..recovery::MADE {
            let (code, hash) = recovery::fresh()?;
            codes.push(code);
            hashes.push(hash);
        }
        repo::factors::replace_codes(tx, user, &hashes, now).await?;
        Ok(codes)
    }

    /// Whether an organisation of the person asks them for a second factor.
    pub(super) async fn is_bound(&self, known: &Known) -> Result<bool, Error> {
        for membership in &known.memberships {
            let rules: SessionRules = self.system.read(async |tx| self.directory.session_rules(tx, membership.org).await).await?;
            if asks(rules.mfa.unwrap_or(self.mfa_policy), membership.role) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The last second factor takes the recovery codes along. It stays where the person is `bound` to have one.
    pub(super) async fn after_removal_in(&self, tx: &mut Tx, user: UserId, bound: bool) -> Result<(), Error> {
        if !repo::factors::kinds(tx, user).await?.is_empty() {
            return Ok(());
        }
        if bound {
            return Err(Error::SecondFactorRequired);
        }
        Ok(repo::factors::delete_codes(tx, user).await?)
    }
}

#[async_trait]
impl SecondFactors for Service {
    async fn finish(
        &self,
        token: &SecretString,
        shown: FactorShown,
        asking: Asking<'_>,
        device: Option<&SecretString>,
    ) -> Result<SignedIn, Error> {
        self.finish_pending(token, shown, asking, device).await
    }

    async fn own_factors(&self, ctx: &Ctx) -> Result<OwnFactors, Error> {
        let user = person(ctx)?;
        let (rules, (totp_since, passkeys, recovery_codes_left)) = self
            .system
            .read(async |tx| {
                let rules = self.directory.session_rules(tx, ctx.org).await?;
                Ok::<_, Fault>((rules, repo::factors::own(tx, user).await?))
            })
            .await?;
        Ok(OwnFactors { totp_since, passkeys, recovery_codes_left, policy: rules.mfa.unwrap_or(self.mfa_policy) })
    }

    async fn begin_totp(&self, ctx: &Ctx) -> Result<NewTotp, Error> {
        let user = ctx.person().ok_or(Error::NotAuthenticated)?;
        let known = self.oneself(user).await?;
        if !known.person.email_verified {
            return Err(Error::EmailNotVerified);
        }
        let secret = totp::fresh()?;
        let uri = totp::uri(secret, &known.person.email);
        let qr = totp::qr(&uri)?;
        let (now, sealed) = (self.instant(), self.factor_secret.seal(user, &secret)?);
        self.system
            .write(async |tx| {
                repo::factors::put_next(tx, user, &sealed, now).await?;
                self.audit.record_in(tx, ctx, NewEntry::named("auth.begin_second_factor", "user", user)).await
            })
            .await?;
        let expires_at = now + SET_UP_WITHIN;
        Ok(NewTotp { secret: totp::base32(secret).into(), uri: uri.into(), qr: qr.into(), expires_at })
    }

    async fn confirm_totp(
        &self,
        ctx: &Ctx,
        session: SessionId,
        code: SecretString,
        asking: Asking<'_>,
    ) -> Result<Vec<SecretString>, Error> {
        let user = ctx.person().ok_or(Error::NotAuthenticated)?;
        let known = self.oneself(user).await?;
        let tries = self.try_own_factor((user, None), origin(&asking)).await?;
        let now = self.instant();
        let codes = self
            .system
            .write(async |tx| {
                self.lock_oneself_in(tx, &known, session).await?;
                let sealed = repo::factors::lock_next_totp(tx, user, now - SET_UP_WITHIN).await?;
                let sealed = sealed.ok_or(Error::NotFound("authenticator that is being set up"))?;
                let secret = self.factor_secret.open(user, &sealed)?.secret;
                let typed: String = code.expose_secret().chars().filter(|c| !c.is_whitespace()).collect();
                let Some(step) = totp::step_of(&secret, &typed, now)? else { return Ok(None) };
                let replaces = repo::factors::totp_since(tx, user).await?.is_some();
                repo::factors::confirm_next(tx, user, step, now).await?;
                let codes = self.renew_codes_in(tx, user, now).await?;
                let ended = self.end_before_in(tx, user, session).await?;
                let after = json!({ "kind": FactorKind::Totp, "replaces": replaces, "endedSessions": ended });
                self.audit.record_in(tx, ctx, NewEntry::named("auth.add_second_factor", "user", user).after(after)).await?;
                security::note_in(tx, SecurityEventKind::SecondFactorAdded, (user, ctx.org), &origin(&asking)).await?;
                self.tell_in(tx, &known, FactorChange::TotpAdded, asking.language).await?;
                Ok::<_, Error>(Some(codes))
            })
            .await?;
        let Some(codes) = codes else { return Err(self.wrong_own_factor(user, &tries, origin(&asking)).await) };
        self.attempts.forget_own(&own_factor_key(user, None));
        Ok(codes)
    }

    async fn remove_totp(&self, ctx: &Ctx, session: SessionId, asking: Asking<'_>) -> Result<(), Error> {
        let user = ctx.person().ok_or(Error::NotAuthenticated)?;
        let known = self.oneself(user).await?;
        let bound = self.is_bound(&known).await?;
        self.system
            .write(async |tx| {
                self.lock_oneself_in(tx, &known, session).await?;
                if !repo::factors::delete_totp(tx, user).await? {
                    return Err(Error::NotFound("authenticator"));
                }
                self.after_removal_in(tx, user, bound).await?;
                let ended = self.end_before_in(tx, user, session).await?;
                let before = json!({ "kind": FactorKind::Totp, "endedSessions": ended });
                self.audit.record_in(tx, ctx, NewEntry::named("auth.remove_second_factor", "user", user).before(before)).await?;
                security::note_in(tx, SecurityEventKind::SecondFactorRemoved, (user, ctx.org), &origin(&asking)).await?;
                self.tell_in(tx, &known, FactorChange::TotpRemoved, asking.language).await
            })
            .await
    }

    async fn renew_recovery_codes(&self, ctx: &Ctx, asking: Asking<'_>) -> Result<Vec<SecretString>, Error> {
        let user = ctx.person().ok_or(Error::NotAuthenticated)?;
        let known = self.oneself(user).await?;
        let now = self.instant();
        self.system
            .write(async |tx| {
                repo::lock_person(tx, user).await?;
                if repo::factors::kinds(tx, user).await?.is_empty() {
                    return Err(Error::NotFound("second factor"));
                }
                let codes = self.renew_codes_in(tx, user, now).await?;
                self.audit.record_in(tx, ctx, NewEntry::named("auth.renew_recovery_codes", "user", user)).await?;
                security::note_in(tx, SecurityEventKind::RecoveryCodesRenewed, (user, ctx.org), &origin(&asking)).await?;
                self.tell_in(tx, &known, FactorChange::RecoveryCodesRenewed, asking.language).await?;
                Ok(codes)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisation_asks_those_who_run_it_or_everyone() {
        for (policy, asked) in
            [(MfaPolicy::Off, [false; 3]), (MfaPolicy::Privileged, [true, true, false]), (MfaPolicy::Everyone, [true; 3])]
        {
            assert_eq!([OrgRole::Owner, OrgRole::Admin, OrgRole::Member].map(|role| asks(policy, role)), asked, "{policy}");
        }
    }
}
