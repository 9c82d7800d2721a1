//! A payment as the provider has it now becomes our state and our ledger.
//!
//! Always the same way, whoever noticed: fetch the payment intent, then apply what was seen as a state under lock. Webhooks and polls only
//! say that it is time to look, so their order, number and contents do not matter.

use audit_api::NewEntry;
use chrono::TimeDelta;
use escrow_api::{CostBearer, Error, IntentStatus, MilestoneStatus, PaymentId, PaymentIntentState, PaymentStatus, SettledFunds};
use kernel::{Ctx, Fault, Money, RequestId, Timestamp};
use serde_json::json;
use uow::Tx;

use super::Service;
use super::alarms::{PAYMENT_IN_SUSPENSE, alarm_in};
use crate::jobs::{self, SyncPayment};
use crate::ledger::Posting;
use crate::model::money::share;
use crate::model::moved::{PaymentChange, StoredPayment};
use crate::model::stored::StoredMilestone;
use crate::model::{MilestoneEvent, Observed, is_live, payment_after};
use crate::repo;
use crate::repo::reader;
use crate::settings::Settings;

/// What the payer is told of an intent that was only authorised.
const NOT_PAID: &str = "it was only authorised (capture_method=manual), which is not a payment: it is cancelled and nothing was charged; \
                        fund the milestone again";

/// Why a paid intent is not the payment that was asked for; empty if it is.
fn mismatches(payment: &StoredPayment, seen: &PaymentIntentState, funds: &SettledFunds, settings: &Settings) -> Vec<String> {
    let mut found = Vec::new();
    let mut expect = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            found.push(format!("{what}: expected {ours}, found {theirs}"));
        }
    };
    let minor = |money: kernel::Money| format!("{} {}", money.minor(), money.currency());
    let asked = minor(payment.charged);
    let named = seen.metadata.iter().find(|(name, _)| name == "payment_id").map_or("", |(_, value)| value.as_str());
    expect("amount received", asked.clone(), minor(seen.amount_received));
    expect("gross", asked, minor(funds.gross));
    expect("currency of the balance", payment.charged.currency().code().to_owned(), funds.settled_in.clone());
    expect("metadata.payment_id", payment.id.to_string(), named.to_owned());
    expect("livemode", settings.livemode.to_string(), seen.livemode.to_string());
    expect("transfer of the charge", "none".to_owned(), funds.destination_transfer.clone().unwrap_or("none".to_owned()));
    found
}

impl Service {
    /// Looks at a payment and applies what is seen. Safe to run at any time, any number of times.
    ///
    /// # Errors
    /// The provider's, if it does not answer: the job is run again.
    pub async fn sync_payment(&self, job: SyncPayment) -> Result<(), Error> {
        let looked = self.look_at_payment(job).await;
        if looked.is_err() {
            // Others have their turn before it is looked at again; what fails here, the queue tries again besides.
            let ctx = Ctx::system(job.org, RequestId::generate());
            let put_off = self.uow.write(&ctx, async |tx| self.put_off_in(tx, job).await).await;
            if let Err(error) = put_off {
                tracing::warn!(%error, payment = %job.payment, "the next look at a payment cannot be put off");
            }
        }
        looked
    }

    /// A look that failed counts as one that found nothing new.
    async fn put_off_in(&self, tx: &mut Tx, job: SyncPayment) -> Result<(), Fault> {
        let Some((looks, planned)) = repo::payments::next_look(tx, job.org, job.payment).await? else { return Ok(()) };
        let (looks, next) = self.again(false, looks, planned);
        repo::payments::look_later(tx, job.org, job.payment, looks, next).await
    }

    async fn look_at_payment(&self, job: SyncPayment) -> Result<(), Error> {
        let ctx = Ctx::system(job.org, RequestId::generate());
        let payment = self.uow.read(&ctx, async |tx| repo::payments::row(db::PgRead::pg(tx), job.payment).await).await?;
        if payment.intent.is_none() && !is_live(payment.status) {
            return Ok(());
        }
        let seen = match self.intent_for(&ctx, &payment).await {
            Ok(seen) => seen,
            // The refusal is recorded: there is nothing to retry.
            Err(Error::ProviderRefused { .. }) if payment.intent.is_none() => return Ok(()),
            Err(error) => return Err(error),
        };
        let seen = self.cancel_if_only_authorised(&ctx, job.payment, seen).await?;
        self.apply_provider_state(&ctx, job.payment, &seen).await
    }

