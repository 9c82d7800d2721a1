//! Sign-in elsewhere: an identity provider says who somebody is. Issuer and subject are the key of an account; an address only leads to one where it is
//! proven on both sides.
//!
//! Locked are the person, the password, passkeys, identities, in this order.

use std::sync::Arc;

use async_trait::async_trait;
use audit_api::NewEntry;
use auth_api::email::Email;
use auth_api::{
    Account, Arrival, Arrived, Asking, Begun, Client, Entered, Error, Identity, IdentityId, IdentityProvider, IdentityProviders,
    Membership, NewAccount, Person, Returned, SecurityEventKind, SignInElsewhere, SignInMethod, SignedIn, Told, Untold,
};
use kernel::{Ctx, Fault, OrgId, OrgRole, ProjectRoles, SessionId, UserId};
use mail_api::{Content, Language, Mail, Recipient};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uow::Tx;

use super::admitting::Admission;
use super::asking::{address_of, origin, whose as concerned};
use super::opening::Opening;
use super::{Known, Service};
use crate::elsewhere::{self as rules, Pending};
use crate::repo::identities::Standing;
use crate::security_event::{Origin, Whose};
use crate::{model, repo, security, token};

/// So much of what a provider says is wrong stands in the log.
const LONGEST_IN_LOG: usize = 500;

/// Sign-in elsewhere, over sign-in here.
pub struct Elsewhere {
    auth: Arc<Service>,
    providers: Arc<dyn IdentityProviders>,
}

/// What was heard of whom, from which provider.
#[derive(Clone, Copy)]
struct Heard<'a> {
    provider: &'a str,
    told: &'a Told,
    asking: &'a Asking<'a>,
    /// What the device presents.
    device: Option<&'a SecretString>,
}

impl Elsewhere {
    /// By these providers; with none, nobody signs in elsewhere.
    #[must_use]
    pub fn new(auth: Arc<Service>, providers: Arc<dyn IdentityProviders>) -> Self {
        Self { auth, providers }
    }

    /// What people call a provider. One that was taken out of the settings since goes by its key.
    fn name_of(&self, provider: &str) -> String {
        let all = self.providers.all();
        all.into_iter().find(|known| known.key == provider).map_or_else(|| provider.to_owned(), |known| known.name)
    }

    /// Sends a browser to a provider.
    async fn send_off(
        &self,
        provider: &str,
        return_to: Option<&str>,
        browser: Option<&SecretString>,
        linking: Option<(UserId, SessionId)>,
    ) -> Result<Begun, Error> {
        if !self.providers.all().iter().any(|known| known.key == provider) {
            return Err(Error::NoSuchProvider);
        }
        let return_to = rules::return_path(return_to).map_err(|fault| Error::Invalid(vec![fault]))?;
        let (browser, browser_hash) = rules::browser_of(browser)?;
        let (state, state_hash) = token::fresh()?;
        let question = rules::question(&self.auth.switch_secret, &browser, state)?;
        let url = self.providers.ask(provider, &question).await.map_err(|untold| refused(&untold, provider))?;
        let now = self.auth.instant();
        let (expires_at, pending) = (rules::until(now), Pending { provider: provider.to_owned(), linking, return_to });
        let hashes = (&state_hash, &browser_hash);
        self.auth.system.write(async |tx| repo::identities::begin(tx, hashes, &pending, (now, expires_at)).await).await?;
        Ok(Begun { url, browser, expires_at })
    }

    /// What is known of a person who is there.
    async fn known(&self, user: UserId) -> Result<Option<Known>, Fault> {
        let person = self.auth.system.read(async |tx| self.auth.directory.person(tx, user).await).await?;
        let Some(person) = person else { return Ok(None) };
        Ok(self.auth.known(&person.email).await?.filter(|known| known.person.id == user))
    }

