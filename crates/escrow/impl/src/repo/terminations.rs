//! Proposals to end a contract, what stands in their way, and the end itself.

use std::collections::HashMap;

use db::prelude::*;
use escrow_api::{MilestoneStatus, Party, PaymentStatus, Termination};
use kernel::{Fault, Money, Timestamp, UserId};
use uuid::Uuid;

use super::{Reader, holds, ledger, milestones};
use crate::model::is_live;
use crate::model::stored::{EndOutcome, OpenProposal, StoredContract};
use crate::schema::contract_terminations as t;

#[derive(Queryable, Selectable)]
#[diesel(table_name = t)]
struct Row {
    id: Uuid,
    contract_id: Uuid,
    party: String,
    proposed_by: Uuid,
    reason: String,
    proposed_at: Timestamp,
    agreed_by: Option<Uuid>,
    agreed_at: Option<Timestamp>,
}

impl TryFrom<Row> for Termination {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            party: db::named(&row.party)?,
            proposed_by: UserId(row.proposed_by),
            reason: row.reason,
            proposed_at: row.proposed_at,
            agreed_by: row.agreed_by.map(UserId),
            agreed_at: row.agreed_at,
        })
    }
}

/// Those of contracts of these owners that are open or agreed.
pub(super) async fn of(mut pg: Reader<'_>, owners: &[Uuid], contracts: &[Uuid]) -> Result<HashMap<Uuid, Termination>, Fault> {
    let theirs = t::org_id.eq_any(owners).and(t::contract_id.eq_any(contracts));
    let query = t::table.filter(theirs).filter(t::withdrawn_at.is_null()).select(Row::as_select());
    let rows: Vec<Row> = query.load(&mut pg).await.fault()?;
    rows.into_iter().map(|row| Ok((row.contract_id, row.try_into()?))).collect()
}

/// The open one of a contract, which is locked by the caller.
pub(crate) async fn open(mut pg: Reader<'_>, contract: &StoredContract) -> Result<Option<OpenProposal>, Fault> {
    let row: Option<Row> = t::table
        .filter(t::org_id.eq(contract.owner.0).and(t::contract_id.eq(contract.id.0)))
        .filter(t::withdrawn_at.is_null().and(t::agreed_at.is_null()))
        .select(Row::as_select())
        .first(&mut pg)
        .await
        .optional()
        .fault()?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(OpenProposal { id: row.id, party: db::named(&row.party)?, proposed_by: UserId(row.proposed_by) }))
}

pub(crate) async fn propose(tx: &mut Tx, contract: &StoredContract, party: Party, by: UserId, reason: &str) -> Result<(), Fault> {
    diesel::insert_into(t::table)
        .values((
            t::org_id.eq(contract.owner.0),
            t::id.eq(Uuid::now_v7()),
            t::contract_id.eq(contract.id.0),
            t::contractor_org_id.eq(contract.contractor.0),
            t::party.eq(party.name()),
            t::proposed_by.eq(by.0),
            t::reason.eq(reason),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

pub(crate) async fn withdraw(tx: &mut Tx, contract: &StoredContract, open: &OpenProposal, by: UserId) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(t::table.find((contract.owner.0, open.id)))
        .set((t::withdrawn_by.eq(by.0), t::withdrawn_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// What of the contract's money must be settled before it ends, in words: milestone by milestone. What nobody paid yet is not among it.
pub(crate) async fn obstacles(pg: Reader<'_>, contract: &StoredContract) -> Result<Vec<String>, Fault> {
    let currency = contract.currency();
    let rows = milestones::of_contracts(pg, &[contract.owner.0], &[contract.id.0]).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
    let held = ledger::held(pg, &[contract.owner.0], &ids).await?;
    let mut found = Vec::new();
    for row in rows {
        let what = match row.status {
            MilestoneStatus::Planned | MilestoneStatus::Cancelled | MilestoneStatus::Released | MilestoneStatus::Refunded => {
                continue;
            }
            MilestoneStatus::Funding => {
                let paid = super::payments::of_milestone(pg, &row).await?;
                let mut under_way = false;
                for payment in paid {
                    let status = payment.status;
                    under_way |= is_live(status) && !matches!(status, PaymentStatus::Created | PaymentStatus::RequiresAction);
                }
                if !under_way {
                    continue;
                }
                "is being paid: wait until it is funded or the payment failed".to_owned()
            }
            MilestoneStatus::Approved => "is approved: release its money first".to_owned(),
            status => {
                let money = Money::from_minor(held.get(&row.id.0).copied().unwrap_or(0), currency);
                format!("is {status} and {money} are held for it: release or refund them first")
            }
        };
        found.push(format!("milestone {} ({}) {what}", row.position, row.title));
    }
    let mut on_hold = holds::of_contracts(pg, &[contract.owner.0], &[contract.id.0]).await?;
    for (milestone, hold) in on_hold.remove(&contract.id.0).unwrap_or_default() {
        let place = if milestone.is_some() { "a milestone" } else { "the contract" };
        found.push(format!("a hold on {place} ({}) must be lifted first", hold.kind));
    }
    let suspense = ledger::in_suspense(pg, contract.place()).await?;
    if suspense != 0 {
        found.push(format!("{} wait in suspense: they must be paid back first", Money::from_minor(suspense, currency)));
    }
    Ok(found)
}

#[derive(QueryableByName)]
struct Outcome {
    #[diesel(sql_type = diesel::sql_types::Text)]
    outcome: String,
}

/// Agrees for the other party, ends the contract and publishes [`escrow_api::ContractEnded`]; says what came of it.
pub(crate) async fn end(tx: &mut Tx, contract: &StoredContract, event: Uuid, request: &str) -> Result<EndOutcome, Fault> {
    let row: Outcome = diesel::sql_query("select app.end_contract($1, $2, $3, $4) as outcome")
        .bind::<diesel::sql_types::Uuid, _>(contract.owner.0)
        .bind::<diesel::sql_types::Uuid, _>(contract.id.0)
        .bind::<diesel::sql_types::Uuid, _>(event)
        .bind::<diesel::sql_types::Text, _>(request)
        .get_result(tx.pg())
        .await
        .fault()?;
    db::named(&row.outcome)
}

/// Enters what the transaction's party did to a contract's end into the other party's trail, as the database finds it done.
pub(crate) async fn audit_other_party(tx: &mut Tx, contract: &StoredContract, action: &str, request: &str) -> Result<(), Fault> {
    diesel::sql_query("select app.audit_other_party($1, $2, $3, $4, $5)")
        .bind::<diesel::sql_types::Uuid, _>(contract.owner.0)
        .bind::<diesel::sql_types::Uuid, _>(contract.id.0)
        .bind::<diesel::sql_types::Uuid, _>(Uuid::now_v7())
        .bind::<diesel::sql_types::Text, _>(action)
        .bind::<diesel::sql_types::Text, _>(request)
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}
