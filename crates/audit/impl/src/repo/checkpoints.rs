//! SQL of signed heads, across all tenants.

use db::prelude::*;
use diesel::sql_types::{BigInt, Bool, Bytea, Uuid as SqlUuid};
use kernel::{Fault, OrgId, Timestamp};
use uuid::Uuid;

use crate::model::{Checkpoint, Moved, Round, Spot};
use crate::schema::{audit_checkpoints as checkpoints, audit_rounds as rounds};

#[derive(QueryableByName)]
struct MovedRow {
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = BigInt)]
    sequence: i64,
    #[diesel(sql_type = Bytea)]
    hash: Vec<u8>,
    #[diesel(sql_type = Bool)]
    goes_on: bool,
}

impl From<MovedRow> for Moved {
    fn from(row: MovedRow) -> Self {
        let MovedRow { org_id, sequence, hash, goes_on } = row;
        Self { org: OrgId(org_id), sequence, hash, goes_on }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = checkpoints)]
struct CheckpointRow {
    org_id: Uuid,
    sequence: i64,
    hash: Vec<u8>,
    round: i64,
    signed_at: Timestamp,
    key_id: String,
    signature: Vec<u8>,
}

impl From<CheckpointRow> for Checkpoint {
    fn from(row: CheckpointRow) -> Self {
        let CheckpointRow { org_id, sequence, hash, round, signed_at, key_id, signature } = row;
        Self { org: OrgId(org_id), sequence, hash, round, signed_at, key_id, signature }
    }
}

impl From<&Checkpoint> for CheckpointRow {
    fn from(head: &Checkpoint) -> Self {
        let Checkpoint { org, sequence, hash, round, signed_at, key_id, signature } = head.clone();
        Self { org_id: org.0, sequence, hash, round, signed_at, key_id, signature }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = rounds)]
struct RoundRow {
    round: i64,
    heads: i32,
    digest: Vec<u8>,
    signed_at: Timestamp,
    key_id: String,
    signature: Vec<u8>,
}

impl From<RoundRow> for Round {
    fn from(row: RoundRow) -> Self {
        let RoundRow { round, heads, digest, signed_at, key_id, signature } = row;
        Self { round, heads, digest, signed_at, key_id, signature }
    }
}

impl From<&Round> for RoundRow {
    fn from(one: &Round) -> Self {
        let Round { round, heads, digest, signed_at, key_id, signature } = one.clone();
        Self { round, heads, digest, signed_at, key_id, signature }
    }
}

#[derive(QueryableByName)]
struct SpotRow {
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = BigInt)]
    sequence: i64,
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
    let rows: Vec<MovedRow> = diesel::sql_query(sql).bind::<BigInt, _>(most).load(tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(Moved::from).collect())
}

/// The newest round.
pub(crate) async fn last_round(tx: &mut Tx) -> Result<Option<Round>, Fault> {
    let query = rounds::table.order(rounds::round.desc()).select(RoundRow::as_select());
    let row: Option<RoundRow> = query.first(tx.pg()).await.optional().fault()?;
    Ok(row.map(Round::from))
}

/// The first round behind `after`, with its heads by organisation.
pub(crate) async fn round_after(tx: &ReadTx<'_>, after: i64) -> Result<Option<(Round, Vec<Checkpoint>)>, Fault> {
    let query = rounds::table.filter(rounds::round.gt(after)).order(rounds::round).select(RoundRow::as_select());
    let row: Option<RoundRow> = query.first(&mut tx.pg()).await.optional().fault()?;
    let Some(row) = row else { return Ok(None) };
    let heads = checkpoints::table.filter(checkpoints::round.eq(row.round)).order(checkpoints::org_id);
    let heads: Vec<CheckpointRow> = heads.select(CheckpointRow::as_select()).load(&mut tx.pg()).await.fault()?;
    Ok(Some((row.into(), heads.into_iter().map(Checkpoint::from).collect())))
}

/// Writes a round with its heads.
pub(crate) async fn save(tx: &mut Tx, heads: &[Checkpoint], round: &Round) -> Result<(), Fault> {
    // 7 parameters a row; PostgreSQL takes 65535.
    for chunk in heads.chunks(5_000) {
        let rows: Vec<CheckpointRow> = chunk.iter().map(CheckpointRow::from).collect();
        diesel::insert_into(checkpoints::table).values(rows).execute(tx.pg()).await.fault()?;
    }
    diesel::insert_into(rounds::table).values(RoundRow::from(round)).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Signed heads that the chain does not hold any more.
pub(crate) async fn not_in_chain(tx: &ReadTx<'_>) -> Result<Vec<Spot>, Fault> {
    let sql = "select c.org_id, c.sequence from audit_checkpoints c
               left join audit_links l on l.org_id = c.org_id and l.sequence = c.sequence
               where l.hash is distinct from c.hash order by 1, 2";
    let rows: Vec<SpotRow> = diesel::sql_query(sql).load(&mut tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(|row| Spot { org: OrgId(row.org_id), sequence: row.sequence }).collect())
}
