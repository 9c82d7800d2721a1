//! What a proof of an address leads to. Each is used up in the transaction of what it is for, and looked at before: a password that is refused,
//! or a code that is wrong, uses up none.
//!
//! Locked are the person, the password, the proof, in this order.

use audit_api::NewEntry;
use auth_api::{
    Account, Asking, Client, Entered, Error, KnownDevice, Membership, NewAccount, Purpose, Revoked, SecurityEventKind,
    SetUpBefore, Shown, SignInMethod, SignedIn,
};
use kernel::{Ctx, Fault, OrgRole, ProjectRoles, SessionId, UserId};
use mail_api::{Content, Mail, Recipient};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uow::Tx;

use super::admitting::Admission;
use super::asking::{address_of, masked, origin, whose};
use super::opening::Opening;
use super::{Known, Service};
use crate::proof::{self, Proof};
use crate::{model, passwords, repo, security, token};

/// Why what is shown proves nothing: a link that is spent, or a code that is wrong.
fn refused(shown: &Shown) -> Error {
    match shown {
        Shown::Token(_) => Error::LinkSpent,
        Shown::Code { .. } => Error::WrongCode,
    }
}

/// On what somebody signs in who asks.
fn client_of(asking: &Asking<'_>) -> Client {
    Client { address: asking.from, agent: asking.agent.map(str::to_owned), language: Some(asking.language) }
}

impl Service {
    /// The proof that is shown, which still counts. A wrong code is counted; whether it was wrong, or counts for nobody, is not told.
    async fn look_at(&self, purpose: Purpose, shown: &Shown, asking: &Asking<'_>) -> Result<Proof, Error> {
        let now = self.clock.now();
        let (request_id, code) = match shown {
            Shown::Token(token) => {
                let hash = proof::hash(token.expose_secret()).ok_or(Error::LinkSpent)?;
                let found = self.system.read(async |tx| repo::proofs::of_token(tx, purpose, &hash, now).await).await?;
                return found.ok_or(Error::LinkSpent);
            }
            Shown::Code { request_id, code } => (request_id, code),
        };
        let hash = proof::hash(request_id.expose_secret()).ok_or(Error::WrongCode)?;
        let (found, right) = self
            .system
            .write(async |tx| {
                let Some(found) = repo::proofs::lock_of_request(tx, purpose, &hash, now).await? else {
                    return Ok::<_, Fault>((None, false));
                };
                let right = proof::is_code(&self.switch_secret, &found, code.expose_secret())?;
                if !right {
                    repo::proofs::was_wrong(tx, found.id).await?;
                }
                Ok((Some(found), right))
            })
            .await?;
        if !right {
            let user = found.and_then(|found| found.user);
            security::note(&self.system, SecurityEventKind::CodeFailed, user, origin(asking)).await;
            return Err(Error::WrongCode);
        }
        found.ok_or(Error::WrongCode)
    }

    /// Uses it up: of two who show it at a time one goes on.
    async fn use_up_in(&self, tx: &mut Tx, proof: &Proof, shown: &Shown) -> Result<(), Error> {
        if repo::proofs::consume(tx, proof, self.clock.now()).await? { Ok(()) } else { Err(refused(shown)) }
    }

    /// Whose account a proof of its own address is about, as long as they have that address.
    async fn person_of(&self, proof: &Proof, shown: &Shown) -> Result<Known, Error> {
        let known = self.known(&proof.email).await?.filter(|known| Some(known.person.id) == proof.user);
        known.ok_or_else(|| refused(shown))
    }

    /// Writes into the trail of the organisation in which the person would start; who is in none has no trail.
    pub(super) async fn record_of_in(
        &self,
        tx: &mut Tx,
        known: &Known,
        asking: &Asking<'_>,
        entry: NewEntry,
    ) -> Result<(), Fault> {
        let Some(Membership { org, role }) = model::choose(&known.memberships, known.last) else { return Ok(()) };
        let there = Ctx::user(org, known.person.id, role, ProjectRoles::default(), asking.request.clone());
        self.audit.record_in(tx, &there, entry).await
    }

