//! The sweep: looks at coverage, age of held money and late releases, takes up again whatever is under way for too long. Run when a worker starts and every
//! minute.

use chrono::TimeDelta;
use kernel::Fault;

use super::{Service, page};
use crate::jobs;
use crate::model::held::ACT_DAYS;
use crate::repo;

/// A release on its way for longer needs a person.
const LATE: TimeDelta = TimeDelta::hours(1);

impl Service {
    /// Looks at I7, at money held for too long and at releases that do not arrive, and pages a person. Enqueues again what may be stuck: payments whose look is due, releases
    /// and events under way for too long, reviews overdue.
    /// Needed after a crash between a commit and its job's run, and when an event never comes.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn sweep(&self) -> Result<(), Fault> {
        let standing_still = self.watch_coverage().await?;
        let now = self.now();
        let before = now - TimeDelta::from_std(self.settings.stuck_after).map_err(Fault::internal)?;
        let (due, old, late) = self
            .system
            .read(async |tx| {
                let mut due = Vec::new();
                due.extend(repo::sweep::payments_due(tx, now).await?.into_iter().map(|(org, id)| jobs::sync_payment(org, id)));
                let stuck = repo::sweep::releases_stuck(tx, before, &standing_still).await?;
                due.extend(stuck.into_iter().map(|(org, id)| jobs::send_release(org, id)));
                due.extend(repo::sweep::reviews_overdue(tx).await?.into_iter().map(|(org, id)| jobs::escalate(org, id)));
                due.extend(repo::inbox::waiting(tx, before).await?.into_iter().map(jobs::webhook));
                let late = repo::sweep::releases_late(tx, now - LATE, &standing_still).await?;
                Ok::<_, Fault>((due, repo::held::aged(tx, ACT_DAYS, None).await?, late))
            })
            .await?;
        if let Some(oldest) = old.first() {
            let detail = format!(
                "{} payment(s) are held for {ACT_DAYS} days or more, the first is {}, funded at {}: release or refund, the provider must pay out within 90",
                old.len(),
                oldest.payment,
                oldest.funded_at
            );
            page("money_held_too_long", &detail);
        }
        if let Some(oldest) = late.first() {
            let detail = format!(
                "{} release(s) do not arrive, the first is {}, on its way since {}: {}",
                late.len(),
                oldest.release,
                oldest.since,
                oldest.why.as_deref().unwrap_or("no error")
            );
            page("release_stuck", &detail);
        }
        if !due.is_empty() {
            tracing::debug!(found = due.len(), "taking up again");
            self.system
                .write(async |tx| {
                    for job in due {
                        tx.enqueue(job).await?;
                    }
                    Ok::<_, Fault>(())
                })
                .await?;
        }
        Ok(())
    }
}
