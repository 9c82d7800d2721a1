//! Publication, extension, cancellation, evaluation.

use async_trait::async_trait;
use audit_api::NewEntry;
use db::{Pg, PgRead};
use kernel::{BidId, Ctx, Fault, TenderId, Timestamp};
use projects_api::Soq;
use serde_json::json;
use tenders_api::{
    Approval, Award, Awarding, Bid, BidStatus, BidStep, Disqualification, Error, OpeningRecord, Procedure, Step, Tender,
    TenderCancelled, TenderPublished, TenderStatus, TenderView, UNREADABLE, perm, time,
};
use uow::{Job, Tx};

use super::{Service, action, digest, from_contracts, from_projects};
use crate::jobs;
use crate::model::machine::{self, BidEvent, TenderEvent};
use crate::model::{draft, milestones, reason};
use crate::repo;

#[async_trait]
impl Procedure for Service {
    async fn publish(&self, ctx: &Ctx, tender: TenderId) -> Result<Step, Error> {
        self.owned(ctx, tender, perm::PUBLISH).await?;
        self.uow
            .write(ctx, async |tx| {
                repo::tenders::lock_project(tx, tender).await?;
                let (old, now) = repo::tenders::lock(tx, ctx.org, tender).await?;
                machine::tender(old.status, TenderEvent::Publish)?;
                let soq = self.projects.soq_in(tx, old.org, old.soq).await.map_err(from_projects)?;
                let planned = repo::tenders::milestones(tx.pg(), old.org, old.id, old.currency).await?;
                let invited = repo::drafts::invites_somebody(tx.pg(), &old).await?;
                let faults = draft::not_ready(&old, &planned, &soq, invited, now, self.minimum_submission_period);
                if !faults.is_empty() {
                    return Err(Error::NotReady(faults));
                }
                let expected = milestones::expected(draft::estimate(&soq), &planned, old.currency);
                self.payable(old.currency, expected, |n| format!("/milestones/{n}"))?;
                // A draft that was changed after the first person agreed is another thing to agree to.
                let detail = old.updated_at.timestamp_micros().to_string();
                let approval = self
                    .approve_in(tx, ctx, perm::PUBLISH, (old.project, old.id.0), detail, draft::amount_at_stake(&soq))
                    .await?;
                if approval.is_waiting() {
                    self.record_waiting_in(tx, ctx, perm::PUBLISH, ("tender", old.id.0), json!({})).await?;
                } else {
                    self.publish_in(tx, ctx, &old, &soq, now).await?;
                }
                Ok(Step { tender: repo::tenders::view_again(tx.pg(), ctx, tender).await?, approval: Some(approval) })
            })
            .await
    }

    async fn extend(&self, ctx: &Ctx, tender: TenderId, deadline: Timestamp) -> Result<TenderView, Error> {
        self.owned(ctx, tender, perm::EXTEND).await?;
        self.uow
            .write(ctx, async |tx| {
                // What can be refused is refused before anything is locked; then, locked, it is looked at again.
                let (seen, now) = repo::tenders::get(tx.pg(), tender).await?;
                can_extend(&seen, now, deadline)?;
                let (old, now) = repo::tenders::lock(tx, ctx.org, tender).await?;
                can_extend(&old, now, deadline)?;
                repo::tenders::extend(tx, &old, deadline).await?;
                tx.enqueue(close_job(tender, deadline)).await?;
                let entry = NewEntry::of(perm::EXTEND, "tender", tender)
                    .before(json!({ "submissionDeadline": old.submission_deadline }))
                    .after(json!({ "submissionDeadline": deadline }));
                self.audit.record_in(tx, ctx, entry).await?;
                repo::tenders::view_again(tx.pg(), ctx, tender).await
            })
            .await
    }

    async fn cancel(&self, ctx: &Ctx, tender: TenderId, reason: String) -> Result<Step, Error> {
        self.owned(ctx, tender, perm::CANCEL).await?;
        let reason = reason::required(&reason, "say why the tender is cancelled: bidders read it")?;
        let reason = reason.as_str();
        self.uow
            .write(ctx, async |tx| {
                let (old, now) = repo::tenders::lock(tx, ctx.org, tender).await?;
                machine::tender(old.status, TenderEvent::Cancel)?;
                let mut approval = None;
                if !matches!(old.status, TenderStatus::Draft | TenderStatus::Published) {
                    self.not_of_a_bidder_in(tx, ctx, tender).await?;
                    let weight = self.amount_at_stake_in(tx, &old).await?;
                    let detail = format!("{}:{}", old.status.name(), digest(Some(reason)));
                    approval = Some(self.approve_in(tx, ctx, perm::CANCEL, (old.project, old.id.0), detail, weight).await?);
                }
                if approval.as_ref().is_some_and(Approval::is_waiting) {
                    let asked = json!({ "reason": reason });
                    self.record_waiting_in(tx, ctx, perm::CANCEL, ("tender", old.id.0), asked).await?;
                } else {
                    self.cancel_in(tx, ctx, &old, reason, now).await?;
                }
                Ok(Step { tender: repo::tenders::view_again(tx.pg(), ctx, tender).await?, approval })
            })
            .await
    }

