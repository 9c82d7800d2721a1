//! `build14 doctor`: every invariant that data can break.

use secrecy::SecretString;
use uow::SystemUow;

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
                "job {} ({}) used up its {} attempts: {}",
                job.id,
                job.task,
                job.attempts,
                job.last_error.unwrap_or_default()
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
