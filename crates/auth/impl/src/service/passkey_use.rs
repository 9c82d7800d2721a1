//! What is asked of authenticators, and what their answers lead to.

use auth_api::{
    Asking, Ceremony, Challenge, Client, Error, FactorKind, PasskeyId, SecurityEventKind, ShownKey, SignInMethod, SignedIn,
    Unproven,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Fault, Timestamp, UserId};
use mail_api::{Content, Language};
use secrecy::{ExposeSecret, SecretString};
use uow::Tx;
use uuid::Uuid;

use super::admitting::Admission;
use super::asking::{origin, whose};
use super::{Known, Service};
use crate::challenge::{AskedBy, AskedFor, end_of};
use crate::checked::{Checked, Copied};
use crate::security_event::{Origin, Whose};
use crate::{proof, repo, security};

/// Why nothing is made or asked.
pub(super) fn unmade(why: Unproven) -> Error {
    match why {
        Unproven::Unavailable => Error::PasskeysUnavailable,
        Unproven::Fault(fault) => Error::Fault(fault),
        Unproven::Refused | Unproven::CounterFell => Error::invalid(
            "/credential",
            "INVALID_PASSKEY",
            "is no answer to this challenge: made on a page of this server, with its person seen to",
        ),
    }
}

/// What an authenticator calls the key that it used.
fn credential_of(shown: &ShownKey) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(&shown.id).ok()
}

/// Whether the key is this person's, as far as the authenticator says whose it is. Where nobody is named before, it has to.
fn is_of(shown: &ShownKey, user: UserId) -> bool {
    let named = shown.user_handle.as_ref().and_then(|handle| URL_SAFE_NO_PAD.decode(handle).ok());
    named.as_deref() == Some(&user.0.as_bytes()[..])
}

impl Service {
    /// Keeps what is asked until it is answered.
    pub(super) async fn ask(&self, asked: AskedFor, by: AskedBy, ceremony: Ceremony) -> Result<Challenge, Error> {
        let (request_id, hash) = proof::fresh_token()?;
        let Ceremony { options, state } = ceremony;
        let sealed = self.challenges.seal(&hash, asked, by, &state)?;
        let now = self.instant();
        self.system.write(async |tx| repo::passkeys::put_challenge(tx, &hash, asked, by, &sealed, now).await).await?;
        Ok(Challenge { request_id, expires_at: end_of(now), options })
    }

    /// Asks for one of the person's own keys.
    pub(super) async fn ask_own(&self, asked: AskedFor, user: UserId, from: Uuid) -> Result<Challenge, Error> {
        let known = self.system.read(async |tx| repo::passkeys::credentials_of(tx, user).await).await?;
        if known.is_empty() {
            return Err(Error::NoPasskey);
        }
        let ceremony = self.ceremonies.ask(&known).map_err(unmade)?;
        self.ask(asked, Some((user, from)), ceremony).await
    }

    /// What was asked in a request, which counts no more: whatever becomes of the answer.
    pub(super) async fn answered(
        &self,
        asked: AskedFor,
        by: AskedBy,
        request_id: &SecretString,
    ) -> Result<Option<String>, Fault> {
        let Some(hash) = proof::hash(request_id.expose_secret()) else { return Ok(None) };
        let now = self.clock.now();
        let sealed = self.system.write(async |tx| repo::passkeys::take_challenge(tx, &hash, asked, now).await).await?;
        Ok(sealed.and_then(|sealed| self.challenges.open(&hash, asked, by, &sealed)))
    }

    /// Looks whether the answer is one of this person's keys, and notes its use. Under the lock of the key: of two answers with one count the second is
    /// a copy's.
    async fn use_passkey_in(&self, tx: &mut Tx, user: UserId, state: &str, shown: &ShownKey) -> Result<Checked, Fault> {
        let Some(credential) = credential_of(shown) else { return Ok(Checked::Wrong(None)) };
        let Some(known) = repo::passkeys::lock(tx, user, &credential).await? else { return Ok(Checked::Wrong(None)) };
        match self.ceremonies.shown(state, &known.credential, shown) {
            Ok(key) => {
                repo::passkeys::was_used(tx, known.id, &key, self.instant()).await?;
                Ok(Checked::Right(FactorKind::Passkey))
            }
            Err(Unproven::CounterFell) => Ok(Checked::Wrong(Some(Copied { passkey: known.id, name: known.name }))),
            Err(Unproven::Fault(fault)) => Err(fault),
            Err(Unproven::Refused | Unproven::Unavailable) => Ok(Checked::Wrong(None)),
        }
    }

