//! Milestones: submitting, asking for changes, approving; silence.

use async_trait::async_trait;
use audit_api::NewEntry;
use chrono::TimeDelta;
use escrow_api::{
    Approval, Approve, ContractStatus, Error, Milestone, MilestoneId, MilestoneStory, Milestones, Party, PaymentStatus,
    RequestChanges, RequestedAmount, ReviewKind, SubmitWork, perm,
};
use kernel::{Ctx, Fault, FieldFault, Money, RequestId, UserId};
use serde_json::{Value, json};
use tenants_api::{ApprovalRequest, Verdict};
use uow::Tx;

use super::looks::UnderWay;
use super::{Service, conflict};
use crate::jobs::{self, Escalate};
use crate::ledger::Posting;
use crate::model::MilestoneEvent;
use crate::model::money::{NoPart, Split};
use crate::model::stored::{StoredContract, StoredMilestone};
use crate::repo;
use crate::repo::milestones::NewReview;
use crate::repo::reader;
use crate::repo::releases::NewRelease;

/// The stated amount in the contract's currency.
pub(super) fn in_contract_currency(amount: RequestedAmount, of: Money) -> Result<Money, FieldFault> {
    match amount {
        RequestedAmount::Money(money) if money.currency() != of.currency() => {
            Err(FieldFault::new("/amount/currency", "CURRENCY_MISMATCH", format!("the contract's currency is {}", of.currency())))
        }
        RequestedAmount::Money(money) => Ok(money),
        RequestedAmount::Decimal(decimal) => Money::from_decimal(decimal, of.currency())
            .map_err(|error| FieldFault::new("/amount", "OUT_OF_RANGE", error.to_string())),
    }
}

/// What an event does to a milestone, or the refusal.
pub(super) fn next_status(
    milestone: &StoredMilestone,
    event: MilestoneEvent,
    hint: &str,
) -> Result<escrow_api::MilestoneStatus, Error> {
    let status = milestone.status;
    event.after(status).ok_or_else(|| conflict("milestone", status, hint))
}

fn no_part(why: NoPart, held: Money) -> FieldFault {
    let (code, detail) = match why {
        NoPart::OutOfRange => ("OUT_OF_RANGE", format!("must be above zero and at most what is held: {held}")),
        NoPart::TooSmall => {
            ("TOO_SMALL", format!("nothing of it would be left after the platform's fee: approve more of the {held} held"))
        }
        NoPart::RestTooSmall => (
            "REST_TOO_SMALL",
            format!("nothing of the rest would be left after the platform's fee: approve all of the {held} held, or less of it"),
        ),
    };
    FieldFault::new("/amount", code, detail)
}

/// The state of a contract of which money came back that nobody has settled yet.
pub(super) const REVERSAL_OPEN: &str = "reversal_open";

/// What came back of a release may be anybody's: nothing moves in its contract until a person settled that.
pub(super) async fn refuse_returned_money_in(tx: &mut Tx, contract: &StoredContract) -> Result<(), Error> {
    if repo::releases::came_back(reader(tx), contract).await? {
        let hint = "a transfer of it was reversed at the payment provider, which the platform must settle first";
        return Err(conflict("contract", REVERSAL_OPEN, hint));
    }
    Ok(())
}

