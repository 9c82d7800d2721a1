//! Mail: what is to be written to whom is kept sealed in the transaction of what it tells of, written from a template, and sent by a job.
//!
//! Invariants:
//! - A mail goes out only for what was committed, and of one event (`Mail::key`) there is one.
//! - What a mail says is never in the database in clear, and not at all once it left or will not leave. It is sealed together with its address,
//!   so that whoever writes rows there has nothing sent, and nothing sent elsewhere.
//! - Its `Message-ID` is the same at each try. A process that died between the other side's word and our commit sends it again: then it comes
//!   twice with one `Message-ID`, and with one key to a provider that knows keys.
//! - Links lead below `server.public_url`, whatever a request said.
//! - An address that takes no mail, or whose owner does not want ours, gets none until an operator says otherwise.
//! - No address is in a log, in a metric or in an alarm.
//!
//! Tables owned: `mails`, `mail_suppressions`.
//!
//! App data that its routes and pages expect: `web::Data<Service>`.

mod compose;
mod dates;
mod http;
mod model;
mod module;
mod pages;
mod repo;
mod samples;
mod schema;
mod secret;
mod service;
mod settings;
mod tasks;
mod templates;
mod trial;

pub use compose::{Composer, Sender};
pub use module::MODULE;
pub use secret::MailSecret;
pub use service::{Dependencies, Error, Service, allow};
pub use settings::{Resend, Security, Settings, Smtp, TransportKind};
pub use trial::{NotSent, send_test};
