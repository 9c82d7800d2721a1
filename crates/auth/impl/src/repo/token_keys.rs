//! SQL of the keys with which tokens for other services are signed. All of it runs as the platform.

use db::prelude::*;
use diesel::sql_types::BigInt;
use kernel::{Fault, Operator, Timestamp};
use uuid::Uuid;

use crate::schema::token_keys as keys;
use crate::token_key::StoredTokenKey;

/// The advisory lock of whoever makes a key ("14Tokens" in ASCII).
const LOCK: i64 = 0x31_34_54_6f_6b_65_6e_73;

#[derive(Queryable, Selectable)]
#[diesel(table_name = keys)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    kid: Uuid,
    public_key: Vec<u8>,
    signs_from: Timestamp,
    verifies_until: Option<Timestamp>,
}

impl From<Row> for StoredTokenKey {
    fn from(row: Row) -> Self {
        let Row { kid, public_key, signs_from, verifies_until } = row;
        Self { kid, public: public_key, signs_from, verifies_until }
    }
}

/// Those that are believed at a time, the newest first.
pub(crate) async fn believed(tx: &ReadTx<'_>, at: Timestamp) -> Result<Vec<StoredTokenKey>, Fault> {
    let rows: Vec<Row> = keys::table
        .filter(keys::verifies_until.is_null().or(keys::verifies_until.gt(at)))
        .order((keys::signs_from.desc(), keys::kid.desc()))
        .select(Row::as_select())
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(StoredTokenKey::from).collect())
}

/// The newest one; until the transaction ends nobody else makes one.
pub(crate) async fn lock_newest(tx: &mut Tx) -> Result<Option<StoredTokenKey>, Fault> {
    diesel::sql_query("select pg_advisory_xact_lock($1)").bind::<BigInt, _>(LOCK).execute(tx.pg()).await.fault()?;
    let newest = keys::table.filter(keys::verifies_until.is_null()).select(Row::as_select());
    let row: Option<Row> = newest.first(tx.pg()).await.optional().fault()?;
    Ok(row.map(StoredTokenKey::from))
}

/// Notes until when the newest one is believed, which another follows.
pub(crate) async fn end(tx: &mut Tx, kid: Uuid, believed_until: Timestamp) -> Result<(), Fault> {
    let one = diesel::update(keys::table.find(kid)).set(keys::verifies_until.eq(believed_until));
    one.execute(tx.pg()).await.fault().map(drop)
}

/// Keeps a key, which is the newest.
pub(crate) async fn insert(
    tx: &mut Tx,
    key: &StoredTokenKey,
    is_first: bool,
    now: Timestamp,
    by: Option<&Operator>,
) -> Result<(), Fault> {
    diesel::insert_into(keys::table)
        .values((
            keys::kid.eq(key.kid),
            keys::public_key.eq(&key.public[..]),
            keys::published_at.eq(now),
            keys::signs_from.eq(key.signs_from),
            keys::verifies_until.eq(key.verifies_until),
            keys::is_first.eq(is_first),
            keys::published_by.eq(by.map(Operator::as_str)),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}
