//! What may stand between a server and its database, and does not pass everything on: a pooler, told in a few lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio_postgres::config::Host;

/// What it does not leave as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyFault {
    /// It drops start-up options, such as the role.
    WithStartupOptions,
    /// It swallows notifications.
    WithNotifications,
    /// Every error speaks German, as a server with `lc_messages = de_DE` does.
    WithLanguage,
}

/// A proxy before the test cluster, on a port of its own. Gone when dropped.
pub struct Proxy {
    port: u16,
    task: JoinHandle<()>,
    swallows: Arc<AtomicBool>,
}

impl Proxy {
    /// Stands before the cluster that `database` leads to.
    ///
    /// # Panics
    /// If that is not the test cluster's socket.
    pub async fn before(database: &SecretString, fault: ProxyFault) -> Self {
        let config: tokio_postgres::Config = database.expose_secret().parse().expect("a URL");
        let Some(Host::Unix(folder)) = config.get_hosts().first() else { panic!("the test cluster listens on a socket") };
        let socket = folder.join(format!(".s.PGSQL.{}", config.get_ports().first().unwrap_or(&5432)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let swallows = Arc::new(AtomicBool::new(fault == ProxyFault::WithNotifications));
        let swallowing = Arc::clone(&swallows);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (socket, swallowing) = (socket.clone(), Arc::clone(&swallowing));
                tokio::spawn(async move {
                    let server = UnixStream::connect(socket).await.expect("the cluster answers");
                    // Either side may be gone at any time.
                    let _ended = pass(client, server, fault, &swallowing).await;
                });
            }
        });
        Self { port, task, swallows }
    }

    /// Whether it swallows notifications from now on, on the connections that there are, too.
    pub fn swallow_notifications(&self, swallow: bool) {
        self.swallows.store(swallow, Ordering::SeqCst);
    }

    /// The way of `database` through here.
    ///
    /// # Panics
    /// If it is no URL.
    #[must_use]
    pub fn url(&self, database: &SecretString) -> SecretString {
        let config: tokio_postgres::Config = database.expose_secret().parse().expect("a URL");
        let (user, name) = (config.get_user().unwrap_or_default(), config.get_dbname().unwrap_or_default());
        let options = config.get_options().map(|options| format!("&options={}", options.replace(' ', "%20").replace('=', "%3D")));
        format!("postgres://{user}@127.0.0.1:{}/{name}?sslmode=disable{}", self.port, options.unwrap_or_default()).into()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(client: TcpStream, server: UnixStream, fault: ProxyFault, swallows: &AtomicBool) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async {
        let startup = startup(&mut from_client, fault).await?;
        to_server.write_all(&startup).await?;
        copy(&mut from_client, &mut to_server).await?;
        to_server.shutdown().await
    };
    let down = answers(&mut from_server, &mut to_client, fault, swallows);
    tokio::try_join!(up, down).map(drop)
}

/// The first message: its length, the version, then names and values, each ended by a zero, and another zero.
async fn startup(client: &mut OwnedReadHalf, fault: ProxyFault) -> std::io::Result<Vec<u8>> {
    let length = client.read_u32().await? as usize;
    let mut message = vec![0; length.saturating_sub(4)];
    client.read_exact(&mut message).await?;
    let (version, parameters) = message.split_at(4.min(message.len()));
    let words: Vec<&[u8]> = parameters.split(|byte| *byte == 0).collect();
    let kept = words.chunks(2).filter(|pair| pair.len() == 2 && !pair[0].is_empty());
    let kept = kept.filter(|pair| fault != ProxyFault::WithStartupOptions || pair[0] != b"options");
    let mut body = version.to_vec();
    for word in kept.flatten() {
        body.extend_from_slice(word);
        body.push(0);
    }
    body.push(0);
    let mut startup = u32::try_from(body.len() + 4).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    startup.extend(body);
    Ok(startup)
}

/// Every answer is its kind, its length and so many bytes less four.
async fn answers(
    server: &mut tokio::net::unix::OwnedReadHalf,
    client: &mut OwnedWriteHalf,
    fault: ProxyFault,
    swallows: &AtomicBool,
) -> std::io::Result<()> {
    loop {
        let Ok(kind) = server.read_u8().await else { return client.shutdown().await };
        let length = server.read_u32().await?;
        let mut body = vec![0; (length as usize).saturating_sub(4)];
        server.read_exact(&mut body).await?;
        if kind == b'A' && swallows.load(Ordering::SeqCst) {
            continue;
        }
        if kind == b'E' && fault == ProxyFault::WithLanguage {
            body = in_german(&body);
        }
        let mut message = vec![kind];
        message.extend(u32::try_from(body.len() + 4).unwrap_or(length).to_be_bytes());
        message.extend(body);
        client.write_all(&message).await?;
    }
}

/// An error is fields of a kind and a text that ends with a zero: severity, message, detail and hint are in the server's language.
fn in_german(error: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    for field in error.split(|byte| *byte == 0).filter(|field| !field.is_empty()) {
        said.push(field[0]);
        match field[0] {
            b'S' => said.extend_from_slice("FEHLER".as_bytes()),
            b'M' | b'D' | b'H' => said.extend_from_slice("etwas ging schief".as_bytes()),
            _ => said.extend_from_slice(&field[1..]),
        }
        said.push(0);
    }
    said.push(0);
    said
}
