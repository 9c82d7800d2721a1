//! `/metrics` for Prometheus, on a port of its own.

use std::net::SocketAddr;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web as actix};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::task::JoinHandle;

use crate::server::bind;
use crate::telemetry;

/// A listener for Prometheus.
pub struct Scrape {
    /// Where metrics are.
    pub address: SocketAddr,
    handle: ServerHandle,
    /// Ends if the listener does.
    pub task: JoinHandle<std::io::Result<()>>,
}

impl Scrape {
    /// Serves `metrics` at `address`.
    ///
    /// # Errors
    /// If the address is taken: which setting moves it.
    pub fn start(address: SocketAddr, metrics: PrometheusHandle) -> anyhow::Result<Self> {
        let (listener, address) = bind(address, "metrics.address")?;
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
        Ok(Self { address, handle: server.handle(), task: tokio::spawn(server) })
    }

    /// Stops listening.
    pub async fn stop(self) {
        self.handle.stop(false).await;
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
