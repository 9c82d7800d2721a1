//! `Passkeys`: the passkeys that a person has, and the verbs that go by them.

use async_trait::async_trait;
use audit_api::NewEntry;
use auth_api::{
    Asking, Challenge, Error, KeyOwner, MadeKey, Passkey, PasskeyId, Passkeys, Person, SecurityEventKind, Session, ShownKey,
    SignedIn,
};
use kernel::{Ctx, Fault, Timestamp, UserId, text};
use mail_api::{Content, Mail, Recipient};
use secrecy::SecretString;
use serde_json::json;
use uow::Tx;
use uuid::Uuid;

use super::Service;
use super::asking::origin;
use super::passkey_use::unmade;
use crate::challenge::AskedFor;
use crate::repo::passkeys::MOST;
use crate::{repo, security};

/// The longest name of a passkey.
const NAME: usize = 100;

/// What a person calls a passkey.
fn named(name: &str) -> Result<String, Error> {
    text::line(name, NAME).map_err(|flaw| Error::Invalid(vec![flaw.at("/name")]))
}

/// Of whom nobody else acts: an API key has no passkeys.
fn person(ctx: &Ctx) -> Result<UserId, Error> {
    ctx.person().ok_or(Error::NotAuthenticated)
}

impl Service {
    /// The context's person, who has proven that the address is theirs: whoever registered with another's keeps no way in for later.
    async fn proven_person(&self, ctx: &Ctx) -> Result<Person, Error> {
        let user = person(ctx)?;
        let person = self.system.read(async |tx| self.directory.person(tx, user).await).await?;
        let person = person.ok_or(Error::NotAuthenticated)?;
        if person.email_verified { Ok(person) } else { Err(Error::EmailNotVerified) }
    }

    /// Tells the person by mail what became of a passkey of theirs.
    pub(super) async fn tell_of_passkey_in(
        &self,
        tx: &mut Tx,
        person: &Person,
        key: String,
        content: Content,
        asking: &Asking<'_>,
    ) -> Result<(), Fault> {
        let to = Recipient::at(&*person.email).named(&*person.name);
        self.mails.send_in(tx, Mail { key, to, language: asking.language, content }).await.map(drop)
    }

    async fn record_passkey_in(&self, tx: &mut Tx, ctx: &Ctx, action: &str, id: PasskeyId, name: &str) -> Result<(), Fault> {
        let entry = NewEntry::named(action, "passkey", id).after(json!({ "name": name }));
        self.audit.record_in(tx, ctx, entry).await
    }

    async fn keep_in(&self, tx: &mut Tx, user: UserId, session: &Session) -> Result<i16, Error> {
        repo::lock_person(tx, user).await?;
        // Whoever ends the sessions of a person misses no passkey that was on its way.
        if !repo::hold_session(tx, user, session.id).await? {
            return Err(Error::NotAuthenticated);
        }
        let taken = repo::passkeys::lock_places(tx, user).await?;
        let free = (1..).take(MOST as usize).find(|place| !taken.contains(place));
        free.ok_or(Error::TooManyPasskeys(MOST))
    }
}

#[async_trait]
impl Passkeys for Service {
    async fn ask_new(&self, ctx: &Ctx, session: &Session) -> Result<Challenge, Error> {
        let person = self.proven_person(ctx).await?;
        let known = self.system.read(async |tx| repo::passkeys::credentials_of(tx, person.id).await).await?;
        if known.len() >= MOST as usize {
            return Err(Error::TooManyPasskeys(MOST));
        }
        let owner = KeyOwner { user: person.id, email: &person.email, name: &person.name };
        let ceremony = self.ceremonies.begin(owner, &known).map_err(unmade)?;
        self.ask(AskedFor::New, Some((person.id, session.id.0)), ceremony).await
    }

