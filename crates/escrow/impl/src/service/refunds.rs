//! What came otherwise than asked is given back to its payer: by a person's command, or by somebody at the provider.
//!
//! Whoever did it, it goes the same way: the charge's refunds are fetched and applied under lock, each once as it is booked, and taken back should
//! it fail. The command looks before it asks, asks under a key that a repetition has, too, and the provider gives no charge back twice.

use escrow_api::{Error, PaymentId, PaymentStatus, ProviderError, RefundOrder, RefundState};
use kernel::{Ctx, Decision, Fault, Money, Reason, RequestId};
use serde_json::json;
use uow::Tx;

use super::Service;
use super::alarms::{CHARGE_REFUNDED, PAYMENT_IN_SUSPENSE, alarm_in};
use super::intents::numbered;
use crate::ledger::Posting;
use crate::model::moved::StoredPayment;
use crate::repo;
use crate::repo::reader;

/// What was given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenBack {
    /// The refunds by which it was.
    pub refunds: Vec<String>,
    /// What of the payment waits still.
    pub waiting: Money,
}

/// Why nothing is given back.
#[derive(Debug, thiserror::Error)]
pub enum NotGivenBack {
    /// It funds a milestone, or brought nothing.
    #[error("payment {0} is {1}: only what waits in suspense is given back like this. Nothing was changed")]
    NotInSuspense(PaymentId, PaymentStatus),
    /// It was given back before.
    #[error("nothing of payment {0} waits any more: nothing was changed")]
    Nothing(PaymentId),
    /// The provider took the order, and its balance does not show it.
    #[error("refund {refund} is {status} at the provider and not booked yet: it is posted as soon as it is")]
    NotBooked {
        /// The refund.
        refund: String,
        /// The provider's word.
        status: String,
    },
    /// As any verb.
    #[error(transparent)]
    Other(#[from] Error),
}

impl From<Fault> for NotGivenBack {
    fn from(fault: Fault) -> Self {
        Self::Other(fault.into())
    }
}

/// What applying refunds came to.
struct Applied {
    /// Those that were posted now.
    posted: Vec<String>,
    /// What waits after that.
    waiting: i64,
}

impl Service {
    /// Gives back to its payer what waits of a payment that came otherwise than asked, and posts it: an operator's verb, no tenant's.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`NotGivenBack`]: if nothing waits, or the provider does not give it back.
    pub async fn refund_suspense(&self, id: PaymentId, by: &Decision) -> Result<GivenBack, NotGivenBack> {
        let org = self.system.read(async |tx| repo::payments::owner(tx, id).await).await?.ok_or(Error::NotFound("payment"))?;
        let ctx = Ctx::system(org, RequestId::generate());
        let payment = self.uow.read(&ctx, async |tx| repo::payments::row(db::PgRead::pg(tx), id).await).await?;
        let status = payment.status;
        let Some(charge) = payment.charge.as_ref().filter(|_| status == PaymentStatus::Suspense) else {
            return Err(NotGivenBack::NotInSuspense(id, status));
        };
        let suspended =
            self.uow.read(&ctx, async |tx| repo::ledger::suspended(db::PgRead::pg(tx), payment.place(), charge).await).await?;
        let suspended = suspended.ok_or_else(|| Fault::internal(format!("payment {id} is in suspense and not posted")))?;
        let mut refunds = self.provider.refunds_of_charge(charge).await.map_err(Error::from)?;
        let gone: i64 = refunds.iter().filter(|refund| !refund.failed()).map(|refund| refund.amount.minor()).sum();
        let (left, currency) = (suspended.gross.minor() - gone, suspended.gross.currency());
        if left <= 0 && suspended.waiting.minor() == 0 {
            return Err(NotGivenBack::Nothing(id));
        }
        if left > 0 {
            refunds = self.given_back(&ctx, &payment, charge, refunds, Money::from_minor(left, currency)).await?;
        }
        self.ready_to_post().await?;
        let Applied { mut posted, waiting } =
            self.uow.write(&ctx, async |tx| self.refunds_in(tx, &ctx, &payment, &refunds, Some(by)).await).await?;
        if waiting > 0
            && let Some(refund) = refunds.iter().find(|refund| !refund.booked && !refund.failed())
        {
            return Err(NotGivenBack::NotBooked { refund: refund.id.clone(), status: refund.status.clone() });
        }
        if posted.is_empty() {
            // An event about it was faster.
            posted.extend(refunds.last().map(|refund| refund.id.clone()));
        }
        if waiting == 0 {
            let note = by.reason.as_ref().map_or("given back", Reason::as_str);
            self.system
                .write(async |tx| {
                    tx.settle_alarms(PAYMENT_IN_SUSPENSE, &[id.to_string()], &by.operator, note).await?;
                    tx.settle_alarms(CHARGE_REFUNDED, std::slice::from_ref(charge), &by.operator, note).await
                })
                .await?;
        }
        Ok(GivenBack { refunds: posted, waiting: Money::from_minor(waiting, currency) })
    }

