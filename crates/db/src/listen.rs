//! LISTEN: a task that hears notifications and says when it may have missed some.

use std::time::Duration;

use futures::StreamExt;
use secrecy::SecretString;
use tokio::task::JoinHandle;
use tokio_postgres::AsyncMessage;

use crate::ConnectError;
use crate::connect::{client_config, connect};

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
    /// The connection is lost: from now on nothing is heard, so caches must be flushed.
    Lost,
}

/// Listens on `channels` until the handle is aborted, connecting again after a loss, and reports every signal to `heard`.
pub fn listen(
    url: SecretString,
    channels: &'static [&'static str],
    heard: impl Fn(Signal) + Send + Sync + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut pause = Duration::from_millis(50);
        loop {
            match session(&url, channels, &heard).await {
                Ok(()) => pause = Duration::from_millis(50),
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

async fn session(url: &SecretString, channels: &[&str], heard: &(impl Fn(Signal) + Send + Sync)) -> Result<(), ConnectError> {
    let (client, mut messages) = connect(&client_config(url)?).await?;
    let statements: String = channels.iter().map(|channel| format!("LISTEN \"{channel}\";")).collect();
    let subscribe = client.batch_execute(&statements);
    tokio::pin!(subscribe);
    let mut subscribed = false;
    loop {
        tokio::select! {
            done = &mut subscribe, if !subscribed => {
                done?;
                subscribed = true;
                heard(Signal::Connected);
            }
            message = messages.next() => match message {
                Some(Ok(AsyncMessage::Notification(n))) => {
                    heard(Signal::Notified { channel: n.channel().to_owned(), payload: n.payload().to_owned() });
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            }
        }
    }
}
