//! Holds: placed and lifted by the database's own functions, in a tenant's transaction or the platform's; read by both parties.

use std::collections::HashMap;

use db::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text, Uuid as SqlUuid};
use escrow_api::{ContractId, Hold, HoldKind, MilestoneId, ReleaseId};
use kernel::{Fault, OrgId, RequestId, Timestamp};
use uuid::Uuid;

use super::Reader;
use crate::model::stored::StoredMilestone;
use crate::schema::{contracts, holds, milestones, releases};

/// A hold to be placed.
#[derive(Debug, Clone)]
pub(crate) struct NewHold<'a> {
    /// The owner's side.
    pub(crate) org: OrgId,
    pub(crate) contract: ContractId,
    /// None: the whole contract.
    pub(crate) milestone: Option<MilestoneId>,
    pub(crate) kind: HoldKind,
    /// The provider's object that it is about; empty if there is none.
    pub(crate) object: &'a str,
    /// For the platform alone, unless an operator says it.
    pub(crate) reason: &'a str,
    pub(crate) operator: Option<&'a str>,
}

#[derive(QueryableByName)]
struct HoldChangedRow {
    #[diesel(sql_type = Bool)]
    done: bool,
}

/// Places a hold, and says so in both parties' trails. One open hold per place, kind and object: says whether this one is new.
pub(crate) async fn place(tx: &mut Tx, new: &NewHold<'_>, request: &RequestId) -> Result<bool, Fault> {
    let row: HoldChangedRow = diesel::sql_query("select app.place_hold($1, $2, $3, $4, $5, $6, $7, $8, $9) as done")
        .bind::<SqlUuid, _>(new.org.0)
        .bind::<SqlUuid, _>(Uuid::now_v7())
        .bind::<SqlUuid, _>(new.contract.0)
        .bind::<Nullable<SqlUuid>, _>(new.milestone.map(Uuid::from))
        .bind::<Text, _>(new.kind.name())
        .bind::<Text, _>(new.object)
        .bind::<Text, _>(new.reason)
        .bind::<Nullable<Text>, _>(new.operator)
        .bind::<Text, _>(request.as_str())
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok(row.done)
}

/// Lifts a hold, and says so in both parties' trails. Says whether it was open.
pub(crate) async fn lift(
    tx: &mut Tx,
    org: OrgId,
    hold: Uuid,
    operator: Option<&str>,
    reason: &str,
    request: &RequestId,
) -> Result<bool, Fault> {
    let row: HoldChangedRow = diesel::sql_query("select app.lift_hold($1, $2, $3, $4, $5) as done")
        .bind::<SqlUuid, _>(org.0)
        .bind::<SqlUuid, _>(hold)
        .bind::<Nullable<Text>, _>(operator)
        .bind::<Text, _>(reason)
        .bind::<Text, _>(request.as_str())
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok(row.done)
}

type Row = (Uuid, Option<Uuid>, String, Timestamp);

fn shown((_, milestone, kind, since): Row) -> Hold {
    Hold { kind, whole_contract: milestone.is_none(), since }
}

/// The open holds of contracts of these owners, the oldest first, with what they cover: a milestone, or (none) the whole contract.
pub(super) async fn of_contracts(
    mut pg: Reader<'_>,
    owners: &[Uuid],
    contracts: &[Uuid],
) -> Result<HashMap<Uuid, Vec<(Option<Uuid>, Hold)>>, Fault> {
    let rows: Vec<Row> = holds::table
        .filter(holds::org_id.eq_any(owners).and(holds::contract_id.eq_any(contracts)))
        .filter(holds::lifted_at.is_null())
        .select((holds::contract_id, holds::milestone_id, holds::kind, holds::placed_at))
        .order((holds::placed_at, holds::id))
        .load(&mut pg)
        .await
        .fault()?;
    let mut found: HashMap<Uuid, Vec<(Option<Uuid>, Hold)>> = HashMap::new();
    for row in rows {
        found.entry(row.0).or_default().push((row.1, shown(row)));
    }
    Ok(found)
}

/// The oldest open hold that covers a milestone. Whoever asks holds the milestone's lock, which places and lifts wait for.
pub(crate) async fn covering(mut pg: Reader<'_>, milestone: &StoredMilestone) -> Result<Option<Hold>, Fault> {
    let row: Option<Row> = holds::table
        .filter(holds::org_id.eq(milestone.owner.0).and(holds::contract_id.eq(milestone.contract.0)))
        .filter(holds::milestone_id.is_null().or(holds::milestone_id.eq(milestone.id.0)))
        .filter(holds::lifted_at.is_null())
        .select((holds::contract_id, holds::milestone_id, holds::kind, holds::placed_at))
        .order((holds::placed_at, holds::id))
        .first(&mut pg)
        .await
        .optional()
        .fault()?;
    Ok(row.map(shown))
}

