//! Waiting for a condition, with a bound.

use std::time::{Duration, Instant};

/// Polls `condition` until it yields something, at most 20 seconds.
///
/// # Panics
/// If it yields nothing in that time: `what` says what was waited for.
pub async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "waited 20 s in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
