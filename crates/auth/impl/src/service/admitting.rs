//! Whether a proof of who somebody is leads to a session: whoever has a second factor shows that as well. Password, mailed link and whatever else lets
//! people in end here.

use auth_api::{
    Account, Asking, Client, Connection, ConnectionId, Entered, Error, FactorKind, FactorShown, Membership, PendingSignIn,
    SecurityEventKind, SignInMethod, SignedIn,
};
use chrono::TimeDelta;
use kernel::{OrgRole, RequestId, Timestamp, UserId};
use mail_api::{Content, FactorChange, Language, Mail, Recipient};
use secrecy::{ExposeSecret, SecretString};
use uow::Tx;
use uuid::Uuid;

use super::asking::{origin, whose};
use super::opening::Opening;
use super::{Known, Service};
use crate::attempts::{Familiar, Tries, factor_key, own_factor_key};
use crate::budget::Limited;
use crate::checked::Checked;
use crate::repo::pending::NewPending;
use crate::security_event::Origin;
use crate::{device, model, proof, recovery, repo, security, token, totp};

/// For so long a sign-in waits for the second factor.
const PENDING_FOR: TimeDelta = TimeDelta::minutes(5);

/// Somebody whose first proof was right.
pub(super) struct Admission<'a> {
    pub request: &'a RequestId,
    pub known: &'a Known,
    pub client: &'a Client,
    /// By what they proved who they are.
    pub method: SignInMethod,
    /// How it comes about, in the trail.
    pub action: &'a str,
    /// What a device presents on which they may have signed in before.
    pub device: Option<&'a SecretString>,
    /// By which organisation's issuer they come, if it is by one.
    pub by: Option<ByIssuer<'a>>,
}

/// That the issuer of an organisation signs somebody in, who comes into that organisation.
#[derive(Clone, Copy)]
pub(super) struct ByIssuer<'a> {
    /// The connection, held until the transaction ends.
    pub connection: &'a Connection,
    /// The person's place there.
    pub membership: Membership,
    /// Whether the issuer says that it asked for a second factor.
    pub factor: bool,
    /// When the person showed who they are.
    pub at: Timestamp,
}

impl ByIssuer<'_> {
    /// Whether the organisation takes the issuer's second factor for the person's.
    fn is_enough(&self) -> bool {
        self.factor && self.connection.trusts_factor
    }
}

/// As one of codes, not of passwords.
fn of_codes(limited: Limited) -> Limited {
    let error = match limited.error {
        Error::TooManyAttempts(spent) => Error::TooManyCodes(spent),
        other => other,
    };
    Limited { error, ..limited }
}

impl Service {
    /// A session, or what stands before it. The person is locked.
    pub(super) async fn admit_in(&self, tx: &mut Tx, admission: Admission<'_>) -> Result<Entered, Error> {
        let Admission { known, method, action, by, .. } = admission;
        let user = known.person.id;
        let factors = repo::factors::kinds(tx, user).await?;
        if factors.is_empty() || by.is_some_and(|by| by.is_enough()) {
            return Ok(Entered::SignedIn(self.begin_in(tx, admission).await?));
        }
        let now = self.instant();
        let expires_at = now + PENDING_FOR;
        let (token, hash) = proof::fresh_token()?;
        let connection = by.map(|by| by.connection.id);
        repo::pending::insert(tx, NewPending { hash, user, method, action, connection, expires_at }, now).await?;
        Ok(Entered::Pending(PendingSignIn { token, factors, expires_at }))
    }

    /// The session of somebody who has shown all that is asked for.
    pub(super) async fn begin_in(&self, tx: &mut Tx, admission: Admission<'_>) -> Result<SignedIn, Error> {
        let Admission { request, known, client, method, action, device, by } = admission;
        let user = known.person.id;
        let open = |membership: &&Membership| !known.shut.contains(&membership.org);
        let open: Vec<Membership> = known.memberships.iter().filter(open).copied().collect();
        let chosen = by.map_or_else(|| model::choose(&open, known.last), |by| Some(by.membership));
        let membership = match chosen {
            Some(membership) => membership,
            // Removed from the last organisation: nobody is locked out of the account for it.
            None => {
                let Account { org, .. } = self.directory.found_in(tx, request, user, None, &known.person.name).await?;
                Membership { org, role: OrgRole::Owner }
            }
        };
        let device = if by.is_some() {
            // Whom an issuer lets in from somewhere is no less a stranger there to the account itself.
            None
        } else {
            if self.is_strange_in(tx, user, device, client.address).await? {
                self.tell_of_device_in(tx, known, client).await?;
            }
            // In whichever way they came: the next time this device, and this network, are no stranger's.
            Some(self.know_device_in(tx, user, device, client.address).await?)
        };
        let sign_in = model::Proof {
            connection: by.map(|by| by.connection.id),
            issuer_factor: by.is_some_and(|by| by.factor),
            ..model::Proof::now(method, by.map_or_else(|| self.instant(), |by| by.at))
        };
        let opening = Opening { request, user, membership, action, client, sign_in };
        let signed_in = self.open_in(tx, opening, token::fresh()?).await?;
        Ok(SignedIn { device, ..signed_in })
    }

