//! The table's statements, on `SystemUow`.

use db::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use kernel::{Fault, Timestamp};
use uuid::Uuid;

use crate::schema::webhook_events;

/// As many events as one sweep hands out.
const MOST_ROWS: i64 = 1_000;

/// An event, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = webhook_events)]
pub(crate) struct EventRow {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Empty if it names none.
    pub(crate) object_id: String,
    pub(crate) account: Option<String>,
    pub(crate) intent: Option<String>,
    pub(crate) our_id: Option<Uuid>,
    pub(crate) livemode: bool,
    /// The subscribers that have still to hear it; `None` if a server of before this column kept it.
    pub(crate) waiting_for: Option<Vec<String>>,
}

/// Keeps the event; says whether it is new.
pub(crate) async fn keep(tx: &mut Tx, event: &EventRow) -> Result<bool, Fault> {
    let kept =
        diesel::insert_into(webhook_events::table).values(event).on_conflict_do_nothing().execute(tx.pg()).await.fault()?;
    Ok(kept == 1)
}

pub(crate) async fn event(tx: &ReadTx<'_>, id: &str) -> Result<Option<EventRow>, Fault> {
    webhook_events::table.find(id).select(EventRow::as_select()).first(&mut tx.pg()).await.optional().fault()
}

/// Nobody has to hear it.
pub(crate) async fn done(tx: &mut Tx, id: &str) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(webhook_events::table.find(id)).set(webhook_events::processed_at.eq(at)).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Says who has to hear an event of which nobody said so yet. False if somebody did.
pub(crate) async fn awaits(tx: &mut Tx, id: &str, subscribers: &[String]) -> Result<bool, Fault> {
    let event = webhook_events::table.find(id).filter(webhook_events::waiting_for.is_null());
    let said = diesel::update(event.filter(webhook_events::processed_at.is_null()))
        .set(webhook_events::waiting_for.eq(subscribers))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(said == 1)
}

/// A subscriber heard the event; whoever is the last makes it done. False if it had heard it before.
pub(crate) async fn heard(tx: &mut Tx, id: &str, subscriber: &str) -> Result<bool, Fault> {
    let at = db::touched(tx).await?;
    let noted = diesel::sql_query(
        "update webhook_events set waiting_for = array_remove(waiting_for, $2),
             processed_at = case when array_remove(waiting_for, $2) = '{}' then $3 else processed_at end
         where id = $1 and $2 = any (waiting_for)",
    )
    .bind::<Text, _>(id)
    .bind::<Text, _>(subscriber)
    .bind::<Timestamptz, _>(at)
    .execute(tx.pg())
    .await
    .fault()?;
    Ok(noted == 1)
}

/// Events that came before `before` and are not done, the oldest first.
pub(crate) async fn waiting(tx: &ReadTx<'_>, before: Timestamp) -> Result<Vec<EventRow>, Fault> {
    webhook_events::table
        .filter(webhook_events::processed_at.is_null())
        .filter(webhook_events::received_at.lt(before))
        .order(webhook_events::received_at)
        .limit(MOST_ROWS)
        .select(EventRow::as_select())
        .load(&mut tx.pg())
        .await
        .fault()
}

/// Forgets events that were done long ago, so many at most. How many that were.
pub(crate) async fn prune(tx: &mut Tx, most: i64) -> Result<usize, Fault> {
    diesel::sql_query(
        "delete from webhook_events where id = any (array(
             select id from webhook_events where processed_at < now() - interval '30 days' limit $1))",
    )
    .bind::<BigInt, _>(most)
    .execute(tx.pg())
    .await
    .fault()
}

/// An event that nobody was able to hear for an hour.
#[derive(QueryableByName)]
pub(crate) struct Stuck {
    #[diesel(sql_type = Text)]
    pub(crate) id: String,
    #[diesel(sql_type = Text)]
    pub(crate) detail: String,
}

pub(crate) async fn stuck(tx: &ReadTx<'_>) -> Result<Vec<Stuck>, Fault> {
    diesel::sql_query(
        "select id, format('%s came at %s and waits for %s', type,
             to_char(received_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
             coalesce(array_to_string(waiting_for, ', '), 'a worker')) as detail
         from webhook_events where processed_at is null and received_at < now() - interval '1 hour' order by received_at",
    )
    .load(&mut tx.pg())
    .await
    .fault()
}
