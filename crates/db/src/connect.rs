//! The one way to a server: bounded waits, TCP keepalive, and TLS where the URL demands it.

use std::error::Error as _;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret, SecretString};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, LoadBalanceHosts, SslMode, TargetSessionAttrs};
use tokio_postgres::tls::{MakeTlsConnect, TlsStream};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::wire::{Translated, TranslatedTls, Wire};

/// A server that does not answer in this time is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// After so long a silence the peer is asked whether it lives.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// A PEM file of certificates to trust besides the public ones, as libpq calls it.
const ROOTS: &str = "PGSSLROOTCERT";

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// The URL names no host, or not one port and one address for each.
    #[error("the URL names no host to connect to, or not as many ports or addresses as hosts")]
    NoHost,
    /// Nobody listens there.
    #[error("cannot connect to {0}: {1}")]
    Unreachable(String, io::Error),
    /// The URL wants a server that can be written to, or one that cannot.
    #[error("{0} is not what target_session_attrs asks for")]
    OtherAttributes(String),
    /// The URL is wrong, or the server refuses.
    #[error("{}", chain(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// The server, or something on the way, closed it.
    #[error("the connection was closed")]
    Closed,
}

/// The error and its causes: by itself it says only 'db error'.
fn chain(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// What the server says. It must be polled: nothing else moves the connection on.
pub type Messages = BoxStream<'static, Result<AsyncMessage, tokio_postgres::Error>>;

/// A libpq URL with our limits. `sslmode=require` means TLS with a certificate that is verified, by the public authorities and those in
/// the file that `PGSSLROOTCERT` names; any other mode means none.
///
/// # Errors
/// If it is no such URL.
pub fn client_config(url: &SecretString) -> Result<Config, tokio_postgres::Error> {
    let mut config: Config = url.expose_secret().parse()?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    config.keepalives_idle(KEEPALIVE).keepalives_interval(KEEPALIVE / 3).keepalives_retries(3);
    if config.get_ssl_mode() != SslMode::Require {
        config.ssl_mode(SslMode::Disable);
    }
    Ok(config)
}

/// Connects, for what needs a session of its own.
///
/// # Errors
/// [`ConnectError`].
pub async fn connect(config: &Config) -> Result<(Client, Messages), ConnectError> {
    let mut last = ConnectError::NoHost;
    for way in ways(config)? {
        match tokio::time::timeout(patience(config), reach(config, &way)).await {
            Ok(Ok(reached)) => return Ok(reached),
            Ok(Err(error)) => last = error,
            Err(_) => last = ConnectError::Unreachable(way.to_string(), ErrorKind::TimedOut.into()),
        }
    }
    Err(last)
}

/// What moves a connection on. The connection ends with it, whatever it was doing.
#[derive(Debug)]
pub(crate) struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Connects, for diesel.
pub(crate) async fn establish(url: &SecretString) -> ConnectionResult<(AsyncPgConnection, Driver)> {
    let bad = |error: ConnectError| ConnectionError::BadConnection(error.to_string());
    let config = client_config(url).map_err(|error| bad(error.into()))?;
    let (client, mut messages) = connect(&config).await.map_err(bad)?;
    let driver = Driver(tokio::spawn(async move { while let Some(Ok(_)) = messages.next().await {} }));
    Ok((AsyncPgConnection::try_from(client).await?, driver))
}

fn patience(config: &Config) -> Duration {
    config.get_connect_timeout().copied().filter(|timeout| !timeout.is_zero()).unwrap_or(CONNECT_TIMEOUT)
}

/// One of the places that a URL names.
#[derive(Debug, Clone)]
struct Way {
    /// Where to connect to.
    host: Host,
    /// Whom the certificate must name.
    name: Option<String>,
    port: u16,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Tcp(host) => write!(f, "{host}:{}", self.port),
            Host::Unix(folder) => write!(f, "{}", folder.join(format!(".s.PGSQL.{}", self.port)).display()),
        }
    }
}