    /// Ends a pending sign-in with a session.
    pub(super) async fn finish_pending(
        &self,
        token: &SecretString,
        shown: FactorShown,
        asking: Asking<'_>,
        device: Option<&SecretString>,
    ) -> Result<SignedIn, Error> {
        let now = self.clock.now();
        let hash = proof::hash(token.expose_secret()).ok_or(Error::PendingSpent)?;
        let (pending, person, org) = self
            .system
            .read(async |tx| {
                let Some(pending) = repo::pending::of_token(tx, &hash, now).await? else { return Err(Error::PendingSpent) };
                let person = self.directory.person(tx, pending.user).await?.ok_or(Error::PendingSpent)?;
                let org = match pending.connection {
                    Some(id) => Some(repo::sign_on::organization_of(tx, id).await?.ok_or(Error::PendingSpent)?),
                    None => None,
                };
                Ok((pending, person, org))
            })
            .await?;
        let user = person.id;
        let known = self.known(&person.email).await?.filter(|known| known.person.id == user).ok_or(Error::PendingSpent)?;
        let familiar = self.familiar(Some(user), device, asking.from).await?;
        // Whoever runs an issuer begins as many of these as they like: they spend nothing of the person's other sign-ins.
        let key = pending.connection.map_or_else(|| factor_key(user, familiar), |by| own_factor_key(user, Some(by)));
        let tries = self.try_factor(user, &key, origin(&asking)).await?;
        let client = Client { address: asking.from, agent: asking.agent.map(str::to_owned), language: Some(asking.language) };
        let outcome = self
            .system
            .write(async |tx| {
                repo::lock_person(tx, user).await?;
                // The connection before what waits by it, as who turns it off.
                let held = match pending.connection.zip(org) {
                    Some((id, org)) => {
                        let connection = repo::sign_on::hold(tx, org, id).await?.ok_or(Error::PendingSpent)?;
                        let membership = self.directory.membership_in(tx, user, org).await?.ok_or(Error::PendingSpent)?;
                        Some((connection, membership))
                    }
                    None => None,
                };
                if !repo::pending::lock(tx, pending.id, now).await? {
                    return Err(Error::PendingSpent);
                }
                let kind = match self.check_factor_in(tx, (user, pending.id), &shown, &origin(&asking)).await? {
                    Checked::Right(kind) => kind,
                    Checked::Wrong(copied) => {
                        repo::pending::was_wrong(tx, pending.id).await?;
                        return Ok(Err(copied));
                    }
                };
                repo::pending::end(tx, pending.id, now).await?;
                if kind == FactorKind::RecoveryCode {
                    self.tell_in(tx, &known, FactorChange::RecoveryCodeUsed, asking.language).await?;
                }
                let (request, method) = (asking.request, pending.method);
                // What the issuer asked for was not enough: the person's own was, which they showed just now.
                let (factor, at) = (false, self.instant());
                let by =
                    held.as_ref().map(|(connection, membership)| ByIssuer { connection, membership: *membership, factor, at });
                let action = pending.action.as_str();
                let admission = Admission { request, known: &known, client: &client, method, action, device, by };
                Ok(Ok(self.begin_in(tx, admission).await?))
            })
            .await?;
        let signed_in = match outcome {
            Ok(signed_in) => signed_in,
            Err(copied) => {
                tries.were_wrong(self.clock.now());
                drop(tries);
                security::note(&self.system, SecurityEventKind::SecondFactorFailed, whose(Some(&known)), origin(&asking)).await;
                self.tell_of_copy(whose(Some(&known)), copied, origin(&asking), asking.language).await;
                return Err(Error::WrongSecondFactor);
            }
        };
        // What strangers share stays spent, or the person's own sign-ins would give it back to who guesses; so does what an issuer's sign-ins share.
        if familiar != Familiar::Stranger && pending.connection.is_none() {
            self.attempts.forget_own(&key);
        }
        drop(tries);
        self.complete(signed_in).await
    }