    /// Ends every session of a person, and whatever else was mailed for their account.
    async fn end_access_in(&self, tx: &mut Tx, user: UserId) -> Result<(), Fault> {
        let now = self.clock.now();
        repo::proofs::end_of_person(tx, user, now).await?;
        repo::pending::end_of_person(tx, user, now).await?;
        repo::end_all(tx, user, now).await?;
        // Who knew the old password would keep a budget of guesses of their own.
        repo::devices::forget_all(tx, user).await?;
        self.forget_in(tx, move |cache| cache.forget_user(user));
        Ok(())
    }

    /// Whoever registered with an address that is proven by mail only now may be somebody else. They keep no way in: besides the password and the
    /// sessions, which have ended, none by a key that they made.
    async fn end_unproven_in(&self, tx: &mut Tx, known: &Known, asking: &Asking<'_>) -> Result<(), Fault> {
        let user = known.person.id;
        repo::factors::delete_all(tx, user).await?;
        repo::identities::delete_of_person(tx, user).await?;
        for (org, id) in repo::keys::revoke_of_unproven(tx, user).await? {
            // Also where somebody else had them join, or they founded one, just now.
            let role = known.memberships.iter().find(|known| known.org == org).map_or(OrgRole::Member, |known| known.role);
            let there = Ctx::user(org, user, role, ProjectRoles::default(), asking.request.clone());
            let entry = NewEntry::named("api_keys.revoke", "api_key", id)
                .after(json!({ "revokedFor": Revoked::Person.name(), "createdBy": user }));
            self.audit.record_in(tx, &there, entry).await?;
        }
        self.record_of_in(tx, known, asking, NewEntry::named("auth.end_unproven_access", "user", user)).await?;
        security::note_in(tx, SecurityEventKind::UnprovenAccessEnded, whose(Some(known)), &origin(asking)).await
    }

    /// Whether what is shown comes from whoever set the account up: they typed the code into the program that asked for it, or are signed in.
    async fn is_by_holder_in(
        &self,
        tx: &mut Tx,
        user: UserId,
        shown: &Shown,
        by: Option<(UserId, SessionId)>,
    ) -> Result<bool, Fault> {
        match (shown, by) {
            (Shown::Code { .. }, _) => Ok(true),
            (Shown::Token(_), Some((holder, session))) if holder == user => {
                Ok(repo::session_by_id(tx, user, session).await?.is_some())
            }
            (Shown::Token(_), _) => Ok(false),
        }
    }

    pub(super) async fn verify_address(
        &self,
        shown: Shown,
        by: Option<(UserId, SessionId)>,
        asking: Asking<'_>,
    ) -> Result<SetUpBefore, Error> {
        let proof = self.look_at(Purpose::VerifyAddress, &shown, &asking).await?;
        let known = self.person_of(&proof, &shown).await?;
        let user = known.person.id;
        self.system
            .write(async |tx| {
                let proven = self.directory.prove_in(tx, user, &proof.email_key).await?.ok_or_else(|| refused(&shown))?;
                repo::lock_person(tx, user).await?;
                self.use_up_in(tx, &proof, &shown).await?;
                let before = if proven.was_verified || self.is_by_holder_in(tx, user, &shown, by).await? {
                    SetUpBefore::Kept
                } else {
                    repo::delete_password(tx, user).await?;
                    self.end_access_in(tx, user).await?;
                    self.end_unproven_in(tx, &known, &asking).await?;
                    SetUpBefore::Ended
                };
                self.record_of_in(tx, &known, &asking, NewEntry::named("auth.verify_address", "user", user)).await?;
                security::note_in(tx, SecurityEventKind::AddressVerified, user, &origin(&asking)).await?;
                Ok::<_, Error>(before)
            })
            .await
    }

