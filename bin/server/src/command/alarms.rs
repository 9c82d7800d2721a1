//! `build14 alarms`: what a person must look at, and that a person did.

use std::process::ExitCode;

use db::Settled;
use kernel::{Operator, Reason};
use uuid::Uuid;

use super::reach::on_database;
use super::{block_on, print_line};
use crate::config::Settings;
use crate::services::alarms;

/// `build14 alarms list [--json] [--all]`
///
/// # Errors
/// If the database does not answer.
pub fn list(settings: &Settings, json: bool, all: bool) -> anyhow::Result<ExitCode> {
    block_on(async {
        let rows = on_database(settings, async |urls| alarms::list_alarms(&urls.system, all).await).await?;
        if json {
            print_line(&serde_json::Value::Array(rows.iter().map(alarms::json).collect()).to_string());
        } else if rows.is_empty() {
            print_line(if all { "there was never an alarm" } else { "no alarm is open" });
        } else {
            for row in &rows {
                print_line(&alarms::line(row));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// `build14 alarms settle --id … --operator … --note …`
///
/// # Errors
/// If there is no such alarm, or the database does not answer.
pub fn settle(settings: &Settings, id: Uuid, operator: &Operator, note: &Reason) -> anyhow::Result<ExitCode> {
    block_on(async {
        let settled = on_database(settings, async |urls| alarms::settle_alarm(&urls.system, id, operator, note).await).await?;
        match settled {
            Settled::Now(row) => print_line(&format!("settled: {}", alarms::line(&row))),
            Settled::Before(row) => print_line(&format!("it was settled before, nothing changed: {}", alarms::line(&row))),
            Settled::Unknown => anyhow::bail!("there is no alarm {id}: `build14 alarms list --all` shows them"),
        }
        Ok(ExitCode::SUCCESS)
    })
}
