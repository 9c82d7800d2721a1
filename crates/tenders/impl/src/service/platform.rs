//! What the platform does by itself: closing at the deadline, the end of the stand-still, completion.

use audit_api::NewEntry;
use db::{Pg, PgRead};
use escrow_api::{ContractActivated, ContractId};
use kernel::{Ctx, RequestId, TenderId};
use serde_json::json;
use tenders_api::{Error, TenderClosed, TenderCompleted, TenderStatus};
use uow::EventId;

use super::{CLOSE, COMPLETE, Service, from_contracts};
use crate::jobs::{Close, FinishStandstill};
use crate::model::machine::{self, TenderEvent};
use crate::repo;

impl Service {
    /// Does [`Close`]: the tender is closed, its bids are counted. `ctx` is the platform acting for the owner.
    ///
    /// # Errors
    /// A fault: try again.
    pub async fn close_due(&self, ctx: &Ctx, job: Close) -> Result<(), Error> {
        self.close(ctx, job.tender, true).await.map(drop)
    }

    /// Does [`FinishStandstill`]: the contract is opened, once nobody can challenge the award any more. `ctx` is the platform acting for the
    /// owner.
    ///
    /// # Errors
    /// A fault, or what the contract refuses: try again.
    pub async fn finish_standstill(&self, ctx: &Ctx, job: FinishStandstill) -> Result<(), Error> {
        self.open_awarded_contract(ctx, job.tender).await.map(drop)
    }

    /// The sweep: closes what is due and finishes the stand-stills that are over, whatever became of their jobs. Answers how many
    /// there were.
    ///
    /// # Errors
    /// The first fault or refusal, once all have been tried.
    pub async fn sweep(&self) -> Result<usize, Error> {
        let due = self.system.read(async |tx| repo::platform::due(tx).await).await?;
        let mut first = None;
        for due in &due {
            let (ctx, tender) = (Ctx::system(due.org, RequestId::generate()), due.tender);
            let done =
                if due.closing { self.close(&ctx, tender, true).await } else { self.open_awarded_contract(&ctx, tender).await };
            first = first.or(done.err());
        }
        first.map_or(Ok(due.len()), Err)
    }

    /// Subscribes to [`ContractActivated`]. `ctx` is the platform acting for either party. Bears repetition: a completed tender stays
    /// as it is, so there is no need to remember the event.
    ///
    /// # Errors
    /// A fault: try again.
    pub async fn contract_activated(&self, ctx: &Ctx, _: EventId, event: &ContractActivated) -> Result<(), Error> {
        match self.complete(ctx, event.tender, event.contract).await {
            // A contract that came from no tender of ours.
            Err(Error::NotFound(_)) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Closes a tender, if the deadline has passed. True if it closed now. While a bid that came in time is being stored, a `patient`
    /// caller waits for it; the others leave it to the job.
    pub(super) async fn close(&self, ctx: &Ctx, tender: TenderId, patient: bool) -> Result<bool, Error> {
        self.uow
            .write(ctx, async |tx| {
                let Some(status) = repo::tenders::close(tx, ctx.org, tender, patient).await? else { return Ok(false) };
                let closed = machine::tender(TenderStatus::Published, TenderEvent::Deadline)?;
                let unsuccessful = status == TenderStatus::Unsuccessful;
                if unsuccessful {
                    machine::tender(closed, TenderEvent::TooFewBids)?;
                }
                let (now_closed, _) = repo::tenders::get(tx.pg(), tender).await?;
                let after = json!({ "status": status.name(), "sealRoot": now_closed.seal_root.map(hex::encode) });
                self.record_in(tx, ctx, CLOSE, ("tender", tender.0), "published", after).await?;
                tx.publish(&TenderClosed { tender, unsuccessful }).await?;
                Ok(true)
            })
            .await
    }

    async fn open_awarded_contract(&self, ctx: &Ctx, tender: TenderId) -> Result<bool, Error> {
        self.contracts.ready().await.map_err(from_contracts)?;
        self.uow
            .write(ctx, async |tx| {
                let (old, now) = repo::tenders::lock(tx, ctx.org, tender).await?;
                let live = repo::awards::lock_live(tx, &old).await?;
                let Some(award) = live.filter(|award| award.contract.is_none() && now >= award.standstill_until) else {
                    return Ok(false);
                };
                if old.status != TenderStatus::Standstill {
                    return Ok(false);
                }
                let bid = repo::bids::lock(tx, old.org, award.bid).await?;
                let contract = self.open_contract_in(tx, ctx, &old, &bid).await?;
                self.await_signatures_in(tx, &old, award.id, contract.id, now).await?;
                let entry =
                    NewEntry::named("tenders.finish_standstill", "tender", tender).after(json!({ "contract": contract.id }));
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(true)
            })
            .await
    }

    async fn complete(&self, ctx: &Ctx, tender: TenderId, contract: ContractId) -> Result<bool, Error> {
        // Whoever signed last, it is the owner's tender.
        let (seen, _) = self.uow.read(ctx, async |tx| repo::tenders::get(tx.pg(), tender).await).await?;
        let owner = Ctx::system(seen.org, ctx.request.clone());
        self.uow
            .write(&owner, async |tx| {
                if !repo::tenders::complete(tx, owner.org, tender, contract).await? {
                    return Ok(false);
                }
                let to = machine::tender(TenderStatus::Standstill, TenderEvent::ContractActive)?;
                let after = json!({ "status": to.name(), "contract": contract });
                self.record_in(tx, &owner, COMPLETE, ("tender", tender.0), "standstill", after).await?;
                tx.publish(&TenderCompleted { tender, contract }).await?;
                Ok(true)
            })
            .await
    }
}