    pub(super) async fn reset_password(
        &self,
        shown: Shown,
        password: SecretString,
        asking: Asking<'_>,
    ) -> Result<Option<KnownDevice>, Error> {
        let proof = self.look_at(Purpose::ResetPassword, &shown, &asking).await?;
        let known = self.person_of(&proof, &shown).await?;
        let user = known.person.id;
        if let Some(fault) = passwords::fault("/password", &known.person.email, &[&known.person.name], password.expose_secret()) {
            return Err(Error::Invalid(vec![fault]));
        }
        if let Some(fault) = self.breached("/password", &password).await {
            return Err(Error::Invalid(vec![fault]));
        }
        let phc = self.hasher.hash(password).await?;
        self.system
            .write(async |tx| {
                let proven = self.directory.prove_in(tx, user, &proof.email_key).await?.ok_or_else(|| refused(&shown))?;
                repo::lock_person(tx, user).await?;
                self.use_up_in(tx, &proof, &shown).await?;
                repo::set_password(tx, user, &phc).await?;
                self.end_access_in(tx, user).await?;
                if !proven.was_verified {
                    self.end_unproven_in(tx, &known, &asking).await?;
                }
                let entry = NewEntry::named("auth.reset_password", "user", user)
                    .after(json!({ "addressWasVerified": proven.was_verified }));
                self.record_of_in(tx, &known, &asking, entry).await?;
                security::note_in(tx, SecurityEventKind::PasswordReset, whose(Some(&known)), &origin(&asking)).await?;
                let told = Mail {
                    key: format!("password-reset:{}", proof.id),
                    to: Recipient::at(&*known.person.email).named(&*known.person.name),
                    language: asking.language,
                    content: Content::PasswordChanged { at: self.clock.now(), link: None },
                };
                self.mails.send_in(tx, told).await?;
                // With a second factor, whoever reads the mail has not shown that they are its person: a device that is known has tries of that of its own.
                if !repo::factors::kinds(tx, user).await?.is_empty() {
                    return Ok(None);
                }
                // Without, whoever reads the mail is: the sign-in that comes next is no stranger's.
                Ok::<_, Error>(Some(self.know_device_in(tx, user, None, asking.from).await?))
            })
            .await
    }

    pub(super) async fn sign_in_by_mail(
        &self,
        shown: Shown,
        asking: Asking<'_>,
        device: Option<&SecretString>,
    ) -> Result<Entered, Error> {
        let proof = self.look_at(Purpose::MagicLink, &shown, &asking).await?;
        let known = self.known(&proof.email).await?;
        let entered = self
            .system
            .write(async |tx| match &known {
                Some(known) => self.enter_in(tx, known, (&proof, &shown), &asking, device).await,
                None => self.sign_up_in(tx, &proof, &shown, &asking).await.map(Entered::SignedIn),
            })
            .await?;
        self.complete_entered(entered).await
    }

    /// A session of whoever has the address, or what stands before it.
    async fn enter_in(
        &self,
        tx: &mut Tx,
        known: &Known,
        (proof, shown): (&Proof, &Shown),
        asking: &Asking<'_>,
        device: Option<&SecretString>,
    ) -> Result<Entered, Error> {
        let user = known.person.id;
        let proven = self.directory.prove_in(tx, user, &proof.email_key).await?.ok_or_else(|| refused(shown))?;
        repo::lock_person(tx, user).await?;
        self.use_up_in(tx, proof, shown).await?;
        if !proven.was_verified {
            repo::delete_password(tx, user).await?;
            self.end_access_in(tx, user).await?;
            self.end_unproven_in(tx, known, asking).await?;
        }
        security::note_in(tx, SecurityEventKind::MagicLinkFollowed, user, &origin(asking)).await?;
        let (request, client, method) = (asking.request, client_of(asking), SignInMethod::MagicLink);
        let admission = Admission { request, known, client: &client, method, action: "auth.magic_link", device, by: None };
        self.admit_in(tx, admission).await
    }

