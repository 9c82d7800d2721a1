//! The sweep: looks at coverage, age of held money and late releases, takes up again whatever is under way for too long. Run when a worker starts and every
//! minute.

use chrono::TimeDelta;
use escrow_api::{PaymentId, ReleaseId};
use kernel::{Fault, OrgId, Timestamp, counted, rfc3339};
use uow::{Alarm, ReadTx};

use super::Service;
use super::alarms::{
    AlarmSweep, FOREIGN_TRANSFER, MONEY_HELD_TOO_LONG, RELEASE_REFUSED, RELEASE_STUCK, RELEASE_UNKNOWN, TRANSFER_REVERSED,
    UNEXPECTED_TRANSFER, wake,
};
use crate::jobs;
use crate::model::held::ACT_DAYS;
use crate::repo;

/// A release on its way for longer needs a person.
const LATE: TimeDelta = TimeDelta::hours(1);

/// A transfer that was sent is looked at so often, whether or not an event tells of it.
pub(super) const TRANSFER_LOOK: TimeDelta = TimeDelta::days(1);

impl Service {
    /// Looks at coverage, at what befell charges, at money held for too long and at releases that do not arrive, wakes a person and
    /// keeps alarms true. Enqueues again what may be stuck: payments and payee accounts whose look is due, releases under way for
    /// too long, reviews overdue.
    /// Needed after a crash between a commit and its job's run, and when an event never comes.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn sweep(&self) -> Result<(), Fault> {
        let standing_still = self.watch_coverage().await?;
        if let Err(error) = self.watch_charges().await {
            // What befell a charge is looked at before its money leaves in any case; the next sweep tries again.
            tracing::warn!(%error, "what befell charges cannot be read now");
            self.charges_unread(&error).await?;
        }
        let now = self.now();
        let before = now - TimeDelta::from_std(self.settings.stuck_after).map_err(Fault::internal)?;
        let (due, watched) = self
            .system
            .read(async |tx| {
                let mut due = Vec::new();
                due.extend(repo::sweep::payments_due(tx, now).await?.into_iter().map(|(org, id)| jobs::sync_payment(org, id)));
                due.extend(repo::sweep::payees_due(tx, now).await?.into_iter().map(jobs::sync_account));
                let stuck = repo::sweep::releases_stuck(tx, before, &standing_still).await?;
                due.extend(stuck.into_iter().map(|(org, id)| jobs::send_release(org, id)));
                let transfers = repo::sweep::transfers_due(tx, now, TRANSFER_LOOK).await?;
                due.extend(transfers.into_iter().map(|(org, id, transfer)| jobs::sync_transfer(org, id, transfer)));
                due.extend(repo::sweep::reviews_overdue(tx).await?.into_iter().map(|(org, id)| jobs::escalate(org, id)));
                let watched = [
                    held_too_long(tx).await?,
                    late(tx, now - LATE, &standing_still).await?,
                    unknown(tx).await?,
                    reversed(tx).await?,
                    refused(tx).await?,
                    unbooked(tx, UNEXPECTED_TRANSFER).await?,
                    unbooked(tx, FOREIGN_TRANSFER).await?,
                ];
                Ok::<_, Fault>((due, watched))
            })
            .await?;
        self.system
            .write(async |tx| {
                for kind in watched {
                    kind.save_in(tx).await?;
                }
                Ok::<_, Fault>(())
            })
            .await?;
        self.take_up(due).await
    }

    /// Looks at all that is under way, however lately it was looked at: for a worker that starts, since nobody knows what it missed.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn look_at_all(&self) -> Result<(), Fault> {
        // Each page begins after the last row of the one before, so that it ends.
        let mut after = OrgId(uuid::Uuid::nil());
        loop {
            let found = self.system.read(async |tx| repo::sweep::payees_under_way(tx, after).await).await?;
            let Some(last) = found.last() else { break };
            after = *last;
            self.take_up(found.into_iter().map(jobs::sync_account).collect()).await?;
        }
        let mut after = ReleaseId(uuid::Uuid::nil());
        loop {
            let found = self.system.read(async |tx| repo::sweep::releases_under_way(tx, after).await).await?;
            let Some((_, last)) = found.last() else { break };
            after = *last;
            self.take_up(found.into_iter().map(|(org, id)| jobs::send_release(org, id)).collect()).await?;
        }
        let mut after = PaymentId(uuid::Uuid::nil());
        loop {
            let found = self.system.read(async |tx| repo::sweep::payments_under_way(tx, after).await).await?;
            let Some((_, last)) = found.last() else { return Ok(()) };
            after = *last;
            self.take_up(found.into_iter().map(|(org, id)| jobs::sync_payment(org, id)).collect()).await?;
        }
    }

    async fn take_up(&self, due: Vec<uow::Job>) -> Result<(), Fault> {
        if due.is_empty() {
            return Ok(());
        }
        tracing::debug!(found = due.len(), "taking up again");
        self.system
            .write(async |tx| {
                for job in due {
                    tx.enqueue(job).await?;
                }
                Ok(())
            })
            .await
    }
}

