//! What the tests share: a sandbox, a client that speaks to it, and a receiver of webhooks.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use stripe_sandbox::{Config, Sandbox};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A sandbox and a client of it.
pub struct World {
    pub sandbox: Sandbox,
    pub http: reqwest::Client,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The object, given that the answer is a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{:#}", self.body);
        self.body
    }

    /// Status and `error.code`, given that it is an error.
    #[track_caller]
    pub fn refused(&self) -> (u16, String) {
        assert!(!self.status.is_success(), "{:#}", self.body);
        (self.status.as_u16(), self.body["error"]["code"].as_str().unwrap_or_default().to_owned())
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(Config::default()).await
    }

    pub async fn with(config: Config) -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { sandbox: Sandbox::start(config).await.unwrap(), http }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.sandbox.base_url())).header("Authorization", "Bearer sk_test_anything")
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await.unwrap()
    }

    pub async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await.unwrap()
    }

    pub async fn post(&self, path: &str, params: &[(&str, &str)]) -> Answer {
        send(form(self.request(Method::POST, path), params)).await.unwrap()
    }

    pub async fn post_once(&self, key: &str, path: &str, params: &[(&str, &str)]) -> Answer {
        self.try_post_once(key, path, params).await.unwrap()
    }

    pub async fn try_post_once(&self, key: &str, path: &str, params: &[(&str, &str)]) -> reqwest::Result<Answer> {
        send(form(self.request(Method::POST, path).header("Idempotency-Key", key), params)).await
    }

    pub async fn control(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, &format!("/_sandbox{path}")).json(&body)).await.unwrap()
    }

    /// A payment intent, confirmed with a test payment method.
    pub async fn pay(&self, amount: i64, currency: &str, method: &str) -> Answer {
        let amount = amount.to_string();
        self.post(
            "/v1/payment_intents",
            &[("amount", &amount), ("currency", currency), ("payment_method", method), ("confirm", "true")],
        )
        .await
    }

    /// A connected account that can receive transfers.
    pub async fn payee(&self) -> String {
        let account = self
            .post("/v1/accounts", &[("type", "express"), ("country", "DE"), ("capabilities[transfers][requested]", "true")])
            .await
            .ok();
        let id = account["id"].as_str().unwrap().to_owned();
        self.sandbox.complete_onboarding(&id).unwrap();
        id
    }

    /// Available and pending amount of a currency.
    pub async fn balance(&self, account: Option<&str>, currency: &str) -> (i64, i64) {
        let mut request = self.request(Method::GET, "/v1/balance");
        if let Some(account) = account {
            request = request.header("Stripe-Account", account);
        }
        let balance = send(request).await.unwrap().ok();
        let of = |part: &str| {
            balance[part]
                .as_array()
                .unwrap()
                .iter()
                .filter(|a| a["currency"] == currency)
                .map(|a| a["amount"].as_i64().unwrap())
                .sum()
        };
        (of("available"), of("pending"))
    }

    pub fn event_types(&self) -> Vec<String> {
        self.sandbox.events().iter().map(|e| e["type"].as_str().unwrap().to_owned()).collect()
    }
}

fn form(request: reqwest::RequestBuilder, params: &[(&str, &str)]) -> reqwest::RequestBuilder {
    request.header("Content-Type", "application/x-www-form-urlencoded").body(serde_urlencoded::to_string(params).unwrap())
}

pub async fn send(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Answer { status, headers, body })
}

pub fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

/// Waits until something is so; fails after ten seconds.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A webhook as received.
#[derive(Debug, Clone)]
pub struct Received {
    pub signature: String,
    pub payload: String,
    pub event: Value,
}

/// A receiver of webhooks on a port of its own.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    status: Arc<AtomicU16>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let receiver = Self { url, received: Arc::default(), status: Arc::new(AtomicU16::new(200)) };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(socket));
            }
        });
        receiver
    }

    /// What to answer from now on.
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub fn types(&self) -> Vec<String> {
        self.received().iter().map(|r| r.event["type"].as_str().unwrap().to_owned()).collect()
    }

    pub fn count(&self, kind: &str) -> usize {
        self.types().iter().filter(|t| *t == kind).count()
    }

    async fn serve(self, mut socket: TcpStream) {
        let mut buffer = Vec::new();
        loop {
            let mut chunk = [0; 16_384];
            match socket.read(&mut chunk).await {
                Ok(0) | Err(_) => return,
                Ok(n) => buffer.extend_from_slice(&chunk[..n]),
            }
            while let Some((received, length)) = parse(&buffer) {
                buffer.drain(..length);
                self.received.lock().unwrap().push(received);
                let status = self.status.load(Ordering::SeqCst);
                let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
                if socket.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn parse(buffer: &[u8]) -> Option<(Received, usize)> {
    let end = buffer.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&buffer[..end]).unwrap();
    let header = |name: &str| {
        head.lines().filter_map(|l| l.split_once(": ")).find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned())
    };
    let length: usize = header("content-length")?.parse().unwrap();
    let payload = String::from_utf8(buffer.get(end..end + length)?.to_vec()).unwrap();
    let event = serde_json::from_str(&payload).unwrap();
    Some((Received { signature: header("stripe-signature").unwrap_or_default(), payload, event }, end + length))
}
