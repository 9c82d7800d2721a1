//! Asking by mail that an address be proven: whoever has it, the same is answered after the same work. The mail leaves later, by a job.

use audit_api::NewEntry;
use auth_api::email::Email;
use auth_api::{Asked, Asking, Error, Person, Purpose, SecurityEventKind};
use chrono::TimeDelta;
use kernel::{Ctx, Fault, SessionId, Spent, Timestamp, UserId};
use mail_api::{Content, Link, Mail, Recipient};
use secrecy::{ExposeSecret, SecretString};
use uow::Tx;
use uuid::Uuid;

use super::{Known, Service};
use crate::attempts::{Familiar, network_of, own_password_key};
use crate::hasher::Verified;
use crate::proof::{self, MAILS_WINDOW, MINUTES, MOST_MAILS, MOST_MAILS_OF_ALL, Secrets};
use crate::security_event::{Origin, Whose};
use crate::{model, repo, security};

/// What is asked for.
pub(super) struct Ask<'a> {
    pub purpose: Purpose,
    /// The address that is to be proven, to which the mail goes.
    pub to: &'a Email,
    /// What its person is called.
    pub name: Option<&'a str>,
    /// Whose account it is about.
    pub user: Option<UserId>,
    /// From which session it is asked.
    pub session: Option<SessionId>,
    /// Whether it is asked from where the person signed in before: by no stranger.
    pub at_home: bool,
}

/// Where a request to prove something comes from.
pub(super) fn origin<'a>(asking: &Asking<'a>) -> Origin<'a> {
    Origin { request: asking.request, address: asking.from }
}

/// Whose account it is, and the organisation into which a sign-in leads: of what fails, no other one is told.
pub(super) fn whose(known: Option<&Known>) -> Whose {
    let org = known.and_then(|known| model::choose(&known.memberships, known.last)).map(|membership| membership.org);
    Whose { user: known.map(|known| known.person.id), org }
}

/// What is kept, in the form in which mail goes to it.
pub(super) fn address_of(email: &str) -> Result<Email, Fault> {
    Email::parse(email).map_err(|flaw| Fault::internal(format!("a stored address is none: it {flaw}")))
}

/// What the mail says.
fn content_of(ask: &Ask<'_>, secrets: &Secrets, now: Timestamp) -> Content {
    let link = || Link::to(proof::page_of(ask.purpose)).with("token", secrets.token.expose_secret());
    let code = || secrets.code.expose_secret().to_owned();
    match ask.purpose {
        Purpose::VerifyAddress | Purpose::ChangeAddress => Content::VerifyAddress {
            link: link(),
            code: code(),
            minutes: MINUTES,
            ends_what_was_before: Some(ask.purpose == Purpose::VerifyAddress),
        },
        Purpose::MagicLink => Content::MagicLink { link: link(), code: code(), minutes: MINUTES },
        Purpose::ResetPassword if ask.user.is_some() => {
            Content::ResetPassword { link: link(), code: Some(code()), minutes: MINUTES }
        }
        // Whoever reads the mail may know, and has no other way to: nothing else tells that there is no such account.
        Purpose::ResetPassword => Content::NoAccount { at: now },
    }
}

impl Service {
    /// Mails what proves an address, beside what was mailed before for the same thing.
    pub(super) async fn ask_in(&self, tx: &mut Tx, ask: &Ask<'_>, asking: &Asking<'_>) -> Result<Asked, Error> {
        let now = self.instant();
        let id = Uuid::now_v7();
        let (secrets, hashes) = proof::fresh(&self.switch_secret, id)?;
        let network = network_of(asking.from).map_or_else(|| "unknown".to_owned(), |network| network.to_string());
        let here = proof::count_key(ask.purpose, ask.to.key(), Some(&network));
        // Strangers who ask from many networks together take no mail from somebody who asks from where they signed in before.
        let anywhere = proof::count_key(ask.purpose, ask.to.key(), None);
        let bounds = [(here, MOST_MAILS), (anywhere, MOST_MAILS_OF_ALL)];
        for (key, most) in bounds.iter().take(if ask.at_home { 1 } else { 2 }) {
            let (asked, since) = repo::proofs::count(tx, key, now).await?;
            if u32::try_from(asked).unwrap_or(u32::MAX) > *most {
                // Rolled back: what is refused does not count.
                let wait = (since + TimeDelta::seconds(i64::from(MAILS_WINDOW)) - now).to_std().unwrap_or_default();
                return Err(Error::TooManyMails(Spent { limit: "mails", requests: *most, seconds: MAILS_WINDOW, wait }));
            }
        }
        let (purpose, email, user, session) = (ask.purpose, ask.to, ask.user, ask.session);
        let new = repo::proofs::NewProof { id, purpose, email, user, session, network: here, hashes: &hashes };
        repo::proofs::insert(tx, &new, now).await?;
        let to = Recipient { address: ask.to.as_str().to_owned(), name: ask.name.map(str::to_owned) };
        let key = format!("{}:{id}", ask.purpose);
        self.mails.send_in(tx, Mail { key, to, language: asking.language, content: content_of(ask, &secrets, now) }).await?;
        Ok(Asked { request_id: secrets.request_id, expires_at: proof::end_of(now) })
    }

