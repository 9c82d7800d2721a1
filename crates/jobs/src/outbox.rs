//! The outbox's rows: claimed by a lease, settled with a fence. Every statement is a transaction of its own.

use std::sync::Arc;

use db::prelude::*;
use db::{PoolSettings, Postgres, Sharing};
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Text, Uuid as SqlUuid};
use kernel::Fault;
use secrecy::SecretString;
use serde_json::Value;
use uow::SystemUow;
use uuid::Uuid;

/// How many connections the relay and the sweeps of this crate use.
pub(crate) const CONNECTIONS: usize = 2;

/// An event that this relay may deliver until its lease ends. `attempts` is the fence: whoever claims it next has another number.
#[derive(Debug, Clone, diesel::QueryableByName)]
pub(crate) struct Event {
    #[diesel(sql_type = BigInt)]
    pub(crate) seq: i64,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) org_id: Uuid,
    #[diesel(sql_type = Text)]
    pub(crate) kind: String,
    #[diesel(sql_type = Jsonb)]
    pub(crate) payload: Value,
    #[diesel(sql_type = Text)]
    pub(crate) request_id: String,
    #[diesel(sql_type = Integer)]
    pub(crate) attempts: i32,
}

/// The platform's door with a small pool of its own.
pub(crate) fn door(url: &SecretString) -> Result<SystemUow, Fault> {
    let settings = PoolSettings { size: CONNECTIONS, sharing: Sharing::Shared, ..PoolSettings::system(url.clone()) };
    Ok(SystemUow::new(Postgres::new(settings)? as Arc<dyn uow::Database>))
}

/// Takes up to `limit` events that are due and have no undelivered event of their aggregate before them. Two relays never get the same:
/// the second waits for nobody (`skip locked`), and looks again at a row that changed under its eyes.
pub(crate) async fn claim(system: &SystemUow, limit: i64, busy: &[i64]) -> Result<Vec<Event>, Fault> {
    system
        .write(async |tx| {
            let mut events: Vec<Event> = diesel::sql_query(
                "with due as materialized (
                     select o.seq from outbox o
                     where o.delivered_at is null and (o.retry_at is null or o.retry_at <= now()) and o.seq <> all ($2)
                       and not exists (select from outbox e where e.aggregate = o.aggregate and e.delivered_at is null and e.seq < o.seq)
                     order by o.seq limit $1
                     for update of o skip locked
                 )
                 update outbox o set retry_at = now() + interval '5 seconds', attempts = o.attempts + 1
                 from due where o.seq = due.seq
                 returning o.seq, o.id, o.org_id, o.kind, o.payload, o.request_id, o.attempts",
            )
            .bind::<BigInt, _>(limit)
            .bind::<Array<BigInt>, _>(busy)
            .load(tx.pg())
            .await
            .fault()?;
            events.sort_by_key(|event| event.seq);
            Ok::<_, Fault>(events)
        })
        .await
}

/// Prolongs the lease. False if it is another's by now.
pub(crate) async fn renew(system: &SystemUow, event: &Event) -> Result<bool, Fault> {
    change(system, event, "retry_at = now() + interval '5 seconds'").await
}

/// Every subscriber has handled it.
pub(crate) async fn delivered(system: &SystemUow, event: &Event) -> Result<bool, Fault> {
    change(system, event, "delivered_at = now(), last_error = null, retry_at = null").await
}

/// The delivery was cut off by a shutdown: due at once.
pub(crate) async fn give_back(system: &SystemUow, event: &Event) -> Result<bool, Fault> {
    change(system, event, "retry_at = null").await
}

async fn change(system: &SystemUow, event: &Event, set: &str) -> Result<bool, Fault> {
    let sql = format!("update outbox set {set} where seq = $1 and attempts = $2 and delivered_at is null");
    let changed = system
        .write(async |tx| {
            let query = diesel::sql_query(sql).bind::<BigInt, _>(event.seq).bind::<Integer, _>(event.attempts);
            query.execute(tx.pg()).await.fault()
        })
        .await?;
    Ok(changed == 1)
}

/// A subscriber failed: due again after 0.5 s, 1 s, 2 s … 5 min.
pub(crate) async fn failed(system: &SystemUow, event: &Event, error: &str) -> Result<(), Fault> {
    system
        .write(async |tx| {
            diesel::sql_query(
                "update outbox set last_error = $3,
                     retry_at = now() + least(interval '5 minutes', interval '500 milliseconds' * power(2, least(attempts - 1, 12)))
                 where seq = $1 and attempts = $2 and delivered_at is null",
            )
            .bind::<BigInt, _>(event.seq)
            .bind::<Integer, _>(event.attempts)
            .bind::<Text, _>(error)
            .execute(tx.pg())
            .await
            .fault()?;
            Ok::<_, Fault>(())
        })
        .await
}

/// Ends every lease (and every backoff, which does no harm): for a relay that knows itself to be the only one.
pub(crate) async fn end_leases(system: &SystemUow) -> Result<(), Fault> {
    system
        .write(async |tx| {
            diesel::sql_query("update outbox set retry_at = null where delivered_at is null and retry_at is not null")
                .execute(tx.pg())
                .await
                .fault()?;
            Ok::<_, Fault>(())
        })
        .await
}
