//! Releasing: one release, however often it is asked for.

use audit_api::NewEntry;
use escrow_api::{Error, MilestoneStatus, Party, PaymentId, ReleaseStatus, Releasing, perm};
use kernel::Ctx;
use serde_json::json;
use uow::Tx;

use super::{Service, conflict};
use crate::jobs;
use crate::ledger::Posting;
use crate::model::ReleaseEvent;
use crate::model::money::Split;
use crate::model::moved::{ReleaseChange, StoredRelease};
use crate::model::stored::{StoredContract, StoredMilestone};
use crate::repo;
use crate::repo::reader;
use crate::repo::releases::NewRelease;

impl Service {
    pub(super) async fn send_in(&self, tx: &mut Tx, ctx: &Ctx, id: PaymentId) -> Result<Releasing, Error> {
        let payment = repo::payments::row(reader(tx), id).await?;
        let (contract, milestone) = self.locked_in(tx, ctx, payment.milestone, Party::Owner, perm::ESCROW_RELEASE).await?;
        if let Some(user) = ctx.user_id() {
            self.check_not_of_payee_in(tx, &contract, &milestone, user).await?;
        }
        let newest = repo::releases::lock_newest(tx, &milestone).await?.filter(|release| release.payment == payment.id);
        let status = milestone.status;
        let Some(newest) = newest else {
            return Err(conflict("milestone", status, "its work must be approved before its money is released"));
        };
        let release = match newest.status {
            ReleaseStatus::Approved => self.start_in(tx, ctx, &contract, &milestone, newest).await?,
            ReleaseStatus::Failed if status == MilestoneStatus::Approved => {
                let again = self.reserve_again_in(tx, &milestone, &newest).await?;
                self.start_in(tx, ctx, &contract, &milestone, again).await?
            }
            // Approved anew after a part was released: the newest release is that approval's, so this is a repetition.
            ReleaseStatus::Sending | ReleaseStatus::Unknown => {
                self.check_no_hold_in(tx, &milestone).await?;
                newest
            }
            ReleaseStatus::Sent => newest,
            ReleaseStatus::PartReversed | ReleaseStatus::Reversed => newest,
            ReleaseStatus::Requested | ReleaseStatus::Failed => {
                return Err(conflict("milestone", status, "its release cannot be sent"));
            }
        };
        let payment = repo::payments::view(reader(tx), id).await?;
        Ok(Releasing { payment, release: release.view() })
    }

    async fn start_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        contract: &StoredContract,
        milestone: &StoredMilestone,
        release: StoredRelease,
    ) -> Result<StoredRelease, Error> {
        // As an approval is weighed: by the whole milestone, however small the part.
        self.tenants.step_up_in(tx, ctx, perm::ESCROW_RELEASE, milestone.amount).await?;
        self.check_money_may_move_in(tx, contract, milestone).await?;
        self.check_payee_in(tx, contract).await?;
        if repo::payees::payable(tx, contract).await?.is_none() {
            return Err(Error::PayeeNotActive);
        }
        let before = release.status;
        let after = ReleaseEvent::Send
            .after(before)
            .ok_or_else(|| conflict("release", before, "only an approved release can be sent"))?;
        let step = ReleaseChange { status: Some(after), sending_since: Some(self.now()), ..ReleaseChange::default() };
        let release = repo::releases::save(tx, release.owner, release.id, &step).await?;
        tx.enqueue(jobs::send_release(release.owner, release.id)).await?;
        let entry = NewEntry::of(perm::ESCROW_RELEASE, "release", release.id)
            .before(json!({ "status": before }))
            .after(json!({ "status": after, "escrow": release.payment, "net": release.net }));
        self.record_in(tx, ctx, entry).await?;
        Ok(release)
    }

    /// After a refusal the approval stands: its money is reserved again, under a release, and so a key, of its own.
    async fn reserve_again_in(
        &self,
        tx: &mut Tx,
        milestone: &StoredMilestone,
        failed: &StoredRelease,
    ) -> Result<StoredRelease, Error> {
        let split = Split { gross: failed.gross.minor(), fee: failed.fee.minor(), net: failed.net.minor() };
        let new = NewRelease {
            payment: failed.payment,
            seq: failed.seq + 1,
            split,
            requested_by: failed.requested_by,
            approved_by: failed.approved_by,
        };
        let release = repo::releases::insert(tx, milestone, &new).await?;
        let posting = Posting::release_reserved(release.id.0, milestone.id.0, split.net, split.fee, release.currency());
        self.post_in(tx, release.place(), &posting, None).await?;
        Ok(release)
    }
}