    /// Takes the place of a try, before the factor is looked at.
    async fn try_factor(&self, user: UserId, key: &str, origin: Origin<'_>) -> Result<Tries, Error> {
        match self.attempts.enter_own(key, &*self.clock).await {
            Ok(tries) => Ok(tries),
            Err(limited) => {
                let kind = SecurityEventKind::SecondFactorLimited;
                Err(self.refused(of_codes(limited), kind, Some(user), origin).await)
            }
        }
    }

    /// The same for somebody who is signed in, by the issuer of a connection or otherwise.
    pub(super) async fn try_own_factor(
        &self,
        (user, by): (UserId, Option<ConnectionId>),
        origin: Origin<'_>,
    ) -> Result<Tries, Error> {
        self.try_factor(user, &own_factor_key(user, by), origin).await
    }

    /// Notes that what somebody showed who is signed in was no second factor of theirs.
    pub(super) async fn wrong_own_factor(&self, user: UserId, tries: &Tries, origin: Origin<'_>) -> Error {
        tries.were_wrong(self.clock.now());
        security::note(&self.system, SecurityEventKind::SecondFactorFailed, Some(user), origin).await;
        Error::invalid(
            "/code",
            "WRONG_SECOND_FACTOR",
            "is wrong, or was used already: type the one that the authenticator shows next",
        )
    }

    /// Uses up what is shown, if it is a second factor of the person, who shows it for what is pending or in this session.
    pub(super) async fn check_factor_in(
        &self,
        tx: &mut Tx,
        (user, from): (UserId, Uuid),
        shown: &FactorShown,
        origin: &Origin<'_>,
    ) -> Result<Checked, Error> {
        match shown {
            FactorShown::Code(code) => {
                let kind = self.check_code_in(tx, user, code, origin).await?;
                Ok(kind.map_or(Checked::Wrong(None), Checked::Right))
            }
            FactorShown::Passkey { request_id, shown } => Ok(self.check_passkey_in(tx, (user, from), request_id, shown).await?),
        }
    }

    async fn check_code_in(
        &self,
        tx: &mut Tx,
        user: UserId,
        code: &SecretString,
        origin: &Origin<'_>,
    ) -> Result<Option<FactorKind>, Error> {
        let typed: String = code.expose_secret().chars().filter(|c| !c.is_whitespace()).collect();
        if totp::is_code(&typed) {
            let Some(sealed) = repo::factors::lock_totp(tx, user).await? else { return Ok(None) };
            let opened = self.factor_secret.open(user, &sealed)?;
            let Some(step) = totp::step_of(&opened.secret, &typed, self.clock.now())? else { return Ok(None) };
            if !repo::factors::use_step(tx, user, step).await? {
                return Ok(None);
            }
            if opened.is_old {
                repo::factors::reseal(tx, user, &self.factor_secret.seal(user, &opened.secret)?).await?;
            }
            return Ok(Some(FactorKind::Totp));
        }
        // Codes of recovery open nothing for whom there is nothing to recover.
        let Some(hash) = recovery::hash(&typed) else { return Ok(None) };
        if repo::factors::kinds(tx, user).await?.is_empty() || !repo::factors::use_code(tx, user, &hash, self.clock.now()).await?
        {
            return Ok(None);
        }
        security::note_in(tx, SecurityEventKind::RecoveryCodeUsed, user, origin).await?;
        Ok(Some(FactorKind::RecoveryCode))
    }

    /// Tells a person of a sign-in from where there was none before.
    async fn tell_of_device_in(&self, tx: &mut Tx, known: &Known, client: &Client) -> Result<(), Error> {
        let language = client.language.unwrap_or(Language::English);
        let unknown = if language == Language::German { "ein unbekanntes Programm" } else { "an unknown program" };
        let device = client.agent.as_deref().and_then(device::label).unwrap_or_else(|| unknown.to_owned());
        let from = client.address.map(|address| address.to_string());
        let told = Mail {
            key: format!("new-device:{}", Uuid::now_v7()),
            to: Recipient::at(&*known.person.email).named(&*known.person.name),
            language,
            content: Content::NewDevice { device, from, at: self.clock.now(), link: None },
        };
        self.mails.send_in(tx, told).await?;
        Ok(())
    }

    /// Tells a person what happened to their second factors.
    pub(super) async fn tell_in(
        &self,
        tx: &mut Tx,
        known: &Known,
        change: FactorChange,
        language: Language,
    ) -> Result<(), Error> {
        let left = repo::factors::codes_left(tx, known.person.id).await?;
        let told = Mail {
            key: format!("second-factor:{}", Uuid::now_v7()),
            to: Recipient::at(&*known.person.email).named(&*known.person.name),
            language,
            content: Content::SecondFactorChanged { change, at: self.clock.now(), recovery_codes_left: Some(left) },
        };
        self.mails.send_in(tx, told).await?;
        Ok(())
    }
}
