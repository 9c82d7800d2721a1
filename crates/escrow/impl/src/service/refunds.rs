//! What came otherwise than asked is given back to its payer: by a person's command, or by somebody at the provider.
//!
//! Whoever did it, it goes the same way: the charge's refunds are fetched and applied under lock, each once as it is booked, and taken back should
//! it fail. The command looks before it asks, asks under a key that a repetition has, too, and the provider gives no charge back twice. Who asks is
//! kept before that (`refund_orders`), so that whoever posts the refund can tell the name; and one asks at a time.

use escrow_api::{Error, PaymentId, PaymentStatus, ProviderError, RefundOrder, RefundState};
use kernel::{Ctx, Decision, Fault, Money, Reason, RequestId, Timestamp, rfc3339};
use serde_json::json;
use uow::Tx;
use uuid::Uuid;

use super::Service;
use super::alarms::{CHARGE_REFUNDED, PAYMENT_IN_SUSPENSE, StaysOpen, alarm_in};
use super::intents::numbered;
use crate::ledger::Posting;
use crate::model::moved::{Asker, StoredPayment, Suspended};
use crate::repo;
use crate::repo::reader;

/// What was given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenBack {
    /// The refunds by which it was, or the bookings by which the payer's bank took it.
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
    /// Somebody is giving it back at this moment.
    #[error(
        "payment {payment} is being given back, for which {operator} asked at {}: nothing was asked for twice. Look again when that command has ended",
        when(.since)
    )]
    UnderWay {
        /// The payment.
        payment: PaymentId,
        /// Who.
        operator: String,
        /// Since when.
        since: Timestamp,
    },
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

fn when(since: &Timestamp) -> String {
    rfc3339(*since)
}

/// What of a charge is to be given back still: neither refunded, whether it is posted or not, nor taken by the payer's bank.
fn left_of(suspended: &Suspended, refunds: &[RefundState]) -> Money {
    let gone: i64 = refunds.iter().filter(|refund| !refund.failed()).map(|refund| refund.amount.minor()).sum();
    Money::from_minor(suspended.gross.minor() - suspended.withdrawn.minor() - gone, suspended.gross.currency())
}

