//! A server of the domain name system, at a port of its own: it has the texts that a test publishes, and nothing else.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Answers questions for texts over UDP. Gone when dropped.
pub struct NameServer {
    /// Where it is asked.
    pub address: SocketAddr,
    texts: Arc<Mutex<HashMap<String, Vec<String>>>>,
    fails: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl NameServer {
    /// One that has nothing yet.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("bound");
        let (texts, fails) = (Arc::<Mutex<HashMap<String, Vec<String>>>>::default(), Arc::new(AtomicBool::new(false)));
        let (known, failing) = (Arc::clone(&texts), Arc::clone(&fails));
        let task = tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let found = |name: &str| known.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
                if let Some(answer) = answer(&buffer[..length], failing.load(Ordering::SeqCst), found) {
                    // Who asked may be gone by now.
                    let _sent = socket.send_to(&answer, from).await;
                }
            }
        });
        Self { address, texts, fails, task }
    }

    /// Lets a name have these texts and no others; without any there is no such name.
    pub fn publish(&self, name: &str, texts: &[&str]) {
        let mut known = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if texts.is_empty() {
            known.remove(name);
        } else {
            known.insert(name.to_ascii_lowercase(), texts.iter().map(|text| (*text).to_owned()).collect());
        }
    }

    /// Lets it answer from now on that it cannot, or as usual.
    pub fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The answer to a question (RFC 1035): its texts, that there is no such name, or that the server fails. Nothing for what is no question.
fn answer(question: &[u8], fails: bool, found: impl Fn(&str) -> Option<Vec<String>>) -> Option<Vec<u8>> {
    const HEAD: usize = 12;
    let (mut at, mut labels) = (HEAD, Vec::new());
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(question.get(at..at + length)?).to_ascii_lowercase());
        at += length;
    }
    // Behind the name its type and class.
    let asked = question.get(HEAD..at + 4)?;
    let texts = match question.get(at..at + 2)? {
        [0, 16] => found(&labels.join(".")),
        _ => None,
    };
    let code = match (&texts, fails) {
        (_, true) => 2,
        (None, false) => 3,
        (Some(_), false) => 0,
    };
    let texts = texts.filter(|_| !fails).unwrap_or_default();
    let count = u16::try_from(texts.len()).ok()?.to_be_bytes();
    // The same id; an answer, recursion was wished for and is there.
    let mut answer = [question.get(..2)?, &[0x81, 0x80 | code], &[0, 1], &count, &[0, 0, 0, 0], asked].concat();
    for text in texts {
        let mut data = Vec::new();
        for piece in text.as_bytes().chunks(255) {
            data.push(u8::try_from(piece.len()).ok()?);
            data.extend_from_slice(piece);
        }
        // The name that was asked for, a text, of the internet, for no time.
        answer.extend_from_slice(&[0xc0, 0x0c, 0, 16, 0, 1, 0, 0, 0, 0]);
        answer.extend_from_slice(&u16::try_from(data.len()).ok()?.to_be_bytes());
        answer.extend_from_slice(&data);
    }
    Some(answer)
}
