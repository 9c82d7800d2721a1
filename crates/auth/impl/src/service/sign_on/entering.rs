//! Who comes in by an organisation's issuer. The issuer's own word for a person is their key; an address only leads to one where the organisation has
//! proven its domain, and the person that the address is theirs.

use audit_api::NewEntry;
use auth_api::email::{self, Email};
use auth_api::{Connection, Entered, Error, Membership, Person, SecurityEventKind, SignInMethod};
use kernel::{Ctx, OrgId, ProjectRoles, UserId};
use mail_api::{Content, Mail, Recipient};
use serde_json::json;
use uow::Tx;

use super::{Heard, SignOn};
use crate::service::Known;
use crate::service::admitting::{Admission, ByIssuer};
use crate::service::asking::{address_of, origin};
use crate::service::elsewhere::client_of;
use crate::{model, repo, security};

/// Who comes in.
enum Who {
    /// Whom the issuer's word for them is known as.
    Known(Person),
    /// Who has the address, and is not known by that word.
    Found(Person),
    /// Nobody has it.
    New(Email),
}

impl SignOn {
    /// Signs somebody in to the organisation of a connection.
    pub(super) async fn enter(&self, connection: &Connection, heard: Heard<'_>) -> Result<Entered, Error> {
        let org = connection.org;
        let mut who = match self.who(connection, heard).await {
            Err(Error::AddressNotAtHome) => {
                self.note_refusal(org, None, heard.asking).await;
                return Err(Error::AddressNotAtHome);
            }
            who => who?,
        };
        let mut entered = self.auth.system.write(async |tx| self.enter_in(tx, connection, &who, heard).await).await;
        // Nobody had the address a moment ago. Whoever was faster is most likely the same person, in another tab.
        if matches!((&entered, &who), (Err(Error::EmailTaken), Who::New(_))) {
            who = self.who(connection, heard).await?;
            if !matches!(who, Who::New(_)) {
                entered = self.auth.system.write(async |tx| self.enter_in(tx, connection, &who, heard).await).await;
            }
        }
        if matches!(
            entered,
            Err(Error::AddressNotAtHome
                | Error::AccountUnproven
                | Error::NotInvited
                | Error::NotLetIn
                | Error::SubjectChanged
                | Error::EmailTaken)
        ) {
            let user = match &who {
                Who::Known(person) | Who::Found(person) => Some(person.id),
                Who::New(_) => None,
            };
            self.note_refusal(org, user, heard.asking).await;
        }
        entered
    }

    /// Whom the issuer means. Nobody outside of the organisation's domains, whatever it says, and whomever it meant before.
    async fn who(&self, connection: &Connection, heard: Heard<'_>) -> Result<Who, Error> {
        let (org, directory) = (connection.org, &self.auth.directory);
        let of = (org, connection.id);
        self.auth
            .system
            .read(async |tx| {
                if let Some(user) = repo::sign_on::known(tx, of, &heard.told.subject).await? {
                    let person = directory.person(tx, user).await?.ok_or(Error::SignInSpent)?;
                    let key = email::key(&person.email);
                    let at_home = directory.is_domain_of(tx, org, email::domain_of(&key)).await?;
                    return if at_home { Ok(Who::Known(person)) } else { Err(Error::AddressNotAtHome) };
                }
                let address = heard.address().ok_or(Error::AddressNotAtHome)?;
                if directory.owner_of_domain(tx, address.domain()).await? != Some(org) {
                    return Err(Error::AddressNotAtHome);
                }
                Ok(match directory.person_by_email(tx, address.as_str()).await? {
                    Some(person) => Who::Found(person),
                    None => Who::New(address),
                })
            })
            .await
    }