    /// Links an identity that nobody has with a person, who is told.
    async fn link_in(&self, tx: &mut Tx, (person, org): (&Person, Option<OrgId>), whose: Heard<'_>) -> Result<IdentityId, Error> {
        let Heard { provider, told, asking, .. } = whose;
        let (id, now) = (IdentityId::new(), self.auth.instant());
        let present = repo::identities::lock_of_person(tx, person.id).await?;
        if present.len() >= usize::try_from(rules::MOST).unwrap_or(usize::MAX) {
            return Err(Error::TooManyIdentities(rules::MOST));
        }
        if !repo::identities::link(tx, id, person.id, (provider, told), now).await? {
            return Err(Error::IdentityTaken);
        }
        let of = Whose { user: Some(person.id), org };
        security::note_in(tx, SecurityEventKind::IdentityLinked, of, &origin(asking)).await?;
        let content = Content::IdentityLinked { provider: self.name_of(provider), at: now, link: None };
        self.tell_in(tx, format!("identity-linked:{id}"), person, asking.language, content).await?;
        Ok(id)
    }

    async fn tell_in(
        &self,
        tx: &mut Tx,
        key: String,
        person: &Person,
        language: Language,
        content: Content,
    ) -> Result<(), Fault> {
        let to = Recipient::at(&*person.email).named(&*person.name);
        self.auth.mails.send_in(tx, Mail { key, to, language, content }).await.map(drop)
    }

    /// Notes that somebody came by an identity.
    async fn used_in(&self, tx: &mut Tx, id: IdentityId, user: UserId, asking: &Asking<'_>) -> Result<(), Fault> {
        repo::identities::used(tx, id, self.auth.instant()).await?;
        security::note_in(tx, SecurityEventKind::SignedInElsewhere, user, &origin(asking)).await
    }

    /// A session of whoever has the identity, or what stands before it.
    async fn admit_in(&self, tx: &mut Tx, id: IdentityId, known: &Known, whose: Heard<'_>) -> Result<Entered, Error> {
        let Heard { asking, device, .. } = whose;
        self.used_in(tx, id, known.person.id, asking).await?;
        let (client, method) = (client_of(asking), SignInMethod::IdentityProvider);
        let (request, action) = (asking.request, "auth.sign_in_elsewhere");
        self.auth.admit_in(tx, Admission { request, known, client: &client, method, action, device, by: None }).await
    }

    /// Signs in whose identity it is.
    async fn enter(&self, user: UserId, whose: Heard<'_>) -> Result<Entered, Error> {
        let known = self.known(user).await?.ok_or(Error::SignInSpent)?;
        self.auth
            .system
            .write(async |tx| {
                repo::lock_person(tx, user).await?;
                match repo::identities::lock_standing(tx, whose.told).await? {
                    Some(Standing::Linked(id, owner)) if owner == user => self.admit_in(tx, id, &known, whose).await,
                    // Unlinked meanwhile.
                    _ => Err(Error::SignInSpent),
                }
            })
            .await
    }

    /// Signs in by an identity that nobody has: with the account of its address, where that is proven on both sides, or with a new one.
    async fn enter_first(&self, whose: Heard<'_>) -> Result<Entered, Error> {
        let told = whose.told;
        let vouched = told.email.as_deref().filter(|_| told.email_verified);
        let email = vouched.and_then(|email| Email::parse(email).ok()).ok_or(Error::AddressNotVouched)?;
        let known = self.auth.known(email.as_str()).await?;
        let entered = self
            .auth
            .system
            .write(async |tx| match &known {
                Some(known) => self.adopt_in(tx, known, &email, whose).await,
                None => self.sign_up_in(tx, &email, whose).await.map(Entered::SignedIn),
            })
            .await;
        if let (Err(Error::AccountUnproven | Error::LinkWhileSignedIn), Some(known)) = (&entered, &known) {
            self.note_refusal(concerned(Some(known)), whose).await;
        }
        entered
    }