    async fn open(&self, ctx: &Ctx, tender: TenderId) -> Result<Step, Error> {
        self.open_bids(ctx, tender).await
    }

    async fn award(&self, ctx: &Ctx, tender: TenderId, award: Award) -> Result<Awarding, Error> {
        self.award_bid(ctx, tender, award).await
    }

    async fn cancel_award(&self, ctx: &Ctx, tender: TenderId, reason: String) -> Result<Step, Error> {
        self.cancel_award_of(ctx, tender, &reason).await
    }

    async fn conclude_unsuccessful(&self, ctx: &Ctx, tender: TenderId) -> Result<TenderView, Error> {
        self.owned(ctx, tender, perm::CANCEL).await?;
        self.uow
            .write(ctx, async |tx| {
                let (old, _) = repo::tenders::lock(tx, ctx.org, tender).await?;
                let to = machine::tender(old.status, TenderEvent::NoAcceptableBid)?;
                self.not_of_a_bidder_in(tx, ctx, tender).await?;
                let bids = repo::bids::opened(tx.pg(), ctx.org, tender).await?;
                let today = repo::tenders::days(tx.pg(), ctx.org, tender).await?.today;
                let acceptable = bids.iter().any(|bid| {
                    matches!(bid.status, BidStatus::Opened | BidStatus::Valid)
                        && bid.valid_until.is_some_and(|until| until >= today)
                });
                if acceptable {
                    let hint = "there is a bid that could be awarded: award it, or disqualify it with a reason";
                    return Err(Error::state("tender", old.status.name(), hint));
                }
                repo::tenders::set_status(tx, &old, to).await?;
                let after = json!({ "status": to.name() });
                self.record_in(tx, ctx, "tenders.unsuccessful", ("tender", tender.0), old.status.name(), after).await?;
                repo::tenders::view_again(tx.pg(), ctx, tender).await
            })
            .await
    }

    async fn accept(&self, ctx: &Ctx, bid: BidId) -> Result<Bid, Error> {
        let tender = self.tender_of_opened(ctx, bid).await?;
        self.uow
            .write(ctx, async |tx| {
                lock_evaluation_in(tx, ctx, tender).await?;
                self.not_of_a_bidder_in(tx, ctx, tender).await?;
                let row = repo::bids::lock(tx, ctx.org, bid).await?;
                let to = machine::bid(row.status, BidEvent::Accept)?;
                repo::bids::set_status(tx, &row, to).await?;
                let after = json!({ "status": to.name() });
                self.record_in(tx, ctx, action(perm::EVALUATE), ("bid", bid.0), row.status.name(), after).await?;
                self.bid_again_in(tx, ctx, bid).await
            })
            .await
    }

    async fn disqualify(&self, ctx: &Ctx, bid: BidId, why: Disqualification) -> Result<BidStep, Error> {
        let tender = self.tender_of_opened(ctx, bid).await?;
        if why.code == UNREADABLE {
            return Err(Error::invalid("/reasonCode", "NOT_ALLOWED", "only the opening itself finds a bid unreadable"));
        }
        let why = Disqualification { reason: reason::required(&why.reason, "say why: the bidder reads it")?, ..why };
        self.uow
            .write(ctx, async |tx| {
                let project = lock_evaluation_in(tx, ctx, tender).await?.project;
                self.not_of_a_bidder_in(tx, ctx, tender).await?;
                let row = repo::bids::lock(tx, ctx.org, bid).await?;
                let to = machine::bid(row.status, BidEvent::Disqualify)?;
                let mut approval = None;
                if row.rank == Some(1) {
                    let total = row.total.ok_or_else(|| Fault::internal("an opened bid has no total"))?;
                    let detail = format!("{}:{}", why.code, digest(Some(&why.reason)));
                    approval = Some(self.approve_in(tx, ctx, perm::EVALUATE, (project, bid.0), detail, total).await?);
                }
                if approval.as_ref().is_some_and(Approval::is_waiting) {
                    let asked = json!({ "reasonCode": why.code, "reason": why.reason });
                    self.record_waiting_in(tx, ctx, perm::EVALUATE, ("bid", bid.0), asked).await?;
                } else {
                    repo::bids::disqualify(tx, &row, &why).await?;
                    let after = json!({ "status": to.name(), "reasonCode": why.code, "reason": why.reason });
                    self.record_in(tx, ctx, action(perm::EVALUATE), ("bid", bid.0), row.status.name(), after).await?;
                }
                Ok(BidStep { bid: self.bid_again_in(tx, ctx, bid).await?, approval })
            })
            .await
    }