    /// A payer may confirm an intent so that the money is only authorised (`capture_method=manual`). Nobody captures here: it is cancelled,
    /// which gives the payer's money free, and the milestone can be funded anew.
    pub(super) async fn cancel_if_only_authorised(
        &self,
        ctx: &Ctx,
        id: PaymentId,
        seen: PaymentIntentState,
    ) -> Result<PaymentIntentState, Error> {
        if seen.status != IntentStatus::RequiresCapture {
            return Ok(seen);
        }
        // Told before it is done: whoever dies in between leaves the reason.
        let told = PaymentIntentState { last_error: Some(NOT_PAID.to_owned()), ..seen.clone() };
        self.apply_provider_state(ctx, id, &told).await?;
        let mut after = self.cancel_intent(id, &seen.id).await?;
        match after.status {
            IntentStatus::Canceled => after.last_error = told.last_error,
            IntentStatus::RequiresCapture => {
                let detail = format!("intent {} is only authorised and cannot be cancelled: do so at the provider", seen.id);
                let about = ("payment", id.to_string());
                self.uow.write(ctx, async |tx| alarm_in(tx, "payment_not_captured", about, detail).await).await?;
            }
            _ => {}
        }
        Ok(after)
    }

    pub(super) async fn apply_provider_state(&self, ctx: &Ctx, id: PaymentId, seen: &PaymentIntentState) -> Result<(), Error> {
        self.ready_to_post().await?;
        self.uow.write(ctx, async |tx| self.apply_provider_state_in(tx, ctx, id, seen).await).await
    }

