//! Awards.

use db::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use escrow_api::ContractId;
use kernel::{BidId, Fault, OrgId, TenderId, Timestamp, UserId};
use tenders_api::{Error, Tender};
use uuid::Uuid;

use super::bids::Row as Bid;
use crate::model::platform::{AwardStatus, Refusal};
use crate::schema::awards;

/// A live award.
pub struct Live {
    pub id: Uuid,
    pub bid: BidId,
    pub contract: Option<ContractId>,
    pub standstill_until: Timestamp,
    /// Until when its contract must be signed.
    pub sign_by: Option<Timestamp>,
}

/// Notes a pending award, by the platform's function, which takes bidder and total from the awarded bid. Two at once: the lock on the tender
/// lets one through; the unique index stands behind it.
pub async fn insert(
    tx: &mut Tx,
    tender: &Tender,
    bid: &Bid,
    reason: Option<&str>,
    until: Timestamp,
    persons: &[UserId],
) -> Result<Uuid, Error> {
    let id = Uuid::now_v7();
    let persons: Vec<Uuid> = persons.iter().map(|person| person.0).collect();
    diesel::sql_query("select app.note_award($1, $2, $3, $4, $5, $6, $7)")
        .bind::<SqlUuid, _>(tender.org.0)
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(tender.id.0)
        .bind::<SqlUuid, _>(bid.id.0)
        .bind::<Nullable<Text>, _>(reason)
        .bind::<Timestamptz, _>(until)
        .bind::<Array<SqlUuid>, _>(persons)
        .execute(tx.pg())
        .await
        .on_constraint("awards_one_live", || Error::state("tender", tender.status.name(), "it is awarded already"))?;
    Ok(id)
}

/// The live award of a tender, locked.
pub async fn lock_live(tx: &mut Tx, tender: &Tender) -> Result<Option<Live>, Fault> {
    let query = awards::table
        .filter(
            awards::org_id
                .eq(tender.org.0)
                .and(awards::tender_id.eq(tender.id.0))
                .and(awards::status.ne(AwardStatus::Cancelled.name())),
        )
        .for_update()
        .select((awards::id, awards::bid_id, awards::contract_id, awards::standstill_until, awards::sign_by));
    type Columns = (Uuid, Uuid, Option<Uuid>, Timestamp, Option<Timestamp>);
    let row: Option<Columns> = query.first(tx.pg()).await.optional().fault()?;
    Ok(row.map(|(id, bid, contract, standstill_until, sign_by)| Live {
        id,
        bid: bid.into(),
        contract: contract.map(Into::into),
        standstill_until,
        sign_by,
    }))
}

/// The contract that the award opened.
pub async fn set_contract(
    tx: &mut Tx,
    tender: &Tender,
    award: Uuid,
    contract: ContractId,
    sign_by: Option<Timestamp>,
) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(awards::table.find((tender.org.0, award)))
        .set((awards::contract_id.eq(contract.0), awards::sign_by.eq(sign_by), awards::updated_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// The award is cancelled.
pub async fn cancel(tx: &mut Tx, tender: &Tender, award: Uuid, reason: &str) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(awards::table.find((tender.org.0, award)))
        .set((awards::status.eq(AwardStatus::Cancelled.name()), awards::cancel_reason.eq(reason), awards::updated_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

#[derive(QueryableByName)]
struct UnsignedAwardRow {
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    tender_id: Uuid,
}

/// Tenders whose awards are not signed though their time is over, for the platform. In any order, so that none that fails stands before
/// the others.
pub async fn unsigned(tx: &ReadTx<'_>) -> Result<Vec<(OrgId, TenderId)>, Fault> {
    let sql = "select a.org_id, a.tender_id from awards a where a.status = 'pending' and a.sign_by <= app.now() order by random() limit 1000";
    let rows: Vec<UnsignedAwardRow> = diesel::sql_query(sql).load(&mut tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(|row| (row.org_id.into(), row.tender_id.into())).collect())
}

/// Enters into the bidder's trail that the award of its bid fell, as the database finds it.
pub async fn audit_for_bidder(tx: &mut Tx, bid: &Bid, request: &str) -> Result<(), Fault> {
    diesel::sql_query("select app.audit_for_bidder($1, $2, $3, $4)")
        .bind::<SqlUuid, _>(bid.owner.0)
        .bind::<SqlUuid, _>(bid.id.0)
        .bind::<SqlUuid, _>(Uuid::now_v7())
        .bind::<Text, _>(request)
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

#[derive(QueryableByName)]
struct Outcome {
    #[diesel(sql_type = Text)]
    outcome: String,
}

/// The winner refuses, by the platform's function, which publishes [`tenders_api::TenderAwardFell`]; what came of it.
pub async fn refuse(tx: &mut Tx, bid: &Bid, reason: &str, event: Uuid, request: &str) -> Result<Refusal, Fault> {
    let row: Outcome = diesel::sql_query("select app.refuse_award($1, $2, $3, $4, $5, $6) as outcome")
        .bind::<SqlUuid, _>(bid.owner.0)
        .bind::<SqlUuid, _>(bid.id.0)
        .bind::<Text, _>(reason)
        .bind::<SqlUuid, _>(Uuid::now_v7())
        .bind::<SqlUuid, _>(event)
        .bind::<Text, _>(request)
        .get_result(tx.pg())
        .await
        .fault()?;
    db::named(&row.outcome)
}
