//! The payment intent of a payment: made, found again, adopted; and what becomes of one that came too late.
//!
//! Until it is paid an intent is harmless, so a key that the provider answered 500, and would answer so for a day, is given up for the next.
//! But never blindly: what the spent key may have made is looked for first, and what turns up later, told by an event, is cancelled. Should
//! it have been paid all the same, its money is booked and waits in suspense.

use chrono::TimeDelta;
use escrow_api::{Error, IntentStatus, NewPaymentIntent, PaymentId, PaymentIntentState, ProviderError};
use kernel::{Ctx, RequestId};

use super::Service;
use super::alarms::alarm_in;
use super::funding::transfer_group;
use crate::jobs::{self, AdoptIntent};
use crate::model::is_live;
use crate::model::moved::StoredPayment;
use crate::repo;

/// How far the provider's clock may lag behind ours when it is asked for what was made since an instant.
pub(super) const CLOCK_SKEW: TimeDelta = TimeDelta::hours(1);

fn intent_of(payment: &StoredPayment, key_no: i32) -> NewPaymentIntent {
    NewPaymentIntent {
        amount: payment.charged,
        transfer_group: transfer_group(payment.milestone),
        metadata: vec![
            ("payment_id".to_owned(), payment.id.to_string()),
            ("milestone_id".to_owned(), payment.milestone.to_string()),
            ("contract_id".to_owned(), payment.contract.to_string()),
        ],
        description: format!("Protected payment {}", payment.id),
        idempotency_key: numbered(&payment.id.to_string(), key_no),
    }
}

/// The key of an attempt: the plain one first.
pub(super) fn numbered(key: &str, key_no: i32) -> String {
    if key_no == 0 { key.to_owned() } else { format!("{key}_{key_no}") }
}

fn names(seen: &PaymentIntentState, payment: &StoredPayment) -> bool {
    seen.metadata.iter().any(|(name, id)| name == "payment_id" && *id == payment.id.to_string())
}

/// How far it went: the farther, the rather it is the one to keep.
const fn rank(status: IntentStatus) -> u8 {
    match status {
        IntentStatus::Succeeded => 0,
        IntentStatus::Processing => 1,
        IntentStatus::RequiresCapture | IntentStatus::RequiresAction | IntentStatus::Unrecognised => 2,
        IntentStatus::Created => 3,
        IntentStatus::Canceled => 4,
    }
}

const fn is_open(status: IntentStatus) -> bool {
    matches!(status, IntentStatus::Created | IntentStatus::RequiresAction | IntentStatus::RequiresCapture)
}

impl Service {
    /// The payment intent of a payment: the one it has, or one made now. A refusal ends the payment. After a failure that the key
    /// would repeat, whatever it made all the same is adopted; else it is made under the next key.
    pub(super) async fn intent_for(&self, ctx: &Ctx, payment: &StoredPayment) -> Result<PaymentIntentState, Error> {
        if let Some(intent) = &payment.intent {
            return Ok(self.provider.payment_intent(intent).await?);
        }
        let mut key_no = payment.key_no;
        let mut again = true;
        loop {
            match self.provider.create_payment_intent(&intent_of(payment, key_no)).await {
                Err(ProviderError::Refused { code, message }) => {
                    self.refused(ctx, payment.id, &message).await?;
                    return Err(Error::ProviderRefused { code, message });
                }
                Err(spent @ ProviderError::KeySpent(_)) => {
                    if let Some(found) = self.made_before(payment).await? {
                        return Ok(found);
                    }
                    let spent_no = key_no;
                    key_no = self.uow.write(ctx, async |tx| repo::payments::next_key(tx, payment, spent_no).await).await?;
                    tracing::warn!(payment = %payment.id, key_no, error = %spent, "the next key is used");
                    if !std::mem::take(&mut again) {
                        return Err(spent.into());
                    }
                }
                answer => return Ok(answer?),
            }
        }
    }