/// Releases of a contract, or of one of its milestones, that were asked for and are not known to have arrived: what a lifted hold let wait.
pub(crate) async fn waiting(
    tx: &mut Tx,
    owner: OrgId,
    contract: ContractId,
    milestone: Option<MilestoneId>,
) -> Result<Vec<(OrgId, ReleaseId)>, Fault> {
    let mut query = releases::table
        .filter(releases::org_id.eq(owner.0).and(releases::contract_id.eq(contract.0)))
        .filter(releases::status.eq_any(["sending", "unknown"]))
        .select((releases::org_id, releases::id))
        .into_boxed();
    if let Some(milestone) = milestone {
        query = query.filter(releases::milestone_id.eq(milestone.0));
    }
    let rows: Vec<(Uuid, Uuid)> = query.load(tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(|(org, id)| (OrgId(org), ReleaseId(id))).collect())
}

/// Where a hold is placed, as the platform finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HoldTarget {
    /// The owner's side.
    pub(crate) org: OrgId,
    pub(crate) contract: ContractId,
    /// None: the whole contract.
    pub(crate) milestone: Option<MilestoneId>,
}

pub(crate) async fn target_of_milestone(tx: &mut Tx, id: MilestoneId) -> Result<Option<HoldTarget>, Fault> {
    let row: Option<(Uuid, Uuid)> = milestones::table
        .filter(milestones::id.eq(id.0))
        .select((milestones::org_id, milestones::contract_id))
        .first(tx.pg())
        .await
        .optional()
        .fault()?;
    Ok(row.map(|(org, contract)| HoldTarget { org: org.into(), contract: contract.into(), milestone: Some(id) }))
}

pub(crate) async fn target_of_contract(tx: &mut Tx, id: ContractId) -> Result<Option<HoldTarget>, Fault> {
    let org: Option<Uuid> =
        contracts::table.filter(contracts::id.eq(id.0)).select(contracts::org_id).first(tx.pg()).await.optional().fault()?;
    Ok(org.map(|org| HoldTarget { org: org.into(), contract: id, milestone: None }))
}

/// An open hold as the platform sees it.
#[derive(Debug, Clone)]
pub(crate) struct OpenHold {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) placed_at: Timestamp,
    pub(crate) placed_by: Option<String>,
}

/// The open holds of exactly this place, the oldest first.
pub(crate) async fn open_at(tx: &mut Tx, target: &HoldTarget) -> Result<Vec<OpenHold>, Fault> {
    let rows: Vec<(Uuid, String, Timestamp, Option<String>)> = holds::table
        .filter(holds::org_id.eq(target.org.0))
        .filter(holds::contract_id.eq(target.contract.0))
        .filter(holds::milestone_id.is_not_distinct_from(target.milestone.map(Uuid::from)))
        .filter(holds::lifted_at.is_null())
        .select((holds::id, holds::kind, holds::placed_at, holds::placed_by))
        .order((holds::placed_at, holds::id))
        .load(tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(id, kind, placed_at, placed_by)| OpenHold { id, kind, placed_at, placed_by }).collect())
}

/// The kinds of the open holds that cover this place: a milestone's, and its contract's.
pub(crate) async fn covering_kinds(tx: &mut Tx, target: &HoldTarget) -> Result<Vec<String>, Fault> {
    holds::table
        .filter(holds::org_id.eq(target.org.0))
        .filter(holds::contract_id.eq(target.contract.0))
        .filter(holds::milestone_id.is_null().or(holds::milestone_id.is_not_distinct_from(target.milestone.map(Uuid::from))))
        .filter(holds::lifted_at.is_null())
        .select(holds::kind)
        .order((holds::placed_at, holds::id))
        .load(tx.pg())
        .await
        .fault()
}

/// How many releases of this place may have left already.
pub(crate) async fn maybe_sent(tx: &mut Tx, target: &HoldTarget) -> Result<usize, Fault> {
    let mut query = releases::table
        .filter(releases::org_id.eq(target.org.0))
        .filter(releases::contract_id.eq(target.contract.0))
        .filter(releases::status.eq_any(["sending", "unknown"]))
        .filter(releases::maybe_sent_at.is_not_null())
        .select(releases::id)
        .into_boxed();
    if let Some(milestone) = target.milestone {
        query = query.filter(releases::milestone_id.eq(milestone.0));
    }
    let found: Vec<Uuid> = query.load(tx.pg()).await.fault()?;
    Ok(found.len())
}