    /// Notes that an identity leads nowhere.
    async fn note_refusal(&self, of: Whose, whose: Heard<'_>) {
        security::note(&self.auth.system, SecurityEventKind::IdentityRefused, of, origin(whose.asking)).await;
    }

    async fn adopt_in(&self, tx: &mut Tx, known: &Known, email: &Email, whose: Heard<'_>) -> Result<Entered, Error> {
        let user = known.person.id;
        self.proven_in(tx, user, email).await?;
        repo::lock_person(tx, user).await?;
        // Linked before the second factor was shown, it would be a way in for whoever has the address at a provider.
        if !repo::factors::kinds(tx, user).await?.is_empty() {
            return Err(Error::LinkWhileSignedIn);
        }
        let org = concerned(Some(known)).org;
        let id = self.link_in(tx, (&known.person, org), whose).await?;
        self.auth.record_of_in(tx, known, whose.asking, linked(id, whose)).await?;
        self.admit_in(tx, id, known, whose).await
    }

    /// Passes if the person has this address and had proven it before. Who had not is left as they were: with the refusal all of the transaction is.
    async fn proven_in(&self, tx: &mut Tx, user: UserId, email: &Email) -> Result<(), Error> {
        let proven = self.auth.directory.prove_in(tx, user, email.key()).await?.ok_or(Error::SignInSpent)?;
        if proven.was_verified { Ok(()) } else { Err(Error::AccountUnproven) }
    }

    /// An account for an address that nobody has, which the provider vouches for.
    async fn sign_up_in(&self, tx: &mut Tx, email: &Email, whose: Heard<'_>) -> Result<SignedIn, Error> {
        let Heard { told, asking, device, .. } = whose;
        let before_at = || email.as_str().rsplit_once('@').map_or(email.as_str(), |(local, _)| local).to_owned();
        let name = told.name.clone().unwrap_or_else(before_at);
        let account = NewAccount { email: email.as_str().to_owned(), name: name.clone(), organization_name: name.clone() };
        let Account { user, org } = self.auth.directory.create_in(tx, asking.request, &account).await?;
        self.auth.directory.prove_in(tx, user, email.key()).await?.ok_or(Error::SignInSpent)?;
        let person = Person { id: user, email: account.email, name, email_verified: true };
        let id = self.link_in(tx, (&person, Some(org)), whose).await?;
        let there = Ctx::user(org, user, OrgRole::Owner, ProjectRoles::default(), asking.request.clone());
        self.auth.audit.record_in(tx, &there, linked(id, whose)).await?;
        self.used_in(tx, id, user, asking).await?;
        let (client, sign_in) = (client_of(asking), model::Proof::now(SignInMethod::IdentityProvider, self.auth.instant()));
        let (request, membership) = (asking.request, Membership { org, role: OrgRole::Owner });
        let opening = Opening { request, user, membership, action: "auth.register", client: &client, sign_in };
        let device = Some(self.auth.know_device_in(tx, user, device, asking.from).await?);
        Ok(SignedIn { device, ..self.auth.open_in(tx, opening, token::fresh()?).await? })
    }

    /// Links an identity with the account of whoever began that, in the session in which they did.
    async fn link(&self, (user, session): (UserId, SessionId), whose: Heard<'_>) -> Result<(), Error> {
        let known = self.known(user).await?.ok_or(Error::SignInSpent)?;
        let email = address_of(&known.person.email)?;
        self.auth
            .system
            .write(async |tx| {
                self.proven_in(tx, user, &email).await?;
                repo::lock_person(tx, user).await?;
                // Whoever signed out meanwhile, or was signed out, links nothing.
                let session = repo::session_by_id(tx, user, session).await?.ok_or(Error::SignInSpent)?;
                match repo::identities::lock_standing(tx, whose.told).await? {
                    Some(Standing::Linked(_, owner)) if owner == user => return Ok(()),
                    Some(Standing::Linked(..)) => return Err(Error::IdentityTaken),
                    // Whoever had it unlinked it. Who is signed in and has it at the provider takes it up.
                    Some(Standing::Unlinked(id, _)) => repo::identities::forget_unlinked(tx, id).await?,
                    None => {}
                }
                let id = self.link_in(tx, (&known.person, Some(session.org)), whose).await?;
                self.auth.record_of_in(tx, &known, whose.asking, linked(id, whose)).await?;
                Ok(())
            })
            .await
    }
}

