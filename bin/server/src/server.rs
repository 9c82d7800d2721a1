//! Starting and stopping everything in its order: listener, sandbox, database, services, worker, HTTP.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::{ExposeSecret, SecretString};
use stripe_sandbox::Sandbox;
use tokio::task::JoinHandle;

use crate::config::{Profile, Settings};
use crate::data_dir;
use crate::database::{self, Provided};
use crate::listener::listen;
use crate::scrape::Scrape;
use crate::secrets;
use crate::services::foundation::system_uow;
use crate::services::{self, SYSTEM_POOL, Services, StripeAccess, job_connections};

/// A running server. Stop it with [`Running::stop`]; dropped, it stops as if it had been killed.
pub struct Running {
    /// Where the API listens.
    pub address: SocketAddr,
    /// Stripe's, or the sandbox's, base URL.
    pub stripe_base: String,
    /// The services, for whoever runs in this process.
    pub services: Arc<Services>,
    data_dir: PathBuf,
    drain: web::Drain,
    api: ServerHandle,
    api_task: JoinHandle<std::io::Result<()>>,
    scrape: Scrape,
    worker: Option<jobs::Worker>,
    sandbox: Option<Sandbox>,
    provided: Provided,
}

impl Running {
    /// Where metrics are, if they are anywhere.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.scrape.address()
    }

    /// The API's base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", reachable(self.address))
    }

    /// Waits until a listener ends by itself, which none should, and says why it did. To be called once.
    pub async fn ended(&mut self) -> anyhow::Error {
        let (what, result) = tokio::select! {
            result = &mut self.api_task => ("API", result),
            result = self.scrape.ended() => ("metrics", result),
        };
        match result {
            Ok(Ok(())) => anyhow::anyhow!("the {what} server ended by itself"),
            Ok(Err(error)) => anyhow::Error::new(error).context(format!("the {what} server failed")),
            Err(error) => anyhow::Error::new(error).context(format!("the {what} server broke down")),
        }
    }

    /// Turns clients away politely, then stops: for so long requests are served as before, but `/health/ready` says 503 and every answer closes
    /// its connection, so that load balancers and keep-alive clients go elsewhere before anybody is cut off.
    ///
    /// # Errors
    /// As [`Running::stop`].
    pub async fn drain_and_stop(self, period: Duration) -> anyhow::Result<()> {
        if !period.is_zero() {
            self.drain.begin();
            tracing::info!(period = %humantime::format_duration(period), "draining");
            tokio::time::sleep(period).await;
        }
        self.stop().await
    }

    /// Stops in the opposite order: no new requests, running ones finish, jobs are given back, then the database.
    ///
    /// # Errors
    /// If the embedded database does not stop.
    pub async fn stop(self) -> anyhow::Result<()> {
        data_dir::forget_address(&self.data_dir, self.address);
        self.api.stop(true).await;
        if let Some(worker) = self.worker {
            worker.shutdown().await;
        }
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
            services::forget_sandbox(&self.data_dir, &self.stripe_base);
        }
        self.scrape.stop().await;
        drop(self.services);
        if let Some(cluster) = self.provided.cluster {
            cluster.stop().await?;
        }
        Ok(())
    }
}

/// Starts the server, in development with the demo logins, which it returns in lines to print: it is not ready before they are there.
///
/// # Errors
/// As [`start`]; if the demo logins cannot be made.
pub async fn start_seeded(settings: &Settings, metrics: PrometheusHandle) -> anyhow::Result<(Running, Vec<String>)> {
    let seeded = settings.profile == Profile::Development;
    let running = launch(settings, metrics, seeded).await?;
    let mut lines = Vec::new();
    if seeded {
        lines = services::seed(&running.base_url(), &running.services).await?;
        running.services.miss_demo_logins(false);
    }
    Ok((running, lines))
}

/// Starts the server.
///
/// # Errors
/// What is missing or taken, and what to do.
pub async fn start(settings: &Settings, metrics: PrometheusHandle) -> anyhow::Result<Running> {
    launch(settings, metrics, false).await
}

