//! That sessions are used is written down apart from the requests that use them.

use std::time::Duration;

use kernel::Fault;
use uow::SystemUow;

use crate::held::Seen;
use crate::repo;

/// How often it is written down which sessions were used: of each of them once a minute at most.
pub(crate) const WRITTEN_EVERY: Duration = Duration::from_secs(15);

/// Writes down which sessions were used. What could not be written waits for the next time.
pub(crate) async fn write_seen(system: &SystemUow, seen: &Seen) -> Result<(), Fault> {
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