/// On what somebody signs in who asks.
pub(super) fn client_of(asking: &Asking<'_>) -> Client {
    Client { address: asking.from, agent: asking.agent.map(str::to_owned), language: Some(asking.language) }
}

/// What the trail says of a new identity. Not which one of the provider's people it is.
fn linked(id: IdentityId, whose: Heard<'_>) -> NewEntry {
    let after = json!({ "provider": whose.provider, "issuer": whose.told.issuer });
    NewEntry::named("auth.link_identity", "identity", id).after(after)
}

/// What somebody is answered whom a provider told nothing of; why stands in the log.
pub(super) fn refused(untold: &Untold, provider: &str) -> Error {
    match untold {
        Untold::Unknown => Error::NoSuchProvider,
        Untold::Unreachable(why) => {
            metrics::counter!("identity_provider_failures_total", "kind" => "unreachable").increment(1);
            let why = in_log(why);
            tracing::warn!(provider, why, "an identity provider does not answer");
            Error::ProviderUnreachable
        }
        Untold::Refused(why) => {
            metrics::counter!("identity_provider_failures_total", "kind" => "refused").increment(1);
            let why = in_log(why);
            tracing::warn!(target: "security", provider, why, "what an identity provider says is not believed");
            Error::ProviderRefused
        }
    }
}

/// As much of it as a log takes, in one line: part of it is what the provider wrote, which may be anybody's.
fn in_log(why: &str) -> String {
    why.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_IN_LOG).collect()
}

#[async_trait]
impl SignInElsewhere for Elsewhere {
    fn providers(&self) -> Vec<IdentityProvider> {
        self.providers.all()
    }

    async fn begin(&self, provider: &str, return_to: Option<&str>, browser: Option<&SecretString>) -> Result<Begun, Error> {
        self.send_off(provider, return_to, browser, None).await
    }

    async fn begin_linking(
        &self,
        ctx: &Ctx,
        session: SessionId,
        provider: &str,
        return_to: Option<&str>,
        browser: Option<&SecretString>,
    ) -> Result<Begun, Error> {
        let user = ctx.person().ok_or(Error::NotAuthenticated)?;
        let person = self.auth.system.read(async |tx| self.auth.directory.person(tx, user).await).await?;
        if !person.ok_or(Error::NotAuthenticated)?.email_verified {
            return Err(Error::EmailNotVerified);
        }
        self.send_off(provider, return_to, browser, Some((user, session))).await
    }

