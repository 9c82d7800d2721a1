//! Waiting for a condition, with a bound.

use std::time::{Duration, Instant};

/// Polls `condition` until it yields something, at most a minute: machines under load are slow.
///
/// # Panics
/// If it yields nothing in that time: `what` says what was waited for.
pub async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "waited 60 s in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
