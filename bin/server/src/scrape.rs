//! `/metrics` for Prometheus, on a port of its own.

use std::net::SocketAddr;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web as actix};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::task::{JoinError, JoinHandle};

use crate::config;
use crate::listener::bind;
use crate::telemetry;

/// A listener for Prometheus, or none.
pub struct Scrape(Option<Listening>);

struct Listening {
    address: SocketAddr,
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
}

impl Scrape {
    /// Serves `metrics` where the settings say, if they do.
    ///
    /// # Errors
    /// If the address is taken: which setting moves it.
    pub fn start(settings: config::Metrics, metrics: PrometheusHandle) -> anyhow::Result<Self> {
        if !settings.enabled {
            return Ok(Self(None));
        }
        let (listener, address) = bind(settings.address, "metrics.address")?;
        let server = HttpServer::new(move || {
            let metrics = metrics.clone();
            let show = move || {
                let text = metrics.render();
                async { HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text) }
            };
            let route = actix::resource("/metrics").route(actix::get().to(show.clone()));
            App::new().service(route.route(actix::head().to(show)))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)?
        .run();
        Ok(Self(Some(Listening { address, handle: server.handle(), task: tokio::spawn(server) })))
    }

    /// Where metrics are.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.as_ref().map(|listening| listening.address)
    }

    /// Waits until the listener ends, which it should not by itself. To be called once.
    pub async fn ended(&mut self) -> Result<std::io::Result<()>, JoinError> {
        match &mut self.0 {
            Some(listening) => (&mut listening.task).await,
            None => std::future::pending().await,
        }
    }

    /// Stops listening.
    pub async fn stop(self) {
        if let Some(listening) = self.0 {
            listening.handle.stop(false).await;
        }
    }
}

/// Metrics of this process: one recorder, however many servers a test starts.
///
/// # Errors
/// If another recorder was installed first.
pub fn recorder() -> anyhow::Result<PrometheusHandle> {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let handle = telemetry::start_metrics()?;
    Ok(HANDLE.get_or_init(|| handle).clone())
}