    async fn finish(
        &self,
        provider: &str,
        returned: Returned,
        asking: Asking<'_>,
        device: Option<&SecretString>,
    ) -> Result<Arrived, Error> {
        let Returned { state, browser, granted, declined } = returned;
        let browser = rules::known_browser(browser.as_ref()).ok_or(Error::SignInSpent)?;
        let hashes = token::hash(state.expose_secret()).zip(token::hash(browser.expose_secret()));
        let (state_hash, browser_hash) = hashes.ok_or(Error::SignInSpent)?;
        let now = self.auth.clock.now();
        let system = &self.auth.system;
        let ended = system.write(async |tx| repo::identities::end(tx, &state_hash, &browser_hash, now).await).await?;
        let Pending { provider: asked, linking, return_to } = ended.ok_or(Error::SignInSpent)?;
        // Whom one provider was asked for, no other one tells.
        if asked != provider {
            return Err(refused(&Untold::Refused(format!("{asked} was asked")), provider));
        }
        if declined {
            return Err(Error::SignInDeclined);
        }
        let Some(granted) = granted else {
            return Err(refused(&Untold::Refused("it grants no code".to_owned()), provider));
        };
        let question = rules::question(&self.auth.switch_secret, &browser, state)?;
        let told = self.providers.hear(provider, &question, &granted).await.map_err(|untold| refused(&untold, provider))?;
        let unsound = || refused(&Untold::Refused("it tells no issuer, no subject, or one without end".to_owned()), provider);
        let told = rules::checked(told).ok_or_else(unsound)?;
        let whose = Heard { provider, told: &told, asking: &asking, device };
        if let Some(who) = linking {
            self.link(who, whose).await?;
            return Ok(Arrived { arrival: Arrival::Linked, return_to });
        }
        let entered = match system.read(async |tx| repo::identities::standing(tx, &told).await).await? {
            Some(Standing::Linked(_, user)) => self.enter(user, whose).await?,
            Some(Standing::Unlinked(_, user)) => {
                self.note_refusal(Whose { user: Some(user), org: None }, whose).await;
                return Err(Error::IdentityUnlinked);
            }
            None => self.enter_first(whose).await?,
        };
        let entered = self.auth.complete_entered(entered).await?;
        Ok(Arrived { arrival: Arrival::Entered(Box::new(entered)), return_to })
    }

    async fn identities(&self, ctx: &Ctx) -> Result<Vec<Identity>, Error> {
        let user = ctx.person().ok_or(Error::NotAuthenticated)?;
        Ok(self.auth.system.read(async |tx| repo::identities::of_person(tx, user).await).await?)
    }

    async fn unlink(
        &self,
        ctx: &Ctx,
        session: SessionId,
        id: IdentityId,
        client: &Client,
        language: Language,
    ) -> Result<(), Error> {
        let user = ctx.person().ok_or(Error::NotAuthenticated)?;
        let person = self.auth.system.read(async |tx| self.auth.directory.person(tx, user).await).await?;
        let person = person.ok_or(Error::NotAuthenticated)?;
        let now = self.auth.instant();
        self.auth
            .system
            .write(async |tx| {
                let password = repo::lock_person(tx, user).await?;
                // Whoever was signed out meanwhile unlinks nothing.
                if !repo::hold_session(tx, user, session).await? {
                    return Err(Error::NotAuthenticated);
                }
                let passkeys = repo::passkeys::lock_places(tx, user).await?;
                let identities = repo::identities::lock_of_person(tx, user).await?;
                let it = identities.iter().find(|(present, _)| *present == id);
                let (_, provider) = it.ok_or(Error::NoSuchIdentity)?;
                if password.is_none() && passkeys.is_empty() && identities.len() == 1 {
                    return Err(Error::LastWayIn);
                }
                repo::identities::unlink(tx, id, now).await?;
                // As with a passkey: whoever came by it, on whichever device, comes anew.
                let ended = self.auth.end_before_in(tx, user, session).await?;
                let before = json!({ "provider": provider, "endedSessions": ended });
                let entry = NewEntry::named("auth.unlink_identity", "identity", id).before(before);
                self.auth.audit.record_in(tx, ctx, entry).await?;
                let origin = Origin { request: &ctx.request, address: client.address };
                security::note_in(tx, SecurityEventKind::IdentityUnlinked, (user, ctx.org), &origin).await?;
                let content = Content::IdentityUnlinked { provider: self.name_of(provider), at: now, link: None };
                self.tell_in(tx, format!("identity-unlinked:{id}"), &person, language, content).await?;
                Ok::<_, Error>(())
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_writes_is_one_line_of_the_log_and_no_long_one() {
        assert_eq!(in_log("it answers\r\n2026-11-21 ERROR"), "it answers  2026-11-21 ERROR");
        assert_eq!(in_log(&"ä".repeat(400_000)).chars().count(), LONGEST_IN_LOG);
    }
}
