//! Tells whoever made an API key what becomes of it: it acts with their rights.

use std::sync::Arc;

use auth_api::{ApiKey, Directory, Person};
use kernel::{Fault, Timestamp, UserId};
use mail_api::{Content, KeyChange, Language, Mail, Mails, Recipient};
use uow::{SystemUow, Tx};
use uuid::Uuid;

/// Who writes to those who made keys.
#[derive(Clone)]
pub struct KeyMails {
    system: SystemUow,
    directory: Arc<dyn Directory>,
    mails: Arc<dyn Mails>,
}

impl KeyMails {
    /// Over the platform's door, who knows people, and who mails.
    #[must_use]
    pub fn new(system: SystemUow, directory: Arc<dyn Directory>, mails: Arc<dyn Mails>) -> Self {
        Self { system, directory, mails }
    }

    /// Somebody who made a key; `None` if they removed the account. To be asked before the transaction that changes the key.
    pub(crate) async fn person(&self, user: UserId) -> Result<Option<Person>, Fault> {
        self.system.read(async |tx| self.directory.person(tx, user).await).await
    }

    /// Tells them, in the transaction of what happened.
    pub(crate) async fn tell_in(
        &self,
        tx: &mut Tx,
        person: Option<&Person>,
        (key, change): (&ApiKey, KeyChange),
        at: Timestamp,
        language: Language,
    ) -> Result<(), Fault> {
        let Some(person) = person else { return Ok(()) };
        let mail = Mail {
            key: format!("api-key:{}", Uuid::now_v7()),
            to: Recipient::at(&*person.email).named(&*person.name),
            language,
            content: Content::ApiKeyChanged { api_key: key.name.clone(), prefix: key.shown.clone(), change, at },
        };
        self.mails.send_in(tx, mail).await?;
        Ok(())
    }
}
