//! Tenders as requests: schedules of alike lines, and bids for all of them.

use anyhow::Context;
use serde_json::Value;
use tokio_postgres::Client;

/// The lines of a schedule, as JSON.
pub fn lines(count: u32) -> String {
    let lines: Vec<_> = (0..count)
        .map(|n| {
            format!(
                r#"{{"code":"{}.{}","description":"External walls","kind":"measured","unitCode":"m2","quantity":"1","estimateRate":"1.10"}}"#,
                n / 1000 + 1,
                n % 1000 + 1
            )
        })
        .collect();
    format!("[{}]", lines.join(","))
}

/// A bid for every line of a schedule that was answered, as JSON.
///
/// # Errors
/// If it has no lines.
pub fn bid(schedule: &Value) -> anyhow::Result<String> {
    let lines = schedule["lines"].as_array().context("a schedule without lines")?;
    let lines: Vec<_> = lines
        .iter()
        .map(|line| format!(r#"{{"soqLineId":"{}","rate":"1.05"}}"#, line["id"].as_str().unwrap_or_default()))
        .collect();
    Ok(format!(r#"{{"lines":[{}],"validUntil":"2099-01-01"}}"#, lines.join(",")))
}

/// What a tender is made of, as JSON.
pub fn open(project: &str, soq: &str, title: &str, deadline: &str) -> String {
    format!(
        r#"{{"projectId":"{project}","soqId":"{soq}","title":"{title}","procurementMethod":"open","submissionDeadline":"{deadline}","milestones":[{{"title":"All","percent":"100"}}]}}"#
    )
}

/// The instant in so many seconds, by the clock that decides deadlines.
///
/// # Errors
/// If the database does not answer.
pub async fn deadline(client: &Client, seconds: u64) -> anyhow::Result<String> {
    let sql =
        format!("select to_char((now() + interval '{seconds} seconds') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
    Ok(client.query_one(sql.as_str(), &[]).await?.get(0))
}

/// Lets a deadline pass that was so many seconds away: moves the clock that decides deadlines, and has come what waits for its time.
///
/// # Errors
/// If the database does not answer.
pub async fn pass(client: &Client, seconds: u64) -> anyhow::Result<()> {
    let sql = format!(
        "update app.clock set advance = advance + interval '{seconds} seconds';
         update graphile_worker._private_jobs set run_at = now() where is_available and run_at > now()"
    );
    Ok(client.batch_execute(&sql).await?)
}

/// The id that was answered.
///
/// # Errors
/// If there is none.
pub fn id(answer: &Value) -> anyhow::Result<String> {
    Ok(answer["id"].as_str().context("an answer without an id")?.to_owned())
}