    /// For the person of an address, whoever asks.
    pub(super) async fn ask_by_address(
        &self,
        purpose: Purpose,
        kind: SecurityEventKind,
        email: &str,
        asking: Asking<'_>,
    ) -> Result<Asked, Error> {
        let typed = Email::parse(email).map_err(|flaw| Error::Invalid(vec![flaw.at("/email")]))?;
        let person = self.system.read(async |tx| self.directory.person_by_email(tx, typed.as_str()).await).await?;
        let user = person.as_ref().map(|person| person.id);
        // To the address that the account has, not to another spelling of it, which may be somebody else's mailbox.
        let kept = person.as_ref().map(|person| address_of(&person.email)).transpose()?;
        let at_home = !matches!(self.familiar(user, None, asking.from).await?, Familiar::Stranger);
        let ask = Ask {
            purpose,
            to: kept.as_ref().unwrap_or(&typed),
            name: person.as_ref().map(|person| person.name.as_str()),
            user,
            session: None,
            at_home,
        };
        self.system
            .write(async |tx| {
                security::note_in(tx, kind, user, &origin(&asking)).await?;
                self.ask_in(tx, &ask, &asking).await
            })
            .await
    }

    /// For the address of a person who has registered just now, or who is signed in.
    pub(super) async fn ask_verification_in(&self, tx: &mut Tx, person: &Person, asking: &Asking<'_>) -> Result<Asked, Error> {
        let to = address_of(&person.email)?;
        let (purpose, name, user) = (Purpose::VerifyAddress, Some(person.name.as_str()), Some(person.id));
        self.ask_in(tx, &Ask { purpose, to: &to, name, user, session: None, at_home: false }, asking).await
    }

    pub(super) async fn ask_own_verification(&self, ctx: &Ctx, asking: Asking<'_>) -> Result<Asked, Error> {
        let user = ctx.person().ok_or(Error::NotAuthenticated)?;
        let person = self.system.read(async |tx| self.directory.person(tx, user).await).await?;
        let person = person.ok_or(Error::NotAuthenticated)?;
        if person.email_verified {
            return Err(Error::VerifiedAlready);
        }
        self.system
            .write(async |tx| {
                security::note_in(tx, SecurityEventKind::VerificationAsked, user, &origin(&asking)).await?;
                self.ask_verification_in(tx, &person, &asking).await
            })
            .await
    }

    pub(super) async fn ask_other_address(
        &self,
        ctx: &Ctx,
        session: SessionId,
        email: &str,
        password: SecretString,
        asking: Asking<'_>,
    ) -> Result<Asked, Error> {
        let user = ctx.person().ok_or(Error::NotAuthenticated)?;
        let to = Email::parse(email).map_err(|flaw| Error::Invalid(vec![flaw.at("/email")]))?;
        let (person, stored) = self
            .system
            .read(async |tx| Ok::<_, Fault>((self.directory.person(tx, user).await?, repo::password(tx, user).await?)))
            .await?;
        let person = person.ok_or(Error::NotAuthenticated)?;
        let present = address_of(&person.email)?;
        if present.key() == to.key() {
            return Err(Error::invalid("/email", "SAME_AS_BEFORE", "is the present address"));
        }
        // Counted with changes of the password: both are guesses of it.
        let key = own_password_key(user, None);
        let tries = match self.attempts.enter_own(&key, &*self.clock).await {
            Ok(tries) => tries,
            Err(limited) => {
                let kind = SecurityEventKind::PasswordChangeLimited;
                return Err(self.refused(limited, kind, (user, ctx.org), origin(&asking)).await);
            }
        };
        let Verified { right, .. } = self.hasher.verify(password, stored).await?;
        if !right {
            tries.were_wrong(self.clock.now());
            security::note(&self.system, SecurityEventKind::PasswordChangeFailed, (user, ctx.org), origin(&asking)).await;
            return Err(Error::invalid(
                "/password",
                "WRONG_PASSWORD",
                "is not your password; without one, have one set by mail first",
            ));
        }
        self.attempts.forget_own(&key);
        drop(tries);
        let (purpose, name) = (Purpose::ChangeAddress, Some(person.name.as_str()));
        let ask = Ask { purpose, to: &to, name, user: Some(user), session: Some(session), at_home: false };
        self.system
            .write(async |tx| {
                let entry = NewEntry::named("auth.ask_address_change", "user", user);
                self.audit.record_in(tx, ctx, entry).await?;
                security::note_in(tx, SecurityEventKind::AddressChangeAsked, user, &origin(&asking)).await?;
                let asked = self.ask_in(tx, &ask, &asking).await?;
                let told = Mail {
                    // Of each time that it is asked for.
                    key: format!("address-change-asked:{}", Uuid::now_v7()),
                    to: Recipient::at(present.as_str()).named(&*person.name),
                    language: asking.language,
                    content: Content::AddressChangeAsked { new_address: masked(&to), at: self.clock.now(), minutes: MINUTES },
                };
                self.mails.send_in(tx, told).await?;
                Ok(asked)
            })
            .await
    }
}

/// As much of an address as whoever reads mail at the former one may know.
pub(super) fn masked(email: &Email) -> String {
    let (local, domain) = email.as_str().rsplit_once('@').unwrap_or_default();
    let first = local.chars().next().map(String::from).unwrap_or_default();
    format!("{first}…@{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_former_mailbox_learns_the_beginning_of_the_address_and_its_domain() {
        let masked_of = |email: &str| Email::parse(email).map(|email| masked(&email)).unwrap_or_default();
        assert_eq!(masked_of("ada@example.com"), "a…@example.com");
        assert_eq!(masked_of("ünal@bücher.example"), "ü…@bücher.example");
    }
}
