//! A load generator that costs little: keep-alive HTTP/1.1 over plain sockets, one request at a time per client.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bench::Latencies;
use rand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::dataset::token;

/// What a run of the load measured.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Requests answered.
    pub requests: usize,
    /// Requests answered per second.
    pub per_second: f64,
    /// What they took.
    pub latencies: Latencies,
    /// Bytes of a body, to see that rows came.
    pub body: usize,
}

/// Sends `GET path` as random tenants from `clients` connections for `seconds`.
///
/// # Errors
/// At the first answer that is not 200.
pub async fn run(server: SocketAddr, path: &str, tenants: u32, clients: u32, seconds: u64) -> anyhow::Result<Measured> {
    run_as(server, path, 1..=tenants, clients, seconds).await
}

/// As [`run`], as tenants out of a range.
///
/// # Errors
/// At the first answer that is not of success.
pub async fn run_as(
    server: SocketAddr,
    path: &str,
    tenants: RangeInclusive<u32>,
    clients: u32,
    seconds: u64,
) -> anyhow::Result<Measured> {
    let started = Instant::now();
    let until = started + Duration::from_secs(seconds);
    let tasks: Vec<_> = (0..clients).map(|_| tokio::spawn(client(server, path.to_owned(), tenants.clone(), until))).collect();
    let (mut latencies, mut body) = (Vec::new(), 0);
    for task in tasks {
        let (some, bytes) = task.await??;
        latencies.extend(some);
        body = bytes;
    }
    let elapsed = started.elapsed().as_secs_f64();
    ensure!(!latencies.is_empty(), "no request was answered");
    let latencies = Latencies::of(latencies);
    Ok(Measured { requests: latencies.count(), per_second: latencies.count() as f64 / elapsed, latencies, body })
}

/// What is written, again and again.
#[derive(Debug, Clone)]
pub struct Write {
    /// `POST` or `PUT`.
    pub method: &'static str,
    /// Where to.
    pub path: String,
    /// As which tenant's person.
    pub tenant: u32,
    /// JSON.
    pub body: &'static str,
}

/// Writes one after another until `until`; answers how many were done.
///
/// # Errors
/// At the first answer that is not of success.
pub async fn write(server: SocketAddr, what: Write, until: Instant) -> anyhow::Result<usize> {
    let Write { method, path, tenant, body } = what;
    let mut stream = connect(server).await?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        token(tenant),
        body.len()
    );
    let (mut done, mut buffer) = (0, Vec::with_capacity(4096));
    while Instant::now() < until {
        stream.write_all(request.as_bytes()).await?;
        success(&mut stream, &mut buffer).await?;
        done += 1;
    }
    Ok(done)
}

/// Sends `POST path` with `body` as nobody; answers the status.
///
/// # Errors
/// If there is no answer.
pub async fn post(stream: &mut TcpStream, path: &str, body: &str) -> anyhow::Result<u16> {
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    Ok(answer(stream, &mut Vec::with_capacity(4096)).await?.0)
}

/// A request of a tenant's person as its bytes; with a key of its own if it writes.
pub fn request(method: &str, path: &str, tenant: u32, body: &str) -> String {
    let head = format!("{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\n", token(tenant));
    if method == "GET" {
        return format!("{head}\r\n");
    }
    let key: u128 = rand::random();
    let length = body.len();
    format!("{head}idempotency-key: {key:032x}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// Sends a request, and answers the status.
///
/// # Errors
/// If there is no answer.
pub async fn exchange(stream: &mut TcpStream, request: &str) -> anyhow::Result<u16> {
    stream.write_all(request.as_bytes()).await?;
    Ok(answer(stream, &mut Vec::with_capacity(4096)).await?.0)
}

/// A verb of a tenant's person, and the JSON that it answers.
///
/// # Errors
/// If the answer is not one of success.
pub async fn verb(
    stream: &mut TcpStream,
    method: &str,
    path: &str,
    tenant: u32,
    body: &str,
) -> anyhow::Result<serde_json::Value> {
    stream.write_all(request(method, path, tenant, body).as_bytes()).await?;
    let mut buffer = Vec::with_capacity(4096);
    let length = success(stream, &mut buffer).await?;
    Ok(serde_json::from_slice(&buffer[buffer.len() - length..])?)
}

/// A connection to the server.
///
/// # Errors
/// If it is not there.
pub async fn connect(server: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(server).await.context("the server is not there")?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn client(
    server: SocketAddr,
    path: String,
    tenants: RangeInclusive<u32>,
    until: Instant,
) -> anyhow::Result<(Vec<Duration>, usize)> {
    let mut stream = connect(server).await?;
    let (mut latencies, mut body, mut buffer) = (Vec::new(), 0, Vec::with_capacity(32 * 1024));
    while Instant::now() < until {
        let tenant = rand::rng().random_range(tenants.clone());
        let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\n\r\n", token(tenant));
        let sent = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        body = success(&mut stream, &mut buffer).await?;
        latencies.push(sent.elapsed());
    }
    Ok((latencies, body))
}

/// Reads one answer of success and returns the length of its body.
async fn success(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<usize> {
    let (status, length) = answer(stream, buffer).await?;
    ensure!((200..300).contains(&status), "{}", String::from_utf8_lossy(buffer));
    Ok(length)
}

/// Reads one answer and returns its status and the length of its body.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<(u16, usize)> {
    buffer.clear();
    loop {
        ensure!(stream.read_buf(buffer).await? > 0, "the server closed the connection");
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end])?;
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        let length: usize = head
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("content-length")))
            .context("no content-length")?
            .1
            .parse()?;
        while buffer.len() < end + 4 + length {
            ensure!(stream.read_buf(buffer).await? > 0, "the server closed the connection");
        }
        return Ok((status, length));
    }
}