/// Every host with its address and port, as libpq pairs them.
fn ways(config: &Config) -> Result<Vec<Way>, ConnectError> {
    let (hosts, addresses, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    let count = hosts.len().max(addresses.len());
    let paired = |given: usize| given == 0 || given == count;
    if count == 0 || !paired(hosts.len()) || !paired(addresses.len()) || !(ports.len() <= 1 || ports.len() == count) {
        return Err(ConnectError::NoHost);
    }
    let mut ways: Vec<Way> = (0..count)
        .filter_map(|n| {
            let host = match (addresses.get(n), hosts.get(n)) {
                (Some(address), _) => Host::Tcp(address.to_string()),
                (None, host) => host?.clone(),
            };
            let name = hosts.get(n).and_then(|host| match host {
                Host::Tcp(name) => Some(name.clone()),
                Host::Unix(_) => None,
            });
            Some(Way { host, name, port: ports.get(n).or(ports.first()).copied().unwrap_or(5432) })
        })
        .collect();
    if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
        let random = RandomState::new().hash_one(0) as usize;
        ways.rotate_left(random % count);
    }
    Ok(ways)
}

async fn reach(config: &Config, way: &Way) -> Result<(Client, Messages), ConnectError> {
    let unreachable = |error| ConnectError::Unreachable(way.to_string(), error);
    let stream = socket(way).await.map_err(unreachable)?;
    let (client, mut messages) = if config.get_ssl_mode() == SslMode::Require {
        let name =
            way.name.as_deref().ok_or_else(|| ConnectError::Tls(format!("{way} has no name that a certificate could show")))?;
        let Ok(tls) = MakeTlsConnect::<Wire>::make_tls_connect(&mut tls()?, name);
        let (client, connection) = config.connect_raw(stream, TranslatedTls(tls)).await?;
        (client, messages(connection))
    } else {
        let (client, connection) = config.connect_raw(Translated::new(stream), NoTls).await?;
        (client, messages(connection))
    };
    let wanted = match config.get_target_session_attrs() {
        TargetSessionAttrs::ReadWrite => "off",
        TargetSessionAttrs::ReadOnly => "on",
        _ => return Ok((client, messages)),
    };
    let rows = {
        let asked = client.simple_query("SHOW transaction_read_only");
        tokio::pin!(asked);
        loop {
            tokio::select! {
                rows = &mut asked => break rows?,
                message = messages.next() => if message.is_none() { return Err(ConnectError::Closed) },
            }
        }
    };
    let is_wanted = |row: &SimpleQueryMessage| matches!(row, SimpleQueryMessage::Row(row) if row.get(0) == Some(wanted));
    if rows.iter().any(is_wanted) { Ok((client, messages)) } else { Err(ConnectError::OtherAttributes(way.to_string())) }
}

async fn socket(way: &Way) -> io::Result<Wire> {
    match &way.host {
        Host::Unix(folder) => Ok(Wire::Unix(UnixStream::connect(folder.join(format!(".s.PGSQL.{}", way.port))).await?)),
        Host::Tcp(host) => {
            let stream = TcpStream::connect((host.as_str(), way.port)).await?;
            stream.set_nodelay(true)?;
            let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 3).with_retries(3);
            SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
            Ok(Wire::Tcp(stream))
        }
    }
}

fn messages<S, T>(mut connection: Connection<S, T>) -> Messages
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: TlsStream + Unpin + Send + 'static,
{
    stream::poll_fn(move |cx| connection.poll_message(cx)).boxed()
}

/// TLS as everything here speaks it, where a connection is configured to.
///
/// # Errors
/// If the file of further authorities cannot be read.
pub fn tls() -> Result<MakeRustlsConnect, ConnectError> {
    static TLS: OnceLock<MakeRustlsConnect> = OnceLock::new();
    if let Some(tls) = TLS.get() {
        return Ok(tls.clone());
    }
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = std::env::var_os(ROOTS).filter(|file| !file.is_empty()) {
        let refused = |error: &dyn std::fmt::Display| {
            ConnectError::Tls(format!("{ROOTS} names {}, which is no PEM file of certificates: {error}", file.display()))
        };
        let trusted = CertificateDer::pem_file_iter(&file).map_err(|error| refused(&error))?;
        for certificate in trusted {
            let certificate = certificate.map_err(|error| refused(&error))?;
            roots.add(certificate).map_err(|error| refused(&error))?;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TLS.get_or_init(|| MakeRustlsConnect::new(config)).clone())
}
