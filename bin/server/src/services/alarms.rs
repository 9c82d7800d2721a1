//! Alarms as the operator sees them: in words, for machines, and as a gauge.

use std::time::Duration;

use db::{AlarmRow, Settled};
use kernel::{Operator, Reason, counted, rfc3339};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use uow::SystemUow;
use uuid::Uuid;

use super::foundation::system_uow;

/// How often the gauge is set.
const LOOK: Duration = Duration::from_secs(5);

/// What it is, since when and how it is settled: what the doctor says of an alarm, behind its subject.
#[must_use]
pub fn in_words(alarm: &AlarmRow) -> String {
    let seen = counted(alarm.times, "time", "times");
    format!("{} since {}, seen {seen}, id {}: {}", alarm.kind, rfc3339(alarm.raised_at), alarm.id, alarm.detail)
}

/// An alarm in one line.
#[must_use]
pub fn line(alarm: &AlarmRow) -> String {
    let settled = match (&alarm.settled_by, alarm.settled_at, &alarm.note) {
        (Some(by), Some(at), Some(note)) => format!(" [settled at {} by {by}: {note}]", rfc3339(at)),
        _ => String::new(),
    };
    format!("{} {}: {}{settled}", alarm.object_type, alarm.object_id, in_words(alarm))
}

/// An alarm for machines.
#[must_use]
pub fn json(alarm: &AlarmRow) -> Value {
    json!({
        "id": alarm.id, "kind": alarm.kind, "objectType": alarm.object_type, "objectId": alarm.object_id, "organizationId": alarm.org_id,
        "detail": alarm.detail, "raisedAt": rfc3339(alarm.raised_at), "lastSeenAt": rfc3339(alarm.last_seen_at), "times": alarm.times,
        "settledAt": alarm.settled_at.map(rfc3339), "settledBy": alarm.settled_by, "note": alarm.note,
    })
}

/// The open alarms; with `all` the settled ones too.
///
/// # Errors
/// If the database does not answer.
pub async fn list_alarms(system_url: &SecretString, all: bool) -> anyhow::Result<Vec<AlarmRow>> {
    Ok(db::alarms(&system_uow(system_url, 1)?, all).await?)
}

/// A person settles an alarm.
///
/// # Errors
/// If the database does not answer.
pub async fn settle_alarm(system_url: &SecretString, id: Uuid, operator: &Operator, note: &Reason) -> anyhow::Result<Settled> {
    Ok(db::settle_alarm(&system_uow(system_url, 1)?, id, operator, note).await?)
}

/// Keeps the gauge of open alarms, by kind, as long as the task lives.
#[must_use]
pub fn watch_alarms(system: SystemUow) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            match db::open_alarms_by_kind(&system).await {
                Ok(kinds) => {
                    for (kind, open) in kinds {
                        #[allow(clippy::cast_precision_loss)]
                        metrics::gauge!("alarms_open", "kind" => kind).set(open as f64);
                    }
                }
                Err(fault) => tracing::debug!(%fault, "open alarms cannot be counted now"),
            }
            tokio::time::sleep(LOOK).await;
        }
    })
}
