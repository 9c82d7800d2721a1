//! Who looks for leaked keys, and tells of them as GitHub's secret scanning does: a list of public keys at a port of its own, and signed reports.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What stands before a point of P-256 in a public key as others write it (RFC 5480).
const HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
    0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A reporter of leaked keys. Gone when dropped.
pub struct Scanner {
    /// Where its public keys are.
    pub url: String,
    /// The name of its key.
    pub identifier: &'static str,
    key: EcdsaKeyPair,
    random: SystemRandom,
    asked: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Scanner {
    /// One with a fresh key.
    ///
    /// # Panics
    /// If no key can be made, or no port is free.
    pub async fn start() -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_ASN1_SIGNING);
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("the key");
        let written = STANDARD.encode([&HEAD[..], key.public_key().as_ref()].concat());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n", &written[..64], &written[64..]);
        let identifier = "f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d";
        let list = json!({ "public_keys": [
            { "key_identifier": "of-before", "key": "no key", "is_current": false },
            { "key_identifier": identifier, "key": pem, "is_current": true }
        ] });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/meta/public_keys/secret_scanning", listener.local_addr().expect("bound"));
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                // Who asks may be gone by now.
                let _answered = answer(client, &list.to_string()).await;
            }
        });
        Self { url, identifier, key, random, asked, task }
    }

    /// How often its list was asked for.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Its signature of a report, as it is sent.
    ///
    /// # Panics
    /// If it cannot sign.
    #[must_use]
    pub fn sign(&self, report: &[u8]) -> String {
        STANDARD.encode(self.key.sign(&self.random, report).expect("a signature"))
    }

    /// Its public key, a point of P-256.
    #[must_use]
    pub fn point(&self) -> Vec<u8> {
        self.key.public_key().as_ref().to_vec()
    }
}

impl Drop for Scanner {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads the head of a request, and answers with the list.
async fn answer(mut client: TcpStream, list: &str) -> std::io::Result<()> {
    let (mut head, mut piece) = (Vec::new(), [0; 1024]);
    while !head.ends_with(b"\r\n\r\n") {
        match client.read(&mut piece).await? {
            0 => return Ok(()),
            length => head.extend_from_slice(&piece[..length]),
        }
    }
    let length = list.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{list}"
    );
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await
}