    async fn enter_in(&self, tx: &mut Tx, connection: &Connection, who: &Who, heard: Heard<'_>) -> Result<Entered, Error> {
        let (org, of, asking) = (connection.org, (connection.org, connection.id), heard.asking);
        let directory = &self.auth.directory;
        let (person, is_known) = match who {
            Who::Known(person) => (person.clone(), true),
            Who::Found(person) => (person.clone(), false),
            Who::New(address) => (self.create_in(tx, address, heard).await?, false),
        };
        let (user, address) = (person.id, address_of(&person.email)?);
        // They still have it, and had proven it: whoever registered with it may be somebody else than who has it. With the refusal all of this is undone.
        let proven = directory.prove_in(tx, user, address.key()).await?.ok_or(Error::SignInSpent)?;
        if !proven.was_verified {
            return Err(Error::AccountUnproven);
        }
        repo::lock_person(tx, user).await?;
        let present = directory.membership_in(tx, user, org).await?;
        let membership = match present {
            Some(membership) => membership,
            None => directory.join_in(tx, asking.request, user, &address, org, connection.joins).await?,
        };
        let is_first = !is_known || present.is_none();
        let owned = if is_first {
            let owned = directory.lock_organization_in(tx, org).await?.ok_or(Error::NoSingleSignOn)?;
            if !directory.hold_domain_in(tx, org, address.domain()).await? {
                return Err(Error::AddressNotAtHome);
            }
            Some(owned)
        } else {
            None
        };
        // As it is now: what was turned off meanwhile lets nobody in.
        let connection = repo::sign_on::hold(tx, org, connection.id).await?.ok_or(Error::SignInSpent)?;
        let subject = repo::sign_on::lock_subject(tx, of, user).await?;
        match subject {
            Some(subject) if subject == heard.told.subject => {}
            // Somebody was faster, or forgot them.
            _ if is_known => return Err(Error::SignInSpent),
            // Who is no member any more begins anew; a member is not taken for somebody whom the issuer calls otherwise.
            Some(_) if present.is_some() => return Err(Error::SubjectChanged),
            before => {
                if before.is_some() {
                    repo::sign_on::forget(tx, of, user).await?;
                }
                if !repo::sign_on::know(tx, of, &heard.told.subject, user, self.auth.instant()).await? {
                    return Err(Error::SignInSpent);
                }
                let name = owned.map(|owned| owned.name).unwrap_or_default();
                self.tell_of_link_in(tx, (&connection, &name), (&person, membership), heard).await?;
            }
        }
        repo::sign_on::used(tx, of, &heard.told.subject, self.auth.instant()).await?;
        security::note_in(tx, SecurityEventKind::SignedOn, user, &origin(asking)).await?;
        let known = Known { person, password: None, memberships: vec![membership], last: Some(org), shut: Vec::new() };
        let (request, client, method) = (asking.request, client_of(asking), SignInMethod::SingleSignOn);
        let at = model::shown_at(heard.shown_at, self.auth.instant(), self.auth.life);
        let by = Some(ByIssuer { connection: &connection, membership, factor: heard.factor, at });
        let (action, device) = ("auth.single_sign_on", heard.device);
        self.auth.admit_in(tx, Admission { request, known: &known, client: &client, method, action, device, by }).await
    }

    /// An account for an address that nobody has: of the organisation alone, whose word it is.
    async fn create_in(&self, tx: &mut Tx, address: &Email, heard: Heard<'_>) -> Result<Person, Error> {
        let before_at = || address.as_str().rsplit_once('@').map_or(address.as_str(), |(local, _)| local).to_owned();
        let name = heard.told.name.clone().unwrap_or_else(before_at);
        let id: UserId = self.auth.directory.create_for_in(tx, address, &name).await?;
        Ok(Person { id, email: address.as_str().to_owned(), name, email_verified: true })
    }

    /// Records that the issuer knows somebody from now on, and writes to them.
    async fn tell_of_link_in(
        &self,
        tx: &mut Tx,
        (connection, organization): (&Connection, &str),
        (person, membership): (&Person, Membership),
        heard: Heard<'_>,
    ) -> Result<(), Error> {
        let (org, user, asking): (OrgId, UserId, _) = (connection.org, person.id, heard.asking);
        let there = Ctx::user(org, user, membership.role, ProjectRoles::default(), asking.request.clone());
        let entry = NewEntry::named("single_sign_on.link", "user", user).after(json!({ "issuer": connection.issuer }));
        self.auth.audit.record_in(tx, &there, entry).await?;
        security::note_in(tx, SecurityEventKind::SignOnLinked, (user, org), &origin(asking)).await?;
        let at = self.auth.instant();
        let told = Mail {
            key: format!("single-sign-on-linked:{}:{user}:{}", connection.id, at.timestamp_micros()),
            to: Recipient::at(&*person.email).named(&*person.name),
            language: asking.language,
            content: Content::SingleSignOnLinked { organization: organization.to_owned(), at },
        };
        self.auth.mails.send_in(tx, told).await?;
        Ok(())
    }
}
