//! The award: bid, award, contract and states in one transaction.

use db::Pg;
use escrow_api::{NewContract, NewContractLine};
use kernel::{Ctx, Fault, TenderId};
use serde_json::json;
use tenders_api::{
    Award, AwardedContract, AwardedMilestone, Awarding, BidStatus, BidderOutcome, Error, Tender, TenderAwarded, perm,
};
use uow::{Job, Tx};

use super::procedure::contract_milestones;
use super::{Service, action, digest, from_contracts, persons};
use crate::jobs;
use crate::model::machine::{self, BidEvent, TenderEvent};
use crate::model::reason;
use crate::repo;
use crate::repo::bids::Row as Bid;

impl Service {
    pub(super) async fn award_bid(&self, ctx: &Ctx, tender: TenderId, award: Award) -> Result<Awarding, Error> {
        self.owned(ctx, tender, perm::AWARD).await?;
        self.contracts.ready().await.map_err(from_contracts)?;
        self.uow
            .write(ctx, async |tx| {
                let (old, now) = repo::tenders::lock(tx, ctx.org, tender).await?;
                machine::tender(old.status, TenderEvent::ProposeAward)?;
                let bid = repo::bids::lock(tx, ctx.org, award.bid).await?;
                if bid.tender != tender || bid.owner != ctx.org {
                    return Err(Error::NotFound("bid"));
                }
                self.not_of_a_bidder_in(tx, ctx, tender).await?;
                if let Some(user) = ctx.user_id()
                    && bid.opened_at.is_some()
                    && repo::ties::is_of_the_bidder(tx, ctx.org, bid.id, user).await?
                {
                    return Err(Error::SamePerson);
                }
                // An opened bid is accepted by awarding it.
                let accepted =
                    if bid.status == BidStatus::Opened { machine::bid(bid.status, BidEvent::Accept)? } else { bid.status };
                machine::bid(accepted, BidEvent::Award)?;
                let all = repo::bids::opened(tx.pg(), ctx.org, tender).await?;
                let reason = reason::optional(award.reason.as_deref())?;
                let reason = reason.as_deref();
                check_reason(&bid, &all, reason)?;
                let today = repo::tenders::days(tx.pg(), ctx.org, tender).await?.today;
                if let Some(until) = bid.valid_until.filter(|until| *until < today) {
                    return Err(Error::BidExpired(until));
                }
                let total = bid.total.ok_or_else(|| Fault::internal("an opened bid has no total"))?;
                let detail = format!("{}:{}", bid.id, digest(reason));
                let approval = self.approve_in(tx, ctx, perm::AWARD, (old.project, old.id.0), detail, total).await?;
                if approval.is_waiting() {
                    let asked = json!({ "bid": bid.id, "reason": reason });
                    self.record_waiting_in(tx, ctx, perm::AWARD, ("tender", tender.0), asked).await?;
                    let tender = repo::tenders::view_again(tx.pg(), ctx, tender).await?;
                    return Ok(Awarding { tender, contract: None, approval });
                }
                repo::bids::set_status(tx, &bid, BidStatus::Awarded).await?;
                let until = now.checked_add_signed(self.standstill).unwrap_or(now);
                let id = repo::awards::insert(tx, &old, &bid, reason, until, &persons(ctx, approval)).await?;
                repo::tenders::begin_standstill(tx, &old, until).await?;
                let contract = if self.standstill.is_zero() {
                    let contract = self.open_contract_in(tx, ctx, &old, &bid).await?;
                    self.await_signatures_in(tx, &old, id, contract.id, now).await?;
                    Some(contract)
                } else {
                    tx.enqueue(Job::of(&jobs::FinishStandstill { tender }).at(until)).await?;
                    None
                };
                let after = json!({
                    "status": "standstill", "award": id, "bid": bid.id, "contractor": bid.bidder, "total": total, "reason": reason,
                    "contract": contract.as_ref().map(|contract| contract.id),
                });
                self.record_in(tx, ctx, action(perm::AWARD), ("tender", tender.0), old.status.name(), after).await?;
                let outcomes = all.iter().filter_map(|bid| Some(BidderOutcome { bid: bid.id, bidder: bid.bidder, rank: bid.rank? }));
                let event = TenderAwarded {
                    tender,
                    bid: bid.id,
                    contractor: bid.bidder,
                    contract: contract.as_ref().map(|contract| contract.id),
                    outcomes: outcomes.collect(),
                };
                tx.publish(&event).await?;
                Ok(Awarding { tender: repo::tenders::view_again(tx.pg(), ctx, tender).await?, contract, approval })
            })
            .await
    }

    /// The winning rates become the contract's (docs/domain/contracts.md). [`escrow_api::ContractsPort::ready`] went before.
    pub(super) async fn open_contract_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        tender: &Tender,
        bid: &Bid,
    ) -> Result<AwardedContract, Error> {
        let total = bid.total.ok_or_else(|| Fault::internal("an opened bid has no total"))?;
        let schedule = repo::tenders::lines(tx.pg(), tender.org, tender.id).await?;
        let priced = repo::bids::lines(tx.pg(), &[bid]).await?;
        let priced: std::collections::HashMap<_, _> = priced.into_iter().map(|(_, line)| (line.soq_line, line)).collect();
        let line = |line: tenders_api::TenderLine| {
            let offer = priced.get(&line.soq_line);
            NewContractLine {
                soq_line: line.soq_line,
                position: line.position,
                counts: offer.is_some() && line.kind.counts_in_total(),
                code: line.code,
                description: line.description,
                kind: line.kind.name().to_owned(),
                // A contract names the unit also where no code does.
                unit_code: line.unit_code.or(line.unit_text),
                quantity: offer.and(line.quantity),
                rate: offer.map(|offer| offer.rate),
                amount: offer.map(|offer| offer.amount),
            }
        };
        let planned = repo::tenders::milestones(tx.pg(), tender.org, tender.id, tender.currency).await?;
        let new = NewContract {
            tender: tender.id,
            bid: bid.id,
            project: tender.project,
            owner: tender.org,
            contractor: bid.bidder,
            title: tender.title.clone(),
            total,
            lines: schedule.into_iter().map(line).collect(),
            milestones: contract_milestones(total, planned)?,
        };
        let parts = new.milestones.iter().map(|milestone| milestone.amount).enumerate();
        self.payable(tender.currency, parts, |_| "/bidId".to_owned())?;
        let opened = self.contracts.open_in(tx, ctx, &new).await.map_err(from_contracts)?;
        Ok(AwardedContract {
            id: opened.id,
            document_sha256: opened.document_sha256,
            bid: bid.id,
            contractor: bid.bidder,
            total,
            milestones: new
                .milestones
                .into_iter()
                .zip(opened.milestones)
                .map(|(new, id)| AwardedMilestone { id, title: new.title, amount: new.amount, due_on: new.due_on })
                .collect(),
        })
    }
}

/// Passing over a better bid that is still in needs a written reason.
fn check_reason(bid: &Bid, all: &[Bid], reason: Option<&str>) -> Result<(), Error> {
    let better = |other: &&Bid| matches!(other.status, BidStatus::Opened | BidStatus::Valid) && other.rank < bid.rank;
    match all.iter().find(better) {
        Some(other) if reason.is_none() => {
            let rank = other.rank.unwrap_or_default();
            Err(Error::invalid(
                "/reason",
                "REQUIRED",
                format!("say why the bid of rank {rank} is passed over, or disqualify it first"),
            ))
        }
        _ => Ok(()),
    }
}
