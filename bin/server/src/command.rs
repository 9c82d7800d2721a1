//! The commands of the command line.

pub mod alarms;
pub mod factors;
pub mod mail;
pub mod money;
pub mod organizations;
pub(crate) mod reach;
pub mod security;
pub mod settings;
pub mod support;
pub mod tokens;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use kernel::counted;
use secrecy::ExposeSecret;
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::reach::{on_database, refuse_empty};
use crate::config::{Profile, Settings};
use crate::database::{self, Role};
use crate::scrape::{self, Scrape};
use crate::services::{self, Services, StripeAccess};
use crate::{demo, server};

/// Writes a line to standard output; a closed pipe is no error.
pub(crate) fn print_line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Writes a line to standard error.
pub fn print_error(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// An error with its causes, without what an error says of its cause already.
#[must_use]
pub fn causes(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if told.is_empty() {
            told = cause;
        } else if !told.contains(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}

/// Every connection is an open file: lets this process have as many as it may. Shells and init systems start with far fewer.
pub fn raise_open_files() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => tracing::debug!(limit, "open files"),
        Err(error) => tracing::warn!(%error, "the limit of open files stays as it is"),
    }
}

pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).clamp(2, 4);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    runtime.block_on(work)
}

/// SIGINT and SIGTERM: the first asks to stop, the second means at once.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! { _ = self.interrupt.recv() => {}, _ = self.terminate.recv() => {} }
    }

    /// Stops in good order, unless asked again meanwhile.
    async fn unless_again<T>(&mut self, stop: impl Future<Output = T>) -> T {
        tokio::select! {
            stopped = stop => stopped,
            () = self.next() => {
                print_error("build14: asked again: ended at once");
                // As if killed, which everything here survives; a return would wait for what does not end.
                std::process::exit(130)
            }
        }
    }
}

/// `build14 serve`
///
/// # Errors
/// What is missing or taken, and what to do.
pub fn serve(settings: &Settings) -> anyhow::Result<ExitCode> {
    block_on(async {
        let mut signals = Signals::new()?;
        let (mut running, demo_logins) = server::start_seeded(settings, scrape::recorder()?).await?;
        let base = running.base_url();
        let mut lines = vec![format!("14Build serves {base}")];
        if settings.server.docs {
            lines.push(format!("  documentation  {base}/docs"));
        }
        if let Some(address) = running.metrics_address() {
            lines.push(format!("  metrics        http://{address}/metrics"));
        }
        if settings.profile == Profile::Development {
            lines.push(format!("  mailbox        {base}/dev/mailbox"));
        }
        if settings.stripe.api_base.is_none() {
            lines.push(format!("  Stripe sandbox {}", running.stripe_base));
        }
        if database::configured(settings).is_none() {
            lines.push(format!("  data           {}", settings.data_dir.display()));
        }
        lines.extend(demo_logins);
        print_line(&lines.join("\n"));
        let ended = tokio::select! {
            () = signals.next() => Ok(ExitCode::SUCCESS),
            error = running.ended() => Err(error),
        };
        tracing::info!("stopping");
        let drain = if ended.is_ok() { settings.server.drain_period } else { std::time::Duration::ZERO };
        signals.unless_again(running.drain_and_stop(drain)).await?;
        ended
    })
}