/// Starts the server; if it is `seeded`, the demo logins are still to be made.
async fn launch(settings: &Settings, metrics: PrometheusHandle, seeded: bool) -> anyhow::Result<Running> {
    let (listener, address) = listen(settings)?;
    let scrape = Scrape::start(settings.metrics, metrics)?;
    data_dir::prepare(&settings.data_dir)?;
    // Another server's, beside which this one will be refused, stays.
    if database::configured(settings).is_some() || embedded_postgres::running(&settings.data_dir).is_none() {
        data_dir::forget_killed(&settings.data_dir)?;
    }

    if settings.profile == Profile::Production && !settings.rate_limits.enabled {
        tracing::warn!("rate_limits.enabled is false: whatever stands in front of this server must limit requests itself");
    }
    let provided = self::database(settings, connections(settings)).await?;
    let (sandbox, stripe) = stripe(settings, address).await?;
    let stripe_base = stripe.api_base.clone();
    let services = Arc::new(Services::build(settings, &provided.urls, stripe, &public_url(settings, address)).await?);
    services.announce_tasks().await?;
    services.count_alarms();
    let worker = if settings.jobs.in_process { Some(start_worker(settings, &provided, &services).await?) } else { None };
    if let Some(worker) = &worker {
        services.watch_worker(worker.monitor());
    }

    services.miss_demo_logins(seeded);
    let drain = services.drain();
    let mut deps = services.app_deps(settings)?;
    if settings.profile == Profile::Development {
        deps = deps.development(web::Development {
            base_url: format!("http://{}", reachable(address)),
            places: places(address, scrape.address(), sandbox.as_ref().map(|_| stripe_base.as_str())),
            logins: if seeded { services::demo_logins() } else { Vec::new() },
        });
    }
    let api = web::serve(listener, &deps, &listening(settings))?;
    let api_handle = api.handle();
    let api_task = tokio::spawn(api);
    data_dir::tell_address(&settings.data_dir, address)?;
    let data_dir = settings.data_dir.clone();
    Ok(Running { address, stripe_base, services, data_dir, drain, api: api_handle, api_task, scrape, worker, sandbox, provided })
}

/// What there is to look at in development besides the API.
fn places(api: SocketAddr, metrics: Option<SocketAddr>, sandbox: Option<&str>) -> Vec<web::Place> {
    let mailbox = web::Place {
        name: "Mailbox",
        url: format!("http://{}/dev/mailbox", reachable(api)),
        text: "Mail that this server would have sent, and its templates.",
    };
    let metrics = metrics.map(|address| web::Place {
        name: "Metrics",
        url: format!("http://{}/metrics", reachable(address)),
        text: "Figures for Prometheus, on a port of their own.",
    });
    let sandbox = sandbox.map(|url| web::Place {
        name: "Stripe sandbox",
        url: url.to_owned(),
        text: "Plays the payment provider: no money moves.",
    });
    std::iter::once(mailbox).chain(metrics).chain(sandbox).collect()
}

fn listening(settings: &Settings) -> web::Listening {
    let server = &settings.server;
    web::Listening {
        workers: settings.workers(),
        max_connections: server.max_connections.min(room_for_clients(settings)),
        connections_per_address: server.connections_per_address,
        head_timeout: server.head_timeout,
        keep_alive: server.keep_alive,
        write_timeout: server.write_timeout,
        shutdown_timeout: server.shutdown_timeout,
    }
}

/// How many clients' connections can be open files at a time, beside all that this process opens itself: refused politely at that number, and
/// not by the system at the next.
fn room_for_clients(settings: &Settings) -> usize {
    // Threads, timers, listeners, the log, the calls to the payment provider.
    const OTHERS: usize = 256;
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => {
            let room = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(connections(settings) + OTHERS).max(64);
            if room < settings.server.max_connections {
                tracing::warn!(limit, room, "the limit of open files is too low for server.max_connections");
            }
            room
        }
        Err(_) => usize::MAX,
    }
}

/// Starts the worker over `services`.
///
/// # Errors
/// If the database does not answer.
pub async fn start_worker(settings: &Settings, provided: &Provided, services: &Arc<Services>) -> anyhow::Result<jobs::Worker> {
    let mut worker = jobs::Settings::new(provided.urls.system.clone());
    worker.concurrency = settings.jobs.concurrency;
    worker.alone = provided.cluster.is_some();
    Ok(jobs::Worker::start(worker, services.registry()).await?)
}

/// Every connection that a server may open, to compare with what PostgreSQL grants.
#[must_use]
pub fn connections(settings: &Settings) -> usize {
    // The serving threads' pools; the platform's pool; the sessions' listener.
    let serving = settings.workers() * settings.database.pool_size + SYSTEM_POOL + 1;
    if settings.jobs.in_process { serving + working(settings) } else { serving }
}

/// Every connection that a worker of its own may open.
#[must_use]
pub fn worker_connections(settings: &Settings) -> usize {
    // The sessions' listener, the sweep that purges old sessions, and the count of alarms.
    working(settings) + 3
}

/// The worker itself, and the handlers' own pools.
fn working(settings: &Settings) -> usize {
    jobs::Settings::new(SecretString::default()).connections() + job_connections(settings)
}