    async fn add(
        &self,
        ctx: &Ctx,
        session: &Session,
        request_id: &SecretString,
        made: MadeKey,
        name: &str,
        asking: Asking<'_>,
    ) -> Result<Passkey, Error> {
        let name = named(name)?;
        let person = self.proven_person(ctx).await?;
        let user = person.id;
        let state = self.answered(AskedFor::New, Some((user, session.id.0)), request_id).await?;
        let state = state.ok_or(Error::ChallengeSpent)?;
        let key = self.ceremonies.made(&state, &made).map_err(unmade)?;
        self.system
            .write(async |tx| {
                let place = self.keep_in(tx, user, session).await?;
                let now = self.instant();
                let passkey = repo::passkeys::insert(tx, (user, place), &key, &name, now).await?;
                self.record_passkey_in(tx, ctx, "auth.add_passkey", passkey.id, &name).await?;
                security::note_in(tx, SecurityEventKind::PasskeyAdded, (user, ctx.org), &origin(&asking)).await?;
                let told = Content::PasskeyAdded { passkey: name.clone(), at: now };
                self.tell_of_passkey_in(tx, &person, format!("passkey-added:{}", passkey.id), told, &asking).await?;
                self.forget_in(tx, move |cache| cache.forget_user(user));
                Ok(passkey)
            })
            .await
    }

    async fn own(&self, ctx: &Ctx) -> Result<Vec<Passkey>, Error> {
        let user = person(ctx)?;
        Ok(self.system.read(async |tx| repo::passkeys::of_person(tx, user).await).await?)
    }

    async fn rename(&self, ctx: &Ctx, passkey: PasskeyId, name: &str) -> Result<Passkey, Error> {
        let (user, name) = (person(ctx)?, named(name)?);
        self.system
            .write(async |tx| {
                let renamed = repo::passkeys::rename(tx, user, passkey, &name, self.instant()).await?;
                let renamed = renamed.ok_or(Error::NoSuchPasskey)?;
                self.record_passkey_in(tx, ctx, "auth.rename_passkey", passkey, &name).await?;
                Ok(renamed)
            })
            .await
    }

    async fn remove(&self, ctx: &Ctx, session: &Session, passkey: PasskeyId, asking: Asking<'_>) -> Result<(), Error> {
        let person = self.proven_person(ctx).await?;
        let user = person.id;
        self.system
            .write(async |tx| {
                let password = repo::lock_person(tx, user).await?;
                if !repo::hold_session(tx, user, session.id).await? {
                    return Err(Error::NotAuthenticated);
                }
                let others = repo::passkeys::lock_places(tx, user).await?.len().saturating_sub(1);
                let name = repo::passkeys::delete(tx, user, passkey).await?.ok_or(Error::NoSuchPasskey)?;
                let identities = repo::identities::lock_of_person(tx, user).await?;
                if others == 0 && password.is_none() && identities.is_empty() {
                    return Err(Error::LastWayIn);
                }
                let now: Timestamp = self.instant();
                self.record_passkey_in(tx, ctx, "auth.remove_passkey", passkey, &name).await?;
                security::note_in(tx, SecurityEventKind::PasskeyRemoved, (user, ctx.org), &origin(&asking)).await?;
                let told = Content::PasskeyRemoved { passkey: name, at: now };
                self.tell_of_passkey_in(tx, &person, format!("passkey-removed:{}", Uuid::now_v7()), told, &asking).await?;
                self.forget_in(tx, move |cache| cache.forget_user(user));
                Ok(())
            })
            .await
    }

    async fn ask_sign_in(&self) -> Result<Challenge, Error> {
        let ceremony = self.ceremonies.ask(&[]).map_err(unmade)?;
        self.ask(AskedFor::SignIn, None, ceremony).await
    }

    async fn sign_in(&self, request_id: &SecretString, shown: ShownKey, asking: Asking<'_>) -> Result<SignedIn, Error> {
        self.sign_in_by_passkey(request_id, &shown, &asking).await
    }

    async fn ask_again(&self, ctx: &Ctx, session: &Session) -> Result<Challenge, Error> {
        let user = person(ctx)?;
        self.ask_own(AskedFor::Factor, user, session.id.0).await
    }
}
