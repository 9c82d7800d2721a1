//! A mail as it is kept.

use kernel::{Fault, Timestamp};
use mail_api::{Content, Language, Mail, MailId};
use serde::{Deserialize, Serialize};

use crate::secret::MailSecret;

kernel::named! {
    /// How far a mail got.
    pub(crate) enum MailState {
        /// It waits to be sent.
        Queued = "queued",
        /// The next one took it over.
        Sent = "sent",
        /// It will not be sent: nobody takes it, or what it tells counts no more.
        Refused = "refused",
        /// It was not sent, since its address takes none.
        Suppressed = "suppressed",
        /// It came back.
        Bounced = "bounced",
        /// Whoever got it did not want it.
        Complained = "complained",
    }

    /// Why an address gets no mail.
    pub(crate) enum Cause {
        /// It takes none.
        Bounced = "bounced",
        /// Whoever has it does not want ours.
        Complained = "complained",
    }
}

/// What is sealed of a mail.
#[derive(Serialize, Deserialize)]
pub(crate) struct Letter {
    /// The recipient's name.
    pub(crate) name: Option<String>,
    /// What it says.
    pub(crate) content: Content,
}

/// A mail to be kept.
pub(crate) struct NewMail {
    pub(crate) id: MailId,
    /// By what its event is known again, the one that is kept first.
    pub(crate) digests: Vec<Vec<u8>>,
    pub(crate) address: String,
    pub(crate) template: &'static str,
    pub(crate) language: Language,
    pub(crate) content: Vec<u8>,
}

impl NewMail {
    /// `mail`, sealed.
    pub(crate) fn sealed(mail: Mail, secret: &MailSecret) -> Result<Self, Fault> {
        let Mail { key, to, language, content } = mail;
        let (id, digests, template) = (MailId::new(), secret.digests(&key), content.template().name());
        let plain = serde_json::to_vec(&Letter { name: to.name, content }).map_err(Fault::internal)?;
        let digest = digests.first().map_or(&[][..], Vec::as_slice);
        let bound = bound(id, digest, &to.address, template, language.name());
        let content = secret.seal(&bound, &plain).ok_or_else(|| Fault::internal("a mail cannot be sealed"))?;
        Ok(Self { id, digests, address: to.address, template, language, content })
    }
}

/// A mail that waits to be sent.
pub(crate) struct QueuedMail {
    pub(crate) id: MailId,
    pub(crate) digest: Vec<u8>,
    pub(crate) address: String,
    pub(crate) template: String,
    pub(crate) language: String,
    pub(crate) content: Vec<u8>,
    pub(crate) message_id: String,
    pub(crate) created_at: Timestamp,
}

impl QueuedMail {
    /// What it says; `None` if this program did not write it, or not so.
    pub(crate) fn opened(&self, secret: &MailSecret) -> Option<(Letter, Language)> {
        let bound = bound(self.id, &self.digest, &self.address, &self.template, &self.language);
        let plain = secret.open(&bound, &self.content)?;
        Some((serde_json::from_slice(&plain).ok()?, Language::from_name(&self.language)?))
    }
}

/// What a mail's content belongs to; lengths first, so that no part can pass for another.
fn bound(id: MailId, digest: &[u8], address: &str, template: &str, language: &str) -> Vec<u8> {
    let mut bound = id.0.as_bytes().to_vec();
    for part in [digest, address.as_bytes(), template.as_bytes(), language.as_bytes()] {
        bound.extend((part.len() as u64).to_be_bytes());
        bound.extend(part);
    }
    bound
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use mail_api::{Link, Recipient};

    use super::*;

    #[test]
    fn a_mail_that_was_turned_to_somebody_else_does_not_open() {
        let secret = MailSecret::derived(b"one");
        let content = Content::ResetPassword { link: Link::to("/reset").with("token", "t0ken"), code: None, minutes: 30 };
        let to = Recipient::at("ada@example.com").named("Ada");
        let new =
            NewMail::sealed(Mail { key: "k".to_owned(), to, language: Language::German, content: content.clone() }, &secret);
        let new = new.expect("it is sealed");
        assert!(!String::from_utf8_lossy(&new.content).contains("t0ken"));
        let kept = || QueuedMail {
            id: new.id,
            digest: new.digests[0].clone(),
            address: new.address.clone(),
            template: new.template.to_owned(),
            language: new.language.name().to_owned(),
            content: new.content.clone(),
            message_id: "x@y".to_owned(),
            created_at: Utc::now(),
        };
        let (letter, language) = kept().opened(&secret).expect("it opens");
        assert_eq!((letter.name.as_deref(), language), (Some("Ada"), Language::German));
        assert!(letter.content == content);
        for turned in [
            QueuedMail { address: "eve@example.com".to_owned(), ..kept() },
            QueuedMail { id: MailId::new(), ..kept() },
            QueuedMail { digest: vec![0; 32], ..kept() },
            QueuedMail { language: "en".to_owned(), ..kept() },
            QueuedMail { template: "magic-link".to_owned(), ..kept() },
        ] {
            assert!(turned.opened(&secret).is_none());
        }
    }
}
