//! Logs and metrics.

use std::io::IsTerminal;

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

use crate::config::{LogFormat, Settings};

/// Libraries that write requests and statements with their values into the log when they are let: who bids for what would stand there.
const SEE_VALUES: [&str; 4] = ["tokio_postgres", "actix", "sqlx", "graphile_worker"];

/// Who calls it an error of the server when a client sends what is no request, such as the first bytes of TLS: anybody could fill the log with
/// it. `web` answers these, and tells of them at the level `debug`.
const CRIES_WOLF: &str = "actix_http::h1::dispatcher";

/// Whether something may be logged, whatever the filter says.
fn may_tell(target: &str, level: tracing::Level) -> bool {
    let sees_values = SEE_VALUES.iter().any(|library| target.starts_with(library));
    target != CRIES_WOLF && (level <= tracing::Level::INFO || !sees_values)
}

/// Starts logging what passes `filter` (written as in `RUST_LOG`, which wins) to standard error, so that standard output is the command's own.
///
/// # Errors
/// If it cannot be read as a filter, with the setting that it came from: reading the settings tells so before, with all else that is wrong.
pub fn start_logs(settings: &Settings, filter: &str) -> anyhow::Result<()> {
    let theirs = std::env::var("RUST_LOG").ok();
    let (name, filter) = theirs.as_deref().map_or(("log.filter", filter), |theirs| ("RUST_LOG", theirs));
    let filter =
        EnvFilter::try_new(filter).with_context(|| format!("{name}: {filter:?} should be like info,graphile_worker=warn"))?;
    let tells = filter_fn(|metadata| may_tell(metadata.target(), *metadata.level()));
    let registry = tracing_subscriber::registry().with(filter).with(tells);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let started = match settings.log_format {
        LogFormat::Pretty => registry.with(lines.compact()).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    Ok(())
}

/// Starts collecting metrics; the handle renders them.
///
/// # Errors
/// If another recorder runs in this process.
pub fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    let buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let metrics = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &buckets)?;
    let handle = metrics.install_recorder()?;
    web::describe_metrics();
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::may_tell;

    #[test]
    fn no_client_can_fill_the_log_with_errors() {
        assert!(!may_tell("actix_http::h1::dispatcher", Level::ERROR));
        assert!(may_tell("actix_server::worker", Level::ERROR) && may_tell("web::app::root", Level::ERROR));
        assert!(!may_tell("tokio_postgres::query", Level::DEBUG) && may_tell("web::serve::unread", Level::DEBUG));
    }
}