impl Service {
    /// A milestone, locked, with its contract held, for a verb of one side.
    pub(super) async fn locked_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        id: MilestoneId,
        side: Party,
        permission: kernel::Permission,
    ) -> Result<(StoredContract, StoredMilestone), Error> {
        let seen = repo::milestones::row(reader(tx), id).await?;
        let contract = repo::contracts::lock_shared(tx, seen.owner, seen.contract).await?;
        self.check_side(ctx, &contract, side, permission)?;
        Ok((contract, repo::milestones::lock(tx, seen.owner, id).await?))
    }

    /// Refuses while a hold is open on the milestone or on its whole contract. The milestone must be locked.
    pub(super) async fn check_no_hold_in(&self, tx: &mut Tx, milestone: &StoredMilestone) -> Result<(), Error> {
        match repo::holds::covering(reader(tx), milestone).await? {
            Some(hold) => Err(Error::held(&hold)),
            None => Ok(()),
        }
    }

    /// Money moves only under a contract in force whose contract account is not frozen, and where no hold is open.
    pub(super) async fn check_money_may_move_in(
        &self,
        tx: &mut Tx,
        contract: &StoredContract,
        milestone: &StoredMilestone,
    ) -> Result<(), Error> {
        let status = contract.status;
        if status != ContractStatus::Active {
            return Err(conflict("contract", status, "it must be active: signed by both parties and not suspended"));
        }
        self.check_no_hold_in(tx, milestone).await?;
        if !repo::payees::escrow_is_active(tx, contract).await? {
            return Err(conflict("contract account", "frozen", "it must be active"));
        }
        refuse_returned_money_in(tx, contract).await
    }

    /// A contract whose contractor has no account any more is suspended: no work is submitted or approved under it, nothing comes in for it and
    /// nothing goes out, until the new account is active.
    pub(super) async fn check_payee_in(&self, tx: &mut Tx, contract: &StoredContract) -> Result<(), Error> {
        if !repo::payees::is_lacking(reader(tx), contract).await? {
            return Ok(());
        }
        let hint = "the contractor's account at the payment provider is closed: no money comes in or goes out until its new account is \
                    active, which an owner of the contractor's organisation sets up (POST /api/payee-account)";
        Err(conflict("contract", ContractStatus::Suspended, hint))
    }

    /// Nobody of the payee's side approves or releases its pay, wherever else they are a member.
    pub(super) async fn check_not_of_payee_in(
        &self,
        tx: &mut Tx,
        contract: &StoredContract,
        milestone: &StoredMilestone,
        user: UserId,
    ) -> Result<(), Error> {
        let signed = repo::contracts::signers(reader(tx), contract).await?.contains(&(Party::Contractor, user));
        let submitted = milestone.submitted_by == Some(user);
        let ties = repo::parties::ties(reader(tx), contract, user).await?;
        if signed || submitted || ties.member { Err(Error::SamePerson) } else { Ok(()) }
    }

    /// The owner was silent for too long. Harmless if it was not.
    ///
    /// # Errors
    /// A fault.
    pub async fn escalate(&self, job: Escalate) -> Result<(), Error> {
        let ctx = Ctx::system(job.org, RequestId::generate());
        self.uow
            .write(&ctx, async |tx| {
                let milestone = repo::milestones::lock(tx, job.org, job.milestone).await?;
                let now = repo::now(tx).await?;
                let before = milestone.status;
                let Some(after) = MilestoneEvent::Silence.after(before) else { return Ok(()) };
                if milestone.review_due_at.is_none_or(|due| due > now) {
                    return Ok(());
                }
                repo::milestones::set_status(tx, &milestone, after).await?;
                let review = NewReview { kind: ReviewKind::Escalated, note: None, evidence: json!([]), amount: None, by: None };
                repo::milestones::insert_review(tx, &milestone, review).await?;
                let entry = NewEntry::named("milestones.escalate", "milestone", job.milestone)
                    .before(json!({ "status": before }))
                    .after(json!({ "status": after }));
                Ok(self.record_in(tx, &ctx, entry).await?)
            })
            .await
    }

    async fn approve_in(&self, tx: &mut Tx, ctx: &Ctx, cmd: &Approve) -> Result<Approval, Error> {
        let (contract, milestone) = self.locked_in(tx, ctx, cmd.milestone, Party::Owner, perm::MILESTONES_APPROVE).await?;
        if let Some(user) = ctx.user_id() {
            self.check_not_of_payee_in(tx, &contract, &milestone, user).await?;
        }
        self.check_money_may_move_in(tx, &contract, &milestone).await?;
        self.check_payee_in(tx, &contract).await?;
        let before = milestone.status;
        let after = next_status(&milestone, MilestoneEvent::Approve, "only work that is in review can be approved")?;
        let currency = milestone.amount.currency();
        let held = repo::ledger::held_for(reader(tx), &milestone).await?;
        let amount = cmd
            .amount
            .map_or(Ok(held), |amount| in_contract_currency(amount, held))
            .map_err(|fault| Error::Invalid(vec![fault]))?;
        let earlier = repo::releases::earlier(tx, milestone.owner, milestone.id).await?;
        let split = Split::part(earlier, held.minor(), amount.minor(), contract.terms.fee_bps)
            .map_err(|why| Error::Invalid(vec![no_part(why, held)]))?;
        // At stake is the whole milestone, however small the parts in which it is approved: a threshold is not split away.
        let request = ApprovalRequest {
            action: perm::MILESTONES_APPROVE.name(),
            subject: milestone.id.0,
            project: Some(contract.project),
            detail: format!("{} {}", milestone.submissions, amount),
            amount: milestone.amount,
        };
        let (first, second) = match self.tenants.approve_in(tx, ctx, &request).await? {
            Verdict::Complete { first, second } => (first, second),
            Verdict::NotYet(why) => return Err(Error::ApproverNotYet(why)),
            Verdict::Waiting { first } => {
                let entry = NewEntry::named("milestones.approve_first", "milestone", cmd.milestone)
                    .after(json!({ "status": before, "amount": amount }));
                self.record_in(tx, ctx, entry).await?;
                let milestone = repo::milestones::view(reader(tx), cmd.milestone).await?;
                return Ok(Approval { milestone, release: None, waiting_since: Some(first) });
            }
        };
        let payments = repo::payments::of_milestone(reader(tx), &milestone).await?;
        let funded_by = payments
            .iter()
            .find(|payment| payment.status == PaymentStatus::Available)
            .ok_or_else(|| Fault::internal(format!("milestone {} holds money that no payment brought", milestone.id)))?;
        let seq = repo::releases::lock_newest(tx, &milestone).await?.map_or(1, |newest| newest.seq + 1);
        let requested_by = ctx.user_id().map(|_| first);
        let new = NewRelease { payment: funded_by.id, seq, split, requested_by, approved_by: second };
        let release = repo::releases::insert(tx, &milestone, &new).await?;
        let reserve = Posting::release_reserved(release.id.0, milestone.id.0, split.net, split.fee, currency);
        self.post_in(tx, contract.place(), &reserve, None).await?;
        repo::milestones::set_status(tx, &milestone, after).await?;
        let review = NewReview {
            kind: ReviewKind::Approved,
            note: None,
            evidence: json!([]),
            amount: Some(release.gross),
            by: ctx.user_id(),
        };
        repo::milestones::insert_review(tx, &milestone, review).await?;
        let release = release.view();
        let entry = NewEntry::of(perm::MILESTONES_APPROVE, "milestone", cmd.milestone)
            .before(json!({ "status": before, "held": held }))
            .after(
                json!({ "status": after, "release": release.id, "gross": release.gross, "fee": release.fee, "net": release.net }),
            );
        self.record_in(tx, ctx, entry).await?;
        let milestone = repo::milestones::view(reader(tx), cmd.milestone).await?;
        Ok(Approval { milestone, release: Some(release), waiting_since: None })
    }
}

