//! Awards.

use db::prelude::*;
use kernel::{BidId, ContractId, Fault, Timestamp, UserId};
use tenders_api::{Error, Tender};
use uuid::Uuid;

use super::bids::Row as Bid;
use crate::schema::awards;

/// A live award.
pub struct Live {
    pub id: Uuid,
    pub bid: BidId,
    pub contract: Option<ContractId>,
    pub standstill_until: Timestamp,
}

/// A1. Two at once: the lock on the tender lets one through; the unique index stands behind it.
pub async fn insert(
    tx: &mut Tx,
    tender: &Tender,
    bid: &Bid,
    reason: Option<&str>,
    until: Timestamp,
    persons: &[UserId],
) -> Result<Uuid, Error> {
    let id = Uuid::now_v7();
    let total = bid.total.ok_or_else(|| Fault::internal("an opened bid has no total"))?;
    diesel::insert_into(awards::table)
        .values((
            awards::org_id.eq(tender.org.0),
            awards::id.eq(id),
            awards::tender_id.eq(tender.id.0),
            awards::bid_id.eq(bid.id.0),
            awards::bidder_org_id.eq(bid.bidder.0),
            awards::status.eq("pending"),
            awards::amount.eq(total.minor()),
            awards::currency.eq(total.currency().code()),
            awards::reason.eq(reason),
            awards::standstill_until.eq(until),
            awards::awarded_by.eq(persons.iter().map(|person| person.0).collect::<Vec<_>>()),
        ))
        .execute(tx.pg())
        .await
        .on_constraint("awards_one_live", || Error::State {
            what: "tender",
            state: tender.status.name(),
            hint: "it is awarded already".into(),
        })?;
    Ok(id)
}

/// The live award of a tender, locked.
pub async fn lock_live(tx: &mut Tx, tender: &Tender) -> Result<Option<Live>, Fault> {
    let query = awards::table
        .filter(awards::org_id.eq(tender.org.0).and(awards::tender_id.eq(tender.id.0)).and(awards::status.ne("cancelled")))
        .for_update()
        .select((awards::id, awards::bid_id, awards::contract_id, awards::standstill_until));
    let row: Option<(Uuid, Uuid, Option<Uuid>, Timestamp)> = query.first(tx.pg()).await.optional().fault()?;
    Ok(row.map(|(id, bid, contract, standstill_until)| Live {
        id,
        bid: bid.into(),
        contract: contract.map(Into::into),
        standstill_until,
    }))
}

/// The contract that the award opened.
pub async fn set_contract(tx: &mut Tx, tender: &Tender, award: Uuid, contract: ContractId) -> Result<(), Fault> {
    diesel::update(awards::table.find((tender.org.0, award)))
        .set((awards::contract_id.eq(contract.0), awards::updated_at.eq(diesel::dsl::now)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// A3.
pub async fn cancel(tx: &mut Tx, tender: &Tender, award: Uuid, reason: &str) -> Result<(), Fault> {
    diesel::update(awards::table.find((tender.org.0, award)))
        .set((awards::status.eq("cancelled"), awards::cancel_reason.eq(reason), awards::updated_at.eq(diesel::dsl::now)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}
