//! The real server around the App, and sockets that talk to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use web::{Listening, Settings};

use crate::fixture::{Client, Seen};

/// Longer than anything here takes, however busy the machine is.
pub const MINUTE: Duration = Duration::from_secs(60);

pub struct Server {
    pub address: SocketAddr,
    pub seen: Arc<Seen>,
    handle: ServerHandle,
}

impl Server {
    pub fn start(settings: Settings, listening: Listening) -> Self {
        Self::around(Client::with(settings, |deps| deps), listening)
    }

    pub fn around(client: Client, listening: Listening) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let server = web::serve(listener, &client.deps, &listening).unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        Self { address, seen: client.seen, handle }
    }

    /// A connection that has sent `text`.
    pub async fn sent(&self, text: impl AsRef<[u8]>) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_ref()).await.unwrap();
        stream
    }

    pub async fn is_live(&self) -> bool {
        let mut stream = self.sent("GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        rest(&mut stream).await.starts_with("HTTP/1.1 200 OK")
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

/// What comes until the server closes the connection.
pub async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let end = tokio::time::timeout(MINUTE, stream.read_to_end(&mut bytes)).await;
    // An abrupt end is an end too.
    let _closed_or_reset = end.expect("the server closes the connection");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One answer of a connection that is kept.
pub async fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.contains("\r\n\r\n") {
        let length = tokio::time::timeout(MINUTE, stream.read(&mut buffer)).await.expect("an answer comes").unwrap();
        assert!(length > 0, "the connection is kept: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    text
}

pub fn patient() -> Listening {
    Listening { workers: 1, ..Listening::default() }
}
