//! `build14 mail test`: a mail at once, without the queue, and what the other side said.

use kernel::{Fault, Timestamp};
use mail_api::{Accepted, Content, Language, MailId, MailTransport, MessageId, Recipient, Refusal};

use crate::compose::{Composer, Envelope};

/// Why a trial came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// The other side did not take it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could not be written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Writes a test mail and hands it over.
///
/// # Errors
/// [`NotSent`], in the other side's words.
pub async fn send_test(
    composer: &Composer,
    transport: &dyn MailTransport,
    to: &Recipient,
    language: Language,
    at: Timestamp,
) -> Result<(MessageId, Accepted), NotSent> {
    let id = MailId::new();
    let message_id = composer.message_id(id);
    let envelope = Envelope { id, message_id: message_id.clone(), to, date: at };
    let mail = composer.compose(envelope, language, &Content::Test { at })?;
    Ok((message_id, transport.send(&mail).await?))
}
