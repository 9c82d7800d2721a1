//! `build14 security-events`: what lately happened to accounts, such as failed sign-ins, and which limits were spent.

use std::process::ExitCode;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::reach::on_database;
use super::{block_on, print_line};
use crate::config::Settings;
use crate::services::foundation::system_uow;

/// Whose account, organisation or address it is about.
fn whose(event: &auth::StoredEvent) -> String {
    match (event.user, event.organization) {
        (Some(user), _) => format!("of {user}"),
        (None, Some(organization)) => format!("of the organisation {organization}"),
        (None, None) if event.is_of_an_address() => "of this address".to_owned(),
        (None, None) => "of an email that nobody has".to_owned(),
    }
}

/// So many of the newest are shown.
const MOST: u32 = 1000;

/// Nothing is asked for from longer ago: a century.
const LONGEST: Duration = Duration::from_secs(36_525 * 24 * 60 * 60);

/// How long ago, as a person types it.
///
/// # Errors
/// If it is no time, or longer ago than anybody asks for.
pub fn ago(text: &str) -> Result<Duration, String> {
    let ago = humantime::parse_duration(text).ok().filter(|ago| *ago <= LONGEST);
    ago.ok_or_else(|| "it should be how long ago, such as 30m, 24h or 7d, and a century at most".to_owned())
}

/// `build14 security-events [--since 24h] [--json]`
///
/// # Errors
/// If the database does not answer.
pub fn events(settings: &Settings, since: Duration, json: bool) -> anyhow::Result<ExitCode> {
    let since = Utc::now() - TimeDelta::from_std(since)?;
    block_on(async {
        let events =
            on_database(settings, async |urls| Ok(auth::security_events(&system_uow(&urls.system, 1)?, since, MOST).await?))
                .await?;
        let time = |event: &auth::StoredEvent| kernel::rfc3339(event.at);
        if json {
            let all = events.iter().map(|event| {
                json!({ "at": time(event), "kind": event.kind, "userId": event.user, "organizationId": event.organization,
                    "address": event.address, "requestId": event.request })
            });
            print_line(&serde_json::Value::Array(all.collect()).to_string());
        } else if events.is_empty() {
            print_line("nothing happened");
        } else {
            for event in &events {
                let whose = whose(event);
                let from = event.address.as_deref().unwrap_or("an unknown address");
                print_line(&format!("{} {} {whose}, from {from}, request {}", time(event), event.kind, event.request));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}