    /// Has the provider give back what is left, and says which refunds there are then. A key that it answered with a 500 repeats that for a day: what
    /// the spent one made all the same is looked for, and only then the next one is used. After a refusal the next command uses it. More than the charge brought no key gives back.
    async fn given_back(
        &self,
        ctx: &Ctx,
        payment: &StoredPayment,
        charge: &str,
        mut refunds: Vec<RefundState>,
        left: Money,
    ) -> Result<Vec<RefundState>, Error> {
        let mut key_no = payment.key_no;
        let mut again = true;
        loop {
            let order = RefundOrder {
                charge: charge.to_owned(),
                amount: left,
                metadata: vec![("payment_id".to_owned(), payment.id.to_string())],
                idempotency_key: numbered(&format!("refund_{}_{}", payment.id, refunds.len()), key_no),
            };
            match self.provider.create_refund(&order).await {
                Err(spent @ ProviderError::KeySpent(_)) => {
                    let found = self.provider.refunds_of_charge(charge).await?;
                    if found.len() > refunds.len() {
                        return Ok(found);
                    }
                    let spent_no = key_no;
                    key_no = self.uow.write(ctx, async |tx| repo::payments::next_key(tx, payment, spent_no).await).await?;
                    tracing::warn!(payment = %payment.id, key_no, error = %spent, "the next key is used");
                    if !std::mem::take(&mut again) {
                        return Err(spent.into());
                    }
                }
                Err(refused @ ProviderError::Refused { .. }) => {
                    // Nothing was made, and the key repeats that for a day: what was in the way may be gone by the next command.
                    self.uow.write(ctx, async |tx| repo::payments::next_key(tx, payment, key_no).await).await?;
                    return Err(refused.into());
                }
                answer => {
                    refunds.push(answer?);
                    return Ok(refunds);
                }
            }
        }
    }

    /// Applies what somebody gave back of a payment in suspense, by whatever way.
    pub(super) async fn sync_refunds(&self, payment: &StoredPayment) -> Result<(), Error> {
        let in_suspense = payment.status == PaymentStatus::Suspense;
        let Some(charge) = payment.charge.as_ref().filter(|_| in_suspense) else { return Ok(()) };
        let refunds = self.provider.refunds_of_charge(charge).await?;
        if refunds.is_empty() {
            return Ok(());
        }
        self.ready_to_post().await?;
        let ctx = Ctx::system(payment.owner, RequestId::generate());
        let applied = self.uow.write(&ctx, async |tx| self.refunds_in(tx, &ctx, payment, &refunds, None).await).await?;
        if applied.waiting == 0 {
            let about = [payment.id.to_string()];
            self.system.write(async |tx| tx.end_alarms(PAYMENT_IN_SUSPENSE, &about).await).await?;
        }
        Ok(())
    }

    async fn refunds_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        seen: &StoredPayment,
        refunds: &[RefundState],
        by: Option<&Decision>,
    ) -> Result<Applied, Error> {
        repo::milestones::lock(tx, seen.owner, seen.milestone).await?;
        let payment = repo::payments::lock(tx, seen.owner, seen.id).await?;
        let charge = payment.charge.as_deref().unwrap_or_default();
        let Some(before) = repo::ledger::suspended(reader(tx), payment.place(), charge).await? else {
            return Err(Fault::internal(format!("payment {} is in suspense and not posted", payment.id)).into());
        };
        let currency = before.waiting.currency();
        let mut applied = Applied { posted: Vec::new(), waiting: before.waiting.minor() };
        for refund in refunds.iter().filter(|refund| refund.booked) {
            let (id, amount) = (&refund.id, refund.amount.minor());
            if refund.amount.currency() != currency {
                let detail = format!("refund {id} is over {}, and charge {charge} brought {currency}", refund.amount);
                return Err(Fault::internal(detail).into());
            }
            // Told for the first time, it was not posted.
            if refund.failed() && !repo::ledger::stands(reader(tx), payment.owner, id, "refund").await? {
                continue;
            }
            let posting = if refund.failed() {
                Posting::suspense_refund_failed(id, amount, currency)
            } else {
                Posting::suspense_refunded(id, amount, currency)
            };
            let (_, fresh) = self.post_in(tx, payment.place(), &posting, Some(before.transaction)).await?;
            if !fresh {
                continue;
            }
            applied.waiting += if refund.failed() { amount } else { -amount };
            applied.posted.push(id.clone());
            if refund.failed() {
                let detail = format!(
                    "refund {id} over {} did not reach the payer ({}): it waits again; `build14 suspense-refund --payment {}`",
                    refund.amount, refund.status, payment.id
                );
                alarm_in(tx, PAYMENT_IN_SUSPENSE, ("payment", payment.id.to_string()), detail).await?;
            }
        }
        // Posted by an event while a person's command was under way, it is told with that person's name all the same.
        if applied.posted.is_empty() && (by.is_none() || applied.waiting > 0) {
            return Ok(applied);
        }
        let ids: Vec<&String> = refunds.iter().map(|refund| &refund.id).collect();
        let (was, is) = (
            json!({ "waiting": before.waiting }),
            json!({
                "waiting": Money::from_minor(applied.waiting, currency),
                "refunds": ids,
                "operator": by.map(|by| by.operator.as_str()),
                "reason": by.and_then(|by| by.reason.as_ref()).map(Reason::as_str),
            }),
        );
        self.tell_both_in(tx, ctx, payment.place(), ("escrow", payment.id.0), "escrow.suspense_refunded", (was, is)).await?;
        Ok(applied)
    }
}
