//! What the payer's bank takes back of a payment in suspense, and gives back: a dispute's withdrawal leaves what waits, and what is reinstated waits again.
//!
//! A dispute stops nothing that this payment does not fund; its money is gone all the same. Each booking is posted once, as far as something waits or was
//! withdrawn; the dispute's fee is the platform's cost.

use escrow_api::{BalanceMovement, Error, PaymentStatus};
use kernel::{Ctx, Fault, Money, RequestId};
use serde_json::json;
use uow::Tx;

use super::Service;
use super::alarms::{PAYMENT_IN_SUSPENSE, alarm_in};
use super::refunds::end_suspended_in;
use crate::ledger::Posting;
use crate::model::moved::StoredPayment;
use crate::repo;
use crate::repo::reader;

impl Service {
    /// Applies what disputes did to a payment in suspense. Says which bookings were posted now.
    pub(super) async fn sync_withdrawals(&self, payment: &StoredPayment) -> Result<Vec<String>, Error> {
        let in_suspense = payment.status == PaymentStatus::Suspense;
        let (Some(charge), Some(intent), true) = (&payment.charge, &payment.intent, in_suspense) else { return Ok(Vec::new()) };
        let disputes = self.provider.disputes_of_intent(intent).await?;
        let of_charge = disputes.into_iter().filter(|dispute| dispute.charge == *charge);
        let mut booked: Vec<BalanceMovement> = of_charge.flat_map(|dispute| dispute.booked).collect();
        if booked.is_empty() {
            return Ok(Vec::new());
        }
        // What was taken goes before what was given back of it.
        booked.sort_by_key(|movement| movement.amount.minor() > 0);
        self.ready_to_post().await?;
        let ctx = Ctx::system(payment.owner, RequestId::generate());
        let (waiting, posted) =
            self.uow.write(&ctx, async |tx| self.withdrawals_in(tx, &ctx, payment, charge, &booked).await).await?;
        if waiting.minor() == 0 {
            self.system.write(async |tx| end_suspended_in(tx, payment, charge, None).await).await?;
        }
        Ok(posted)
    }

    /// Says what waits then, and what was posted.
    async fn withdrawals_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        seen: &StoredPayment,
        charge: &str,
        booked: &[BalanceMovement],
    ) -> Result<(Money, Vec<String>), Error> {
        repo::milestones::lock(tx, seen.owner, seen.milestone).await?;
        let payment = repo::payments::lock(tx, seen.owner, seen.id).await?;
        let Some(before) = repo::ledger::suspended(reader(tx), payment.place(), charge).await? else {
            return Err(Fault::internal(format!("payment {} is in suspense and not posted", payment.id)).into());
        };
        let currency = before.waiting.currency();
        let (mut waiting, mut withdrawn) = (before.waiting.minor(), before.withdrawn.minor());
        let (mut disputes, mut posted): (Vec<&String>, Vec<String>) = (Vec::new(), Vec::new());
        // What was taken of another currency's balance is in no entry of this one.
        for movement in booked.iter().filter(|movement| movement.amount.currency() == currency) {
            let (id, moved) = (&movement.id, movement.amount.minor());
            let given_back = moved > 0;
            let kind = if given_back { "reinstated" } else { "withdrawn" };
            // As far as it is of what waits, or of what was withdrawn: the rest is none of this payment's.
            let amount = if given_back { moved.min(withdrawn) } else { moved.saturating_neg().min(waiting) };
            if amount <= 0 || repo::ledger::stands(reader(tx), payment.owner, id, kind).await? {
                continue;
            }
            let posting = if given_back {
                Posting::suspense_reinstated(id, amount, currency)
            } else {
                Posting::suspense_withdrawn(id, amount, currency)
            };
            self.post_in(tx, payment.place(), &posting, Some(before.transaction)).await?;
            let taken = if given_back { -amount } else { amount };
            (waiting, withdrawn) = (waiting - taken, withdrawn + taken);
            disputes.extend(&movement.source);
            posted.push(id.clone());
            if given_back {
                let detail = format!(
                    "{} that the payer's bank had taken are back ({id}): they wait again; `build14 suspense-refund --payment {}`",
                    Money::from_minor(amount, currency),
                    payment.id
                );
                alarm_in(tx, PAYMENT_IN_SUSPENSE, ("payment", payment.id.to_string()), detail).await?;
            }
        }
        let waiting = Money::from_minor(waiting, currency);
        if !posted.is_empty() {
            let (was, is) = (json!({ "waiting": before.waiting }), json!({ "waiting": waiting, "disputes": disputes }));
            self.tell_both_in(tx, ctx, payment.place(), ("escrow", payment.id.0), "escrow.suspense_withdrawn", (was, is)).await?;
        }
        Ok((waiting, posted))
    }
}
