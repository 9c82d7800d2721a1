//! The commands of the command line.

pub mod alarms;
pub mod security;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use embedded_postgres::Cluster;
use kernel::Decision;
use secrecy::{ExposeSecret, SecretString};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Settings;
use crate::database::{self, Role};
use crate::scrape::{self, Scrape};
use crate::services::{self, Services, StripeAccess};
use crate::{demo, server};

/// Writes a line to standard output; a closed pipe is no error.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Writes a line to standard error.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
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
                complain("build14: asked again: ended at once");
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
        if settings.stripe.api_base.is_none() {
            lines.push(format!("  Stripe sandbox {}", running.stripe_base));
        }
        lines.extend(demo_logins);
        say(&lines.join("\n"));
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
    shared(settings, "worker")?;
    block_on(async {
        let mut signals = Signals::new()?;
        let provided = server::database(settings, server::worker_connections(settings)).await?;
        let mut scrape = Scrape::start(settings.metrics, scrape::recorder()?)?;
        let (stripe, public_url) = (StripeAccess::configured(settings), server::public_url(settings, settings.server.address));
        let services = std::sync::Arc::new(Services::build(settings, &provided.urls, stripe, &public_url).await?);
        services.count_alarms();
        let worker = server::start_worker(settings, &provided, &services).await?;
        say("14Build works");
        if let Some(address) = scrape.address() {
            say(&format!("  metrics        http://{address}/metrics"));
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
/// If the database does not answer or a migration fails.
pub fn migrate(settings: &Settings, check: bool) -> anyhow::Result<ExitCode> {
    block_on(async {
        let Some(urls) = database::configured(settings) else {
            anyhow::ensure!(!check, "--check compares a configured database: set BUILD14__DATABASE__URL");
            let provided = database::provide(settings, server::connections(settings)).await?;
            say("the embedded database is up to date");
            if let Some(cluster) = provided.cluster {
                cluster.stop().await?;
            }
            return Ok(ExitCode::SUCCESS);
        };
        if check {
            let state = db::schema_state(urls.admin.as_ref().unwrap_or(&urls.app)).await?;
            for migration in &state.pending {
                say(&format!("pending: {migration}"));
            }
            let current = state.pending.is_empty();
            if current {
                say("the schema is up to date");
            }
            return Ok(if current { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        for migration in database::migrate(&urls).await? {
            say(&format!("applied: {migration}"));
        }
        say("the schema is up to date");
        Ok(ExitCode::SUCCESS)
    })
}

/// `build14 demo [--json]`
///
/// # Errors
/// Where the journey stopped.
pub fn demo(settings: &Settings, json: bool) -> anyhow::Result<ExitCode> {
    // A server of its own, beside whatever runs in the data directory.
    let mut settings = settings.clone();
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
        played.map(|()| ExitCode::SUCCESS)
    })
}

/// `build14 openapi`
///
/// # Errors
/// If the document cannot be written.
pub fn openapi() -> anyhow::Result<ExitCode> {
    say(&services::openapi_json()?);
    Ok(ExitCode::SUCCESS)
}

/// The platform's door to the database: beside a running server its cluster is asked, else the cluster is started for the time of the command.
pub(crate) async fn platform_database(settings: &Settings) -> anyhow::Result<(SecretString, Option<Cluster>)> {
    if database::configured(settings).is_some() || embedded_postgres::running(&settings.data_dir).is_some() {
        return Ok((database::url_of(settings, Role::System)?, None));
    }
    let provided = database::provide(settings, server::connections(settings)).await?;
    Ok((provided.urls.system.clone(), provided.cluster))
}

/// Does something through the platform's door, and stops the cluster that was started for it, whatever came of it.
async fn on_platform<T>(settings: &Settings, work: impl AsyncFnOnce(&SecretString) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let (system, cluster) = platform_database(settings).await?;
    let done = work(&system).await;
    if let Some(cluster) = cluster {
        cluster.stop().await?;
    }
    done
}

/// As [`platform_database`], with the tenants' door before it.
async fn doctors_databases(settings: &Settings) -> anyhow::Result<(SecretString, SecretString, Option<Cluster>)> {
    if database::configured(settings).is_some() || embedded_postgres::running(&settings.data_dir).is_some() {
        return Ok((database::url_of(settings, Role::App)?, database::url_of(settings, Role::System)?, None));
    }
    let provided = database::provide(settings, server::connections(settings)).await?;
    Ok((provided.urls.app.clone(), provided.urls.system.clone(), provided.cluster))
}

/// `build14 doctor [--json] [--anchor …]`
///
/// # Errors
/// If the database does not answer.
pub fn doctor(settings: &Settings, json: bool, anchor: Option<&str>) -> anyhow::Result<ExitCode> {
    block_on(async {
        let (app, system, cluster) = doctors_databases(settings).await?;
        let found = async {
            let exposed = |url, role| services::exposed(url, services::identity(settings, role));
            let mut findings = exposed(system.clone(), db::Role::System).await?;
            if findings.is_empty() {
                findings = services::doctor_of(settings, &system, anchor).await?;
            }
            findings.extend(exposed(app, db::Role::App).await?);
            anyhow::Ok(findings)
        }
        .await;
        if let Some(cluster) = cluster {
            cluster.stop().await?;
        }
        let findings = found?;
        if json {
            say(&serde_json::Value::Array(findings.iter().map(module::Finding::json).collect()).to_string());
        } else if findings.is_empty() {
            say("every invariant holds, no alarm is open");
        } else {
            for finding in &findings {
                say(&finding.to_string());
            }
        }
        Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

/// `build14 float --amount 5000.00 --currency EUR --source tu_… --operator … [--reason …]`
///
/// # Errors
/// What is wrong with the amount, the currency or the source; what was posted for that source before; if the database does not answer.
pub fn float(settings: &Settings, amount: &str, currency: &str, source: &str, by: &Decision) -> anyhow::Result<ExitCode> {
    own_money(settings, "E0", &escrow::Float::parse(amount, currency, source)?, currency, source, by)
}

/// `build14 payout --amount 250.00 --currency EUR --source po_… --operator … [--reason …]`
///
/// # Errors
/// As [`float`].
pub fn payout(settings: &Settings, amount: &str, currency: &str, source: &str, by: &Decision) -> anyhow::Result<ExitCode> {
    own_money(settings, "E11", &escrow::Float::payout(amount, currency, source)?, currency, source, by)
}

/// `build14 cost --amount 15.00 --currency EUR --source txn_… --operator … [--reason …]`
///
/// # Errors
/// As [`float`].
pub fn cost(settings: &Settings, amount: &str, currency: &str, source: &str, by: &Decision) -> anyhow::Result<ExitCode> {
    own_money(settings, "platform_cost", &escrow::Float::cost(amount, currency, source)?, currency, source, by)
}

fn own_money(
    settings: &Settings,
    kind: &str,
    float: &escrow::Float,
    currency: &str,
    source: &str,
    by: &Decision,
) -> anyhow::Result<ExitCode> {
    block_on(async {
        let posted = on_platform(settings, async |system| services::post_float(system, float, by).await).await?;
        if posted.fresh {
            say(&format!("{kind} {source}"));
        } else {
            let who = posted.operator.as_deref().unwrap_or("an operator whose name was not asked for then");
            say(&format!("{source} was posted before, on {} by {who}; nothing is posted twice. It stands as", posted.at));
        }
        for entry in &posted.entries {
            say(&format!("     {} {:<20} {:>16}", entry.account, entry.name, entry.amount.to_string()));
        }
        let surplus = posted.surplus;
        if surplus.minor().saturating_add(posted.reserve.minor()) < 0 {
            say(&format!("{currency} is short ({surplus}): new funding and new releases stand still"));
        } else if surplus.minor() < 0 {
            say(&format!(
                "{currency} is short ({surplus}), within the platform's reserve of {}: nothing stands still",
                posted.reserve
            ));
        } else if posted.missing.minor() > 0 {
            let missing = posted.missing;
            say(&format!(
                "{currency} is covered by the books, but Stripe's balance lacked {missing} when it was last asked: the sweep asks again"
            ));
        } else {
            say(&format!("{currency} is covered, with a surplus of {surplus}; {} waiting release(s) go on", posted.resumed));
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// `build14 release-resolve --release <id> (--sent tr_… | --not-sent) --operator … [--reason …]`
///
/// # Errors
/// If the release is not unknown, may still be sent by itself, or the provider's transfers say otherwise.
pub fn release_resolve(
    settings: &Settings,
    release: uuid::Uuid,
    sent: Option<String>,
    by: &Decision,
) -> anyhow::Result<ExitCode> {
    let urls = shared(settings, "release-resolve")?;
    let resolution = sent.map_or(escrow::Resolution::NotSent, escrow::Resolution::Sent);
    block_on(async {
        let stripe = StripeAccess::configured(settings);
        let services = Services::build(settings, &urls, stripe, &settings.server.public_url).await?;
        let resolved = services.resolve_release(release.into(), &resolution, by).await?;
        let transfer = resolved.transfer.as_deref().unwrap_or("no transfer");
        say(&format!("release {release} is {} ({transfer})", resolved.status.name()));
        Ok(ExitCode::SUCCESS)
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
        let (system, cluster) = platform_database(settings).await?;
        let frozen = services::freeze(&system, place, by).await;
        if let Some(cluster) = cluster {
            cluster.stop().await?;
        }
        let under_way = frozen?;
        say(&format!("{place} is frozen: nothing is funded, approved or released there until `build14 unfreeze`"));
        if under_way > 0 {
            say(&format!("{under_way} release(s) of it may have left before: look at the payment provider"));
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
    kind: &str,
    by: &kernel::Decision,
) -> anyhow::Result<ExitCode> {
    let place = hold_place(milestone, contract)?;
    block_on(async {
        let (system, cluster) = platform_database(settings).await?;
        let lifted = services::unfreeze(&system, place, kind, by).await;
        if let Some(cluster) = cluster {
            cluster.stop().await?;
        }
        let lifted = lifted?;
        say(&format!("{place}: {} hold(s) lifted ({})", lifted.kinds.len(), lifted.kinds.join(", ")));
        if lifted.remaining.is_empty() {
            say(&format!("its money may move again; {} waiting release(s) go on", lifted.resumed));
        } else {
            say(&format!("still on hold: {}", lifted.remaining.join(", ")));
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// `build14 reversal-settle --release <id> (--paid-with tr_… | --held-again) --operator … --reason …`
///
/// # Errors
/// If nothing of the release came back, or the provider's transfers say otherwise.
pub fn reversal_settle(
    settings: &Settings,
    release: uuid::Uuid,
    paid_with: Option<String>,
    by: &Decision,
) -> anyhow::Result<ExitCode> {
    let urls = shared(settings, "reversal-settle")?;
    let settlement = paid_with.map_or(escrow::Settlement::HeldAgain, escrow::Settlement::PaidWith);
    block_on(async {
        let stripe = StripeAccess::configured(settings);
        let services = Services::build(settings, &urls, stripe, &settings.server.public_url).await?;
        let settled = services.settle_reversal(release.into(), &settlement, by).await?;
        say(&format!("release {release}: what came back ({}) is settled; its contract's money may move again", settled.reversed));
        Ok(ExitCode::SUCCESS)
    })
}

/// The database that a command shares with the servers, with a provider to ask.
fn shared(settings: &Settings, command: &str) -> anyhow::Result<database::Urls> {
    match database::configured(settings) {
        Some(urls) if settings.stripe.api_base.is_some() => Ok(urls),
        _ => anyhow::bail!(
            "`{command}` shares database and Stripe with the servers: set BUILD14__DATABASE__URL (and SYSTEM_URL) and \
             BUILD14__STRIPE__API_BASE{}",
            if command == "worker" { ". In development `build14 serve` runs a worker itself" } else { "" }
        ),
    }
}

/// `build14 database-url [--role …]`
///
/// # Errors
/// If nothing is configured and nothing runs.
pub fn database_url(settings: &Settings, role: Role) -> anyhow::Result<ExitCode> {
    say(database::url_of(settings, role)?.expose_secret());
    Ok(ExitCode::SUCCESS)
}
