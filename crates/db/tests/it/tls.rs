//! `sslmode=require` means TLS, to a server whose certificate is verified.

use std::process::Output;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretString};
use testkit::Database;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_postgres::config::Host;
use tokio_rustls::TlsAcceptor;

/// A certificate for `localhost`, good for a hundred years, and who signed it.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tls");
const URL: &str = "DB_TEST_TLS_URL";

/// Ends TLS before a database that has none.
async fn proxy(database: &SecretString) -> u16 {
    let config: tokio_postgres::Config = database.expose_secret().parse().expect("a URL");
    let Some(Host::Unix(folder)) = config.get_hosts().first() else { panic!("the test cluster listens on a socket") };
    let socket = folder.join(format!(".s.PGSQL.{}", config.get_ports().first().unwrap_or(&5432)));
    let certificate = CertificateDer::from_pem_file(format!("{FOLDER}/server.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(format!("{FOLDER}/server.key.pem")).expect("a key");
    let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("they belong together");
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(
                stream,
                acceptor.clone(),
                UnixStream::connect(socket.clone()).await.expect("the cluster answers"),
            ));
        }
    });
    port
}

async fn serve(mut stream: TcpStream, acceptor: TlsAcceptor, mut database: UnixStream) {
    let mut request = [0; 8];
    stream.read_exact(&mut request).await.expect("a first message");
    if request != [0, 0, 0, 8, 4, 210, 22, 47] {
        // Not SSLRequest: somebody speaks in the clear. The connection is closed.
        return;
    }
    stream.write_all(b"S").await.expect("answered");
    if let Ok(mut stream) = acceptor.accept(stream).await {
        let _ended = copy_bidirectional(&mut stream, &mut database).await;
    }
}

/// Runs [`in_a_process_of_its_own`] there: whom to trust is read from the environment, once.
async fn connect(port: u16, database: &Database, mode: &str, trusted: &str) -> Output {
    let app = database.app_url().await;
    let config: tokio_postgres::Config = app.expose_secret().parse().expect("a URL");
    let name = config.get_dbname().expect("a name");
    tokio::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "tls::in_a_process_of_its_own", "--nocapture"])
        .env(URL, format!("postgres://build14_app@localhost:{port}/{name}?sslmode={mode}"))
        .env("PGSSLROOTCERT", trusted)
        .output()
        .await
        .expect("it runs")
}

#[tokio::test]
async fn in_a_process_of_its_own() {
    let Ok(url) = std::env::var(URL) else { return };
    let url = SecretString::from(url);
    let state = db::schema_state(&url).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(state.pending.is_empty());
    let config = db::client_config(&url).expect("a URL");
    let (client, messages) = db::connect(&config).await.unwrap_or_else(|error| panic!("{error}"));
    let driver = tokio::spawn(futures::StreamExt::count(messages));
    client.batch_execute("select 1").await.expect("it answers");
    drop(client);
    driver.await.expect("it ends");
}

#[tokio::test]
async fn a_demand_for_tls_is_met_or_refused() {
    let database = Database::fresh().await;
    let port = proxy(&database.app_url().await).await;
    let authority = format!("{FOLDER}/authority.pem");
    let trusting = connect(port, &database, "require", &authority).await;
    assert!(trusting.status.success(), "{trusting:?}");
    for (mode, trusted, why) in [
        ("require", "", "UnknownIssuer"),
        ("require", "/nowhere.pem", "PGSSLROOTCERT names /nowhere.pem"),
        ("disable", authority.as_str(), "error"),
    ] {
        let refused = connect(port, &database, mode, trusted).await;
        let said = String::from_utf8_lossy(&refused.stderr).into_owned() + &String::from_utf8_lossy(&refused.stdout);
        assert!(!refused.status.success() && said.contains(why), "{mode} {trusted}: {said}");
    }
}
