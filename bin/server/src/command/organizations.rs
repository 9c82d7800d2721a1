//! `build14 organizations`: the platform suspends an organisation, and lets it act again.

use std::process::ExitCode;

use kernel::{Decision, OrgId};
use mail_api::Language;

use super::reach::on_database;
use super::{block_on, print_line};
use crate::config::Settings;
use crate::services::suspensions::suspensions;

/// `build14 organizations suspend --id … --operator … --reason … [--language …]`
///
/// # Errors
/// If there is no such organisation, it is suspended already, or the database does not answer.
pub fn suspend(settings: &Settings, org: OrgId, by: &Decision, language: Language) -> anyhow::Result<ExitCode> {
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

/// `build14 organizations resume --id … --operator … --reason … [--language …]`
///
/// # Errors
/// If there is no such organisation, it is not suspended, or the database does not answer.
pub fn resume(settings: &Settings, org: OrgId, by: &Decision, language: Language) -> anyhow::Result<ExitCode> {
    block_on(async {
        let resumed =
            on_database(settings, async |urls| Ok(suspensions(settings, urls).await?.resume(org, by, language).await?)).await?;
        print_line(&format!("{} ({org}) may act again", resumed.name));
        Ok(ExitCode::SUCCESS)
    })
}
