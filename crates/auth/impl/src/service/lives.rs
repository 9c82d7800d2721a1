//! How long sessions live: that they are used is written down, and what is over by its organisation's rules ends.

use kernel::Fault;

use super::Service;
use crate::{repo, written};

impl Service {
    /// Writes down which sessions were used here, as this does by itself every few seconds while it listens.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn write_seen(&self) -> Result<(), Fault> {
        written::write_seen(&self.system, &self.seen).await
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
