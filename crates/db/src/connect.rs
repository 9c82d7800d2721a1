//! The one way to a server: bounded waits, TCP keepalive, and TLS where the URL demands it.

use std::error::Error as _;
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
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::TlsStream;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

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
    /// The URL is wrong, or the server does not answer or refuses.
    #[error("{}", chain(.0))]
    Postgres(#[from] tokio_postgres::Error),
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
    if config.get_ssl_mode() == SslMode::Require {
        let (client, connection) = config.connect(tls()?).await?;
        return Ok((client, messages(connection)));
    }
    let (client, connection) = config.connect(NoTls).await?;
    Ok((client, messages(connection)))
}

/// Connects, for diesel.
pub(crate) async fn establish(url: &SecretString) -> ConnectionResult<AsyncPgConnection> {
    let bad = |error: ConnectError| ConnectionError::BadConnection(error.to_string());
    let config = client_config(url).map_err(|error| bad(error.into()))?;
    if config.get_ssl_mode() == SslMode::Require {
        let (client, connection) = config.connect(tls().map_err(bad)?).await.map_err(|error| bad(error.into()))?;
        return AsyncPgConnection::try_from_client_and_connection(client, connection).await;
    }
    let (client, connection) = config.connect(NoTls).await.map_err(|error| bad(error.into()))?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await
}

fn messages<S: TlsStream + Unpin + Send + 'static>(mut connection: Connection<Socket, S>) -> Messages {
    stream::poll_fn(move |cx| connection.poll_message(cx)).boxed()
}

fn tls() -> Result<MakeRustlsConnect, ConnectError> {
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