/// Finds or starts the database and refuses one with which this process cannot work: its schema is old, or it grants too few connections.
///
/// # Errors
/// What to install, to migrate or to configure.
pub async fn database(settings: &Settings, connections: usize) -> anyhow::Result<Provided> {
    let provided = database::provide(settings, connections).await?;
    refuse_exposed(settings, &provided.urls).await?;
    refuse_old_schema(&provided).await?;
    if settings.profile == Profile::Production {
        refuse_moved_clock(&provided).await?;
    }
    db::check_capacity(&db::PoolSettings::app(provided.urls.app.clone()), connections).await?;
    Ok(provided)
}

/// Refuses a database whose roles would pass row-level security, with everything that is wrong with both.
async fn refuse_exposed(settings: &Settings, urls: &database::Urls) -> anyhow::Result<()> {
    let mut refusals = Vec::new();
    for (url, role) in [(&urls.app, db::Role::App), (&urls.system, db::Role::System)] {
        let identity = crate::services::identity(settings, role);
        let asked = db::exposures_of(url, identity).await.map_err(anyhow::Error::from);
        let named = if role == db::Role::System { database::Role::System } else { database::Role::App };
        let exposures = database::blame(settings, named, asked)?;
        if !exposures.is_empty() {
            refusals.push(db::refusal(identity, &exposures));
        }
    }
    anyhow::ensure!(refusals.is_empty(), "tenants would not be kept apart:\n  {}", refusals.join("\n  "));
    Ok(())
}

async fn refuse_old_schema(provided: &Provided) -> anyhow::Result<()> {
    let state = db::schema_state(&provided.urls.app).await?;
    anyhow::ensure!(
        state.pending.is_empty(),
        "the database's schema lacks {}, the first is {}: run `build14 migrate` with the owner's credentials \
         (BUILD14__DATABASE__OWNER_URL), then start again",
        kernel::counted(state.pending.len(), "migration", "migrations"),
        state.pending[0]
    );
    if !state.unknown.is_empty() {
        tracing::warn!(migrations = ?state.unknown, "the database's schema is newer than this program");
    }
    Ok(())
}

/// Deadlines that come too early or too late cannot be taken back.
async fn refuse_moved_clock(provided: &Provided) -> anyhow::Result<()> {
    if let Some(advance) = db::moved_clock(&system_uow(&provided.urls.system, 1)?).await? {
        anyhow::bail!(
            "the clock that decides deadlines (app.clock) was moved by {advance}; in production it never is: set it back as the owner \
             (update app.clock set advance = '0'), after looking at what was decided meanwhile"
        );
    }
    Ok(())
}

async fn stripe(settings: &Settings, api: SocketAddr) -> anyhow::Result<(Option<Sandbox>, StripeAccess)> {
    if settings.stripe.api_base.is_some() {
        return Ok((None, StripeAccess::configured(settings)));
    }
    anyhow::ensure!(settings.profile == Profile::Development, "stripe.api_base must be given in production");
    let webhook_secret: SecretString =
        format!("whsec_{}", secrets::kept(&settings.data_dir, "webhook.secret")?.expose_secret()).into();
    let url = format!("http://{}/api/webhooks/stripe", reachable(api));
    let sandbox = crate::services::start_sandbox(settings, &url, &webhook_secret).await?;
    let access = StripeAccess { webhook_secrets: vec![webhook_secret], ..StripeAccess::sandbox(sandbox.base_url()) };
    Ok((Some(sandbox), access))
}

/// The address as a client on this machine reaches it.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() { SocketAddr::from(([127, 0, 0, 1], address.port())) } else { address }
}

/// The URL under which clients reach the server.
pub(crate) fn public_url(settings: &Settings, address: SocketAddr) -> String {
    match settings.server.public_url.trim_end_matches('/') {
        "" => format!("http://{}", reachable(address)),
        url => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pool_is_planned_for() {
        let with = |in_process: &str| {
            let environment = [
                ("BUILD14__SERVER__WORKERS", "3"),
                ("BUILD14__DATABASE__POOL_SIZE", "5"),
                ("BUILD14__JOBS__CONCURRENCY", "7"),
                ("BUILD14__JOBS__IN_PROCESS", in_process),
            ];
            let environment: Vec<_> = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            crate::config::load_from(&environment).unwrap_or_else(|faults| panic!("{faults}"))
        };
        // Queue and relay two each, the worker's session and its listener; a pool per role for the handlers.
        let working = 6 + 2 * 7;
        assert_eq!(connections(&with("false")), 3 * 5 + 8 + 1);
        assert_eq!(connections(&with("true")), 3 * 5 + 8 + 1 + working);
        assert_eq!(worker_connections(&with("false")), working + 3);
    }
}