#[async_trait]
impl Milestones for Service {
    async fn get(&self, ctx: &Ctx, id: MilestoneId) -> Result<MilestoneStory, Error> {
        let (story, under_way) = self
            .uow
            .read(ctx, async |tx| {
                let pg = db::PgRead::pg(tx);
                let row = repo::milestones::row(pg, id).await?;
                let contract = repo::contracts::row(pg, row.contract).await?;
                self.check_own_side(ctx, &contract, perm::MILESTONES_READ)?;
                let reviews = repo::milestones::reviews(pg, &row).await?;
                let under_way = UnderWay::of(pg, row.owner, &[row.id]).await?;
                let milestone = repo::milestones::views(pg, vec![row]).await?.pop().ok_or(Error::NotFound("milestone"))?;
                Ok::<_, Error>((MilestoneStory { milestone, reviews }, under_way))
            })
            .await?;
        self.look_when_read(ctx, under_way).await;
        Ok(story)
    }

    async fn submit(&self, ctx: &Ctx, cmd: SubmitWork) -> Result<Milestone, Error> {
        self.uow
            .write(ctx, async |tx| {
                let (contract, milestone) =
                    self.locked_in(tx, ctx, cmd.milestone, Party::Contractor, perm::MILESTONES_SUBMIT_WORK).await?;
                let status = contract.status;
                if status != ContractStatus::Active {
                    return Err(conflict("contract", status, "work is submitted under an active contract"));
                }
                self.check_payee_in(tx, &contract).await?;
                let before = milestone.status;
                let after = next_status(&milestone, MilestoneEvent::SubmitWork, "work can be submitted once it is funded")?;
                let now = repo::now(tx).await?;
                let due = now + TimeDelta::days(self.settings.review_days.into());
                repo::milestones::set_in_review(tx, &milestone, ctx.user_id(), now, due).await?;
                let review = NewReview {
                    kind: ReviewKind::Submitted,
                    note: cmd.note.as_deref(),
                    evidence: Value::Array(cmd.evidence.clone()),
                    amount: None,
                    by: ctx.user_id(),
                };
                repo::milestones::insert_review(tx, &milestone, review).await?;
                let wait = TimeDelta::days(self.settings.review_days.into());
                tx.enqueue(jobs::escalate(milestone.owner, cmd.milestone).at(self.now() + wait)).await?;
                let entry = NewEntry::of(perm::MILESTONES_SUBMIT_WORK, "milestone", cmd.milestone)
                    .before(json!({ "status": before }))
                    .after(json!({ "status": after, "evidence": cmd.evidence.len() }));
                self.record_in(tx, ctx, entry).await?;
                repo::milestones::view(reader(tx), cmd.milestone).await
            })
            .await
    }

    async fn request_changes(&self, ctx: &Ctx, cmd: RequestChanges) -> Result<Milestone, Error> {
        self.uow
            .write(ctx, async |tx| {
                let (_, milestone) =
                    self.locked_in(tx, ctx, cmd.milestone, Party::Owner, perm::MILESTONES_REQUEST_CHANGES).await?;
                let before = milestone.status;
                let after = next_status(&milestone, MilestoneEvent::RequestChanges, "changes can be asked of work in review")?;
                repo::milestones::set_status(tx, &milestone, after).await?;
                let review = NewReview {
                    kind: ReviewKind::ChangesRequested,
                    note: Some(&cmd.reason),
                    evidence: json!([]),
                    amount: None,
                    by: ctx.user_id(),
                };
                repo::milestones::insert_review(tx, &milestone, review).await?;
                let entry = NewEntry::of(perm::MILESTONES_REQUEST_CHANGES, "milestone", cmd.milestone)
                    .before(json!({ "status": before }))
                    .after(json!({ "status": after, "reason": cmd.reason }));
                self.record_in(tx, ctx, entry).await?;
                repo::milestones::view(reader(tx), cmd.milestone).await
            })
            .await
    }

    async fn approve(&self, ctx: &Ctx, cmd: Approve) -> Result<Approval, Error> {
        self.ready_to_post().await?;
        self.uow.write(ctx, async |tx| self.approve_in(tx, ctx, &cmd).await).await
    }
}
