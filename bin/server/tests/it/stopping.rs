//! How a server ends when it is asked to.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::process::Child;

use crate::process::{free_address, serve};

async fn terminate(child: &Child) {
    let id = child.id().expect("it runs").to_string();
    let status = tokio::process::Command::new("kill").args(["-TERM", &id]).status().await.expect("kill runs");
    assert!(status.success());
}

#[tokio::test]
async fn a_server_that_stopped_is_told_to_nobody_and_what_a_killed_one_left_neither() {
    let database = testkit::Database::fresh().await;
    let data = tempfile::tempdir().expect("a folder");
    let url = secrecy::ExposeSecret::expose_secret(&database.superuser_url().await).to_owned();
    let told = |name: &str| std::fs::read_to_string(data.path().join(name)).ok();
    std::fs::write(data.path().join("server.address"), "127.0.0.1:1").expect("written");
    let address = free_address();
    let mut server = serve(address, data.path(), &[("BUILD14__DATABASE__URL", url)]).await.expect("the server starts");
    testkit::until("it tells where it is", async || (told("server.address") == Some(address.to_string())).then_some(())).await;
    assert!(told("stripe-sandbox.url").is_some());
    terminate(&server).await;
    let status = tokio::time::timeout(Duration::from_secs(60), server.wait()).await.expect("it ends").expect("waited");
    assert_eq!(status.code(), Some(0));
    assert_eq!((told("server.address"), told("stripe-sandbox.url")), (None, None));
}

#[tokio::test]
async fn asked_once_it_finishes_and_asked_again_it_ends_at_once() {
    let database = testkit::Database::fresh().await;
    let data = tempfile::tempdir().expect("a folder");
    let address = free_address();
    let url = secrecy::ExposeSecret::expose_secret(&database.superuser_url().await).to_owned();
    let environment = [
        ("BUILD14__DATABASE__URL", url),
        ("BUILD14__SERVER__SHUTDOWN_TIMEOUT", "1h".to_owned()),
        ("BUILD14__SERVER__WORKERS", "1".to_owned()),
        ("BUILD14__SERVER__BODY_IDLE_TIMEOUT", "1h".to_owned()),
        ("BUILD14__SERVER__BODY_TIMEOUT", "1h".to_owned()),
    ];
    let mut server = serve(address, data.path(), &environment).await.expect("the server starts");
    // A request whose body never ends: asked once, the server waits for it.
    let mut client = TcpStream::connect(address).await.expect("connects");
    let head = format!(
        "POST /api/auth/login HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{{"
    );
    client.write_all(head.as_bytes()).await.expect("sent");
    terminate(&server).await;
    testkit::until("nobody is let in any more", async || TcpStream::connect(address).await.is_err().then_some(())).await;
    assert_eq!(server.try_wait().expect("asked"), None, "it still waits for the request");
    terminate(&server).await;
    let status = tokio::time::timeout(Duration::from_secs(60), server.wait()).await.expect("it ends").expect("waited");
    assert_eq!(status.code(), Some(130));
}
