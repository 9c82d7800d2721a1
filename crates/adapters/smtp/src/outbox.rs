//! Mail that is kept in a folder instead of sent, as development does: `<id>.eml` as it would have travelled, and `<id>.json` for who shows it.

use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use kernel::{Fault, Timestamp};
use mail_api::{Accepted, KeptMail, MailId, MailTransport, Mailbox, MessageId, OutgoingMail, Recipient, Refusal};
use serde::{Deserialize, Serialize};

use crate::message::message;

/// As many mails are kept, the newest.
const KEPT: usize = 1_000;

/// A folder of mails.
#[derive(Debug, Clone)]
pub struct Outbox {
    folder: PathBuf,
    most: usize,
}

#[derive(Serialize, Deserialize)]
struct Person {
    address: String,
    name: Option<String>,
}

impl From<&Recipient> for Person {
    fn from(who: &Recipient) -> Self {
        Self { address: who.address.clone(), name: who.name.clone() }
    }
}

impl From<Person> for Recipient {
    fn from(who: Person) -> Self {
        Self { address: who.address, name: who.name }
    }
}

/// A mail as it is kept beside its source.
#[derive(Serialize, Deserialize)]
struct Kept {
    message_id: MessageId,
    from: Person,
    reply_to: Option<Person>,
    to: Person,
    date: Timestamp,
    subject: String,
    html: String,
    text: String,
}

impl Outbox {
    /// The folder, which is made with the first mail.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), most: KEPT }
    }

    /// That keeps so many.
    #[must_use]
    pub fn keeping(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    fn keep(&self, mail: &OutgoingMail, source: &[u8]) -> io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let OutgoingMail { id, message_id, from, reply_to, to, date, subject, html, text } = mail.clone();
        let (from, reply_to, to) = (Person::from(&from), reply_to.as_ref().map(Person::from), Person::from(&to));
        let kept = Kept { message_id, from, reply_to, to, date, subject, html, text };
        write(&self.file(id, "eml"), source)?;
        // The last of the two, so that what is listed can be shown.
        write(&self.file(id, "json"), &serde_json::to_vec(&kept)?)?;
        for old in self.ids()?.into_iter().skip(self.most) {
            for ending in ["json", "eml"] {
                unless_gone(std::fs::remove_file(self.file(old, ending)))?;
            }
        }
        Ok(())
    }

    fn file(&self, id: MailId, ending: &str) -> PathBuf {
        self.folder.join(format!("{id}.{ending}"))
    }

    /// The newest first: ids that were made later sort later.
    fn ids(&self) -> io::Result<Vec<MailId>> {
        let Some(entries) = unless_gone(std::fs::read_dir(&self.folder))? else { return Ok(Vec::new()) };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json")).and_then(|id| id.parse::<MailId>().ok());
            ids.extend(id);
        }
        ids.sort_unstable_by(|a, b| b.cmp(a));
        Ok(ids)
    }

    fn read(&self, id: MailId) -> io::Result<Option<OutgoingMail>> {
        let Some(bytes) = unless_gone(std::fs::read(self.file(id, "json")))? else { return Ok(None) };
        let Kept { message_id, from, reply_to, to, date, subject, html, text } = serde_json::from_slice(&bytes)?;
        let (from, reply_to, to) = (from.into(), reply_to.map(Into::into), to.into());
        Ok(Some(OutgoingMail { id, message_id, from, reply_to, to, date, subject, html, text }))
    }

    /// What reads and writes files does so beside the threads that serve.
    async fn aside<T: Send + 'static>(&self, work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static) -> io::Result<T> {
        let outbox = self.clone();
        tokio::task::spawn_blocking(move || work(&outbox)).await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

/// Whole or not at all, and for nobody else to read: links and codes open accounts.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    let beside = path.with_extension("part");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    std::fs::rename(&beside, path)
}

/// Somebody else may have removed it meanwhile.
fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[async_trait]
impl MailTransport for Outbox {
    fn name(&self) -> &'static str {
        "outbox"
    }

    async fn send(&self, mail: &OutgoingMail) -> Result<Accepted, Refusal> {
        uow::forbid_in_transaction("keeping mail").map_err(|fault| Refusal::temporary(fault.to_string()))?;
        let (source, mail) = (message(mail)?.formatted(), mail.clone());
        let kept = self.aside(move |outbox| outbox.keep(&mail, &source)).await;
        kept.map_err(|error| Refusal::temporary(format!("the outbox cannot be written: {error}")))?;
        Ok(Accepted::default())
    }
}

#[async_trait]
impl Mailbox for Outbox {
    async fn newest(&self, most: usize) -> Result<Vec<OutgoingMail>, Fault> {
        let read = self.aside(move |outbox| {
            let newest = outbox.ids()?.into_iter().take(most);
            newest.filter_map(|id| outbox.read(id).transpose()).collect::<io::Result<Vec<_>>>()
        });
        read.await.map_err(Fault::internal)
    }

    async fn one(&self, id: MailId) -> Result<Option<KeptMail>, Fault> {
        let read = self.aside(move |outbox| {
            let Some(mail) = outbox.read(id)? else { return Ok(None) };
            let source = unless_gone(std::fs::read(outbox.file(id, "eml")))?.unwrap_or_default();
            Ok(Some(KeptMail { mail, source: String::from_utf8_lossy(&source).into_owned() }))
        });
        read.await.map_err(Fault::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(subject: &str) -> OutgoingMail {
        let id = MailId::new();
        OutgoingMail {
            id,
            message_id: MessageId::of(id, "build14.example"),
            from: Recipient::at("no-reply@build14.example").named("14Build"),
            reply_to: None,
            to: Recipient::at("ada@example.com"),
            date: chrono::DateTime::from_timestamp(1_741_392_065, 0).expect("a time"),
            subject: subject.to_owned(),
            html: "<p>x</p>".to_owned(),
            text: "x\n".to_owned(),
        }
    }

    #[tokio::test]
    async fn the_newest_mails_are_kept_and_shown_as_they_were() {
        let folder = tempfile::tempdir().expect("a folder");
        let outbox = Outbox::new(folder.path().join("outbox")).keeping(3);
        assert!(outbox.newest(10).await.expect("it reads").is_empty());
        let mails: Vec<_> = (1..=5).map(|number| mail(&format!("Number {number}"))).collect();
        for mail in &mails {
            assert_eq!(outbox.send(mail).await, Ok(Accepted::default()));
        }
        let newest = outbox.newest(10).await.expect("it reads");
        assert!(newest == [mails[4].clone(), mails[3].clone(), mails[2].clone()], "{newest:?}");
        assert_eq!(outbox.newest(1).await.expect("it reads").len(), 1);
        let kept = outbox.one(mails[4].id).await.expect("it reads").expect("it is there");
        assert!(kept.mail == mails[4] && kept.source.contains("Subject: Number 5\r\n"), "{}", kept.source);
        assert!(outbox.one(mails[0].id).await.expect("it reads").is_none(), "the oldest is gone");
        assert_eq!(std::fs::read_dir(folder.path().join("outbox")).expect("a folder").count(), 6);
    }

    #[tokio::test]
    async fn a_mail_that_comes_twice_is_kept_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let outbox = Outbox::new(folder.path());
        let mail = mail("Once");
        for _ in 0..2 {
            outbox.send(&mail).await.expect("it is kept");
        }
        assert_eq!(outbox.newest(10).await.expect("it reads").len(), 1);
    }
}
