//! One client with thousands of connections, and everybody else.

use std::process::Command;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::{free_address, serve};

const CONNECTIONS: usize = 2_000;
/// Longer than anything here takes, however busy the machine is.
const MINUTE: Duration = Duration::from_secs(60);

/// A process whose soft limit of open files is too low for a crowd plays the test once more in one of its own, with the hard limit.
fn has_room_for_a_crowd(test: &str) -> bool {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft =
        limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse::<usize>().ok());
    if soft.is_none_or(|soft| soft > CONNECTIONS + 500) {
        return true;
    }
    let here = std::env::current_exe().expect("a program");
    let again = Command::new("sh")
        .arg("-c")
        .arg("ulimit -n \"$(ulimit -Hn)\" && exec \"$0\" --exact \"$1\"")
        .arg(here)
        .arg(test)
        .status();
    assert!(again.expect("sh runs").success());
    false
}

/// The server's address, with a crowd of connections to it that each sent a head and one byte of a body.
async fn besieged(environment: &[(&str, &str)]) -> (std::net::SocketAddr, Vec<TcpStream>, impl Sized) {
    let database = testkit::Database::fresh().await;
    let data = tempfile::tempdir().expect("a folder");
    let address = free_address();
    let url = secrecy::ExposeSecret::expose_secret(&database.superuser_url().await).to_owned();
    let mut all = vec![
        ("BUILD14__DATABASE__URL", url),
        // Inside of the limits, as it was seen.
        ("BUILD14__RATE_LIMITS__ENABLED", "true".to_owned()),
        ("BUILD14__RATE_LIMITS__PER_ADDRESS", "1000000".to_owned()),
        ("BUILD14__RATE_LIMITS__SIGN_IN_PER_ADDRESS", "1000000".to_owned()),
        ("BUILD14__SERVER__BODY_IDLE_TIMEOUT", "3s".to_owned()),
    ];
    all.extend(environment.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let server = serve(address, data.path(), &all).await.expect("the server starts");
    let head = format!(
        "POST /api/auth/login HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{{"
    );
    let mut crowd = Vec::with_capacity(CONNECTIONS);
    while crowd.len() < CONNECTIONS {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        // One that lost its seat already cannot be written to.
        let _sent_or_ended = stream.write_all(head.as_bytes()).await;
        crowd.push(stream);
        if crowd.len() % 250 == 0 {
            assert!(is_live(address).await, "with {} connections", crowd.len());
        }
    }
    (address, crowd, (server, database, data))
}

/// Asked over a connection of its own, as everybody else would.
async fn is_live(address: std::net::SocketAddr) -> bool {
    let client = reqwest::Client::builder().timeout(MINUTE).build().expect("a client");
    client.get(format!("http://{address}/health/live")).send().await.is_ok_and(|answer| answer.status() == 200)
}

/// The statuses that the crowd was told until the server had closed every connection; 0: none.
async fn statuses(crowd: Vec<TcpStream>) -> Vec<u16> {
    let mut statuses = Vec::with_capacity(crowd.len());
    for mut stream in crowd {
        let mut bytes = Vec::new();
        let _closed_or_reset = tokio::time::timeout(MINUTE, stream.read_to_end(&mut bytes)).await.expect("it is closed");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        statuses.push(text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or(0));
    }
    statuses
}

#[tokio::test]
async fn two_thousand_half_requests_of_one_address_keep_nobody_from_being_served() {
    if !has_room_for_a_crowd("crowd::two_thousand_half_requests_of_one_address_keep_nobody_from_being_served") {
        return;
    }
    let (address, crowd, _running) = besieged(&[("BUILD14__SERVER__CONNECTIONS_PER_ADDRESS", "256")]).await;
    assert!(is_live(address).await);
    let statuses = statuses(crowd).await;
    // All but the last 256 lost their seats; of those, the body did not come in time.
    assert!(statuses.iter().all(|status| [0, 408].contains(status)), "{statuses:?}");
    assert!(statuses.iter().filter(|status| **status == 0).count() >= CONNECTIONS - 256 - 20, "{statuses:?}");
    assert!(is_live(address).await);
}

#[tokio::test]
async fn two_thousand_half_requests_through_a_proxy_are_each_ended_by_their_time() {
    if !has_room_for_a_crowd("crowd::two_thousand_half_requests_through_a_proxy_are_each_ended_by_their_time") {
        return;
    }
    let (address, crowd, _running) = besieged(&[("BUILD14__SERVER__TRUSTED_PROXIES", "127.0.0.1")]).await;
    assert!(is_live(address).await);
    let statuses = statuses(crowd).await;
    assert!(statuses.iter().all(|status| *status == 408), "{statuses:?}");
    assert!(is_live(address).await);
}
