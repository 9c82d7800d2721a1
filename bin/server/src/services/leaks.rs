//! With what reports of leaked keys are signed: the reporter's public keys, fetched from where it shows them and kept for an hour.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use auth_api::ReporterKeys;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kernel::Fault;
use serde_json::Value;
use tokio::sync::Mutex;

/// For so long the list is believed. A key that the reporter takes back is refused after that.
const KEPT: Duration = Duration::from_secs(3600);
/// Whoever names keys that are not there has the list fetched once in this time, not for each.
const PAUSE: Duration = Duration::from_secs(60);
/// The whole of asking.
const TIMEOUT: Duration = Duration::from_secs(10);
/// More is no list of keys.
const MOST_BYTES: usize = 1 << 20;
/// What stands before a point of P-256 in a public key (RFC 5480).
const HEAD: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
/// An uncompressed one.
const POINT_BYTES: usize = 65;

/// The reporter's public keys, by name.
pub(super) struct Fetched {
    url: String,
    client: Client<HttpsConnector<HttpConnector>, String>,
    list: Mutex<List>,
}

#[derive(Default)]
struct List {
    points: HashMap<String, Vec<u8>>,
    /// When they came.
    at: Option<Instant>,
    /// When they were asked for, whether or not they came.
    asked: Option<Instant>,
}

impl List {
    fn is_young(&self) -> bool {
        self.at.is_some_and(|at| at.elapsed() < KEPT)
    }

    fn was_just_asked_for(&self) -> bool {
        self.asked.is_some_and(|asked| asked.elapsed() < PAUSE)
    }
}

impl Fetched {
    /// From this address.
    pub(super) fn from(url: String) -> Self {
        let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        Self { url, client: Client::builder(TokioExecutor::new()).build(connector), list: Mutex::default() }
    }

    async fn fetch(&self) -> Result<HashMap<String, Vec<u8>>, Fault> {
        let request = Request::get(self.url.as_str()).header("accept", "application/json").header("user-agent", "14build");
        let request = request.body(String::new()).map_err(Fault::internal)?;
        let asked = async {
            let response = self.client.request(request).await.map_err(Fault::unavailable)?;
            let status = response.status();
            if !status.is_success() {
                return Err(Fault::unavailable(format!("{} answers {status}", self.url)));
            }
            let body = Limited::new(response.into_body(), MOST_BYTES).collect().await.map_err(Fault::unavailable)?;
            Ok(body.to_bytes())
        };
        let body = tokio::time::timeout(TIMEOUT, asked).await.map_err(Fault::unavailable)??;
        points(&body).ok_or_else(|| Fault::unavailable(format!("{} is no list of public keys", self.url)))
    }
}

#[async_trait]
impl ReporterKeys for Fetched {
    async fn key(&self, identifier: &str) -> Result<Option<Vec<u8>>, Fault> {
        // One asks, and the others wait for what comes.
        let mut list = self.list.lock().await;
        let known = list.points.contains_key(identifier);
        if !(list.is_young() && (known || list.was_just_asked_for())) {
            if list.was_just_asked_for() {
                return Err(Fault::unavailable("the reporter's keys did not come a moment ago"));
            }
            list.asked = Some(Instant::now());
            list.points = self.fetch().await?;
            list.at = Some(Instant::now());
        }
        Ok(list.points.get(identifier).cloned())
    }
}

/// The keys of a list that are points of P-256; others are left out.
fn points(body: &[u8]) -> Option<HashMap<String, Vec<u8>>> {
    let list: Value = serde_json::from_slice(body).ok()?;
    let keys = list["public_keys"].as_array()?.iter();
    Some(keys.filter_map(|key| Some((key["key_identifier"].as_str()?.to_owned(), point(key["key"].as_str()?)?))).collect())
}

fn point(pem: &str) -> Option<Vec<u8>> {
    let lines = pem.trim().strip_prefix("-----BEGIN PUBLIC KEY-----")?.strip_suffix("-----END PUBLIC KEY-----")?;
    let bytes = STANDARD.decode(lines.split_whitespace().collect::<String>()).ok()?;
    let point = bytes.strip_prefix(HEAD)?;
    (point.len() == POINT_BYTES).then(|| point.to_vec())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use testkit::Scanner;

    use super::*;

    #[tokio::test]
    async fn keys_are_fetched_once_and_an_unknown_one_does_not_have_them_fetched_again() {
        let scanner = Scanner::start().await;
        let keys = Fetched::from(scanner.url.clone());
        for _ in 0..3 {
            assert_eq!(keys.key(scanner.identifier).await.unwrap(), Some(scanner.point()));
            assert_eq!(keys.key("unheard of").await.unwrap(), None);
            assert_eq!(keys.key("of-before").await.unwrap(), None, "what is no key is none");
        }
        assert_eq!(scanner.asked(), 1);
    }

    #[tokio::test]
    async fn a_reporter_that_does_not_answer_is_asked_once_in_a_while() {
        let scanner = Scanner::start().await;
        let url = scanner.url.clone();
        drop(scanner);
        let keys = Fetched::from(url.replace("/meta/public_keys/secret_scanning", "/"));
        for _ in 0..2 {
            assert_eq!(*keys.key("any").await.unwrap_err().kind(), kernel::FaultKind::Unavailable);
        }
    }

    #[test]
    fn what_is_no_list_is_told_from_an_empty_one() {
        assert_eq!(points(br#"{"public_keys": []}"#), Some(HashMap::new()));
        for wrong in [&b"[]"[..], b"{}", b"no"] {
            assert_eq!(points(wrong), None);
        }
        assert_eq!(point("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"), None);
    }
}
