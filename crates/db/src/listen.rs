//! LISTEN: a task that hears notifications, says when it may have missed some, and does not believe that it hears before it has heard itself,
//! nor for long without having heard itself again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use secrecy::SecretString;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Notification};

use crate::ConnectError;
use crate::connect::{Messages, client_config, connect};

/// What a listener reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// Listening from now on; anything may have happened before.
    Connected,
    /// A notification.
    Notified {
        /// Its channel.
        channel: String,
        /// Its payload.
        payload: String,
    },
    /// Nothing is heard from now on, so caches must be flushed and stay empty: the connection is lost, or notifications do not come through.
    Lost,
}

/// How a listener makes sure that it hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hearing {
    /// How soon it must hear what another session of its own has sent.
    pub within: Duration,
    /// How long it believes that it hears until it sends itself something again.
    pub again: Duration,
}

impl Default for Hearing {
    fn default() -> Self {
        Self { within: Duration::from_secs(2), again: Duration::from_secs(30) }
    }
}

/// How seldom one that stays deaf tries again.
const DEAF_PAUSE: Duration = Duration::from_secs(30);

/// Why a session of listening ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("{0}")]
    Connection(#[from] ConnectError),
    #[error(
        "notifications do not come through: what this listener sent itself was not heard within {0:?}. A pooler in transaction mode swallows \
         them: give this connection the server's own address, or a pool in session mode (docs/OPERATIONS.md). Until then nothing is cached \
         that other processes may change"
    )]
    Deaf(Duration),
}

impl From<tokio_postgres::Error> for Ended {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Connection(error.into())
    }
}

/// Listens on `channels` until the handle is aborted, connecting again after a loss, and reports every signal to `heard`.
///
/// The gauge `database_listeners_deaf` counts listeners that hear nothing.
pub fn listen(
    url: SecretString,
    channels: &'static [&'static str],
    hearing: Hearing,
    heard: impl Fn(Signal) + Send + Sync + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut pause = Duration::from_millis(50);
        let mut deaf = Deafness::default();
        loop {
            match session(&url, channels, hearing, &heard, &mut deaf).await {
                Ok(()) => pause = Duration::from_millis(50),
                Err(error @ Ended::Deaf(_)) => {
                    // Said once, loudly, not every time.
                    if deaf.begins() {
                        tracing::error!(%error, ?channels, "cannot hear notifications");
                    }
                    pause = (pause * 2).min(DEAF_PAUSE);
                }
                Err(error) => {
                    tracing::warn!(%error, ?channels, "cannot listen for notifications; trying again");
                    pause = (pause * 2).min(Duration::from_secs(2));
                }
            }
            heard(Signal::Lost);
            tokio::time::sleep(pause).await;
        }
    })
}

/// Whether a listener is known to be deaf, and so counted.
#[derive(Default)]
struct Deafness(bool);

impl Deafness {
    fn begins(&mut self) -> bool {
        let begins = !std::mem::replace(&mut self.0, true);
        if begins {
            metrics::gauge!("database_listeners_deaf").increment(1.0);
        }
        begins
    }

    fn ends(&mut self) {
        if std::mem::replace(&mut self.0, false) {
            metrics::gauge!("database_listeners_deaf").decrement(1.0);
        }
    }
}

impl Drop for Deafness {
    fn drop(&mut self) {
        self.ends();
    }
}

async fn session(
    url: &SecretString,
    channels: &[&str],
    hearing: Hearing,
    heard: &(impl Fn(Signal) + Send + Sync),
    deaf: &mut Deafness,
) -> Result<(), Ended> {
    let (client, mut messages) = connect(&client_config(url)?).await?;
    let probe = probe();
    let statements: String = channels.iter().chain([&probe.as_str()]).map(|channel| format!("LISTEN \"{channel}\";")).collect();
    run(&client, &mut messages, &statements).await?;
    // What comes meanwhile needs no telling: whoever is told of the connection looks at everything anew.
    prove(url, &mut messages, &probe, hearing.within, &|_: &Notification| {}).await?;
    deaf.ends();
    heard(Signal::Connected);
    let tell = |n: &Notification| heard(Signal::Notified { channel: n.channel().to_owned(), payload: n.payload().to_owned() });
    loop {
        let listen = async {
            loop {
                match messages.next().await {
                    Some(Ok(AsyncMessage::Notification(n))) => tell(&n),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(Ended::from(error)),
                    None => return Ok(()),
                }
            }
        };
        if let Ok(ended) = tokio::time::timeout(hearing.again, listen).await {
            return ended;
        }
        prove(url, &mut messages, &probe, hearing.within, &tell).await?;
    }
}

/// A channel that nobody else listens on.
fn probe() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("build14_probe_{}_{now}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Waits until the session, idle, has heard what another session sends; tells what else it hears meanwhile. Sent by itself it would prove
/// nothing: a pooler in transaction mode may lend the very connection that listens, for just that statement.
async fn prove(
    url: &SecretString,
    messages: &mut Messages,
    probe: &str,
    within: Duration,
    tell: &(impl Fn(&Notification) + Sync),
) -> Result<(), Ended> {
    let hear = async {
        loop {
            match messages.next().await {
                Some(Ok(AsyncMessage::Notification(n))) if n.channel() == probe => return Ok(()),
                Some(Ok(AsyncMessage::Notification(n))) => tell(&n),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Ended::from(error)),
                None => return Err(closed()),
            }
        }
    };
    let send = async {
        let (sender, mut answers) = connect(&client_config(url)?).await?;
        run(&sender, &mut answers, &format!("NOTIFY \"{probe}\"")).await?;
        // It is sent: the time runs from now on.
        tokio::time::sleep(within).await;
        Err::<(), Ended>(Ended::Deaf(within))
    };
    tokio::select! {
        heard = hear => heard,
        unheard = send => unheard,
    }
}

/// Runs a statement while its connection is moved on.
async fn run(client: &Client, messages: &mut Messages, sql: &str) -> Result<(), Ended> {
    let statement = client.batch_execute(sql);
    tokio::pin!(statement);
    loop {
        tokio::select! {
            done = &mut statement => return Ok(done?),
            message = messages.next() => match message {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Err(closed()),
            }
        }
    }
}

fn closed() -> Ended {
    Ended::Connection(ConnectError::Closed)
}
