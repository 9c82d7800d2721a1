//! Work after the commit.

use mail_api::MailId;
use serde::{Deserialize, Serialize};
use uow::Task;

/// The names of all tasks.
pub(crate) const TASKS: &[&str] = &[SendMail::NAME];

/// Writes a mail and sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SendMail {
    /// The mail.
    pub(crate) mail: MailId,
}

impl Task for SendMail {
    const NAME: &'static str = "mail.send";

    fn subject(&self) -> Option<String> {
        Some(self.mail.to_string())
    }
}