/// Money that the provider must soon pay out.
async fn held_too_long(tx: &ReadTx<'_>) -> Result<AlarmSweep, Fault> {
    let mut watched = AlarmSweep::begin(tx, MONEY_HELD_TOO_LONG).await?;
    let old = repo::held::aged(tx, ACT_DAYS, None).await?;
    if let Some(oldest) = old.first() {
        let detail = format!(
            "{} for {ACT_DAYS} days or more, the first is {}, funded at {}: release or refund, the provider must pay out within 90",
            counted(old.len(), "payment is held", "payments are held"),
            oldest.payment,
            rfc3339(oldest.funded_at)
        );
        wake(MONEY_HELD_TOO_LONG, &detail);
    }
    for one in old {
        let detail = format!(
            "{} funded at {}: release or refund, the provider must pay out within 90 days",
            one.held,
            rfc3339(one.funded_at)
        );
        watched.found(Alarm { kind: MONEY_HELD_TOO_LONG, about: ("payment", one.payment.to_string()), org: None, detail });
    }
    Ok(watched)
}

/// Releases that do not arrive.
async fn late(tx: &ReadTx<'_>, before: Timestamp, standing_still: &[String]) -> Result<AlarmSweep, Fault> {
    let mut watched = AlarmSweep::begin(tx, RELEASE_STUCK).await?;
    let late = repo::sweep::releases_late(tx, before, standing_still).await?;
    if let Some(oldest) = late.first() {
        let why = oldest.why.as_deref().unwrap_or("no error");
        let detail = format!(
            "{}, the first is {}, on its way since {}: {why}",
            counted(late.len(), "release does not arrive", "releases do not arrive"),
            oldest.release,
            rfc3339(oldest.since)
        );
        wake(RELEASE_STUCK, &detail);
    }
    if late.len() >= repo::sweep::MOST_ROWS {
        watched.incomplete();
    }
    for one in late {
        let detail = format!("on its way since {}: {}", rfc3339(one.since), one.why.as_deref().unwrap_or("no error"));
        watched.found(Alarm { kind: RELEASE_STUCK, about: ("release", one.release.to_string()), org: Some(one.org), detail });
    }
    Ok(watched)
}

/// Whether a release was sent became known: what was raised when it was lost is over.
async fn unknown(tx: &ReadTx<'_>) -> Result<AlarmSweep, Fault> {
    let watched = AlarmSweep::begin(tx, RELEASE_UNKNOWN).await?;
    let still = repo::sweep::releases_unknown(tx, &watched.open()).await?;
    Ok(watched.unless(&still))
}

/// What came back of a transfer was settled.
async fn reversed(tx: &ReadTx<'_>) -> Result<AlarmSweep, Fault> {
    let watched = AlarmSweep::begin(tx, TRANSFER_REVERSED).await?;
    let still = repo::releases::still_back(db::PgRead::pg(tx), &watched.open()).await?;
    Ok(watched.unless(&still))
}

/// A refused release was followed by another: what was raised when it was refused is over.
async fn refused(tx: &ReadTx<'_>) -> Result<AlarmSweep, Fault> {
    let watched = AlarmSweep::begin(tx, RELEASE_REFUSED).await?;
    let still = repo::sweep::releases_refused(tx, &watched.open()).await?;
    Ok(watched.unless(&still))
}

/// A transfer that nobody expected was posted: what was raised about it is over, should the command that posted it have died before it said so.
async fn unbooked(tx: &ReadTx<'_>, kind: &'static str) -> Result<AlarmSweep, Fault> {
    let watched = AlarmSweep::begin(tx, kind).await?;
    let still = repo::sweep::transfers_unbooked(tx, &watched.open()).await?;
    Ok(watched.unless(&still))
}