    /// The same of a second factor, which was asked of this person in a session, or for a sign-in that waits. What was asked counts no more.
    pub(super) async fn check_passkey_in(
        &self,
        tx: &mut Tx,
        (user, from): (UserId, Uuid),
        request_id: &SecretString,
        shown: &ShownKey,
    ) -> Result<Checked, Fault> {
        let Some(hash) = proof::hash(request_id.expose_secret()) else { return Ok(Checked::Wrong(None)) };
        let sealed = repo::passkeys::take_challenge(tx, &hash, AskedFor::Factor, self.clock.now()).await?;
        let state = sealed.and_then(|sealed| self.challenges.open(&hash, AskedFor::Factor, Some((user, from)), &sealed));
        match state {
            Some(state) if shown.user_handle.is_none() || is_of(shown, user) => {
                self.use_passkey_in(tx, user, &state, shown).await
            }
            _ => Ok(Checked::Wrong(None)),
        }
    }

    /// Tells a person, and notes, that there is a copy of a passkey of theirs. Never fails the request that it is about.
    pub(super) async fn tell_of_copy(
        &self,
        whose: impl Into<Whose>,
        copied: Option<Copied>,
        origin: Origin<'_>,
        language: Language,
    ) {
        let Some(Copied { passkey, name }) = copied else { return };
        if let Err(fault) = self.note_copy(whose.into(), passkey, name, origin, language).await {
            tracing::error!(error = %fault, %passkey, "that there is a copy of a passkey could not be told");
        }
    }

    async fn note_copy(
        &self,
        whose: Whose,
        passkey: PasskeyId,
        name: String,
        origin: Origin<'_>,
        language: Language,
    ) -> Result<(), Error> {
        let Some(user) = whose.user else { return Ok(()) };
        let person = self.system.read(async |tx| self.directory.person(tx, user).await).await?;
        let now: Timestamp = self.instant();
        // Whoever has the copy tries it more often than once: it is told of once a day.
        let key = format!("passkey-copied:{passkey}:{}", now.date_naive());
        self.system
            .write(async |tx| {
                security::note_in(tx, SecurityEventKind::PasskeyCopied, whose, &origin).await?;
                let Some(person) = &person else { return Ok(()) };
                let told = Content::PasskeyCopied { passkey: name.clone(), at: now };
                self.tell_of_passkey_in(tx, person, key, told, language).await
            })
            .await
    }

    /// What is known of the person whose passkey authenticators call so. Of one that nobody has as many questions are asked.
    async fn known_by_passkey(&self, credential: Option<&[u8]>) -> Result<Option<Known>, Fault> {
        self.system
            .read(async |tx| {
                let owner = repo::passkeys::owner(tx, credential.unwrap_or_default()).await?;
                let id = owner.unwrap_or(UserId(Uuid::nil()));
                let person = self.directory.person(tx, id).await?;
                let password = repo::password(tx, id).await?;
                let memberships = self.directory.memberships(tx, id).await?;
                let last = repo::last_org(tx, id).await?;
                let shut = self.shut_to(tx, person.as_ref(), &memberships).await?;
                Ok(person.map(|person| Known { person, password, memberships, last, shut }))
            })
            .await
    }

    pub(super) async fn sign_in_by_passkey(
        &self,
        request_id: &SecretString,
        shown: &ShownKey,
        asking: &Asking<'_>,
        device: Option<&SecretString>,
    ) -> Result<SignedIn, Error> {
        let state = self.answered(AskedFor::SignIn, None, request_id).await?;
        let known = self.known_by_passkey(credential_of(shown).as_deref()).await?;
        let outcome = self
            .system
            .write(async |tx| {
                let (Some(known), Some(state)) = (&known, &state) else { return Ok(Err(None)) };
                let user = known.person.id;
                repo::lock_person(tx, user).await?;
                if !is_of(shown, user) {
                    return Ok(Err(None));
                }
                if let Checked::Wrong(copied) = self.use_passkey_in(tx, user, state, shown).await? {
                    return Ok(Err(copied));
                }
                let client =
                    Client { address: asking.from, agent: asking.agent.map(str::to_owned), language: Some(asking.language) };
                let (request, client, method) = (asking.request, &client, SignInMethod::Passkey);
                // Both factors in one: nothing else is asked for.
                let admission = Admission { request, known, client, method, action: "auth.passkey", device, by: None };
                Ok::<_, Error>(Ok(self.begin_in(tx, admission).await?))
            })
            .await?;
        match outcome {
            Ok(signed_in) => self.complete(signed_in).await,
            Err(copied) => {
                let whose = whose(known.as_ref());
                security::note(&self.system, SecurityEventKind::SignInFailed, whose, origin(asking)).await;
                self.tell_of_copy(whose, copied, origin(asking), asking.language).await;
                Err(Error::WrongPasskey)
            }
        }
    }

    /// Asks for a key of whom a pending sign-in is.
    pub(super) async fn ask_pending(&self, pending: &SecretString) -> Result<Challenge, Error> {
        let hash = proof::hash(pending.expose_secret()).ok_or(Error::PendingSpent)?;
        let now = self.clock.now();
        let pending = self.system.read(async |tx| repo::pending::of_token(tx, &hash, now).await).await?;
        let pending = pending.ok_or(Error::PendingSpent)?;
        self.ask_own(AskedFor::Factor, pending.user, pending.id).await
    }
}
