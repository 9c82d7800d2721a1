//! The sweep: takes up again whatever is under way for too long. Run when a worker starts and every minute.

use chrono::TimeDelta;
use kernel::Fault;

use super::Service;
use crate::jobs;
use crate::repo;

impl Service {
    /// Enqueues again what may be stuck: payments whose look is due, releases and events under way for too long, reviews overdue.
    /// Needed after a crash between a commit and its job's run, and when an event never comes.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn sweep(&self) -> Result<(), Fault> {
        let now = self.now();
        let before = now - TimeDelta::from_std(self.settings.stuck_after).map_err(Fault::internal)?;
        let due = self
            .system
            .read(async |tx| {
                let mut due = Vec::new();
                due.extend(repo::sweep::payments_due(tx, now).await?.into_iter().map(|(org, id)| jobs::sync_payment(org, id)));
                due.extend(
                    repo::sweep::releases_stuck(tx, before).await?.into_iter().map(|(org, id)| jobs::send_release(org, id)),
                );
                due.extend(repo::sweep::reviews_overdue(tx).await?.into_iter().map(|(org, id)| jobs::escalate(org, id)));
                due.extend(repo::inbox::waiting(tx, before).await?.into_iter().map(jobs::webhook));
                Ok::<_, Fault>(due)
            })
            .await?;
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
