//! The real binary as a child process.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use secrecy::ExposeSecret;
use tokio::process::{Child, Command};

/// The binary under test.
pub fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_build14"));
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("BUILD14__") || name == "DATABASE_URL" || name == "RUST_LOG")
    {
        command.env_remove(name);
    }
    command.kill_on_drop(true).stdin(Stdio::null());
    command
}

/// What production must be given, over this database.
pub async fn production(database: &testkit::Database) -> Vec<(&'static str, String)> {
    vec![
        ("BUILD14__PROFILE", "production".to_owned()),
        ("BUILD14__SERVER__ADDRESS", "127.0.0.1:0".to_owned()),
        ("BUILD14__METRICS__ADDRESS", "127.0.0.1:0".to_owned()),
        ("BUILD14__DATABASE__URL", database.app_url().await.expose_secret().to_owned()),
        ("BUILD14__DATABASE__SYSTEM_URL", database.system_url().await.expose_secret().to_owned()),
        ("BUILD14__SERVER__PUBLIC_URL", "https://api.example.com".to_owned()),
        ("BUILD14__STRIPE__API_BASE", "https://127.0.0.1:9".to_owned()),
        ("BUILD14__STRIPE__SECRET_KEY", "sk_live_0123456789abcdefghijklmn".to_owned()),
        ("BUILD14__STRIPE__WEBHOOK_SECRET", "whsec_0123456789abcdefghijklmn".to_owned()),
        ("BUILD14__TENDERS__SEAL_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=".to_owned()),
        ("BUILD14__AUDIT__SIGNING_KEY", "MTEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=".to_owned()),
        ("BUILD14__MAIL__ALLOW_OUTBOX", "true".to_owned()),
    ]
}

/// An address that was free a moment ago.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

/// Starts `serve` and waits until it is ready; `None` if it ended before.
pub async fn serve(address: SocketAddr, data_dir: &Path, environment: &[(&str, String)]) -> Option<Child> {
    let mut command = binary();
    command
        .arg("serve")
        .env("BUILD14__SERVER__ADDRESS", address.to_string())
        .env("BUILD14__METRICS__ADDRESS", "127.0.0.1:0")
        .env("BUILD14__STRIPE__SANDBOX__ADDRESS", "127.0.0.1:0")
        .env("BUILD14__DATA_DIR", data_dir)
        .env("BUILD14__RATE_LIMITS__ENABLED", "false")
        .env("BUILD14__LOG__FILTER", "error")
        .envs(environment.iter().map(|(name, value)| (*name, value.as_str())))
        .stdout(Stdio::null());
    let mut child = command.spawn().expect("the binary runs");
    let started = Instant::now();
    loop {
        if child.try_wait().expect("the child can be asked").is_some() {
            return None;
        }
        if is_ready(address).await {
            return Some(child);
        }
        assert!(started.elapsed() < Duration::from_secs(60), "the server is not ready after 60 s");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub async fn is_ready(address: SocketAddr) -> bool {
    match reqwest::get(format!("http://{address}/health/ready")).await {
        Ok(response) => response.status() == 200,
        Err(_) => false,
    }
}
