//! Mail as other crates see it: what is to be written to whom ([`Mail`]), who sees that it is sent ([`Mails`]), and the ports through which it
//! leaves ([`MailTransport`]), is told of by a provider ([`MailReports`]) and is looked at in development ([`Mailbox`]).
//!
//! `send_in` runs in the transaction of what the mail tells of, so that a mail goes out only for what was committed. It leaves later, by a job.

mod changes;
mod content;
pub mod fake;
mod ids;
mod language;
mod link;
mod mail;
mod report;
mod transport;

pub use changes::{FactorChange, KeyChange, SignOnChange};
pub use content::{Content, Template};
pub use ids::MailId;
pub use language::Language;
pub use link::Link;
pub use mail::{Languages, Mail, Mails, Recipient, one_line};
pub use report::{MailNews, MailReport, MailReports, NotTheirs, SignedReport};
pub use transport::{Accepted, KeptMail, MailTransport, Mailbox, MessageId, OutgoingMail, Refusal};
