//! Idempotency keys (docs/API.md): claimed and answered in the transaction of the effect.

use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{Answer, Fault, IdempotencyKey};
use uow::Claim;
use uuid::Uuid;

use crate::DbResult;
use crate::schema::idempotency_keys as keys;
use crate::tenant::Tenant;

/// How long a key lives.
const LIFE: &str = "24 hours";
/// A verb of several transactions that did not store its answer for so long was cut off: its repetition may take over.
const LEASE: &str = "60 seconds";

fn holder(tenant: &Tenant) -> Result<Uuid, Fault> {
    tenant.user.map(Uuid::from).ok_or_else(|| Fault::internal("an idempotency key belongs to a person"))
}

/// Claims the key. While another transaction holds an uncommitted claim this waits for it, then sees its answer.
pub(crate) async fn claim(connection: &mut AsyncPgConnection, tenant: &Tenant, key: &IdempotencyKey) -> Result<Claim, Fault> {
    let user = holder(tenant)?;
    let claimed = diesel::sql_query(format!(
        "insert into idempotency_keys as k (org_id, user_id, key, fingerprint) values ($1, $2, $3, $4)
         on conflict (org_id, user_id, key) do update
            set fingerprint = excluded.fingerprint, claimed_at = now(), status = null, headers = null, body = null
            where k.claimed_at < now() - interval '{LIFE}'
               or (k.status is null and k.fingerprint = excluded.fingerprint and k.claimed_at < now() - interval '{LEASE}')"
    ))
    .bind::<diesel::sql_types::Uuid, _>(tenant.org.0)
    .bind::<diesel::sql_types::Uuid, _>(user)
    .bind::<diesel::sql_types::Text, _>(&key.key)
    .bind::<diesel::sql_types::Bytea, _>(&key.fingerprint[..])
    .execute(connection)
    .await
    .fault()?;
    if claimed == 1 {
        return Ok(Claim::Mine);
    }
    let (fingerprint, status, headers, body): (Vec<u8>, Option<i16>, Option<serde_json::Value>, Option<Vec<u8>>) = keys::table
        .find((tenant.org.0, user, &key.key))
        .select((keys::fingerprint, keys::status, keys::headers, keys::body))
        .first(connection)
        .await
        .fault()?;
    if fingerprint != key.fingerprint {
        return Ok(Claim::Reused);
    }
    let (Some(status), Some(headers), Some(body)) = (status, headers, body) else {
        return Ok(Claim::InFlight);
    };
    let status = u16::try_from(status).map_err(Fault::internal)?;
    let headers = serde_json::from_value(headers).map_err(Fault::internal)?;
    Ok(Claim::Done(Answer { status, headers, body }))
}

/// Stores the answer of a claimed key.
pub(crate) async fn store(
    connection: &mut AsyncPgConnection,
    tenant: &Tenant,
    key: &IdempotencyKey,
    answer: &Answer,
) -> Result<(), Fault> {
    let user = holder(tenant)?;
    let status = i16::try_from(answer.status).map_err(Fault::internal)?;
    let headers = serde_json::to_value(&answer.headers).map_err(Fault::internal)?;
    diesel::update(keys::table.find((tenant.org.0, user, &key.key)))
        .set((keys::status.eq(status), keys::headers.eq(headers), keys::body.eq(&answer.body), keys::claimed_at.eq(now)))
        .execute(connection)
        .await
        .fault()?;
    Ok(())
}
