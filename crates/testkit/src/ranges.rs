//! Who knows passwords from breaches, and tells the ends of their hashes by the beginning, as Pwned Passwords does: at a port of its own.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A list of breached passwords. Gone when dropped.
pub struct Ranges {
    /// Where its ranges are: five digits follow.
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

/// SHA-1 of a password, in capitals.
fn hash(password: &str) -> String {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes()).as_ref().iter().fold(String::new(), |mut text, byte| {
        // Writing into a string never fails.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

impl Ranges {
    /// One that knows these passwords, each seen so often: 0 is what fills an answer up.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start(known: &[(&str, u32)]) -> Self {
        let known: Vec<(String, u32)> = known.iter().map(|(password, count)| (hash(password), *count)).collect();
        Self::answering(move |range| {
            let ends = known.iter().filter_map(|(hash, count)| Some(format!("{}:{count}\r\n", hash.strip_prefix(range)?)));
            Some(ends.collect())
        })
        .await
    }

    /// One that takes questions and never answers.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn silent() -> Self {
        Self::answering(|_| None).await
    }

    async fn answering(tells: impl Fn(&str) -> Option<String> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/range/", listener.local_addr().expect("bound"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            let mut unanswered = Vec::new();
            while let Ok((mut client, _)) = listener.accept().await {
                let Ok(head) = head(&mut client).await else { continue };
                let range = head.split(' ').nth(1).and_then(|path| path.strip_prefix("/range/")).unwrap_or_default().to_owned();
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(head);
                let told = tells(&range);
                match told {
                    // Who asks may be gone by now.
                    Some(told) => drop(answer(client, &told).await),
                    None => unanswered.push(client),
                }
            }
        });
        Self { url, asked, task }
    }

    /// The heads of all questions.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Ranges {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn head(client: &mut TcpStream) -> std::io::Result<String> {
    let (mut head, mut piece) = (Vec::new(), [0; 1024]);
    while !head.ends_with(b"\r\n\r\n") {
        match client.read(&mut piece).await? {
            0 => break,
            length => head.extend_from_slice(&piece[..length]),
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

async fn answer(mut client: TcpStream, told: &str) -> std::io::Result<()> {
    let length = told.len();
    let answer =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{told}");
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await
}