    /// What a spent key made after all. Only one can be paid: were there more, the others are cancelled.
    async fn made_before(&self, payment: &StoredPayment) -> Result<Option<PaymentIntentState>, Error> {
        let since = payment.created_at - CLOCK_SKEW;
        let mut found = self.provider.payment_intents_of(&payment.id.to_string(), since).await?;
        let asked = payment.charged;
        found.retain(|seen| seen.status != IntentStatus::Canceled);
        found.sort_by_key(|seen| (seen.amount != asked, rank(seen.status)));
        let mut found = found.into_iter();
        let kept = found.next();
        for other in found.filter(|other| is_open(other.status)) {
            self.cancel_intent(payment.id, &other.id).await?;
        }
        // Nobody is asked to pay another amount.
        match kept {
            Some(kept) if kept.amount != asked && is_open(kept.status) => {
                self.cancel_intent(payment.id, &kept.id).await?;
                Ok(None)
            }
            kept => Ok(kept),
        }
    }

    /// Cancels an intent, if nobody paid it: as it is then.
    pub(super) async fn cancel_intent(&self, payment: PaymentId, intent: &str) -> Result<PaymentIntentState, Error> {
        // A key of its own each time: cancelling twice is harmless, but a key's first answer, a refusal too, is repeated for a day.
        let key = format!("cancel_{payment}_{}", uuid::Uuid::now_v7());
        match self.provider.cancel_payment_intent(intent, &key).await {
            // It may have been paid in this very moment, or be cancelled already.
            Err(ProviderError::Refused { .. }) => Ok(self.provider.payment_intent(intent).await?),
            other => Ok(other?),
        }
    }

    /// Looks at an intent that names a payment without being known as its own: adopts it, or sees to it that nobody pays it as well.
    ///
    /// # Errors
    /// The provider's, if it does not answer: the job is run again.
    pub async fn adopt_intent(&self, job: AdoptIntent) -> Result<(), Error> {
        let ctx = Ctx::system(job.org, RequestId::generate());
        let payment = self.uow.read(&ctx, async |tx| repo::payments::row(db::PgRead::pg(tx), job.payment).await).await?;
        let seen = match self.provider.payment_intent(&job.intent).await {
            Err(ProviderError::Refused { message, .. }) => {
                tracing::warn!(intent = job.intent, message, "an event names an intent that is not there");
                return Ok(());
            }
            seen => seen?,
        };
        if payment.intent.as_ref() == Some(&seen.id) {
            return self.apply_provider_state(&ctx, job.payment, &seen).await;
        }
        if !names(&seen, &payment) {
            tracing::warn!(intent = seen.id, payment = %payment.id, "an intent does not name the payment that an event said");
            return Ok(());
        }
        let adoptable = payment.intent.is_none()
            && seen.status != IntentStatus::RequiresCapture
            && is_live(payment.status)
            && seen.amount.minor() == payment.charged.minor();
        let seen = if is_open(seen.status) && !adoptable { self.cancel_intent(payment.id, &seen.id).await? } else { seen };
        if payment.intent.is_none() {
            // Should another attempt have given it one meanwhile, this fails, and the job that runs again sees that.
            return self.apply_provider_state(&ctx, job.payment, &seen).await;
        }
        self.stray(&ctx, &payment, &seen).await
    }

    /// An intent beside the payment's own.
    async fn stray(&self, ctx: &Ctx, payment: &StoredPayment, seen: &PaymentIntentState) -> Result<(), Error> {
        match (seen.status, &seen.funds) {
            (IntentStatus::Canceled, _) => Ok(()),
            (IntentStatus::Succeeded, Some(_)) => {
                self.ready_to_post().await?;
                self.uow
                    .write(ctx, async |tx| {
                        let milestone = repo::milestones::lock(tx, payment.owner, payment.milestone).await?;
                        // It cannot be the payment of the milestone: its metadata name another one, so its money goes into suspense.
                        let id = repo::payments::insert_stray(tx, payment, milestone.contractor, &seen.id).await?;
                        let detail = format!(
                            "it has {:?}, but {} was paid as well: `build14 suspense-refund --payment {id}` gives that back",
                            payment.intent, seen.id
                        );
                        alarm_in(tx, "payment_twice", ("payment", payment.id.to_string()), detail).await?;
                        self.apply_provider_state_in(tx, ctx, id, seen).await
                    })
                    .await
            }
            // It can be paid, is being paid, or is paid and not booked yet.
            _ => {
                let at = self.soon(i32::MAX);
                let job = jobs::adopt_intent(payment.owner, payment.id, seen.id.clone()).at(at);
                self.uow.write(ctx, async |tx| Ok(tx.enqueue(job.clone()).await?)).await
            }
        }
    }
}
