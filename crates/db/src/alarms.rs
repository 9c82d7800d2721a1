//! Alarms as they are listed and as a person settles them. Raised they are by `raising`.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use kernel::{Fault, Operator, Reason, Timestamp};
use uow::{ReadTx, SeenAlarm, SystemUow};
use uuid::Uuid;

use crate::touched::touched;
use crate::{DbResult, Pg, PgRead};

#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = Text)]
    object_id: String,
}

#[derive(QueryableByName)]
struct OpenRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    object_id: String,
    #[diesel(sql_type = BigInt)]
    times: i64,
}

/// The open alarms of a kind as they are now. A sweep asks for this *before* it looks at the objects: whatever is over then is over, unless it was raised
/// again meanwhile (`Tx::end_seen_alarms`).
///
/// # Errors
/// A fault of the database.
pub async fn alarming(tx: &ReadTx<'_>, kind: &str) -> Result<Vec<SeenAlarm>, Fault> {
    let rows: Vec<OpenRow> = diesel::sql_query("select id, object_id, times from alarms where kind = $1 and settled_at is null")
        .bind::<Text, _>(kind)
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|row| SeenAlarm { id: row.id, about: row.object_id, times: row.times }).collect())
}

/// Which of these objects an alarm of a kind was about that is settled: what a person looked at already, and found to be no more than it was.
///
/// # Errors
/// A fault of the database.
pub async fn settled_alarms(tx: &ReadTx<'_>, kind: &str, objects: &[String]) -> Result<Vec<String>, Fault> {
    let sql = "select distinct object_id from alarms where kind = $1 and object_id = any ($2) and settled_at is not null";
    let rows: Vec<Object> =
        diesel::sql_query(sql).bind::<Text, _>(kind).bind::<Array<Text>, _>(objects).load(&mut tx.pg()).await.fault()?;
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
            let at = touched(tx).await?;
            let settled: Option<AlarmRow> = diesel::sql_query(
                "update alarms set settled_at = $4, settled_by = $2, note = $3
                 where id = $1 and settled_at is null returning *",
            )
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(operator.as_str())
            .bind::<Text, _>(note.as_str())
            .bind::<Timestamptz, _>(at)
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
