//! Listening: the server around the App, which no client can keep from serving the others by being slow, silent or many, and in which requests of
//! one connection have their turn one by one.

mod connection;
mod ends;
mod gate;
mod turn;
mod unread;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::HttpService;
use actix_http::error::DispatchError;
use actix_server::Server;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::AppConfig;
use actix_web::rt::net::TcpStream;

use connection::Connection;
use turn::telling;

use crate::AppDeps;
use crate::crowd::{self, Crowd, Limits};

/// How long an answer that ends the connection waits for the client to take it.
const GOODBYE: Duration = Duration::from_secs(2);
/// actix's own timers fire first, since they say goodbye; ours end what they overlook.
const SLACK: Duration = Duration::from_secs(1);

/// How the server listens, and for how long it waits for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listening {
    /// Threads that serve requests.
    pub workers: usize,
    /// Connections at a time, of all clients.
    pub max_connections: usize,
    /// Connections at a time of one address (IPv6: of one /64). Those of trusted proxies are not counted.
    pub connections_per_address: usize,
    /// How long the head of a request may take.
    pub head_timeout: Duration,
    /// How long a connection without a request is kept.
    pub keep_alive: Duration,
    /// How long an answer waits for a client that does not take it.
    pub write_timeout: Duration,
    /// How long running requests may take to finish when the server stops.
    pub shutdown_timeout: Duration,
}

impl Default for Listening {
    fn default() -> Self {
        Self {
            workers: 2,
            max_connections: 10_000,
            connections_per_address: 256,
            head_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(20),
        }
    }
}

/// Serves the App on `listener`, HTTP/1.1, until the server is stopped. To be called inside a tokio runtime.
///
/// # Errors
/// If the listener cannot be used.
pub fn serve(listener: TcpListener, deps: &AppDeps, listening: &Listening) -> io::Result<Server> {
    let address = listener.local_addr()?;
    let crowd = Crowd::new(Limits {
        all: listening.max_connections.max(1),
        per_address: listening.connections_per_address.max(1),
        trusted: deps.settings.trusted_proxies.clone(),
        head: listening.head_timeout + SLACK,
        idle: listening.keep_alive + SLACK,
        write: listening.write_timeout,
        goodbye: GOODBYE,
    });
    crowd.watch();
    let server = Server::build();
    let stopping = server.graceful_shutdown_signal();
    let (deps, listening) = (deps.clone(), *listening);
    let server = server
        .workers(listening.workers.max(1))
        // The crowd refuses politely before the listener would stop accepting.
        .max_concurrent_connections(listening.max_connections.saturating_add(1024))
        .shutdown_timeout(listening.shutdown_timeout.as_secs())
        .disable_signals()
        .listen("api", listener, move || {
            let (crowd, stopping) = (Arc::clone(&crowd), stopping.clone());
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                .keep_alive(listening.keep_alive)
                .client_request_timeout(listening.head_timeout)
                .client_disconnect_timeout(SLACK)
                .local_addr(address)
                .on_connect_ext(|connection: &Connection, data| {
                    data.insert(Arc::clone(connection.seat()));
                    data.insert(Rc::clone(connection.turn()));
                })
                .h1(map_config(telling(crate::app(&deps).into_factory()), |()| AppConfig::default()));
            fn_service(move |stream: TcpStream| {
                let admitted = admit(stream, &crowd);
                async move { admitted }
            })
            .and_then(http)
        })?;
    Ok(server.run())
}

/// Gives the connection a seat, or tells it why not and lets it go.
fn admit(stream: TcpStream, crowd: &Arc<Crowd>) -> Result<(Connection, Option<SocketAddr>), DispatchError> {
    let peer = stream.peer_addr().ok();
    let Some(seat) = crowd.enter(peer.map(|peer| peer.ip())) else {
        // Into the empty buffer of a new socket, so that it need not be waited for.
        let _told_if_possible = stream.try_write(&crowd::refusal());
        return Err(DispatchError::Io(io::Error::from(io::ErrorKind::ConnectionRefused)));
    };
    // Answers are written whole: there is nothing to gather.
    let _only_slower_without = stream.set_nodelay(true);
    Ok((Connection::new(stream, seat), peer))
}
