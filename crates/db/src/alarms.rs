//! Alarms: raised in the transaction of what happened, settled by a person, or by the sweep that finds them over.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{Fault, Operator, Reason, Timestamp};
use uow::{Alarm, ReadTx, SystemUow};
use uuid::Uuid;

use crate::{DbResult, Pg, PgRead};

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

pub(crate) async fn settle(
    connection: &mut AsyncPgConnection,
    kind: &str,
    over: &[String],
    by: &str,
    note: &str,
) -> Result<(), Fault> {
    let over: Vec<String> = over.iter().map(|id| line(id, ID)).collect();
    // In one order for everyone, so that two sweeps never wait for each other in a circle.
    diesel::sql_query(
        "with over as (select id from alarms where kind = $1 and settled_at is null and object_id = any ($2) order by id for update)
         update alarms a set settled_at = clock_timestamp(), settled_by = $3, note = $4 from over where a.id = over.id",
    )
    .bind::<Text, _>(kind)
    .bind::<Array<Text>, _>(over)
    .bind::<Text, _>(by)
    .bind::<Text, _>(note)
    .execute(connection)
    .await
    .fault()?;
    Ok(())
}

#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = Text)]
    object_id: String,
}

/// What the open alarms of a kind are about. A sweep asks for this *before* it looks at the objects: whatever is over then is over.
///
/// # Errors
/// A fault of the database.
pub async fn alarming(tx: &ReadTx<'_>, kind: &str) -> Result<Vec<String>, Fault> {
    let rows: Vec<Object> = diesel::sql_query("select object_id from alarms where kind = $1 and settled_at is null")
        .bind::<Text, _>(kind)
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|row| row.object_id).collect())
}

/// An alarm as it was raised, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct AlarmRow {
    /// Its id, by which it is settled.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// What is wrong.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// The type of what it is about.
    #[diesel(sql_type = Text)]
    pub object_type: String,
    /// What it is about.
    #[diesel(sql_type = Text)]
    pub object_id: String,
    /// Whose it is.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub org_id: Option<Uuid>,
    /// What happened, as it was said last.
    #[diesel(sql_type = Text)]
    pub detail: String,
    /// Since when.
    #[diesel(sql_type = Timestamptz)]
    pub raised_at: Timestamp,
    /// When it was last seen.
    #[diesel(sql_type = Timestamptz)]
    pub last_seen_at: Timestamp,
    /// How often it was seen.
    #[diesel(sql_type = BigInt)]
    pub times: i64,
    /// Since when it is over.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub settled_at: Option<Timestamp>,
    /// Who settled it.
    #[diesel(sql_type = Nullable<Text>)]
    pub settled_by: Option<String>,
    /// What that person said.
    #[diesel(sql_type = Nullable<Text>)]
    pub note: Option<String>,
}

/// The open alarms, oldest first; with `all` the settled ones too.
///
/// # Errors
/// A fault of the database.
pub async fn alarms(system: &SystemUow, all: bool) -> Result<Vec<AlarmRow>, Fault> {
    let which = if all { "true" } else { "settled_at is null" };
    let sql = format!("select * from alarms where {which} order by raised_at, id");
    system.read(async |tx| diesel::sql_query(sql).load(&mut tx.pg()).await.fault()).await
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    open: i64,
}

/// How many alarms of each kind are open: 0 for a kind of which there was one.
///
/// # Errors
/// A fault of the database.
pub async fn open_alarms_by_kind(system: &SystemUow) -> Result<Vec<(String, i64)>, Fault> {
    let sql = "select kind, count(*) filter (where settled_at is null) as open from alarms group by kind order by kind";
    let rows: Vec<Count> = system.read(async |tx| diesel::sql_query(sql).load(&mut tx.pg()).await.fault()).await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.open)).collect())
}

/// What settling came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It is settled now.
    Now(AlarmRow),
    /// It was settled before, as told here: nothing changed.
    Before(AlarmRow),
    /// There is no such alarm.
    Unknown,
}

/// A person settles an alarm. Seen again, its cause raises another one.
///
/// # Errors
/// A fault of the database.
pub async fn settle_alarm(system: &SystemUow, id: Uuid, operator: &Operator, note: &Reason) -> Result<Settled, Fault> {
    system
        .write(async |tx| {
            let settled: Option<AlarmRow> = diesel::sql_query(
                "update alarms set settled_at = clock_timestamp(), settled_by = $2, note = $3
                 where id = $1 and settled_at is null returning *",
            )
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(operator.as_str())
            .bind::<Text, _>(note.as_str())
            .get_result(tx.pg())
            .await
            .optional()
            .fault()?;
            if let Some(row) = settled {
                return Ok(Settled::Now(row));
            }
            let known: Option<AlarmRow> = diesel::sql_query("select * from alarms where id = $1")
                .bind::<SqlUuid, _>(id)
                .get_result(tx.pg())
                .await
                .optional()
                .fault()?;
            Ok(known.map_or(Settled::Unknown, Settled::Before))
        })
        .await
}
