//! `Passkeys`: the passkeys that a person has, and the verbs that go by them.

use async_trait::async_trait;
use audit_api::NewEntry;
use auth_api::{
    AddedPasskey, Asking, Challenge, Error, KeyOwner, MadeKey, Passkey, PasskeyId, Passkeys, Person, SecurityEventKind, Session,
    ShownKey, SignedIn,
};
use kernel::{Ctx, UserId, text};
use mail_api::{Content, Language, Mail, Recipient};
use secrecy::SecretString;
use serde_json::json;
use uow::Tx;
use uuid::Uuid;

use super::asking::origin;
use super::passkey_use::unmade;
use super::{Known, Service};
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
    async fn proven(&self, ctx: &Ctx) -> Result<Known, Error> {
        let known = self.oneself(person(ctx)?).await?;
        if known.person.email_verified { Ok(known) } else { Err(Error::EmailNotVerified) }
    }

    /// Tells the person by mail what became of a passkey of theirs.
    pub(super) async fn tell_of_passkey_in(
        &self,
        tx: &mut Tx,
        person: &Person,
        key: String,
        content: Content,
        language: Language,
    ) -> Result<(), Error> {
        let to = Recipient::at(&*person.email).named(&*person.name);
        self.mails.send_in(tx, Mail { key, to, language, content }).await?;
        Ok(())
    }

    /// Locks whoever changes their passkeys, and with them the session in which they do: whoever ends the sessions of a person misses no passkey that was
    /// on its way. Which places the passkeys take.
    async fn lock_places_in(&self, tx: &mut Tx, known: &Known, session: &Session) -> Result<Vec<i16>, Error> {
        let user = known.person.id;
        self.lock_oneself_in(tx, known, session.id).await?;
        if !repo::hold_session(tx, user, session.id).await? {
            return Err(Error::NotAuthenticated);
        }
        Ok(repo::passkeys::lock_places(tx, user).await?)
    }
}

#[async_trait]
impl Passkeys for Service {
    async fn ask_new(&self, ctx: &Ctx, session: &Session) -> Result<Challenge, Error> {
        let Known { person, .. } = self.proven(ctx).await?;
        let known = self.system.read(async |tx| repo::passkeys::credentials_of(tx, person.id).await).await?;
        if known.len() >= usize::from(MOST) {
            return Err(Error::TooManyPasskeys(MOST.into()));
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
    ) -> Result<AddedPasskey, Error> {
        let name = named(name)?;
        let known = self.proven(ctx).await?;
        let user = known.person.id;
        let state = self.answered(AskedFor::New, Some((user, session.id.0)), request_id).await?;
        let state = state.ok_or(Error::ChallengeSpent)?;
        let key = self.ceremonies.made(&state, &made).map_err(unmade)?;
        self.system
            .write(async |tx| {
                let taken = self.lock_places_in(tx, &known, session).await?;
                let free = (1..=i16::from(MOST)).find(|place| !taken.contains(place));
                let place = free.ok_or(Error::TooManyPasskeys(MOST.into()))?;
                let is_first = repo::factors::kinds(tx, user).await?.is_empty();
                let now = self.instant();
                let passkey = repo::passkeys::insert(tx, (user, place), &key, &name, now).await?;
                // As with any first second factor.
                let (recovery_codes, ended) = if is_first {
                    (self.renew_codes_in(tx, user, now).await?, self.end_before_in(tx, user, session.id).await?)
                } else {
                    (Vec::new(), 0)
                };
                let after = json!({ "endedSessions": ended });
                self.audit.record_in(tx, ctx, NewEntry::named("auth.add_passkey", "passkey", passkey.id).after(after)).await?;
                security::note_in(tx, SecurityEventKind::PasskeyAdded, (user, ctx.org), &origin(&asking)).await?;
                let (key, told) =
                    (format!("passkey-added:{}", passkey.id), Content::PasskeyAdded { passkey: name.clone(), at: now });
                self.tell_of_passkey_in(tx, &known.person, key, told, asking.language).await?;
                Ok(AddedPasskey { passkey, recovery_codes })
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
                let renamed = repo::passkeys::rename(tx, user, passkey, &name).await?;
                let renamed = renamed.ok_or(Error::NoSuchPasskey)?;
                // Not what it is called: the trail is kept when the person is forgotten.
                let entry = NewEntry::named("auth.rename_passkey", "passkey", passkey).after(json!({ "changed": ["name"] }));
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(renamed)
            })
            .await
    }

    async fn remove(&self, ctx: &Ctx, session: &Session, passkey: PasskeyId, asking: Asking<'_>) -> Result<(), Error> {
        let known = self.oneself(person(ctx)?).await?;
        let bound = self.is_bound(&known).await?;
        let user = known.person.id;
        self.system
            .write(async |tx| {
                let others = self.lock_places_in(tx, &known, session).await?.len().saturating_sub(1);
                let name = repo::passkeys::delete(tx, user, passkey).await?.ok_or(Error::NoSuchPasskey)?;
                let identities = repo::identities::lock_of_person(tx, user).await?;
                if others == 0 && identities.is_empty() && repo::lock_person(tx, user).await?.is_none() {
                    return Err(Error::LastWayIn);
                }
                self.after_removal_in(tx, user, bound).await?;
                let ended = self.end_before_in(tx, user, session.id).await?;
                let before = json!({ "endedSessions": ended });
                self.audit.record_in(tx, ctx, NewEntry::named("auth.remove_passkey", "passkey", passkey).before(before)).await?;
                security::note_in(tx, SecurityEventKind::PasskeyRemoved, (user, ctx.org), &origin(&asking)).await?;
                let (key, at) = (format!("passkey-removed:{}", Uuid::now_v7()), self.instant());
                let told = Content::PasskeyRemoved { passkey: name, at };
                self.tell_of_passkey_in(tx, &known.person, key, told, asking.language).await
            })
            .await
    }

    async fn ask_sign_in(&self) -> Result<Challenge, Error> {
        let ceremony = self.ceremonies.ask(&[]).map_err(unmade)?;
        self.ask(AskedFor::SignIn, None, ceremony).await
    }

    async fn sign_in(
        &self,
        request_id: &SecretString,
        shown: ShownKey,
        asking: Asking<'_>,
        device: Option<&SecretString>,
    ) -> Result<SignedIn, Error> {
        self.sign_in_by_passkey(request_id, &shown, &asking, device).await
    }

    async fn ask_factor(&self, pending: &SecretString) -> Result<Challenge, Error> {
        self.ask_pending(pending).await
    }

    async fn ask_again(&self, ctx: &Ctx, session: &Session) -> Result<Challenge, Error> {
        let user = person(ctx)?;
        self.ask_own(AskedFor::Factor, user, session.id.0).await
    }
}
