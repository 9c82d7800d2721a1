//! `build14 organizations`: the platform suspends an organisation, and lets it act again.

use std::process::ExitCode;

use kernel::{Decision, Operator, OrgId, Reason};
use mail_api::Language;

use super::reach::on_database;
use super::{block_on, print_line};
use crate::config::Settings;
use crate::services::suspensions::suspensions;

/// What is decided of an organisation.
#[derive(clap::Subcommand)]
pub enum Verb {
    /// Suspends one: its sessions and API keys are refused at once on every server; jobs and deadlines go on
    Suspend(Which),
    /// Lets one act again
    Resume(Which),
}

/// Of which one, and who decides.
#[derive(clap::Args)]
pub struct Which {
    /// The organisation's id
    #[arg(long, value_parser = parsed_id)]
    id: OrgId,
    /// Who does it: stands in the organisation's trail
    #[arg(long)]
    operator: Operator,
    /// Why: its owners are told, and it stands in the organisation's trail
    #[arg(long)]
    reason: Reason,
    /// In which language its owners are written to, de or en
    #[arg(long, default_value = "en", value_parser = language)]
    language: Language,
}

fn parsed_id(text: &str) -> Result<OrgId, String> {
    text.parse().map_err(|_| "it should be an organisation's id, such as 0193b1c0-0000-7000-8000-000000000001".to_owned())
}

fn language(text: &str) -> Result<Language, String> {
    Language::from_name(text).ok_or_else(|| "mails are written in these languages: de, en".to_owned())
}

/// `build14 organizations (suspend | resume) --id … --operator … --reason … [--language …]`
///
/// # Errors
/// If there is no such organisation, it is so already, or the database does not answer.
pub fn run(settings: &Settings, verb: Verb) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Suspend(Which { id, operator, reason, language }) => {
            suspend(settings, id, &Decision { operator, reason: Some(reason) }, language)
        }
        Verb::Resume(Which { id, operator, reason, language }) => {
            resume(settings, id, &Decision { operator, reason: Some(reason) }, language)
        }
    }
}

fn suspend(settings: &Settings, org: OrgId, by: &Decision, language: Language) -> anyhow::Result<ExitCode> {
    block_on(async {
        let suspended =
            on_database(settings, async |urls| Ok(suspensions(settings, urls).await?.suspend(org, by, language).await?)).await?;
        print_line(&format!(
            "{} ({org}) is suspended: nobody acts in it until `build14 organizations resume`. Money that was released, refunds and deadlines go on; \
             `build14 freeze` stops the money of a contract",
            suspended.name
        ));
        Ok(ExitCode::SUCCESS)
    })
}

fn resume(settings: &Settings, org: OrgId, by: &Decision, language: Language) -> anyhow::Result<ExitCode> {
    block_on(async {
        let resumed =
            on_database(settings, async |urls| Ok(suspensions(settings, urls).await?.resume(org, by, language).await?)).await?;
        print_line(&format!("{} ({org}) may act again", resumed.name));
        Ok(ExitCode::SUCCESS)
    })
}
