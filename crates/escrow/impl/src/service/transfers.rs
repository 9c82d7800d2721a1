//! Sending money out: one transfer per release, whatever dies in between.
//!
//! 'About to send' is made durable before the call. Whoever finds that mark looks at the provider first and asks again only with the same
//! key; a key older than a day is dead, and then a person decides.

use audit_api::NewEntry;
use chrono::TimeDelta;
use escrow_api::{Error, MilestoneStatus, ProviderError, ReleaseId, ReleaseStatus, TransferOrder, TransferState};
use kernel::{Ctx, Fault, OrgId, RequestId};
use serde_json::json;
use uow::Tx;

use super::alarms::{
    FOREIGN_TRANSFER, RELEASE_REFUSED, RELEASE_UNKNOWN, UNEXPECTED_TRANSFER, WRONG_PAYEE, WRONG_TRANSFER, alarm_in,
};
use super::funding::transfer_group;
use super::milestones::REVERSAL_OPEN;
use super::sweep::TRANSFER_LOOK;
use super::{Service, conflict};
use crate::jobs::{SendRelease, SyncTransfer};
use crate::ledger::Posting;
use crate::model::moved::{ReleaseChange, StoredRelease};
use crate::model::{MilestoneEvent, ReleaseEvent};
use crate::repo;
use crate::repo::reader;

/// How long the provider remembers an idempotency key.
pub(super) const KEY_LIFE: TimeDelta = TimeDelta::hours(24);

enum Next {
    /// It was sent, or refused.
    Nothing,
    /// Something stands in its way for now.
    Blocked(Error),
    /// It was asked for, and goes when the currency is covered again or the hold is lifted: whoever finds that enqueues it.
    Waiting,
    /// To be sent; under a hold only to be looked for. After a release of the milestone that failed, somebody may have paid by hand.
    Send { order: TransferOrder, look_first: bool, after_failure: bool, key_is_dead: bool, held: bool, attempt: i32 },
}

pub(super) fn is_of(transfer: &TransferState, release: ReleaseId) -> bool {
    transfer.metadata.iter().any(|(name, value)| name == "release_id" && *value == release.to_string())
}

impl Service {
    /// Sends a release on its way, or finds out what became of it. Safe to run at any time, any number of times, by several at once.
    ///
    /// # Errors
    /// While it is neither sent nor refused: the job is run again.
    pub async fn send_release(&self, job: SendRelease) -> Result<(), Error> {
        let ctx = Ctx::system(job.org, RequestId::generate());
        self.ready_to_post().await?;
        let refunded = match self.look_before_sending(&ctx, job.release).await {
            Ok(refunded) => refunded,
            Err(error) => {
                self.put_off(&ctx, job.release, &error).await;
                return Err(error);
            }
        };
        let next = self.uow.write(&ctx, async |tx| self.about_to_send_in(tx, job.release, refunded).await).await?;
        let (order, look_first, after_failure, key_is_dead, held, attempt) = match next {
            Next::Nothing | Next::Waiting => return Ok(()),
            Next::Blocked(error) => return Err(error),
            Next::Send { order, look_first, after_failure, key_is_dead, held, attempt } => {
                (order, look_first, after_failure, key_is_dead, held, attempt)
            }
        };
        if look_first || after_failure {
            let transfers = match self.provider.transfers_of_group(&order.transfer_group).await {
                Ok(transfers) => transfers,
                Err(error) => {
                    if !look_first {
                        let why = error.to_string();
                        self.uow
                            .write(&ctx, async |tx| self.note_in(tx, job.org, job.release, attempt, &why, true).await)
                            .await?;
                    }
                    return Err(error.into());
                }
            };
            if let Some(transfer) = transfers.iter().find(|transfer| is_of(transfer, job.release)) {
                return self.confirm(&ctx, job.release, transfer).await;
            }
            if after_failure && let Some(other) = self.unbooked(&transfers).await? {
                return self.uow.write(&ctx, async |tx| self.stand_back_in(tx, &ctx, job.release, other).await).await;
            }
            if key_is_dead {
                return self
                    .uow
                    .write(&ctx, async |tx| self.mark_unknown_in(tx, &ctx, job.release, "no transfer after a day").await)
                    .await;
            }
        }
        if held {
            // It may still turn up; the sweep looks again. Sent it is when the hold is lifted.
            return Ok(());
        }
        match self.provider.create_transfer(&order).await {
            Ok(transfer) => self.confirm(&ctx, job.release, &transfer).await,
            Err(ProviderError::Refused { code, message }) => {
                let why = format!("{message} ({code})");
                self.uow.write(&ctx, async |tx| self.refuse_in(tx, &ctx, job.release, &why).await).await
            }
            Err(error @ ProviderError::Unavailable(_)) => {
                // It certainly did not leave: what was noted before this attempt stands.
                let why = error.to_string();
                self.uow.write(&ctx, async |tx| self.note_in(tx, job.org, job.release, attempt, &why, !look_first).await).await?;
                Err(error.into())
            }
            Err(error) => {
                self.uow.write(&ctx, async |tx| self.mark_unknown_in(tx, &ctx, job.release, &error.to_string()).await).await?;
                Err(error.into())
            }
        }
    }

