//! A mail as it travels: headers, and both forms of what it says.

use std::time::{Duration, SystemTime};

use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use mail_api::{OutgoingMail, Recipient, Refusal, one_line};

/// The mail as a message.
///
/// # Errors
/// [`Refusal::Permanent`] for a recipient's address that is none, [`Refusal::Ours`] for one of ours.
pub(crate) fn message(mail: &OutgoingMail) -> Result<Message, Refusal> {
    let seconds = u64::try_from(mail.date.timestamp()).unwrap_or_default();
    let (from, to) = (mailbox(&mail.from, Refusal::ours)?, mailbox(&mail.to, Refusal::permanent)?);
    // Said by itself: lettre would read it back from the headers, names and all.
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.email.clone()]);
    let mut builder = Message::builder()
        .envelope(envelope.map_err(|error| Refusal::permanent(error.to_string()))?)
        .from(from)
        .to(to)
        .subject(one_line(&mail.subject))
        .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(format!("<{}>", mail.message_id.as_str())))
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
    if let Some(reply_to) = &mail.reply_to {
        builder = builder.reply_to(mailbox(reply_to, Refusal::ours)?);
    }
    let parts = MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone());
    builder.multipart(parts).map_err(|error| Refusal::permanent(format!("it cannot be put into a message: {error}")))
}

/// Names have no control characters, over which lettre panics.
fn mailbox(who: &Recipient, otherwise: fn(&'static str) -> Refusal) -> Result<Mailbox, Refusal> {
    let address: Address = who.address.parse().map_err(|_| otherwise("an address that is none"))?;
    Ok(Mailbox::new(who.shown_name(), address))
}

#[cfg(test)]
mod tests {
    use mail_api::{MailId, MessageId};

    use super::*;

    fn mail() -> OutgoingMail {
        let id = MailId::new();
        OutgoingMail {
            id,
            message_id: MessageId::of(id, "build14.example"),
            from: Recipient::at("no-reply@build14.example").named("14Build"),
            reply_to: Some(Recipient::at("help@build14.example")),
            to: Recipient::at("ada@example.com").named("Ada Lovelace"),
            date: chrono::DateTime::from_timestamp(1_741_392_065, 0).expect("a time"),
            subject: "Bestätigen Sie Ihre Adresse".to_owned(),
            html: "<p>Größe: 5 €</p>".to_owned(),
            text: "Größe: 5 €\n.\nEnde\n".to_owned(),
        }
    }

    fn formatted(mail: &OutgoingMail) -> String {
        String::from_utf8(message(mail).expect("a message").formatted()).expect("8-bit safe")
    }

    fn headers(mail: &OutgoingMail) -> Vec<String> {
        let text = formatted(mail);
        let head = text.split("\r\n\r\n").next().expect("a head").replace("\r\n ", " ");
        head.split("\r\n").map(str::to_owned).collect()
    }

    #[test]
    fn a_message_has_the_headers_of_one_that_a_machine_wrote() {
        let mail = mail();
        let headers = headers(&mail);
        for expected in [
            "From: \"14Build\" <no-reply@build14.example>".to_owned(),
            "Reply-To: help@build14.example".to_owned(),
            "To: \"Ada Lovelace\" <ada@example.com>".to_owned(),
            "Date: Sat, 08 Mar 2025 00:01:05 +0000".to_owned(),
            format!("Message-ID: <{}@build14.example>", mail.id),
            "Auto-Submitted: auto-generated".to_owned(),
            "MIME-Version: 1.0".to_owned(),
        ] {
            assert!(
                headers.contains(&expected) || headers.contains(&expected.replace('"', "")),
                "{expected} is missing in {headers:#?}"
            );
        }
        let text = formatted(&mail);
        assert!(text.is_ascii(), "what travels needs no server that takes eight bits: {text}");
        assert!(text.contains("multipart/alternative") && text.contains("text/plain; charset=utf-8"), "{text}");
    }

    #[test]
    fn no_name_and_no_subject_is_more_than_that() {
        let mut mail = mail();
        for name in ["Ada\r\nBcc: eve@example.com", "\"Ada\" <eve@example.com>", "Ada\0\u{7}", "Ада Лавлейс, \\", "\n", ""]
        {
            mail.to = mail.to.clone().named(name);
            mail.subject = format!("Hello {name}\r\nX-Evil: 1");
            let headers = headers(&mail);
            assert!(
                headers.iter().all(|line| !line.starts_with("Bcc:") && !line.starts_with("X-Evil:")),
                "{name:?}: {headers:#?}"
            );
            assert_eq!(message(&mail).expect("a message").envelope().to().len(), 1, "{name:?}");
            let to: Vec<_> = headers.iter().filter(|line| line.starts_with("To: ")).collect();
            assert_eq!(to.len(), 1, "{name:?}: {headers:#?}");
            assert!(to[0].contains("ada@example.com"), "{name:?}: {to:?}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        let mut mail = mail();
        mail.to = Recipient::at("ada@example.com\r\nRCPT TO:<eve@example.com>");
        assert_eq!(message(&mail).map(drop), Err(Refusal::permanent("an address that is none")));
    }
}
