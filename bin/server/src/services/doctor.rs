//! `build14 doctor`: every invariant that data can break.

use secrecy::SecretString;
use uow::SystemUow;

use super::keys;
use crate::config::{Profile, Settings};
use crate::database;

/// As [`doctor`], and what needs this deployment's keys and settings: signed heads, keys that wrap, the clock. `anchor`: a line of the log
/// to compare with.
///
/// # Errors
/// If the database does not answer.
pub async fn doctor_of(
    settings: &Settings,
    system_url: &SecretString,
    anchor: Option<&str>,
) -> anyhow::Result<Vec<(String, String)>> {
    let mut findings = doctor(system_url).await?;
    let platform = db::Postgres::new(db::PoolSettings { size: 2, ..db::PoolSettings::new(system_url.clone()) })?;
    let system = SystemUow::new(platform);
    let mut found = |check: &str, what: String| findings.push((check.to_owned(), what));
    let signer = keys::signer(settings)?;
    for broken in audit::verify_checkpoints(&system, &signer).await? {
        let whose = broken.org.map(|org| format!("organisation {org}: ")).unwrap_or_default();
        found("audit", format!("{whose}{}", broken.what));
    }
    if let Some(anchor) = anchor
        && let Some(what) = audit::verify_anchor(&system, &signer, anchor).await?
    {
        found("audit", format!("the anchor: {what}"));
    }
    let seals = keys::seal_keys(settings)?;
    for wrapping in tenders::wrappings(&system).await? {
        if !seals.ids().any(|id| id == wrapping.key_id) {
            let (id, keys) = (wrapping.key_id, wrapping.keys);
            found(
                "seal",
                format!(
                    "{keys} key(s) of tenders are wrapped by the seal key {id}, which is not configured: their bids cannot be read"
                ),
            );
        }
    }
    // A private cluster's clock is moved to try things out.
    if (settings.profile == Profile::Production || database::configured(settings).is_some())
        && let Some(advance) = db::moved_clock(&system).await?
    {
        let what = "deadlines are decided by it. Set it back as the owner (update app.clock set advance = '0'), and look at what was decided meanwhile";
        found("clock", format!("app.clock was moved by {advance}: {what}"));
    }
    Ok(findings)
}

/// Checks every invariant; each finding is the name of the check and what is broken.
///
/// # Errors
/// If the database does not answer.
pub async fn doctor(system_url: &SecretString) -> anyhow::Result<Vec<(String, String)>> {
    let platform = db::Postgres::new(db::PoolSettings { size: 2, ..db::PoolSettings::new(system_url.clone()) })?;
    let system = SystemUow::new(platform);
    let mut findings = Vec::new();
    let mut found = |check: &str, what: String| findings.push((check.to_owned(), what));

    for migration in db::schema_state(system_url).await?.pending {
        found("schema", format!("the migration {migration} is missing: run `build14 migrate`"));
    }
    for chain in audit::verify_all(&system).await? {
        if let Some(place) = chain.verification.broken_at {
            found("audit", format!("the chain of organisation {} is broken at entry {place}", chain.org));
        }
    }
    for finding in escrow::doctor(&system).await? {
        found(finding.rule, format!("{}: {}", finding.subject, finding.detail));
    }
    for finding in tenders::seals(&system).await? {
        found("seal", format!("tender {} of organisation {}: {}", finding.tender, finding.org, finding.what));
    }
    for finding in tenders::overdue(&system).await? {
        found("tenders", format!("tender {} of organisation {}: {}", finding.tender, finding.org, finding.what));
    }
    for job in jobs::dead_jobs(&system).await? {
        found(
            "jobs",
            format!(
                "job {} ({}) used up its {} attempts: {}; `build14 jobs retry --id {} --operator …` gives it more",
                job.id,
                job.task,
                job.attempts,
                job.last_error.unwrap_or_default(),
                job.id
            ),
        );
    }
    for event in jobs::stuck_events(&system, 5).await? {
        found(
            "outbox",
            format!(
                "event {} ({}) failed {} times: {}",
                event.id,
                event.kind,
                event.attempts,
                event.last_error.unwrap_or_default()
            ),
        );
    }
    for table in db::unprotected_tables(&system).await? {
        found("row-level security", table);
    }
    Ok(findings)
}
