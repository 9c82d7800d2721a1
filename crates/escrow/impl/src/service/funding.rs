//! Funding: intent row → provider → result row. Whatever breaks in between, asking again takes up the same payment.

use async_trait::async_trait;
use audit_api::NewEntry;
use chrono::TimeDelta;
use escrow_api::{
    Error, Fund, Funding, IntentStatus, MilestoneId, MilestoneStatus, Party, Payment, PaymentId, PaymentStatus, Payments,
    Releasing, perm,
};
use kernel::{Ctx, Fault, FieldFault, Money, Page, PageRequest, ProjectId};
use serde_json::json;
use uow::Tx;

use super::looks::UnderWay;
use super::milestones::{in_contract_currency, next_status, refuse_returned_money_in};
use super::{Service, conflict, without_idempotency_key};
use crate::model::money::Split;
use crate::model::moved::{NewPayment, StoredPayment};
use crate::model::stored::{StoredContract, StoredMilestone};
use crate::model::{MilestoneEvent, is_live};
use crate::repo;
use crate::repo::reader;

/// All transfers and charges of a milestone, at the provider.
pub(super) fn transfer_group(milestone: MilestoneId) -> String {
    format!("ms_{milestone}")
}

fn mismatches(cmd: &Fund, project: ProjectId, milestone: &StoredMilestone) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    if cmd.project.is_some_and(|stated| stated != project) {
        faults.push(FieldFault::new("/projectId", "MISMATCH", "the milestone belongs to another project"));
    }
    let amount = milestone.amount;
    match cmd.amount.map(|given| in_contract_currency(given, amount)) {
        Some(Ok(given)) if given != amount => {
            faults.push(FieldFault::new("/amount", "MISMATCH", format!("the milestone's amount is {amount}")));
        }
        Some(Err(fault)) => faults.push(fault),
        _ => {}
    }
    faults
}

impl Service {
    /// Settles what earlier attempts left: looks at open ones, and cancels failed ones for good, so that nobody can pay them as well.
    async fn settle_earlier(&self, ctx: &Ctx, cmd: &Fund) -> Result<(), Error> {
        let system = Ctx::system(ctx.org, ctx.request.clone());
        let earlier = self
            .uow
            .read(ctx, async |tx| {
                let pg = db::PgRead::pg(tx);
                let milestone = repo::milestones::row(pg, cmd.milestone).await?;
                let contract = repo::contracts::row(pg, milestone.contract).await?;
                self.check_side(ctx, &contract, Party::Owner, perm::MILESTONES_FUND)?;
                Ok::<_, Error>(repo::payments::of_milestone(pg, &milestone).await?)
            })
            .await?;
        for payment in earlier {
            let Some(intent) = &payment.intent else { continue };
            let declined = match payment.status {
                PaymentStatus::Created | PaymentStatus::RequiresAction | PaymentStatus::Processing => {
                    let seen = self.provider.payment_intent(intent).await?;
                    let seen = self.cancel_if_only_authorised(&system, payment.id, seen).await?;
                    self.apply_provider_state(&system, payment.id, &seen).await?;
                    if seen.status == IntentStatus::RequiresCapture {
                        let hint = "its payer only authorised it, and it cannot be cancelled now: try again later";
                        return Err(conflict("escrow", "requires_capture", hint));
                    }
                    seen.status == IntentStatus::Created && seen.last_error.is_some()
                }
                status => status == PaymentStatus::Failed,
            };
            if declined {
                let seen = self.cancel_intent(payment.id, intent).await?;
                self.apply_provider_state(&system, payment.id, &seen).await?;
            }
        }
        Ok(())
    }

