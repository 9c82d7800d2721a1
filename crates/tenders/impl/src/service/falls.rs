//! An award falls, and what had stood behind it can be decided anew.

use audit_api::NewEntry;
use db::{Pg, PgRead};
use escrow_api::{ContractEnded, ContractId, Party};
use kernel::{BidId, Ctx, Fault, RequestId, Scope, TenderId, Timestamp};
use serde_json::json;
use tenders_api::{Bid, BidStatus, Error, Step, Tender, TenderAwardFell, TenderStatus, perm};
use uow::{EventId, Job, Tx};
use uuid::Uuid;

use super::{Service, digest, from_contracts};
use crate::jobs::FallAward;
use crate::model::machine::{self, BidEvent, TenderEvent};
use crate::model::platform::Refusal;
use crate::model::reason;
use crate::repo;
use crate::repo::awards::Live;

/// The action under which an award that fell is recorded.
const FALL: &str = "tenders.award_falls";

/// The action under which the end of a completed tender's contract is recorded.
const CONTRACT_ENDED: &str = "tenders.contract_ended";

/// Why an award falls.
struct Fall<'a> {
    reason: &'a str,
    /// What it is to the bid.
    event: BidEvent,
    /// Whether the contract is over already.
    contract_is_over: bool,
}

impl Service {
    /// The contract is there to be signed: notes until when, and looks then.
    pub(super) async fn await_signatures_in(
        &self,
        tx: &mut Tx,
        tender: &Tender,
        award: Uuid,
        contract: ContractId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let sign_by = now.checked_add_signed(self.signature_period).filter(|_| !self.signature_period.is_zero());
        repo::awards::set_contract(tx, tender, award, contract, sign_by).await?;
        if let Some(sign_by) = sign_by {
            tx.enqueue(Job::of(&FallAward { tender: tender.id }).at(sign_by)).await?;
        }
        Ok(())
    }

    pub(super) async fn cancel_award_of(&self, ctx: &Ctx, tender: TenderId, reason: &str) -> Result<Step, Error> {
        self.owned(ctx, tender, perm::AWARD).await?;
        let reason = reason::required(reason, "say why the award is taken back: the bidder reads it")?;
        self.uow
            .write(ctx, async |tx| {
                let (old, _) = repo::tenders::lock(tx, ctx.org, tender).await?;
                machine::tender(old.status, TenderEvent::AwardFalls)?;
                self.not_of_a_bidder_in(tx, ctx, tender).await?;
                let award = repo::awards::lock_live(tx, &old).await?;
                let award = award.ok_or_else(|| Fault::internal("a tender is in the stand-still without an award"))?;
                let bid = repo::bids::lock(tx, old.org, award.bid).await?;
                let total = bid.total.ok_or_else(|| Fault::internal("an awarded bid has no total"))?;
                let detail = format!("fall:{}:{}", award.id, digest(Some(&reason)));
                let approval = self.approve_in(tx, ctx, perm::AWARD, (old.project, old.id.0), detail, total).await?;
                if approval.is_waiting() {
                    let asked = json!({ "award": award.id, "falls": true, "reason": reason });
                    self.record_waiting_in(tx, ctx, perm::AWARD, ("tender", tender.0), asked).await?;
                } else {
                    let fall = Fall { reason: &reason, event: BidEvent::AwardFalls, contract_is_over: false };
                    self.fall_in(tx, ctx, &old, &award, &fall).await?;
                }
                Ok(Step { tender: repo::tenders::view_again(tx.pg(), ctx, tender).await?, approval: Some(approval) })
            })
            .await
    }

    pub(super) async fn refuse_award_of(&self, ctx: &Ctx, id: BidId, reason: &str) -> Result<Bid, Error> {
        self.authorizer.check(ctx, perm::BIDS_SUBMIT, Scope::Organization)?;
        let reason = reason::required(reason, "say why you refuse: the owner reads it")?;
        self.uow
            .write(ctx, async |tx| {
                let seen = repo::bids::get(tx.pg(), id).await?;
                if seen.bidder != ctx.org {
                    return Err(Error::NotFound("bid"));
                }
                if seen.status != BidStatus::Forfeited {
                    let to = machine::bid(seen.status, BidEvent::Refuse)?;
                    if seen.status != BidStatus::Awarded {
                        return Err(Error::state("bid", seen.status.name(), "only an award can be refused"));
                    }
                    let entry = NewEntry::named("bids.refuse_award", "bid", id)
                        .before(json!({ "status": seen.status.name() }))
                        .after(json!({ "status": to.name(), "reason": reason }));
                    // Both trails are locked at commit, in the order of the organisations.
                    let own_first = ctx.org.0 < seen.owner.0;
                    if own_first {
                        self.audit.record_in(tx, ctx, entry.clone()).await?;
                    }
                    let request = ctx.request.as_str();
                    match repo::awards::refuse(tx, &seen, &reason, EventId::new().0, request).await? {
                        Refusal::Refused => {}
                        Refusal::InForce => {
                            let hint = "the contract is in force: both parties may agree to end it";
                            return Err(Error::state("contract", "active", hint));
                        }
                        Refusal::NotAwarded => {
                            return Err(Error::state("bid", seen.status.name(), "it is not awarded any more"));
                        }
                    }
                    if !own_first {
                        self.audit.record_in(tx, ctx, entry).await?;
                    }
                }
                self.bid_again_in(tx, ctx, id).await
            })
            .await
    }