    /// Applies what was seen as a state. [`Service::ready_to_post`] went before.
    pub(super) async fn apply_provider_state_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        id: PaymentId,
        seen: &PaymentIntentState,
    ) -> Result<(), Error> {
        let seen_before = repo::payments::row(reader(tx), id).await?;
        let milestone = repo::milestones::lock(tx, seen_before.owner, seen_before.milestone).await?;
        let payment = repo::payments::lock(tx, seen_before.owner, id).await?;
        if payment.intent.as_ref().is_some_and(|known| *known != seen.id) {
            return Err(Fault::internal(format!("payment {id} has another intent than {}", seen.id)).into());
        }
        let before = payment.status;
        // A milestone that was cancelled with its contract wants no money any more.
        let over = milestone.status == MilestoneStatus::Cancelled;
        let other_lives = over
            || repo::payments::of_milestone(reader(tx), &milestone)
                .await?
                .iter()
                .any(|other| other.id != payment.id && is_live(other.status));
        let (look, funds, wrong) = self.judge(&payment, before, seen, other_lives);
        let mut after = payment_after(before, look);
        if other_lives && is_live(after) && !is_live(before) {
            after = before;
        }
        let (looks, due) = self.next_look(&payment, before, seen, after);
        let funded = matches!(after, PaymentStatus::Succeeded | PaymentStatus::Available) && payment.funded_at.is_none();
        let funded_at = if funded { Some(repo::now(tx).await?) } else { None };
        let change = PaymentChange {
            status: after,
            intent: Some(seen.id.clone()),
            charge: funds.map(|funds| funds.charge.clone()),
            balance_transaction: funds.map(|funds| funds.balance_transaction.clone()),
            available_on: funds.map(|funds| funds.available_on),
            funded_at,
            // Why it was cancelled stays told, however often it is looked at afterwards.
            last_error: seen
                .last_error
                .clone()
                .or_else(|| payment.last_error.clone().filter(|_| after == PaymentStatus::Canceled)),
            next_poll_at: due,
            looks,
            looked_at: Some(self.now()),
        };
        repo::payments::save(tx, &payment, &change).await?;
        if let Some(wrong) = wrong {
            let detail = format!(
                "payment {}, intent {}: {wrong}. `build14 suspense-refund --payment {}` gives it back",
                payment.id, seen.id, payment.id
            );
            alarm_in(tx, PAYMENT_IN_SUSPENSE, ("payment", payment.id.to_string()), detail).await?;
        }
        if let Some(funds) = funds {
            self.post_funds_in(tx, &payment, after, funds).await?;
        }
        self.move_milestone_in(tx, &milestone, before, after).await?;
        // What the provider names a time for has a job at that time; the sweep takes up the rest when it is due.
        if seen.status == IntentStatus::Succeeded
            && matches!(after, PaymentStatus::Succeeded | PaymentStatus::Processing | PaymentStatus::Suspense)
            && !funds.is_some_and(|funds| funds.available)
        {
            tx.enqueue(jobs::sync_payment_at(payment.owner, id, due)).await?;
        }
        if payment.charge.is_none() && change.charge.is_some() {
            // Something may have befallen it before we knew it.
            tx.enqueue(jobs::sync_charge(payment.owner, id)).await?;
        }
        if look == Observed::Unrecognised {
            let detail =
                format!("intent {} is in a state that this program does not know: it is left as it was, {before}", seen.id);
            alarm_in(tx, "payment_state_unknown", ("payment", payment.id.to_string()), detail).await?;
        }
        if before != after {
            let entry = NewEntry::named(format!("escrow.payment_{after}"), "escrow", id)
                .before(json!({ "status": before }))
                .after(json!({ "status": after, "intent": seen.id, "charge": change.charge, "error": seen.last_error }));
            self.record_in(tx, ctx, entry).await?;
        }
        Ok(())
    }

    /// What was seen, in the words of the model, the funds if they are to be posted, and why they newly go into suspense, if they do.
    fn judge<'a>(
        &self,
        payment: &StoredPayment,
        before: PaymentStatus,
        seen: &'a PaymentIntentState,
        other_lives: bool,
    ) -> (Observed, Option<&'a SettledFunds>, Option<String>) {
        if let Some(unpaid) = Observed::unpaid(seen.status, seen.last_error.is_some()) {
            return (unpaid, None, None);
        }
        let Some(funds) = &seen.funds else {
            // Paid, but the charge's balance transaction is not there yet.
            return (Observed::Processing, None, None);
        };
        let mut wrong = mismatches(payment, seen, funds, &self.settings);
        if other_lives && !matches!(before, PaymentStatus::Succeeded | PaymentStatus::Available) {
            wrong.push("the milestone has another live payment, or is cancelled".to_owned());
        }
        if wrong.is_empty() || matches!(before, PaymentStatus::Succeeded | PaymentStatus::Available) {
            return (Observed::Paid { available: funds.available }, Some(funds), None);
        }
        (Observed::PaidWrong, Some(funds), (before != PaymentStatus::Suspense).then(|| wrong.join("; ")))
    }

    /// How many looks have found nothing new, and when the next one is due: known money is waited for until it is there, everything else
    /// is looked at soon after it changed and ever less often then.
    fn next_look(
        &self,
        payment: &StoredPayment,
        before: PaymentStatus,
        seen: &PaymentIntentState,
        after: PaymentStatus,
    ) -> (i32, Timestamp) {
        let plus = |by: std::time::Duration| self.now() + TimeDelta::from_std(by).unwrap_or(TimeDelta::hours(1));
        let soonest = plus(self.settings.payment_poll_soonest);
        if let Some(funds) = seen.funds.as_ref().filter(|_| after != PaymentStatus::Available) {
            let latest = plus(self.settings.payment_poll);
            return (payment.looks, funds.available_on.clamp(soonest, latest.max(soonest)));
        }
        if seen.status == IntentStatus::Succeeded {
            return (payment.looks, soonest);
        }
        self.again(before != after || payment.intent.is_none(), payment.looks, payment.next_poll_at)
    }

    /// The payment, as asked for or into suspense, the provider's fee, and the funds once available; each once
    /// per charge and balance transaction.
    async fn post_funds_in(
        &self,
        tx: &mut Tx,
        payment: &StoredPayment,
        after: PaymentStatus,
        funds: &SettledFunds,
    ) -> Result<(), Error> {
        let (gross, fee, currency) = (funds.gross.minor(), funds.fee.minor(), funds.gross.currency());
        let first = match after {
            PaymentStatus::Succeeded | PaymentStatus::Available => {
                let (held, charged) = (payment.amount.minor(), payment.charged.minor());
                Posting::payment_received(&funds.charge, payment.milestone.0, held, charged - held, currency)
            }
            PaymentStatus::Suspense => Posting::payment_in_suspense(&funds.charge, gross, currency),
            _ => return Ok(()),
        };
        let place = payment.place();
        self.post_in(tx, place, &first, None).await?;
        // A fee in another currency cannot be netted against this balance: it is left to reconciliation, with the alarm that was raised.
        let fee = if funds.fee.currency() == currency { fee } else { 0 };
        if fee != 0 {
            let posting = Posting::processing_fee_kept(&funds.balance_transaction, fee, currency);
            let (_, fresh) = self.post_in(tx, place, &posting, None).await?;
            if fresh {
                self.watch_fee_in(tx, payment, fee).await?;
            }
        }
        if funds.available && gross > fee {
            let available = Posting::funds_available(&funds.balance_transaction, gross - fee, currency);
            self.post_in(tx, place, &available, None).await?;
        }
        Ok(())
    }

    /// What the provider took above its estimate is the platform's cost: it stands in the ledger, between what was charged towards the cost and
    /// what it was, and a person is told, since the terms may have to change.
    async fn watch_fee_in(&self, tx: &mut Tx, payment: &StoredPayment, fee: i64) -> Result<(), Error> {
        let terms = repo::contracts::row(reader(tx), payment.contract).await?.terms;
        let charged = payment.charged.minor();
        let expected = match terms.bearer {
            CostBearer::Owner => charged - payment.amount.minor(),
            CostBearer::Platform => share(charged, terms.processing_bps).saturating_add(terms.processing_fixed),
        };
        if fee > expected {
            let money = |minor| Money::from_minor(minor, payment.charged.currency());
            let detail = format!(
                "the provider took {}, {} more than the {} expected: the platform's cost; if that is no exception, set escrow.terms",
                money(fee),
                money(fee - expected),
                money(expected)
            );
            alarm_in(tx, "fee_above_estimate", ("payment", payment.id.to_string()), detail).await?;
        }
        Ok(())
    }

    /// Funded, or planned again once the payment ended; and back into funding if a failed payment lives again.
    async fn move_milestone_in(
        &self,
        tx: &mut Tx,
        milestone: &StoredMilestone,
        before: PaymentStatus,
        after: PaymentStatus,
    ) -> Result<(), Error> {
        let mut status = milestone.status;
        let mut events = Vec::new();
        if is_live(after) && status == MilestoneStatus::Planned {
            events.push(MilestoneEvent::Fund);
        }
        if after == PaymentStatus::Available && before != after {
            events.push(MilestoneEvent::FundsAvailable);
        }
        if is_live(before) && !is_live(after) {
            events.push(MilestoneEvent::PaymentEnded);
        }
        for event in events {
            let Some(next) = event.after(status) else {
                return Err(Fault::internal(format!("milestone {} is {status}: {event:?} cannot be", milestone.id)).into());
            };
            repo::milestones::set_status(tx, milestone, next).await?;
            status = next;
        }
        Ok(())
    }

    /// The provider would not even take the order.
    pub(super) async fn refused(&self, ctx: &Ctx, id: PaymentId, message: &str) -> Result<(), Error> {
        self.uow
            .write(ctx, async |tx| {
                let seen = repo::payments::row(reader(tx), id).await?;
                let milestone = repo::milestones::lock(tx, seen.owner, seen.milestone).await?;
                let payment = repo::payments::lock(tx, seen.owner, id).await?;
                let before = payment.status;
                if payment.intent.is_some() || !is_live(before) {
                    return Ok(());
                }
                let after = PaymentStatus::Failed;
                let change = PaymentChange {
                    status: after,
                    intent: None,
                    charge: None,
                    balance_transaction: None,
                    available_on: None,
                    funded_at: None,
                    last_error: Some(message.to_owned()),
                    next_poll_at: self.now(),
                    looks: 0,
                    looked_at: Some(self.now()),
                };
                repo::payments::save(tx, &payment, &change).await?;
                self.move_milestone_in(tx, &milestone, before, after).await?;
                let entry = NewEntry::named("escrow.payment_failed", "escrow", id)
                    .before(json!({ "status": before }))
                    .after(json!({ "status": after, "error": message }));
                Ok(self.record_in(tx, ctx, entry).await?)
            })
            .await
    }
}