/// What applying refunds came to.
struct Applied {
    /// Those that were posted now.
    posted: Vec<String>,
    /// What waits after that.
    waiting: Money,
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
        let Some(order) = self.system.write(async |tx| repo::refund_orders::begin(tx, &payment, by).await).await? else {
            return Err(self.under_way(&payment).await?);
        };
        let given = self.give_back(&ctx, &payment, charge, order, by).await;
        if let Err(fault) = self.system.write(async |tx| repo::refund_orders::end(tx, &payment, order).await).await {
            tracing::warn!(%fault, payment = %id, "that a refund is asked for stands for some minutes");
        }
        given
    }

    /// Who is giving it back at this moment.
    async fn under_way(&self, payment: &StoredPayment) -> Result<NotGivenBack, Fault> {
        let now = self.system.read(async |tx| repo::refund_orders::under_way(tx, payment).await).await?;
        Ok(now.map_or(NotGivenBack::Nothing(payment.id), |Asker { operator, since, .. }| NotGivenBack::UnderWay {
            payment: payment.id,
            operator,
            since,
        }))
    }

    /// What the books say of a payment in suspense, and the provider of its refunds.
    async fn look_at_refunds(
        &self,
        ctx: &Ctx,
        payment: &StoredPayment,
        charge: &str,
    ) -> Result<(Suspended, Vec<RefundState>), Error> {
        let suspended =
            self.uow.read(ctx, async |tx| repo::ledger::suspended(db::PgRead::pg(tx), payment.place(), charge).await).await?;
        let suspended =
            suspended.ok_or_else(|| Fault::internal(format!("payment {} is in suspense and not posted", payment.id)))?;
        Ok((suspended, self.provider.refunds_of_charge(charge).await?))
    }

    /// Posts what went already, asks for what is left, while nobody else does, and posts that.
    async fn give_back(
        &self,
        ctx: &Ctx,
        payment: &StoredPayment,
        charge: &str,
        order: Uuid,
        by: &Decision,
    ) -> Result<GivenBack, NotGivenBack> {
        let mut posted = self.sync_refunds(payment, Some(by)).await?;
        posted.extend(self.sync_withdrawals(payment).await?);
        let (suspended, mut refunds) = self.look_at_refunds(ctx, payment, charge).await?;
        let left = left_of(&suspended, &refunds);
        let mut waiting = suspended.waiting;
        if left.minor() > 0 {
            self.system.write(async |tx| repo::refund_orders::asks(tx, payment, order).await).await?;
            refunds = self.given_back(ctx, payment, charge, refunds, left).await?;
            let applied = self.post_refunds(payment, &refunds, Some(by)).await?;
            waiting = applied.waiting;
            // Else an event about it was faster.
            posted = if applied.posted.is_empty() {
                refunds.last().map(|refund| refund.id.clone()).into_iter().collect()
            } else {
                applied.posted
            };
        }
        if waiting.minor() > 0
            && let Some(refund) = refunds.iter().find(|refund| !refund.booked && !refund.failed())
        {
            return Err(NotGivenBack::NotBooked { refund: refund.id.clone(), status: refund.status.clone() });
        }
        if posted.is_empty() {
            return Err(NotGivenBack::Nothing(payment.id));
        }
        if waiting.minor() == 0 {
            self.system
                .write(async |tx| {
                    end_suspended_in(tx, payment, charge, Some(by)).await?;
                    let note = by.reason.as_ref().map_or("given back", Reason::as_str);
                    tx.settle_alarms(CHARGE_REFUNDED, &[charge.to_owned()], &by.operator, note).await
                })
                .await?;
        }
        Ok(GivenBack { refunds: posted, waiting })
    }

    /// Posts those of these refunds that are not.
    async fn post_refunds(
        &self,
        payment: &StoredPayment,
        refunds: &[RefundState],
        by: Option<&Decision>,
    ) -> Result<Applied, Error> {
        self.ready_to_post().await?;
        let ctx = Ctx::system(payment.owner, RequestId::generate());
        let asker = self.system.read(async |tx| repo::refund_orders::last(tx, payment).await).await?;
        self.uow.write(&ctx, async |tx| self.refunds_in(tx, &ctx, payment, refunds, asker.as_ref(), by).await).await
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

    /// Applies what somebody gave back of a payment in suspense, by whatever way. Says which refunds were posted now.
    pub(super) async fn sync_refunds(&self, payment: &StoredPayment, by: Option<&Decision>) -> Result<Vec<String>, Error> {
        let in_suspense = payment.status == PaymentStatus::Suspense;
        let Some(charge) = payment.charge.as_ref().filter(|_| in_suspense) else { return Ok(Vec::new()) };
        let refunds = self.provider.refunds_of_charge(charge).await?;
        if refunds.is_empty() {
            return Ok(Vec::new());
        }
        let applied = self.post_refunds(payment, &refunds, by).await?;
        if applied.waiting.minor() == 0 {
            self.system.write(async |tx| end_suspended_in(tx, payment, charge, by).await).await?;
        }
        Ok(applied.posted)
    }

    /// Posts the refunds that are not. Told with the name of whoever asked for what our own command made, else of whoever posts it, if it is a person.
    async fn refunds_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        seen: &StoredPayment,
        refunds: &[RefundState],
        asker: Option<&Asker>,
        by: Option<&Decision>,
    ) -> Result<Applied, Error> {
        repo::milestones::lock(tx, seen.owner, seen.milestone).await?;
        let payment = repo::payments::lock(tx, seen.owner, seen.id).await?;
        let charge = payment.charge.as_deref().unwrap_or_default();
        let Some(before) = repo::ledger::suspended(reader(tx), payment.place(), charge).await? else {
            return Err(Fault::internal(format!("payment {} is in suspense and not posted", payment.id)).into());
        };
        let currency = before.waiting.currency();
        let mut applied = Applied { posted: Vec::new(), waiting: before.waiting };
        let named =
            |refund: &RefundState| refund.metadata.iter().any(|(name, id)| name == "payment_id" && *id == payment.id.to_string());
        let mut asked_for = false;
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
            let waiting = applied.waiting.minor() + if refund.failed() { amount } else { -amount };
            applied.waiting = Money::from_minor(waiting, currency);
            applied.posted.push(id.clone());
            asked_for |= !refund.failed() && named(refund);
            if refund.failed() {
                let detail = format!(
                    "refund {id} over {} did not reach the payer ({}): it waits again; `build14 suspense-refund --payment {}`",
                    refund.amount, refund.status, payment.id
                );
                alarm_in(tx, PAYMENT_IN_SUSPENSE, ("payment", payment.id.to_string()), detail).await?;
            }
        }
        if applied.posted.is_empty() {
            return Ok(applied);
        }
        let ids: Vec<&String> = refunds.iter().map(|refund| &refund.id).collect();
        let who = asker.filter(|_| asked_for).map(|asker| (asker.operator.as_str(), asker.reason.as_deref()));
        let who = who.or_else(|| by.map(|by| (by.operator.as_str(), by.reason.as_ref().map(Reason::as_str))));
        let (was, is) = (
            json!({ "waiting": before.waiting }),
            json!({
                "waiting": applied.waiting,
                "refunds": ids,
                "operator": who.map(|(operator, _)| operator),
                "reason": who.and_then(|(_, reason)| reason),
            }),
        );
        self.tell_both_in(tx, ctx, payment.place(), ("escrow", payment.id.0), "escrow.suspense_refunded", (was, is)).await?;
        Ok(applied)
    }
}

/// Settles the alarm of a payment of which nothing waits any more, unless something does again: what came back since raised the same alarm again.
/// Settling locks it, so whatever is raised after this look is another alarm.
pub(super) async fn end_suspended_in(
    tx: &mut Tx,
    payment: &StoredPayment,
    charge: &str,
    by: Option<&Decision>,
) -> Result<(), Fault> {
    let about = [payment.id.to_string()];
    let ended = tx
        .savepoint(async |tx| {
            match by {
                Some(by) => {
                    let note = by.reason.as_ref().map_or("given back", Reason::as_str);
                    tx.settle_alarms(PAYMENT_IN_SUSPENSE, &about, &by.operator, note).await?;
                }
                None => tx.end_alarms(PAYMENT_IN_SUSPENSE, &about).await?,
            }
            match repo::ledger::suspended(reader(tx), payment.place(), charge).await? {
                Some(suspended) if suspended.waiting.minor() != 0 => Err(StaysOpen::SoAgain),
                _ => Ok(()),
            }
        })
        .await;
    match ended {
        Ok(()) | Err(StaysOpen::SoAgain) => Ok(()),
        Err(StaysOpen::Fault(fault)) => Err(fault),
    }
}