    async fn opening_record(&self, ctx: &Ctx, tender: TenderId) -> Result<OpeningRecord, Error> {
        self.read_opening_record(ctx, tender).await
    }
}

impl Service {
    async fn publish_in(&self, tx: &mut Tx, ctx: &Ctx, tender: &Tender, soq: &Soq, now: Timestamp) -> Result<(), Error> {
        let key = self.keys.make(tender.id)?;
        repo::drafts::insert_lines(tx, tender, soq).await?;
        repo::drafts::insert_key(tx, tender, &key).await?;
        let invited = repo::drafts::send_invitations(tx, tender, now).await?;
        let zone = self.tenants.time_zone_in(tx, ctx.org).await?;
        repo::tenders::publish(tx, tender, soq.version, &zone, now).await?;
        self.projects.mark_tendered_in(tx, ctx, tender.project).await.map_err(from_projects)?;
        tx.enqueue(close_job(tender.id, tender.submission_deadline)).await?;
        let after = json!({ "status": "published", "submissionDeadline": tender.submission_deadline, "timeZone": zone, "soqVersion": soq.version });
        self.record_in(tx, ctx, action(perm::PUBLISH), ("tender", tender.id.0), tender.status.name(), after).await?;
        let event = TenderPublished {
            tender: tender.id,
            project: tender.project,
            submission_deadline: tender.submission_deadline,
            invited,
        };
        Ok(tx.publish(&event).await?)
    }

    async fn cancel_in(&self, tx: &mut Tx, ctx: &Ctx, tender: &Tender, reason: &str, now: Timestamp) -> Result<(), Error> {
        if let Some(award) = repo::awards::lock_live(tx, tender).await? {
            if let Some(contract) = award.contract {
                self.contracts.cancel_in(tx, ctx, contract, reason).await.map_err(from_contracts)?;
            }
            repo::awards::cancel(tx, tender, award.id, reason).await?;
            let bid = repo::bids::lock(tx, tender.org, award.bid).await?;
            let to = machine::bid(bid.status, BidEvent::AwardFalls)?;
            repo::bids::set_status(tx, &bid, to).await?;
        }
        repo::tenders::cancel(tx, tender, reason, now).await?;
        let after = json!({ "status": "cancelled", "reason": reason });
        self.record_in(tx, ctx, action(perm::CANCEL), ("tender", tender.id.0), tender.status.name(), after).await?;
        Ok(tx.publish(&TenderCancelled { tender: tender.id, reason: reason.to_owned() }).await?)
    }

    /// The tender of an opened bid that the caller may evaluate.
    async fn tender_of_opened(&self, ctx: &Ctx, bid: BidId) -> Result<TenderId, Error> {
        let row = self.uow.read(ctx, async |tx| repo::bids::get(tx.pg(), bid).await).await?;
        if row.owner != ctx.org {
            return Err(Error::NotFound("bid"));
        }
        self.owned(ctx, row.tender, perm::EVALUATE).await?;
        Ok(row.tender)
    }
}

/// Whether the deadline can move there.
fn can_extend(tender: &Tender, now: Timestamp, deadline: Timestamp) -> Result<(), Error> {
    let old = tender.submission_deadline;
    if tender.status == TenderStatus::Closed || tender.status == TenderStatus::Published && now >= old {
        return Err(Error::TenderClosed { deadline: old, server_time: now });
    }
    machine::tender(tender.status, TenderEvent::Extend)?;
    if deadline <= old {
        return Err(Error::invalid("/submissionDeadline", "NOT_LATER", format!("must be later than {}", time(&old))));
    }
    Ok(())
}

/// Lock order: tender, then bid.
async fn lock_evaluation_in(tx: &mut Tx, ctx: &Ctx, tender: TenderId) -> Result<Tender, Error> {
    let (tender, _) = repo::tenders::lock(tx, ctx.org, tender).await?;
    match tender.status {
        TenderStatus::Evaluation => Ok(tender),
        status => Err(Error::state("tender", status.name(), "bids are evaluated while it is in evaluation")),
    }
}

/// The job that closes the tender; a later deadline replaces it.
fn close_job(tender: TenderId, deadline: Timestamp) -> Job {
    Job::of(&jobs::Close { tender }).at(deadline)
}

/// Milestones of the contract.
pub(super) fn contract_milestones(
    total: kernel::Money,
    planned: Vec<tenders_api::Milestone>,
) -> Result<Vec<escrow_api::NewMilestone>, Error> {
    if let Some(fault) = milestones::unpayable_total(total, &planned, "/bidId") {
        return Err(Error::Invalid(vec![fault]));
    }
    let amounts = milestones::amounts(total, &planned);
    let both = planned.into_iter().zip(amounts);
    Ok(both.map(|(planned, amount)| escrow_api::NewMilestone { title: planned.title, amount, due_on: planned.due_on }).collect())
}