    /// A transfer that may have paid what is about to be sent: no ledger knows it, it was not given up, nor taken back whole.
    async fn unbooked<'a>(&self, transfers: &'a [TransferState]) -> Result<Option<&'a TransferState>, Error> {
        for transfer in transfers.iter().filter(|transfer| transfer.reversed != transfer.amount) {
            if !self.system.read(async |tx| repo::losses::is_transfer_taken(tx, &transfer.id).await).await? {
                return Ok(Some(transfer));
            }
        }
        Ok(None)
    }

    /// Somebody paid by hand after a refusal, as it seems: nothing is sent besides until a person said what it is.
    async fn stand_back_in(&self, tx: &mut Tx, ctx: &Ctx, id: ReleaseId, other: &TransferState) -> Result<(), Error> {
        let why = format!(
            "transfer {} over {} to {} is in its transfer group and in no ledger",
            other.id, other.amount, other.destination
        );
        let detail = format!(
            "{why}: release {id} is not sent besides. If it paid the payee, `build14 release-settle --release {id} --sent {}`; else reverse \
             it whole at the provider, then the release goes on",
            other.id
        );
        alarm_in(tx, UNEXPECTED_TRANSFER, ("transfer", other.id.clone()), detail).await?;
        self.mark_unknown_in(tx, ctx, id, &why).await
    }

    /// Right before money leaves: is what brought it still ours? Whatever is news stops it, under the very locks that sending takes. Says whether
    /// something of it was refunded past us.
    async fn look_before_sending(&self, ctx: &Ctx, id: ReleaseId) -> Result<bool, Error> {
        let payment = self
            .uow
            .read(ctx, async |tx| {
                let pg = db::PgRead::pg(tx);
                let release = repo::releases::row(pg, id).await?;
                if !matches!(release.status, ReleaseStatus::Sending | ReleaseStatus::Unknown) {
                    return Ok::<_, Error>(None);
                }
                repo::payments::row(pg, release.payment).await.map(Some)
            })
            .await?;
        match payment {
            Some(payment) => self.look_at_charge(&payment).await,
            None => Ok(false),
        }
    }

    /// Looks at a transfer that an event told of, and confirms its release.
    ///
    /// # Errors
    /// The provider's, if it does not answer.
    pub async fn sync_transfer(&self, job: SyncTransfer) -> Result<(), Error> {
        let ctx = Ctx::system(job.org, RequestId::generate());
        // Noted before it: whatever comes of this look, the next one is a while off, and others have their turn before. What fails here, the
        // queue tries again besides.
        let next = self.now() + TRANSFER_LOOK;
        self.uow
            .write(&ctx, async |tx| {
                repo::releases::look_later(tx, job.org, job.release, &job.transfer, next).await?;
                repo::replacements::look_later(tx, job.org, &job.transfer, next).await
            })
            .await?;
        let transfer = self.provider.transfer(&job.transfer).await?;
        self.ready_to_post().await?;
        if !is_of(&transfer, job.release) && !self.stands_in(&ctx, job.release, &transfer).await? {
            let detail = format!("transfer {} does not name release {}", transfer.id, job.release);
            let about = ("transfer", transfer.id.clone());
            return self.uow.write(&ctx, async |tx| Ok(alarm_in(tx, FOREIGN_TRANSFER, about, detail).await?)).await;
        }
        self.uow
            .write(&ctx, async |tx| {
                if self.replacement_reversed_in(tx, &ctx, job.release, &transfer).await? {
                    return Ok(());
                }
                self.confirm_in(tx, &ctx, job.release, &transfer).await?;
                self.reversed_in(tx, &ctx, job.release, &transfer).await
            })
            .await
    }

    /// Whether a person settled the release with this transfer, made by hand after one that failed or was reversed: it need not name the release.
    async fn stands_in(&self, ctx: &Ctx, id: ReleaseId, transfer: &TransferState) -> Result<bool, Error> {
        self.uow
            .read(ctx, async |tx| {
                let pg = db::PgRead::pg(tx);
                let release = repo::releases::row(pg, id).await?;
                let failed = repo::releases::failed(pg, release.owner, release.milestone).await?;
                let sent = release.transfer.as_ref() == Some(&transfer.id) && !failed.is_empty();
                Ok::<_, Error>(sent || repo::replacements::find(pg, &release, &transfer.id).await?.is_some())
            })
            .await
    }

    /// A release that cannot be looked at now says why, and lets others have their turn before it is taken up again. Best effort: the failure
    /// itself is what the queue is told.
    async fn put_off(&self, ctx: &Ctx, id: ReleaseId, why: &Error) {
        let step = ReleaseChange { last_error: Some(Some(why.to_string())), ..ReleaseChange::default() };
        let noted = self
            .uow
            .write(ctx, async |tx| {
                let release = repo::releases::lock(tx, ctx.org, id).await?;
                if matches!(release.status, ReleaseStatus::Sending | ReleaseStatus::Unknown) {
                    repo::releases::save(tx, release.owner, id, &step).await?;
                }
                Ok::<_, Error>(())
            })
            .await;
        if let Err(error) = noted {
            tracing::warn!(%error, release = %id, "that it cannot be looked at cannot be noted");
        }
    }

    async fn about_to_send_in(&self, tx: &mut Tx, id: ReleaseId, refunded: bool) -> Result<Next, Error> {
        let seen = repo::releases::row(reader(tx), id).await?;
        let contract = repo::contracts::lock_shared(tx, seen.owner, seen.contract).await?;
        let milestone = repo::milestones::lock(tx, seen.owner, seen.milestone).await?;
        let release = repo::releases::lock(tx, seen.owner, id).await?;
        if !matches!(release.status, ReleaseStatus::Sending | ReleaseStatus::Unknown) {
            return Ok(Next::Nothing);
        }
        if release.maybe_sent_at.is_none()
            && let Err(error) = self.check_payee_in(tx, &contract).await
        {
            return self.blocked_in(tx, &release, error).await;
        }
        let payable = repo::payees::payable(tx, &contract).await?;
        let destination = match (&release.destination, release.maybe_sent_at, payable) {
            // What may have left must be asked for again unchanged.
            (Some(destination), Some(_), _) => destination.clone(),
            (_, _, Some(payable)) => payable,
            (_, _, None) => return self.blocked_in(tx, &release, Error::PayeeNotActive).await,
        };
        // Whoever wrote it down, and however: money leaves to an account of the payee's, the one it has or one it had.
        if !repo::payees::is_account_of(tx, &contract, &destination).await? {
            return self.strange_payee_in(tx, &release, &destination).await;
        }
        if release.maybe_sent_at.is_none()
            && let Err(error) = self.check_money_may_move_in(tx, &contract, &milestone).await
        {
            return match error {
                Error::OnHold { .. } => self.wait_for_hold_in(tx, &release, &error).await,
                // It waits as under a hold: whoever settles the reversal takes it up.
                Error::State { ref state, .. } if state == REVERSAL_OPEN => self.wait_for_hold_in(tx, &release, &error).await,
                Error::State { .. } => self.blocked_in(tx, &release, error).await,
                fault => Err(fault),
            };
        }
        if release.maybe_sent_at.is_none() && repo::coverage::is_short(tx, release.currency()).await? {
            return self.wait_for_coverage_in(tx, &release).await;
        }
        // What may have left already is looked for, but under a hold never asked for again.
        let held = match self.check_no_hold_in(tx, &milestone).await {
            Ok(()) => repo::releases::came_back(reader(tx), &contract).await?,
            Err(Error::OnHold { .. }) => true,
            Err(error) => return Err(error),
        };
        let payment = repo::payments::row(reader(tx), release.payment).await?;
        let now = self.now();
        // A transfer draws on no more than is left of its charge. What was refunded past us a person has settled by now, or a hold is open; what is
        // missing for it is the platform's loss, and the currency is covered. What may have left is asked for again unchanged.
        let without_source = if release.maybe_sent_at.is_some() { release.without_source } else { refunded };
        let step = ReleaseChange {
            without_source: Some(without_source),
            destination: Some(destination.clone()),
            attempts: Some(release.attempts + 1),
            maybe_sent_at: Some(release.maybe_sent_at.unwrap_or(now)),
            ..ReleaseChange::default()
        };
        repo::releases::save(tx, release.owner, release.id, &step).await?;
        let order = TransferOrder {
            amount: release.net,
            destination,
            transfer_group: transfer_group(release.milestone),
            source_charge: payment.charge.filter(|_| !without_source),
            metadata: vec![
                ("release_id".to_owned(), release.id.to_string()),
                ("contract_id".to_owned(), release.contract.to_string()),
                ("milestone_id".to_owned(), release.milestone.to_string()),
            ],
            idempotency_key: format!("rel_{}", release.id),
        };
        let key_is_dead = release.maybe_sent_at.is_some_and(|since| now - since >= KEY_LIFE);
        let look_first = release.maybe_sent_at.is_some();
        let after_failure = !repo::releases::failed(reader(tx), release.owner, release.milestone).await?.is_empty();
        Ok(Next::Send { order, look_first, after_failure, key_is_dead, held, attempt: release.attempts + 1 })
    }

    /// Noted once, however often it is looked at.
    async fn wait_for_hold_in(&self, tx: &mut Tx, release: &StoredRelease, hold: &Error) -> Result<Next, Error> {
        let why = hold.to_string();
        if release.last_error.as_ref() != Some(&why) {
            repo::releases::save(
                tx,
                release.owner,
                release.id,
                &ReleaseChange { last_error: Some(Some(why)), ..ReleaseChange::default() },
            )
            .await?;
        }
        Ok(Next::Waiting)
    }

    /// Noted once, however often it is looked at.
    async fn wait_for_coverage_in(&self, tx: &mut Tx, release: &StoredRelease) -> Result<Next, Error> {
        let why = format!("releases in {} are paused: it is sent as soon as they go on", release.currency());
        if release.last_error.as_ref() != Some(&why) {
            tracing::warn!(release = %release.id, currency = release.currency().code(), "a release waits for coverage");
            repo::releases::save(
                tx,
                release.owner,
                release.id,
                &ReleaseChange { last_error: Some(Some(why)), ..ReleaseChange::default() },
            )
            .await?;
        }
        Ok(Next::Waiting)
    }

    /// It would go to somebody who is not its payee: a person looks, and nothing is sent.
    async fn strange_payee_in(&self, tx: &mut Tx, release: &StoredRelease, destination: &str) -> Result<Next, Error> {
        let why = format!("{destination} never was an account of its payee's: nothing is sent to it");
        alarm_in(tx, WRONG_PAYEE, ("release", release.id.to_string()), why.clone()).await?;
        self.blocked_in(tx, release, conflict("release", release.status, why)).await
    }

    async fn blocked_in(&self, tx: &mut Tx, release: &StoredRelease, error: Error) -> Result<Next, Error> {
        let step = ReleaseChange { last_error: Some(Some(error.to_string())), ..ReleaseChange::default() };
        repo::releases::save(tx, release.owner, release.id, &step).await?;
        Ok(Next::Blocked(error))
    }

    /// Notes why an attempt came to nothing, and, of a first one that did not leave, that it did not.
    async fn note_in(
        &self,
        tx: &mut Tx,
        owner: OrgId,
        id: ReleaseId,
        attempt: i32,
        why: &str,
        not_left: bool,
    ) -> Result<(), Error> {
        let release = repo::releases::lock(tx, owner, id).await?;
        // Another attempt may have begun meanwhile: its mark is not ours to clear.
        let under_way = matches!(release.status, ReleaseStatus::Sending | ReleaseStatus::Unknown);
        if under_way && release.attempts == attempt {
            let step = ReleaseChange { last_error: Some(Some(why.to_owned())), ..ReleaseChange::default() };
            repo::releases::save(tx, owner, id, &step).await?;
            if not_left {
                repo::releases::has_not_left(tx, &self.voucher, owner, id, attempt).await?;
            }
        }
        Ok(())
    }

    async fn confirm(&self, ctx: &Ctx, id: ReleaseId, transfer: &TransferState) -> Result<(), Error> {
        self.uow
            .write(ctx, async |tx| {
                self.confirm_in(tx, ctx, id, transfer).await?;
                self.reversed_in(tx, ctx, id, transfer).await
            })
            .await
    }

    /// The transfer was made: posted, the release is sent, the milestone released as far as nothing of it remains held.
    pub(super) async fn confirm_in(&self, tx: &mut Tx, ctx: &Ctx, id: ReleaseId, transfer: &TransferState) -> Result<(), Error> {
        let seen = repo::releases::row(reader(tx), id).await?;
        let milestone = repo::milestones::lock(tx, seen.owner, seen.milestone).await?;
        let release = repo::releases::lock(tx, seen.owner, id).await?;
        let before = release.status;
        if release.transfer.as_deref() == Some(transfer.id.as_str()) {
            return Ok(());
        }
        let Some(after) = ReleaseEvent::Confirm.after(before) else {
            if repo::ledger::knows_transfer(reader(tx), &transfer.id).await? {
                return Ok(());
            }
            let known = release.transfer.as_deref().unwrap_or("none");
            let detail = format!("release {id} is {before} with transfer {known}, but there is {}", transfer.id);
            return Ok(alarm_in(tx, UNEXPECTED_TRANSFER, ("transfer", transfer.id.clone()), detail).await?);
        };
        let net = release.net;
        if transfer.amount != net || release.destination.as_ref().is_some_and(|ours| *ours != transfer.destination) {
            let detail = format!(
                "release {id} is over {net} to {}, but transfer {} is over {} to {}",
                release.destination.as_deref().unwrap_or("nobody"),
                transfer.id,
                transfer.amount,
                transfer.destination
            );
            alarm_in(tx, WRONG_TRANSFER, ("transfer", transfer.id.clone()), detail).await?;
            return self.mark_unknown_in(tx, ctx, id, "the transfer found is not the one ordered").await;
        }
        let posting = Posting::release_sent(&transfer.id, release.id.0, net.minor(), release.fee.minor(), net.currency());
        let (_, fresh) = self.post_in(tx, release.place(), &posting, None).await?;
        if !fresh {
            let detail = format!("transfer {} of release {id} stands in the ledger for something else", transfer.id);
            return Err(Fault::internal(detail).into());
        }
        let step = ReleaseChange {
            status: Some(after),
            transfer: Some(transfer.id.clone()),
            destination: Some(transfer.destination.clone()),
            last_error: Some(None),
            sent_at: Some(self.now()),
            ..ReleaseChange::default()
        };
        repo::releases::save(tx, release.owner, release.id, &step).await?;
        let held = repo::ledger::held_for(reader(tx), &milestone).await?;
        let event = if held.minor() > 0 { MilestoneEvent::ReleasedPart } else { MilestoneEvent::ReleasedWhole };
        let was = milestone.status;
        let now =
            event.after(was).ok_or_else(|| Fault::internal(format!("milestone {} is {was}, yet released", milestone.id)))?;
        repo::milestones::set_status(tx, &milestone, now).await?;
        repo::incidents::widen(tx, release.owner, release.contract, release.milestone, &ctx.request).await?;
        let entry = NewEntry::named("escrow.release_sent", "release", id)
            .before(json!({ "status": before, "milestone": was }))
            .after(json!({ "status": after, "milestone": now, "transfer": transfer.id, "net": net }));
        Ok(self.record_in(tx, ctx, entry).await?)
    }

    /// Nobody knows whether it was sent.
    async fn mark_unknown_in(&self, tx: &mut Tx, ctx: &Ctx, id: ReleaseId, why: &str) -> Result<(), Error> {
        let release = repo::releases::lock(tx, ctx.org, id).await?;
        let before = release.status;
        let Some(after) = ReleaseEvent::AnswerLost.after(before) else { return Ok(()) };
        if release.maybe_sent_at.is_some_and(|since| self.now() - since >= KEY_LIFE) {
            let detail =
                format!("unknown for more than a day ({why}): a person decides, `build14 release-settle --release {id}`");
            alarm_in(tx, RELEASE_UNKNOWN, ("release", id.to_string()), detail).await?;
        }
        let step = ReleaseChange { status: Some(after), last_error: Some(Some(why.to_owned())), ..ReleaseChange::default() };
        repo::releases::save(tx, release.owner, release.id, &step).await?;
        if before != after {
            let entry = NewEntry::named("escrow.release_unknown", "release", id)
                .before(json!({ "status": before }))
                .after(json!({ "status": after, "error": why }));
            self.record_in(tx, ctx, entry).await?;
        }
        Ok(())
    }

    /// Refused: the reservation is void, the approval stands.
    pub(super) async fn refuse_in(&self, tx: &mut Tx, ctx: &Ctx, id: ReleaseId, why: &str) -> Result<(), Error> {
        let seen = repo::releases::row(reader(tx), id).await?;
        let milestone = repo::milestones::lock(tx, seen.owner, seen.milestone).await?;
        let release = repo::releases::lock(tx, seen.owner, id).await?;
        let before = release.status;
        let Some(after) = ReleaseEvent::Refuse.after(before) else { return Ok(()) };
        let reserved = repo::ledger::posted(tx, release.owner, &release.id.to_string(), "reserve").await?;
        let (net, fee) = (release.net.minor(), release.fee.minor());
        let void = Posting::release_voided(release.id.0, release.milestone.0, net, fee, release.currency());
        self.post_in(tx, release.place(), &void, reserved).await?;
        let step = ReleaseChange { status: Some(after), last_error: Some(Some(why.to_owned())), ..ReleaseChange::default() };
        repo::releases::save(tx, release.owner, release.id, &step).await?;
        debug_assert_eq!(milestone.status, MilestoneStatus::Approved);
        alarm_in(
            tx,
            RELEASE_REFUSED,
            ("release", id.to_string()),
            format!("{} to the payee: {why}. Once the cause is mended the owner releases again; do not pay by hand", release.net),
        )
        .await?;
        let entry = NewEntry::named("escrow.release_failed", "release", id)
            .before(json!({ "status": before }))
            .after(json!({ "status": after, "error": why }));
        Ok(self.record_in(tx, ctx, entry).await?)
    }
}
