//! Clients that are slow, silent or many, against the real server.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use web::{Listening, Settings};

use crate::fixture::settings;
use crate::server::{MINUTE, Server, answer, patient, rest};

fn impatient_with_bodies() -> Settings {
    Settings { body_idle_timeout: Duration::from_millis(200), body_timeout: Duration::from_secs(2), ..settings() }
}

const SIGNED: &str = "POST /api/things HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\nContent-Type: application/json\r\n";

#[tokio::test]
async fn a_body_that_stalls_is_answered_408_and_its_connection_closed() {
    let server = Server::start(impatient_with_bodies(), patient());
    for body in ["Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"] {
        let mut stream = server.sent(&format!("{SIGNED}{body}")).await;
        let text = rest(&mut stream).await;
        assert!(text.starts_with("HTTP/1.1 408 Request Timeout"), "{text}");
        assert!(text.to_lowercase().contains("connection: close") && text.contains("\"code\":\"BODY_TIMEOUT\""), "{text}");
        assert!(text.contains("application/problem+json") && text.contains("\"requestId\""), "{text}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_trickles_ends_with_its_time() {
    let server =
        Server::start(Settings { body_idle_timeout: MINUTE, body_timeout: Duration::from_millis(500), ..settings() }, patient());
    let stream = server.sent(&format!("{SIGNED}Content-Length: 1000000\r\n\r\n")).await;
    let (mut reader, mut writer) = stream.into_split();
    let trickle = tokio::spawn(async move {
        while writer.write_all(b" ").await.is_ok() && writer.flush().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut text = Vec::new();
    let _closed_or_reset = tokio::time::timeout(MINUTE, reader.read_to_end(&mut text)).await.expect("it ends");
    assert!(String::from_utf8_lossy(&text).starts_with("HTTP/1.1 408"), "{}", String::from_utf8_lossy(&text));
    trickle.abort();
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_nobody_reads_does_not_hold_its_connection() {
    let listening = Listening { head_timeout: Duration::from_secs(2), keep_alive: Duration::from_secs(1), ..patient() };
    let server = Server::start(settings(), listening);
    for body in ["Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"] {
        let mut stream = server.sent(&format!("GET /health/live HTTP/1.1\r\nHost: a\r\n{body}")).await;
        let text = rest(&mut stream).await;
        assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    }
    server.stop().await;
}

#[tokio::test]
async fn half_a_head_is_not_waited_for_neither_the_first_nor_a_later_one() {
    // actix looks at a clock that is up to half a second old.
    let server = Server::start(settings(), Listening { head_timeout: Duration::from_secs(2), ..patient() });
    let mut first = server.sent("GET /health/live HTT").await;
    assert!(rest(&mut first).await.starts_with("HTTP/1.1 408"));
    let mut later = server.sent("GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer(&mut later).await.starts_with("HTTP/1.1 200"));
    later.write_all(b"GET /health/live HTT").await.unwrap();
    rest(&mut later).await;
    server.stop().await;
}

#[tokio::test]
async fn who_does_not_take_the_answers_is_ended() {
    let server = Server::start(settings(), Listening { write_timeout: Duration::from_millis(300), ..patient() });
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    let asking = b"GET /api/long HTTP/1.1\r\nHost: a\r\n\r\n".repeat(50);
    let until_refused = async { while stream.write_all(&asking).await.is_ok() {} };
    tokio::time::timeout(MINUTE, until_refused).await.expect("the server ends it");
    assert!(server.is_live().await);
    server.stop().await;
}

#[tokio::test]
async fn many_silent_connections_of_one_address_lose_their_seats_to_it() {
    let patient_with_bodies = Settings { body_idle_timeout: MINUTE, ..settings() };
    let server = Server::start(patient_with_bodies, Listening { connections_per_address: 20, ..patient() });
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(server.sent(&format!("{SIGNED}Content-Length: 9\r\n\r\n{{")).await);
        if silent.len() % 10 == 0 {
            assert!(server.is_live().await, "after {}", silent.len());
        }
    }
    for stream in &mut silent[..70] {
        assert_eq!(rest(stream).await, "", "its seat was taken");
    }
    server.stop().await;
}

#[tokio::test]
async fn requests_that_say_two_things_are_refused_and_hold_nobody() {
    let server = Server::start(settings(), patient());
    let get = "GET /api/things HTTP/1.1\r\n";
    for (request, status) in [
        (format!("{get}Host: a\r\nHost: b\r\nConnection: close\r\n\r\n"), "400"),
        (
            format!("{get}Host: a\r\nAuthorization: Bearer good\r\nAuthorization: Bearer other\r\nConnection: close\r\n\r\n"),
            "400",
        ),
        (format!("{SIGNED}Content-Length: 2\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{{}}"), "400"),
        (
            format!("{SIGNED}Content-Length: 2\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"),
            "400",
        ),
        (format!("{SIGNED}Content-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"), "400"),
        (format!("{get}Host: a\r\nConnection: close\r\n{}\r\n", "X-A: b\r\n".repeat(200)), "431 or 400"),
        (format!("{get}Host: a\r\nConnection: close\r\nX-A: {}\r\n\r\n", "b".repeat(200_000)), "431, 400 or nothing"),
        (format!("{get}Host: a\r\nX-A: b\0c\r\nConnection: close\r\n\r\n"), "400"),
        ("GET /api/things HTTP/1.0\r\nAuthorization: Bearer good\r\n\r\n".to_owned(), "200"),
        (
            "GET http://elsewhere/api/things HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\nConnection: close\r\n\r\n"
                .to_owned(),
            "200",
        ),
        (
            format!("{SIGNED}Expect: 100-continue\r\nContent-Length: 17\r\nConnection: close\r\n\r\n{{\"name\": \"Bridge\"}}"),
            "100",
        ),
    ] {
        let mut stream = server.sent(&request).await;
        let text = rest(&mut stream).await;
        let got = text.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).unwrap_or("nothing");
        assert!(status.contains(got), "{got} instead of {status} for {:.120}", request);
    }
    assert!(server.is_live().await);
    server.stop().await;
}
