//! The real server binary, built and started as its users do.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::process::{Child, Command};

use crate::stage::Stage;
use crate::used::{self, Used};

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

/// The server's binary: the given one, or one that is built now.
///
/// # Errors
/// If it does not build.
pub async fn binary(given: Option<&PathBuf>) -> anyhow::Result<PathBuf> {
    match given {
        Some(binary) => Ok(binary.clone()),
        None => build().await,
    }
}

/// Builds the binary, in release as this program is or in debug as it is, and returns where it is.
///
/// # Errors
/// If it does not build.
async fn build() -> anyhow::Result<PathBuf> {
    // With the bench itself, so that dependencies get the features that they are built with already.
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "-p", "build14", "-p", "bench", "--bin", "build14"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    // What `cargo run` tells this program about its own package would look changed to build scripts (ring's), and everything on them rebuilt.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_")) {
        let kept = ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_NET_OFFLINE"].iter().any(|kept| name == *kept);
        if !kept {
            cargo.env_remove(name);
        }
    }
    let status = cargo.status().await?;
    ensure!(status.success(), "the server does not build");
    let here = std::env::current_exe()?;
    Ok(here.with_file_name("build14"))
}

/// Starts the server over a database, with limits of requests or without, and waits until it is ready.
///
/// # Errors
/// If it ends or is not ready within 60 s.
pub async fn start(binary: &Path, stage: &Stage, limited: bool) -> anyhow::Result<Server> {
    let (started, data_dir) = (Instant::now(), stage.folder());
    let mut child = Command::new(binary)
        .arg("serve")
        .env("BUILD14__DATA_DIR", data_dir)
        .env("BUILD14__DATABASE__URL", &stage.app)
        .env("BUILD14__DATABASE__SYSTEM_URL", &stage.system)
        .env("BUILD14__DATABASE__OWNER_URL", &stage.admin)
        .env("BUILD14__SERVER__ADDRESS", "127.0.0.1:0")
        // All clients are this one.
        .env("BUILD14__SERVER__CONNECTIONS_PER_ADDRESS", "1000")
        .env("BUILD14__METRICS__ADDRESS", "127.0.0.1:0")
        .env("BUILD14__STRIPE__SANDBOX__ADDRESS", "127.0.0.1:0")
        .env("BUILD14__RATE_LIMITS__ENABLED", limited.to_string())
        .env("BUILD14__LOG__FILTER", "warn")
        .env_remove("DATABASE_URL")
        .env_remove("RUST_LOG")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run {}", binary.display()))?;
    loop {
        if let Some(status) = child.try_wait()? {
            anyhow::bail!("the server ended: {status}");
        }
        let written = std::fs::read_to_string(data_dir.join("server.address")).ok().and_then(|text| text.trim().parse().ok());
        if let Some(address) = written
            && ready(address).await
        {
            return Ok(Server { child, address });
        }
        ensure!(started.elapsed() < Duration::from_secs(60), "the server is not ready after 60 s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn ready(address: SocketAddr) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let Ok(mut stream) = tokio::net::TcpStream::connect(address).await else { return false };
    let mut head = [0; 12];
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n").await.is_ok()
        && stream.read_exact(&mut head).await.is_ok()
        && &head == b"HTTP/1.1 200"
}

impl Server {
    /// Resident memory in MiB (Linux).
    pub fn memory(&self) -> Option<f64> {
        self.status("VmRSS:")
    }

    /// The most resident memory that there ever was, in MiB (Linux).
    pub fn peak_memory(&self) -> Option<f64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
    }

    /// What it used so far.
    pub fn used(&self) -> Used {
        self.child.id().map(used::by).unwrap_or_default()
    }
}