    /// The intent row: the milestone is in funding.
    async fn intend_in(&self, tx: &mut Tx, ctx: &Ctx, cmd: &Fund) -> Result<StoredPayment, Error> {
        let (contract, milestone) = self.locked_in(tx, ctx, cmd.milestone, Party::Owner, perm::MILESTONES_FUND).await?;
        let faults = mismatches(cmd, contract.project, &milestone);
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let payments = repo::payments::of_milestone(reader(tx), &milestone).await?;
        for payment in payments {
            match payment.status {
                PaymentStatus::Created | PaymentStatus::RequiresAction => {
                    self.check_no_hold_in(tx, &milestone).await?;
                    self.money_may_come_in(tx, &contract).await?;
                    return Ok(payment);
                }
                status if is_live(status) => {
                    return Err(conflict("milestone", milestone.status, format!("its payment is {status}")));
                }
                // Who declined it once may still be able to pay it: two payable intents are one too many.
                PaymentStatus::Failed if payment.intent.is_some() => {
                    let hint = "an earlier payment of it failed and is not cancelled yet: try again later";
                    return Err(conflict("milestone", milestone.status, hint));
                }
                _ => {}
            }
        }
        self.check_money_may_move_in(tx, &contract, &milestone).await?;
        let after = next_status(&milestone, MilestoneEvent::Fund, "only a planned milestone can be funded")?;
        let now = repo::now(tx).await?;
        let window = self.settings.funding_window_days;
        if milestone.due_on.is_some_and(|due| due > now.date_naive() + TimeDelta::days(window.into())) {
            let hint = format!("it falls due more than {window} days ahead: money cannot be held that long");
            return Err(conflict("milestone", MilestoneStatus::Planned, hint));
        }
        self.money_may_come_in(tx, &contract).await?;
        let (terms, amount) = (contract.terms, milestone.amount);
        let money = |minor| Money::from_minor(minor, amount.currency());
        let split = Split::of(amount.minor(), terms.fee_bps)
            .ok_or_else(|| conflict("milestone", MilestoneStatus::Planned, "nothing would be left after the platform's fee"))?;
        let charged = terms.charge_of(amount.minor()).map(money).ok_or_else(|| Fault::internal("the charge does not fit"))?;
        let poll_at = self.now() + TimeDelta::from_std(self.settings.stuck_after).map_err(Fault::internal)?;
        let new = NewPayment { id: PaymentId::new(), fee: money(split.fee), charged, by: ctx.user_id(), poll_at };
        let payment = repo::payments::insert(tx, &milestone, &new).await?;
        repo::milestones::set_status(tx, &milestone, after).await?;
        let entry = NewEntry::of(perm::MILESTONES_FUND, "milestone", cmd.milestone)
            .before(json!({ "status": MilestoneStatus::Planned }))
            .after(json!({ "status": after, "escrow": payment.id, "amount": amount, "charged": charged }));
        self.record_in(tx, ctx, entry).await?;
        Ok(payment)
    }

    /// Nobody is given a way to pay while old money of the contract is still held (docs/domain/money.md), or while what the platform holds does not
    /// cover what it owes.
    async fn money_may_come_in(&self, tx: &mut Tx, contract: &StoredContract) -> Result<(), Error> {
        refuse_returned_money_in(tx, contract).await?;
        self.check_payee_in(tx, contract).await?;
        repo::held::refuse_old(reader(tx), contract).await?;
        if repo::coverage::is_short(tx, contract.currency()).await? {
            return Err(Error::CoverageShort(contract.currency()));
        }
        Ok(())
    }
}

#[async_trait]
impl Payments for Service {
    async fn fund(&self, ctx: &Ctx, cmd: Fund) -> Result<Funding, Error> {
        self.uow.refuse_repetition(ctx).await?;
        self.settle_earlier(ctx, &cmd).await?;
        let free = without_idempotency_key(ctx);
        let payment = self.uow.write(&free, async |tx| self.intend_in(tx, &free, &cmd).await).await?;
        let seen = self.intent_for(&free, &payment).await?;
        self.ready_to_post().await?;
        self.uow
            .write(ctx, async |tx| {
                repo::payments::expect_soon(tx, &payment, self.soon(0)).await?;
                self.apply_provider_state_in(tx, ctx, payment.id, &seen).await?;
                let payment = repo::payments::view(reader(tx), payment.id).await?;
                Ok(Funding { payment, intent: seen.id.clone(), client_secret: seen.client_secret.clone() })
            })
            .await
    }

    async fn list(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<Payment>, Error> {
        let visible = self.visible(ctx, perm::ESCROW_READ)?;
        let (payments, under_way) = self
            .uow
            .read(ctx, async |tx| {
                let pg = db::PgRead::pg(tx);
                let found = repo::payments::page(pg, &visible, page).await?;
                let under_way = UnderWay::of_many(pg, found.items.iter().map(|row| (row.owner, row.milestone)).collect()).await?;
                let payments = Page { items: repo::payments::views(pg, found.items).await?, next: found.next };
                Ok::<_, Error>((payments, under_way))
            })
            .await?;
        self.look_when_read(ctx, under_way).await;
        Ok(payments)
    }

    async fn get(&self, ctx: &Ctx, id: PaymentId) -> Result<Payment, Error> {
        let (payment, under_way) = self
            .uow
            .read(ctx, async |tx| {
                let pg = db::PgRead::pg(tx);
                let row = repo::payments::row(pg, id).await?;
                let contract = repo::contracts::row(pg, row.contract).await?;
                self.check_own_side(ctx, &contract, perm::ESCROW_READ)?;
                let under_way = UnderWay::of(pg, row.owner, &[row.milestone]).await?;
                let payment = repo::payments::views(pg, vec![row]).await?.pop().ok_or(Error::NotFound("escrow"))?;
                Ok::<_, Error>((payment, under_way))
            })
            .await?;
        self.look_when_read(ctx, under_way).await;
        Ok(payment)
    }

    async fn release(&self, ctx: &Ctx, id: PaymentId) -> Result<Releasing, Error> {
        self.ready_to_post().await?;
        self.uow.write(ctx, async |tx| self.send_in(tx, ctx, id).await).await
    }
}