/// `build14 worker`
///
/// # Errors
/// What is missing, and what to do.
pub fn worker(settings: &Settings) -> anyhow::Result<ExitCode> {
    refuse_worker_alone(settings)?;
    block_on(async {
        let mut signals = Signals::new()?;
        // What costs nothing is tried first.
        let mut scrape = Scrape::start(settings.metrics, scrape::recorder()?)?;
        let provided = server::database(settings, server::worker_connections(settings)).await?;
        let (stripe, public_url) = (StripeAccess::configured(settings), server::public_url(settings, settings.server.address));
        let services = std::sync::Arc::new(Services::build(settings, &provided.urls, stripe, &public_url).await?);
        services.count_alarms();
        services.announce_tasks().await?;
        let worker = server::start_worker(settings, &provided, &services).await?;
        print_line("14Build works");
        if let Some(address) = scrape.address() {
            print_line(&format!("  metrics        http://{address}/metrics"));
        }
        tokio::select! {
            () = signals.next() => {}
            ended = scrape.ended() => anyhow::bail!("the metrics server ended by itself: {ended:?}"),
        }
        signals.unless_again(worker.shutdown()).await;
        scrape.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// `build14 migrate [--check]`
///
/// # Errors
/// If the database does not answer, a migration fails, or there are no data yet.
pub fn migrate(settings: &Settings, check: bool) -> anyhow::Result<ExitCode> {
    block_on(async {
        // Beside a running server its cluster is as good as a configured one.
        let Some(urls) = database::to_migrate(settings).or_else(|| database::running(settings)) else {
            anyhow::ensure!(
                !check,
                "`migrate --check` compares a configured database (BUILD14__DATABASE__URL), or the embedded one while a server runs on {}; one that \
                 is started for a command is brought up to date at once, by `build14 migrate` too",
                settings.data_dir.display()
            );
            refuse_empty(settings)?;
            let provided = database::provide(settings, server::connections(settings)).await?;
            print_line("the embedded database is up to date");
            if let Some(cluster) = provided.cluster {
                cluster.stop().await?;
            }
            return Ok(ExitCode::SUCCESS);
        };
        if check {
            let state = db::schema_state(urls.admin.as_ref().unwrap_or(&urls.app)).await?;
            for migration in &state.pending {
                print_line(&format!("pending: {migration}"));
            }
            let current = state.pending.is_empty();
            if current {
                print_line("the schema is up to date");
            }
            return Ok(if current { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        for migration in database::blame(settings, Role::Owner, database::migrate(&urls).await)? {
            print_line(&format!("applied: {migration}"));
        }
        print_line("the schema is up to date");
        Ok(ExitCode::SUCCESS)
    })
}

/// `build14 demo [--json]`
///
/// # Errors
/// Where the journey stopped.
pub fn demo(settings: &Settings, json: bool) -> anyhow::Result<ExitCode> {
    // A server of its own, beside whatever runs in the data directory.
    let (mut settings, parent) = (settings.clone(), settings.data_dir.clone());
    let new_parent = !parent.exists();
    settings.data_dir = settings.data_dir.join("demo");
    settings.server.address.set_port(0);
    settings.metrics.address.set_port(0);
    settings.stripe.sandbox_address.set_port(0);
    block_on(async {
        let running = server::start(&settings, scrape::recorder()?).await?;
        let base = running.base_url();
        let stage = demo::Stage { base: &base, stripe: &running.stripe_base.clone(), json };
        let played = demo::play(&stage).await.context("the journey stopped");
        running.stop().await?;
        let dir = settings.data_dir.display();
        if played.is_err() {
            print_error(&format!("build14: what was played is in {dir}; the next demo goes on there"));
        } else if database::configured(&settings).is_some() {
            print_error(&format!("build14: what was played is in the configured database, and its keys are in {dir}"));
        } else {
            remove_demo(&settings.data_dir, new_parent.then_some(parent.as_path()))?;
        }
        played.map(|()| ExitCode::SUCCESS)
    })
}

/// Removes what the demo made, and the directory above it if that was made for it alone.
fn remove_demo(data_dir: &Path, parent: Option<&Path>) -> anyhow::Result<()> {
    embedded_postgres::remove(data_dir)?;
    std::fs::remove_dir_all(data_dir).with_context(|| format!("cannot remove {}", data_dir.display()))?;
    if let Some(parent) = parent {
        // Unless somebody else has put something there meanwhile.
        let _ = std::fs::remove_dir(parent);
    }
    Ok(())
}

/// `build14 openapi`
///
/// # Errors
/// If the document cannot be written.
pub fn openapi() -> anyhow::Result<ExitCode> {
    print_line(&services::openapi_json()?);
    Ok(ExitCode::SUCCESS)
}

/// `build14 doctor [--json] [--anchor …]`
///
/// # Errors
/// If the database does not answer.
pub fn doctor(settings: &Settings, json: bool, anchor: Option<&str>) -> anyhow::Result<ExitCode> {
    block_on(async {
        let (findings, checked) = on_database(settings, async |urls| services::examine(settings, urls, anchor).await).await?;
        if json {
            print_line(&serde_json::Value::Array(findings.iter().map(module::Finding::json).collect()).to_string());
        } else if findings.is_empty() {
            print_line("every invariant holds, no alarm is open");
        } else {
            for finding in &findings {
                print_line(&finding.to_string());
            }
        }
        // Not among the findings, which scripts count by lines.
        for line in checked.lines(findings.len()) {
            print_error(&line);
        }
        Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

fn hold_place(milestone: Option<uuid::Uuid>, contract: Option<uuid::Uuid>) -> anyhow::Result<escrow::HoldPlace> {
    match (milestone, contract) {
        (Some(id), None) => Ok(escrow::HoldPlace::Milestone(id.into())),
        (None, Some(id)) => Ok(escrow::HoldPlace::Contract(id.into())),
        _ => anyhow::bail!("name one: --milestone or --contract"),
    }
}

/// `build14 freeze (--milestone <id> | --contract <id>) --operator <who> --reason <text>`
///
/// # Errors
/// If there is no such thing, it is frozen already, or the database does not answer.
pub fn freeze(
    settings: &Settings,
    milestone: Option<uuid::Uuid>,
    contract: Option<uuid::Uuid>,
    by: &kernel::Decision,
) -> anyhow::Result<ExitCode> {
    let place = hold_place(milestone, contract)?;
    block_on(async {
        let under_way = on_database(settings, async |urls| services::freeze(&urls.system, place, by).await).await?;
        print_line(&format!("{place} is frozen: nothing is funded, approved or released there until `build14 unfreeze`"));
        if under_way > 0 {
            let left = counted(under_way, "release", "releases");
            print_line(&format!("{left} of it may have left before: look at the payment provider"));
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// `build14 unfreeze (--milestone <id> | --contract <id>) [--kind <kind>] --operator <who> --reason <text>`
///
/// # Errors
/// If there is no such thing, nothing of that kind is open there, or the database does not answer.
pub fn unfreeze(
    settings: &Settings,
    milestone: Option<uuid::Uuid>,
    contract: Option<uuid::Uuid>,
    kind: escrow_api::HoldKind,
    by: &kernel::Decision,
) -> anyhow::Result<ExitCode> {
    let place = hold_place(milestone, contract)?;
    block_on(async {
        let lifted = on_database(settings, async |urls| services::unfreeze(&urls.system, place, kind.name(), by).await).await?;
        let many = counted(lifted.kinds.len(), "hold is", "holds are");
        print_line(&format!("{place}: {many} lifted ({})", lifted.kinds.join(", ")));
        if lifted.remaining.is_empty() {
            let on = counted(lifted.resumed, "waiting release goes on", "waiting releases go on");
            print_line(&format!("its money may move again; {on}"));
        } else {
            print_line(&format!("still on hold: {}", lifted.remaining.join(", ")));
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Refuses a worker that would share nothing with the servers.
fn refuse_worker_alone(settings: &Settings) -> anyhow::Result<()> {
    let why = if database::configured(settings).is_none() {
        "the embedded database belongs to the process of `build14 serve`, which runs a worker itself and, at its start, takes back whatever another \
         worker holds. Set BUILD14__DATABASE__URL (and SYSTEM_URL) and BUILD14__STRIPE__API_BASE"
    } else if settings.stripe.api_base.is_none() {
        "the Stripe sandbox lives in the process of `build14 serve`, and in none other at the same time. Set BUILD14__STRIPE__API_BASE"
    } else {
        return Ok(());
    };
    anyhow::bail!("a worker of its own shares database and Stripe with the servers, and here it cannot: {why}")
}

/// `build14 database-url [--role …]`
///
/// # Errors
/// If nothing is configured and nothing runs.
pub fn database_url(settings: &Settings, role: Role) -> anyhow::Result<ExitCode> {
    print_line(database::url_of(settings, role)?.expose_secret());
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::causes;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Says(#[source] std::io::Error);

    #[test]
    fn a_cause_is_told_once() {
        let io = || std::io::Error::other("no route");
        assert_eq!(causes(&anyhow::Error::new(Says(io()))), "no route");
        assert_eq!(causes(&anyhow::Error::new(io()).context("cannot connect")), "cannot connect: no route");
        assert_eq!(causes(&anyhow::Error::new(Says(io())).context("cannot connect: no route")), "cannot connect: no route");
    }
}
