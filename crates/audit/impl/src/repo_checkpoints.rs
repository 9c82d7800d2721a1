//! SQL of signed heads, across all tenants.

use db::prelude::*;
use diesel::sql_types::{BigInt, Bool, Bytea, Uuid as SqlUuid};
use kernel::{Fault, Timestamp};
use uuid::Uuid;

use crate::schema::{audit_checkpoints as checkpoints, audit_rounds as rounds};

/// A head that has moved since it was signed.
#[derive(QueryableByName)]
pub(crate) struct Moved {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) org_id: Uuid,
    #[diesel(sql_type = BigInt)]
    pub(crate) sequence: i64,
    #[diesel(sql_type = Bytea)]
    pub(crate) hash: Vec<u8>,
    /// Whether the chain still holds what was signed before.
    #[diesel(sql_type = Bool)]
    pub(crate) goes_on: bool,
}

/// A signed head.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = checkpoints)]
pub(crate) struct Checkpoint {
    pub(crate) org_id: Uuid,
    pub(crate) sequence: i64,
    pub(crate) hash: Vec<u8>,
    pub(crate) round: i64,
    pub(crate) signed_at: Timestamp,
    pub(crate) key_id: String,
    pub(crate) signature: Vec<u8>,
}

/// A round of signing.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = rounds)]
pub(crate) struct Round {
    pub(crate) round: i64,
    pub(crate) heads: i32,
    pub(crate) digest: Vec<u8>,
    pub(crate) signed_at: Timestamp,
    pub(crate) key_id: String,
    pub(crate) signature: Vec<u8>,
}

/// A place in a chain.
#[derive(QueryableByName)]
pub(crate) struct Spot {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) org_id: Uuid,
    #[diesel(sql_type = BigInt)]
    pub(crate) sequence: i64,
}

#[derive(QueryableByName)]
struct TurnRow {
    #[diesel(sql_type = Bool)]
    mine: bool,
}

/// Whether nobody else signs now; until the commit nobody does.
pub(crate) async fn take_turn(tx: &mut Tx) -> Result<bool, Fault> {
    let sql = "select pg_try_advisory_xact_lock(hashtextextended('audit.sign_heads', 14)) as mine";
    let turn: TurnRow = diesel::sql_query(sql).get_result(tx.pg()).await.fault()?;
    Ok(turn.mine)
}

/// The heads that are not as they were signed last: those first that do not go on from there, then whose signature is the oldest, so that
/// whatever comes in meanwhile each has its turn.
pub(crate) async fn moved(tx: &mut Tx, most: i64) -> Result<Vec<Moved>, Fault> {
    let sql = "select h.org_id, h.sequence, h.hash, c.sequence is null or h.sequence > c.sequence and exists (
                   select from audit_links l where l.org_id = c.org_id and l.sequence = c.sequence and l.hash = c.hash) as goes_on
               from audit_heads h left join lateral (
                   select k.* from audit_checkpoints k where k.org_id = h.org_id order by k.sequence desc limit 1) c on true
               where c.sequence is null or (h.sequence, h.hash) <> (c.sequence, c.hash)
               order by goes_on, c.signed_at nulls first, h.org_id limit $1";
    diesel::sql_query(sql).bind::<BigInt, _>(most).load(tx.pg()).await.fault()
}

/// The newest round.
pub(crate) async fn last_round(tx: &mut Tx) -> Result<Option<Round>, Fault> {
    let query = rounds::table.order(rounds::round.desc()).select(Round::as_select());
    query.first(tx.pg()).await.optional().fault()
}

/// The first round behind `after`, with its heads by organisation.
pub(crate) async fn round_after(tx: &ReadTx<'_>, after: i64) -> Result<Option<(Round, Vec<Checkpoint>)>, Fault> {
    let query = rounds::table.filter(rounds::round.gt(after)).order(rounds::round).select(Round::as_select());
    let Some(round) = query.first(&mut tx.pg()).await.optional().fault()? else { return Ok(None) };
    let heads = checkpoints::table.filter(checkpoints::round.eq(round.round)).order(checkpoints::org_id);
    Ok(Some((round, heads.select(Checkpoint::as_select()).load(&mut tx.pg()).await.fault()?)))
}

/// Writes a round with its heads.
pub(crate) async fn save(tx: &mut Tx, heads: &[Checkpoint], round: &Round) -> Result<(), Fault> {
    // 7 parameters a row; PostgreSQL takes 65535.
    for chunk in heads.chunks(5_000) {
        diesel::insert_into(checkpoints::table).values(chunk).execute(tx.pg()).await.fault()?;
    }
    diesel::insert_into(rounds::table).values(round).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Signed heads that the chain does not hold any more.
pub(crate) async fn not_in_chain(tx: &ReadTx<'_>) -> Result<Vec<Spot>, Fault> {
    let sql = "select c.org_id, c.sequence from audit_checkpoints c
               left join audit_links l on l.org_id = c.org_id and l.sequence = c.sequence
               where l.hash is distinct from c.hash order by 1, 2";
    diesel::sql_query(sql).load(&mut tx.pg()).await.fault()
}
