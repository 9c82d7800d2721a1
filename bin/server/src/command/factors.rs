//! `build14 factors`: the second factors of somebody who has lost them.

use std::process::ExitCode;

use kernel::{Decision, Operator, Reason};
use mail_api::Language;

use super::reach::on_database;
use super::{block_on, print_line};
use crate::config::Settings;
use crate::services::factor_resets::factor_resets;

/// What is done about them.
#[derive(clap::Subcommand)]
pub enum Verb {
    /// Removes all of an account, whose person you have made sure of by other means than mail, and ends its sessions
    Reset(Which),
}

/// Of whom, and who decides.
#[derive(clap::Args)]
pub struct Which {
    /// The account's address
    address: String,
    /// Who does it: stands in the trails of the person's organisations
    #[arg(long)]
    operator: Operator,
    /// How you made sure of the person: stands there, too
    #[arg(long)]
    reason: Reason,
    /// In which language the person is written to, de or en
    #[arg(long, default_value = "en", value_parser = language)]
    language: Language,
}

fn language(text: &str) -> Result<Language, String> {
    Language::from_name(text).ok_or_else(|| "mails are written in these languages: de, en".to_owned())
}

/// `build14 factors reset <address> --operator … --reason … [--language …]`
///
/// # Errors
/// If nobody has the address, there is no second factor, or the database does not answer.
pub fn run(settings: &Settings, verb: Verb) -> anyhow::Result<ExitCode> {
    let Verb::Reset(Which { address, operator, reason, language }) = verb;
    let by = Decision { operator, reason: Some(reason) };
    block_on(async {
        on_database(settings, async |urls| Ok(factor_resets(settings, urls).await?.reset(&address, &by, language).await?))
            .await?;
        print_line("the account has no second factor any more, and its sessions have ended. Its address is told");
        Ok(ExitCode::SUCCESS)
    })
}
