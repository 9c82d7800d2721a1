//! Registering: a person with a password, and an organisation of their own.

use auth_api::{Account, Asking, Client, Error, Membership, NewAccount, Person, Registered, SignInMethod, SignedIn};
use kernel::{OrgRole, RequestId};
use mail_api::Language;
use secrecy::{ExposeSecret, SecretString};

use super::opening::Opening;
use super::{Known, Service};
use crate::{model, repo, token};

impl Service {
    pub(super) async fn register_person(
        &self,
        request: &RequestId,
        account: NewAccount,
        password: SecretString,
        client: &Client,
        language: Language,
    ) -> Result<Registered, Error> {
        let faults = model::faults_of(&account, password.expose_secret());
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        if let Some(fault) = self.breached("/password", &password).await {
            return Err(Error::Invalid(vec![fault]));
        }
        let invited = match self.known(&account.email).await? {
            Some(Known { password: Some(_), .. }) => return Err(Error::EmailTaken),
            // Somebody who signs in by mail: nobody else gives them a password.
            Some(known) if known.person.email_verified => return Err(Error::EmailTaken),
            Some(known) => Some(known.person),
            None => None,
        };
        let phc = self.hasher.hash(password).await?;
        let asking = Asking { request, from: client.address, agent: None, language };
        self.system
            .write(async |tx| {
                let Account { user, org } = match &invited {
                    None => self.directory.create_in(tx, request, &account).await?,
                    Some(Person { id, .. }) => {
                        self.directory.found_in(tx, request, *id, Some(account.name.trim()), &account.organization_name).await?
                    }
                };
                repo::insert_password(tx, user, &phc).await?;
                let membership = Membership { org, role: OrgRole::Owner };
                let device = self.know_device_in(tx, user, None, client.address).await?;
                let sign_in = model::Proof::now(SignInMethod::Password, self.instant());
                let opening = Opening { request, user, membership, action: "auth.register", client, sign_in };
                let signed_in = self.open_in(tx, opening, token::fresh()?).await?;
                let signed_in = SignedIn { device: Some(device), ..signed_in };
                // As it is kept, which may be another spelling.
                let email = invited.as_ref().map_or(&account.email, |person| &person.email).clone();
                let person = Person { id: user, email, name: account.name.clone(), email_verified: false };
                let verification = self.ask_verification_in(tx, &person, &asking).await?;
                Ok(Registered { signed_in, verification })
            })
            .await
    }
}