    /// An account for an address that nobody has. Nobody has told a name: until they do, it is what stands before the @.
    async fn sign_up_in(&self, tx: &mut Tx, proof: &Proof, shown: &Shown, asking: &Asking<'_>) -> Result<SignedIn, Error> {
        let name = proof.email.rsplit_once('@').map_or(&*proof.email, |(local, _)| local).to_owned();
        let account = NewAccount { email: proof.email.clone(), name: name.clone(), organization_name: name };
        let Account { user, org } = self.directory.create_in(tx, asking.request, &account).await?;
        self.directory.prove_in(tx, user, &proof.email_key).await?.ok_or_else(|| refused(shown))?;
        self.use_up_in(tx, proof, shown).await?;
        security::note_in(tx, SecurityEventKind::MagicLinkFollowed, user, &origin(asking)).await?;
        let membership = Membership { org, role: OrgRole::Owner };
        let sign_in = model::Proof::now(SignInMethod::MagicLink, self.instant());
        let (request, client) = (asking.request, client_of(asking));
        let opening = Opening { request, user, membership, action: "auth.register", client: &client, sign_in };
        let device = Some(self.know_device_in(tx, user, None, asking.from).await?);
        Ok(SignedIn { device, ..self.open_in(tx, opening, token::fresh()?).await? })
    }

    pub(super) async fn readdress(&self, shown: Shown, asking: Asking<'_>) -> Result<(), Error> {
        let proof = self.look_at(Purpose::ChangeAddress, &shown, &asking).await?;
        let user = proof.user.ok_or_else(|| refused(&shown))?;
        let person = self.system.read(async |tx| self.directory.person(tx, user).await).await?;
        let person = person.ok_or_else(|| refused(&shown))?;
        let known = self.known(&person.email).await?.ok_or_else(|| refused(&shown))?;
        let to = address_of(&proof.email)?;
        self.system
            .write(async |tx| {
                let left = self.directory.readdress_in(tx, user, &to).await?.ok_or_else(|| refused(&shown))?;
                repo::lock_person(tx, user).await?;
                // Asked for in a session that has ended since, by a reset or by its person, it counts no more: nor if it was on its way just then.
                if let Some(session) = proof.session
                    && repo::session_by_id(tx, user, session).await?.is_none()
                {
                    return Err(refused(&shown));
                }
                self.use_up_in(tx, &proof, &shown).await?;
                let now = self.clock.now();
                repo::proofs::end_of_person(tx, user, now).await?;
                repo::pending::end_of_person(tx, user, now).await?;
                match proof.session {
                    Some(session) => {
                        repo::end_others(tx, user, session, now).await?;
                    }
                    None => {
                        repo::end_all(tx, user, now).await?;
                    }
                }
                self.forget_in(tx, move |cache| cache.forget_user(user));
                self.record_of_in(tx, &known, &asking, NewEntry::named("auth.change_address", "user", user)).await?;
                security::note_in(tx, SecurityEventKind::AddressChanged, whose(Some(&known)), &origin(&asking)).await?;
                let tell = |side: &str, address: &str, content| Mail {
                    key: format!("address-{side}:{}", proof.id),
                    to: Recipient::at(address).named(&*person.name),
                    language: asking.language,
                    content,
                };
                let gone = Content::AddressLeft { new_address: masked(&to), at: now, link: None };
                self.mails.send_in(tx, tell("left", &left, gone)).await?;
                self.mails.send_in(tx, tell("taken", to.as_str(), Content::AddressTaken { at: now })).await?;
                Ok::<_, Error>(())
            })
            .await
    }

    /// The address of a link that still counts, which it goes on to do.
    pub(super) async fn address_shown(&self, purpose: Purpose, token: &str) -> Result<Option<String>, Error> {
        let Some(hash) = proof::hash(token) else { return Ok(None) };
        let now = self.clock.now();
        let found = self.system.read(async |tx| repo::proofs::of_token(tx, purpose, &hash, now).await).await?;
        Ok(found.map(|proof| proof.email))
    }
}
