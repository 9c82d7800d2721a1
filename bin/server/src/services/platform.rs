//! What the web layer asks of the process: is it ready, and who records refusals.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use audit_api::Audit;
use kernel::{Ctx, Denied, Fault};
use uow::SystemUow;

/// A worker that has not looked at its queues for so long is not well.
const WORKER_SILENCE: Duration = Duration::from_secs(30);

/// Whether the process can do its work.
pub struct Ready {
    pub(super) system: SystemUow,
    /// The worker of this process, if it runs one.
    pub(super) worker: Arc<OnceLock<jobs::Monitor>>,
    /// Whether it is to run one.
    pub(super) has_worker: bool,
}

#[async_trait]
impl web::Readiness for Ready {
    async fn check(&self) -> Vec<(&'static str, Result<(), String>)> {
        let database = jobs::pending(&self.system).await;
        let schema = match &database {
            // `serve` refuses to start behind its schema, and the queue's answer shows that the database still has one.
            Ok(_) => Ok(()),
            Err(_) => Err("cannot be compared while the database does not answer".to_owned()),
        };
        let mut checks = vec![("database", database.map(|_| ()).map_err(|fault| text(&fault))), ("schema", schema)];
        if self.has_worker {
            let well = self.worker.get().is_some_and(|monitor| monitor.health().is_well(WORKER_SILENCE));
            checks.push(("worker", if well { Ok(()) } else { Err("has not looked at its queues lately".to_owned()) }));
        }
        checks
    }
}

/// In words that may be shown to anybody; the rest is in the log.
fn text(fault: &Fault) -> String {
    tracing::warn!(%fault, "the database does not answer");
    "does not answer".to_owned()
}

/// Writes refusals to the audit trail.
pub struct Denials(pub(super) Arc<dyn Audit>);

#[async_trait]
impl web::DenialLog for Denials {
    async fn denied(&self, ctx: &Ctx, denied: &Denied, route: &str) {
        if let Err(fault) = self.0.record_denial(ctx, denied, route).await {
            tracing::error!(%fault, permission = %denied.permission, route, "a refusal could not be recorded");
        }
    }
}
