//! Starting and stopping everything in its order: listener, sandbox, database, services, worker, HTTP.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web as actix};
use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::{ExposeSecret, SecretString};
use stripe_sandbox::Sandbox;

use crate::config::{Profile, Settings};
use crate::database::{self, Provided};
use crate::services::{Services, StripeAccess};
use crate::{secrets, telemetry};

/// A slow or silent client loses its connection after these.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// A running server. Stop it with [`Running::stop`]; dropped, it stops as if it had been killed.
pub struct Running {
    /// Where the API listens.
    pub address: SocketAddr,
    /// Where metrics are.
    pub metrics_address: SocketAddr,
    /// Stripe's, or the sandbox's, base URL.
    pub stripe_base: String,
    /// The services, for whoever runs in this process.
    pub services: Arc<Services>,
    api: ServerHandle,
    metrics: ServerHandle,
    worker: Option<jobs::Worker>,
    sandbox: Option<Sandbox>,
    provided: Provided,
}

impl Running {
    /// The API's base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", reachable(self.address))
    }

    /// Stops in the opposite order: no new requests, running ones finish, jobs are given back, then the database.
    ///
    /// # Errors
    /// If the embedded database does not stop.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.api.stop(true).await;
        if let Some(worker) = self.worker {
            worker.shutdown().await;
        }
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
        self.metrics.stop(false).await;
        drop(self.services);
        if let Some(cluster) = self.provided.cluster {
            cluster.stop().await?;
        }
        Ok(())
    }
}

/// Starts the server.
///
/// # Errors
/// What is missing or taken, and what to do.
pub async fn start(settings: &Settings, metrics: PrometheusHandle) -> anyhow::Result<Running> {
    let (listener, address) = bind(settings.server.address, "server.address")?;
    let (metrics_listener, metrics_address) = bind(settings.metrics_address, "metrics.address")?;
    std::fs::create_dir_all(&settings.data_dir)
        .with_context(|| format!("cannot create the data directory {}; set BUILD14__DATA_DIR", settings.data_dir.display()))?;

    let provided = database::provide(settings, connections(settings)).await?;
    refuse_old_schema(&provided).await?;
    db::check_capacity(&db::PoolSettings::new(provided.urls.app.clone()), connections(settings)).await?;

    let (sandbox, stripe) = stripe(settings, address).await?;
    let stripe_base = stripe.api_base.clone();
    let services = Arc::new(Services::build(settings, &provided.urls, stripe, &public_url(settings, address)).await?);
    let worker = if settings.jobs.in_process { Some(start_worker(settings, &provided, &services).await?) } else { None };
    if let Some(worker) = &worker {
        services.watch_worker(worker.monitor());
    }

    let deps = services.app_deps(settings)?;
    let api = HttpServer::new(move || web::app(&deps))
        .workers(settings.workers())
        .client_request_timeout(REQUEST_TIMEOUT)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(settings.server.shutdown_timeout.as_secs())
        .disable_signals()
        .listen(listener)?
        .run();
    let metrics_server = HttpServer::new(move || {
        let metrics = metrics.clone();
        App::new().route(
            "/metrics",
            actix::get().to(move || {
                let text = metrics.render();
                async { HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text) }
            }),
        )
    })
    .workers(1)
    .disable_signals()
    .listen(metrics_listener)?
    .run();
    let (api_handle, metrics_handle) = (api.handle(), metrics_server.handle());
    tokio::spawn(api);
    tokio::spawn(metrics_server);
    std::fs::write(settings.data_dir.join("server.address"), address.to_string())?;
    Ok(Running {
        address,
        metrics_address,
        stripe_base,
        services,
        api: api_handle,
        metrics: metrics_handle,
        worker,
        sandbox,
        provided,
    })
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

/// Every connection that this process may open, to compare with what PostgreSQL grants.
#[must_use]
pub fn connections(settings: &Settings) -> usize {
    let worker = jobs::Settings::new(SecretString::from(String::new())).connections();
    // Serving threads; the platform's pool; jobs' own pool; the worker; the sessions' listener.
    settings.workers() * settings.database.pool_size + crate::services::SYSTEM_POOL + settings.jobs.concurrency * 2 + worker + 1
}

async fn refuse_old_schema(provided: &Provided) -> anyhow::Result<()> {
    let state = db::schema_state(&provided.urls.app).await?;
    anyhow::ensure!(
        state.pending.is_empty(),
        "the database's schema lacks {} migration(s), the first is {}: run `build14 migrate` with the owner's credentials \
         (BUILD14__DATABASE__OWNER_URL), then start again",
        state.pending.len(),
        state.pending[0]
    );
    if !state.unknown.is_empty() {
        tracing::warn!(migrations = ?state.unknown, "the database's schema is newer than this program");
    }
    Ok(())
}

async fn stripe(settings: &Settings, api: SocketAddr) -> anyhow::Result<(Option<Sandbox>, StripeAccess)> {
    if let Some(api_base) = &settings.stripe.api_base {
        let access = StripeAccess {
            api_base: api_base.clone(),
            secret_key: settings.stripe.secret_key.clone(),
            webhook_secrets: settings.stripe.webhook_secrets.clone(),
            livemode: settings.stripe.secret_key.expose_secret().starts_with("sk_live_"),
        };
        return Ok((None, access));
    }
    anyhow::ensure!(settings.profile == Profile::Development, "stripe.api_base must be given in production");
    let webhook_secret: SecretString =
        format!("whsec_{}", secrets::kept(&settings.data_dir, "webhook.secret")?.expose_secret()).into();
    let url = format!("http://{}/api/webhooks/stripe", reachable(api));
    let sandbox = crate::services::start_sandbox(settings, &url, &webhook_secret).await?;
    let access = StripeAccess {
        api_base: sandbox.base_url(),
        secret_key: "sk_test_sandbox".to_owned().into(),
        webhook_secrets: vec![webhook_secret],
        livemode: false,
    };
    Ok((Some(sandbox), access))
}

fn bind(address: SocketAddr, key: &str) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let variable = format!("BUILD14__{}", key.to_uppercase().replace('.', "__"));
    let listener = TcpListener::bind(address).with_context(|| {
        format!("cannot listen on {address} ({key}); choose another address with {variable}, port 0 takes any free one")
    })?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// The address as a client on this machine reaches it.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() { SocketAddr::from(([127, 0, 0, 1], address.port())) } else { address }
}

fn public_url(settings: &Settings, address: SocketAddr) -> String {
    match settings.server.public_url.trim_end_matches('/') {
        "" => format!("http://{}", reachable(address)),
        url => url.to_owned(),
    }
}

/// Metrics of this process: one recorder, however many servers a test starts.
///
/// # Errors
/// If another recorder was installed first.
pub fn metrics() -> anyhow::Result<PrometheusHandle> {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let handle = telemetry::start_metrics()?;
    Ok(HANDLE.get_or_init(|| handle).clone())
}