    /// Does [`FallAward`]: the award falls whose contract was not signed in time. Who did not sign has forfeited the bid; a
    /// bidder who signed waits for the owner's next decision. `ctx` is the platform acting for the owner.
    ///
    /// # Errors
    /// A fault: try again.
    pub async fn fall_unsigned(&self, ctx: &Ctx, job: FallAward) -> Result<(), Error> {
        self.uow
            .write(ctx, async |tx| {
                let (old, now) = repo::tenders::lock(tx, ctx.org, job.tender).await?;
                if old.status != TenderStatus::Standstill {
                    return Ok(());
                }
                let award =
                    repo::awards::lock_live(tx, &old).await?.filter(|award| award.sign_by.is_some_and(|until| until <= now));
                let Some((award, contract)) = award.and_then(|award| award.contract.map(|contract| (award, contract))) else {
                    return Ok(());
                };
                let signed = self.contracts.signed_by_in(tx, contract).await.map_err(from_contracts)?;
                let event = if signed.contains(&Party::Contractor) { BidEvent::AwardFalls } else { BidEvent::Refuse };
                let fall = Fall { reason: "the contract was not signed by both parties in time", event, contract_is_over: false };
                match self.fall_in(tx, ctx, &old, &award, &fall).await {
                    // Both have signed it: the tender is about to be complete.
                    Err(Error::State { what: "contract", .. }) => Ok(()),
                    other => other,
                }
            })
            .await
    }

    /// The sweep behind [`Service::fall_unsigned`], whatever became of its jobs. Answers how many there were.
    ///
    /// # Errors
    /// The first fault, once all have been tried.
    pub async fn sweep_unsigned(&self) -> Result<usize, Error> {
        let due = self.system.read(async |tx| repo::awards::unsigned(tx).await).await?;
        let mut first = None;
        for (org, tender) in &due {
            let ctx = Ctx::system(*org, RequestId::generate());
            first = first.or(self.fall_unsigned(&ctx, FallAward { tender: *tender }).await.err());
        }
        first.map_or(Ok(due.len()), Err)
    }

    /// Subscribes to [`ContractEnded`]. A tender that waits for signatures is in evaluation again; a completed one is unsuccessful, and can
    /// be repeated. `ctx` is the platform acting for either party. Bears repetition.
    ///
    /// # Errors
    /// A fault: try again.
    pub async fn contract_ended(&self, ctx: &Ctx, _: EventId, event: &ContractEnded) -> Result<(), Error> {
        let seen = match self.uow.read(ctx, async |tx| repo::tenders::get(tx.pg(), event.tender).await).await {
            // A contract that came from no tender of ours.
            Err(Error::NotFound(_)) => return Ok(()),
            other => other?.0,
        };
        let owner = Ctx::system(seen.org, ctx.request.clone());
        self.uow
            .write(&owner, async |tx| {
                let (old, _) = repo::tenders::lock(tx, owner.org, event.tender).await?;
                let live = repo::awards::lock_live(tx, &old).await?.filter(|award| award.contract == Some(event.contract));
                match (old.status, live) {
                    (TenderStatus::Standstill, Some(award)) => {
                        let fall = Fall { reason: &event.reason, event: BidEvent::AwardFalls, contract_is_over: true };
                        self.fall_in(tx, &owner, &old, &award, &fall).await
                    }
                    (TenderStatus::Complete, Some(_)) if repo::tenders::end_completed(tx, &old, event.contract).await? => {
                        let to = machine::tender(old.status, TenderEvent::ContractEnded)?;
                        let after = json!({ "status": to.name(), "contract": event.contract, "reason": event.reason });
                        Ok(self.record_in(tx, &owner, CONTRACT_ENDED, ("tender", old.id.0), old.status.name(), after).await?)
                    }
                    _ => Ok(()),
                }
            })
            .await
    }

    /// The award is cancelled with its contract, the tender is in evaluation again; in both trails.
    async fn fall_in(&self, tx: &mut Tx, ctx: &Ctx, tender: &Tender, award: &Live, fall: &Fall<'_>) -> Result<(), Error> {
        let to = machine::tender(tender.status, TenderEvent::AwardFalls)?;
        let bid = repo::bids::lock(tx, tender.org, award.bid).await?;
        let bid_to = machine::bid(bid.status, fall.event)?;
        if let Some(contract) = award.contract.filter(|_| !fall.contract_is_over) {
            self.contracts.cancel_in(tx, ctx, contract, fall.reason).await.map_err(from_contracts)?;
        }
        repo::awards::cancel(tx, tender, award.id, fall.reason).await?;
        repo::bids::set_status(tx, &bid, bid_to).await?;
        repo::tenders::resume_evaluation(tx, tender).await?;
        let after = json!({
            "status": to.name(), "award": award.id, "bid": bid.id, "contract": award.contract, "bidStatus": bid_to.name(),
            "reason": fall.reason,
        });
        let request = ctx.request.as_str();
        // Both chains are locked at commit, in the order of the organisations.
        if bid.bidder.0 < ctx.org.0 {
            repo::awards::audit_for_bidder(tx, &bid, request).await?;
        }
        self.record_in(tx, ctx, FALL, ("tender", tender.id.0), tender.status.name(), after).await?;
        if bid.bidder.0 > ctx.org.0 {
            repo::awards::audit_for_bidder(tx, &bid, request).await?;
        }
        let event = TenderAwardFell {
            tender: tender.id,
            bid: bid.id,
            contractor: bid.bidder,
            forfeited: bid_to == BidStatus::Forfeited,
            reason: fall.reason.to_owned(),
        };
        Ok(tx.publish(&event).await?)
    }
}
