//! Alarms, raised in the transaction of what happened, and settled by the sweep that finds them over.

use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::Fault;
use uow::{Alarm, SeenAlarm};
use uuid::Uuid;

use crate::DbResult;
use crate::clock;

/// Longer texts are cut: what others' systems say goes into them.
const MOST: usize = 2_000;
/// As long as the longest id.
const ID: usize = 255;

/// One line of bounded length that PostgreSQL takes.
fn line(text: &str, most: usize) -> String {
    text.chars().take(most).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

pub(crate) async fn raise(connection: &mut AsyncPgConnection, alarm: &Alarm) -> Result<(), Fault> {
    diesel::sql_query("select app.raise_alarm($1, $2, $3, $4, $5)")
        .bind::<Text, _>(alarm.kind)
        .bind::<Text, _>(alarm.about.0)
        .bind::<Text, _>(line(&alarm.about.1, ID))
        .bind::<Nullable<SqlUuid>, _>(alarm.org.map(Uuid::from))
        .bind::<Text, _>(line(&alarm.detail, MOST))
        .execute(connection)
        .await
        .fault()?;
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct Open {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

pub(crate) async fn settle(
    connection: &mut AsyncPgConnection,
    kind: &str,
    over: &[String],
    by: &str,
    note: &str,
) -> Result<(), Fault> {
    let over: Vec<String> = over.iter().map(|id| line(id, ID)).collect();
    // In one order for everyone, so that two sweeps never wait for each other in a circle.
    let open: Vec<Open> = diesel::sql_query(
        "select id from alarms where kind = $1 and settled_at is null and object_id = any ($2) order by id for update",
    )
    .bind::<Text, _>(kind)
    .bind::<Array<Text>, _>(over)
    .load(connection)
    .await
    .fault()?;
    settle_locked(connection, open, by, note).await
}

/// Settles those that are open as they were seen: raised again since, they are about something that nobody looked at.
pub(crate) async fn settle_seen(
    connection: &mut AsyncPgConnection,
    seen: &[SeenAlarm],
    by: &str,
    note: &str,
) -> Result<(), Fault> {
    let (ids, times): (Vec<Uuid>, Vec<i64>) = seen.iter().map(|alarm| (alarm.id, alarm.times)).unzip();
    // Who raises one meanwhile is waited for, and then it is another time.
    let open: Vec<Open> = diesel::sql_query(
        "select a.id from alarms a join unnest($1, $2) as seen (id, times) on seen.id = a.id and seen.times = a.times
         where a.settled_at is null order by a.id for update of a",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<BigInt>, _>(times)
    .load(connection)
    .await
    .fault()?;
    settle_locked(connection, open, by, note).await
}

async fn settle_locked(connection: &mut AsyncPgConnection, open: Vec<Open>, by: &str, note: &str) -> Result<(), Fault> {
    if open.is_empty() {
        return Ok(());
    }
    // Read once they are locked: none of them was raised later.
    let at = clock::read(connection).await?;
    diesel::sql_query("update alarms set settled_at = $2, settled_by = $3, note = $4 where id = any ($1)")
        .bind::<Array<SqlUuid>, _>(open.into_iter().map(|alarm| alarm.id).collect::<Vec<_>>())
        .bind::<Timestamptz, _>(at)
        .bind::<Text, _>(by)
        .bind::<Text, _>(note)
        .execute(connection)
        .await
        .fault()?;
    Ok(())
}
