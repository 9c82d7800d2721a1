//! The loop of one periodic sweep.

use std::sync::Arc;

use crate::execute;
use crate::registry::Sweep;
use crate::shared::Shared;

/// Runs at once and then every period until the stop; a run under way may finish within the grace.
pub(crate) async fn run(shared: Arc<Shared>, sweep: Sweep) {
    let overdue = async {
        shared.stop.cancelled().await;
        tokio::time::sleep(shared.settings.grace).await;
    };
    tokio::pin!(overdue);
    loop {
        let result = tokio::select! {
            result = execute::caught(|| (sweep.run)()) => result,
            () = &mut overdue => return,
        };
        let outcome = if result.is_ok() { "done" } else { "failed" };
        metrics::counter!("sweeps_total", "sweep" => sweep.name, "outcome" => outcome).increment(1);
        if let Err(error) = result {
            tracing::warn!(sweep = sweep.name, error, "the sweep failed");
        }
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(sweep.every) => {}
        }
    }
}
