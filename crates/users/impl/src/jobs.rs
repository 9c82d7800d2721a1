//! The tasks of this domain, and who does them.

use std::sync::Arc;
use std::time::Duration;

use jobs::Registry;
use serde::{Deserialize, Serialize};
use uow::Task;
use uuid::Uuid;

use crate::Service;

/// How often what hangs is taken up again.
const SWEEP: Duration = Duration::from_secs(600);

/// How often archives that are over, and invitations that were answered long ago, are removed.
const PURGE: Duration = Duration::from_secs(3600);

/// The names of all tasks.
pub(crate) const TASKS: &[&str] = &[EndDeparture::NAME, CheckDeparture::NAME, MakeExport::NAME];

/// Has whoever leaves be gone, once that cannot be taken back any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EndDeparture {
    /// The departure.
    pub(crate) departure: Uuid,
}

impl Task for EndDeparture {
    const NAME: &'static str = "users.end_departure";

    fn subject(&self) -> Option<String> {
        Some(self.departure.to_string())
    }
}

/// Looks once more whether an organisation that leaves is bound by nothing, when all is over that was under way as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CheckDeparture {
    /// The departure.
    pub(crate) departure: Uuid,
}

impl Task for CheckDeparture {
    const NAME: &'static str = "users.check_departure";

    fn subject(&self) -> Option<String> {
        Some(self.departure.to_string())
    }
}

/// Makes an archive of what somebody takes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MakeExport {
    /// Which.
    pub(crate) export: Uuid,
}

impl Task for MakeExport {
    const NAME: &'static str = "users.make_export";

    fn subject(&self) -> Option<String> {
        Some(self.export.to_string())
    }
}

/// Registers what does the tasks, and sweeps.
pub(crate) fn register(service: &Arc<Service>, registry: &mut Registry) {
    registry.on_job(service, |users, _, task: EndDeparture| async move { users.end_departure(task.departure).await });
    registry.on_job(service, |users, _, task: CheckDeparture| async move { users.check_departure(task.departure).await });
    registry.on_job(service, |users, _, task: MakeExport| async move { users.make_export(task.export).await });
    registry.every("users.exports", PURGE, service, |users| async move { users.purge_exports().await });
    registry.every("users.invitations", PURGE, service, |users| async move { users.purge_invitations().await });
    registry.every("users.departures", SWEEP, service, |users| async move { users.end_departures().await });
}
