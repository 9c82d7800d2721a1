//! `build14 mail`: whether mail leaves, and to whom it may again.

use std::process::ExitCode;
use std::sync::Arc;

use kernel::{Clock, Operator, SystemClock};
use mail_api::{Language, Recipient};

use super::reach::on_database;
use super::{block_on, print_line};
use crate::config::Settings;
use crate::server;
use crate::services::foundation::system_uow;
use crate::services::mails::Post;

/// `build14 mail test <address> [--language …]`
///
/// # Errors
/// Why it was not taken, in the other side's words.
pub fn test(settings: &Settings, address: &str, language: Language) -> anyhow::Result<ExitCode> {
    block_on(async {
        let clock = Arc::new(SystemClock);
        let at = clock.now();
        let post = Post::new(settings, &server::public_url(settings, settings.server.address), clock)?;
        let (transport, to) = (post.transport(), Recipient::at(address));
        let (message_id, accepted) = mail::send_test(&post.composer()?, transport, &to, language, at).await?;
        let known = accepted.provider_id.map(|id| format!(", which calls it {id}")).unwrap_or_default();
        print_line(&format!("{} took the mail{known}. Its Message-ID is <{}>", transport.name(), message_id.as_str()));
        if transport.name() == "outbox" {
            print_line(&format!("it is kept in {} and does not leave", settings.data_dir.join("outbox").display()));
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// `build14 mail allow <address> --operator …`
///
/// # Errors
/// If the database does not answer.
pub fn allow(settings: &Settings, address: &str, operator: &Operator) -> anyhow::Result<ExitCode> {
    block_on(async {
        let lifted = on_database(settings, async |urls| Ok(mail::allow(&system_uow(&urls.system, 1)?, address).await?)).await?;
        // Whose address it is stays out of the log.
        tracing::info!(%operator, lifted, "an address may get mail again");
        print_line(if lifted { "mail is sent there again" } else { "mail was sent there all the time: nothing changed" });
        Ok(ExitCode::SUCCESS)
    })
}
