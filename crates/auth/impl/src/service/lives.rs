//! How long sessions live: that they are used is written down, and what is over by its organisation's rules ends.

use std::time::Duration;

use kernel::Fault;
use uow::SystemUow;

use super::Service;
use crate::held::Seen;
use crate::repo;

/// How often it is written down which sessions were used: of each of them once a minute at most.
pub(super) const WRITTEN_EVERY: Duration = Duration::from_secs(15);

/// Writes down which sessions were used. What could not be written waits for the next time.
pub(super) async fn write_seen(system: &SystemUow, seen: &Seen) -> Result<(), Fault> {
    let used = seen.take();
    if used.is_empty() {
        return Ok(());
    }
    let written = system.write(async |tx| repo::lives::note_seen(tx, &used).await).await;
    if written.is_err() {
        seen.put_back(used);
    }
    written
}

impl Service {
    /// Writes down which sessions were used here, as this does by itself every few seconds while it listens.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn write_seen(&self) -> Result<(), Fault> {
        write_seen(&self.system, &self.seen).await
    }

    /// Ends the sessions that are over by the rules of their organisation. They are refused without; but should the rules be loosened, they do not come
    /// back. For a job that runs every minute.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn end_over(&self) -> Result<(), Fault> {
        let rules = self.system.read(async |tx| self.directory.organizations_with_session_rules(tx).await).await?;
        if rules.is_empty() {
            return Ok(());
        }
        self.system
            .write(async |tx| {
                for org in repo::lives::end_over(tx, &rules, self.clock.now()).await? {
                    self.forget_in(tx, move |cache| cache.forget_org(org));
                }
                Ok(())
            })
            .await
    }
}
