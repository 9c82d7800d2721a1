//! What no request can be made of, against the real server: it is answered as every error is.

use std::time::Duration;

use web::Listening;

use crate::fixture::settings;
use crate::server::{MINUTE, Server, patient, rest};

/// What a server that waits `head` for the head of a request answers to `text`, until it closes the connection.
async fn answers(text: &[u8], head: Duration) -> String {
    let server = Server::start(settings(), Listening { head_timeout: head, ..patient() });
    let all = rest(&mut server.sent(text).await).await;
    server.stop().await;
    all
}

/// That the last of the answers is this problem, whole.
pub fn is_problem(answers: &str, status: u64, code: &str) {
    let last = &answers[answers.rfind("HTTP/1.1 ").unwrap_or_else(|| panic!("an answer: {answers:?}"))..];
    let (head, body) = last.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with(&format!("http/1.1 {status} ")), "{head}");
    for header in ["content-type: application/problem+json", "cache-control: no-store", "x-request-id: "] {
        assert!(head.contains(&format!("\r\n{header}")), "{header} in {head}");
    }
    assert!(head.contains(&format!("\r\ncontent-length: {}", body.len())), "{head} before {body}");
    let problem: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((problem["status"].as_u64(), problem["code"].as_str()), (Some(status), Some(code)), "{problem}");
    assert!(head.contains(&format!("x-request-id: {}", problem["requestId"].as_str().unwrap())), "{head}");
}

#[tokio::test]
async fn what_is_no_request_is_answered_with_a_problem() {
    let tls = [&[0x16_u8, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3][..], &[0; 190]].concat();
    for text in [
        &tls[..],
        b"hello\r\n\r\n",
        b"GET / HTTP/3.7\r\nHost: a\r\n\r\n",
        b"GET /api/things HTTP/1.1\r\nHost a\r\n\r\n",
        b"GE(T /api/things HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /api/things HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
    ] {
        is_problem(&answers(text, MINUTE).await, 400, "BAD_REQUEST");
    }
}

#[tokio::test]
async fn what_was_asked_before_is_answered_too() {
    let both = answers(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\nhello\r\n\r\n", MINUTE).await;
    assert!(both.starts_with("HTTP/1.1 200 OK\r\n") && both.contains(r#"{"status":"live"}HTTP/1.1 400 "#), "{both}");
    is_problem(&both, 400, "BAD_REQUEST");
}

#[tokio::test]
async fn too_many_headers_are_a_problem() {
    let headers: String = (0..200).map(|n| format!("X{n}: a\r\n")).collect();
    let text = format!("GET /health/live HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
    is_problem(&answers(text.as_bytes(), MINUTE).await, 431, "HEAD_TOO_LARGE");
}

#[tokio::test]
async fn a_head_that_does_not_come_is_a_problem() {
    // actix looks at a clock that is up to half a second old.
    is_problem(&answers(b"GET /health/live HTTP/1.1\r\nHost:", Duration::from_secs(2)).await, 408, "HEAD_TIMEOUT");
}

#[tokio::test]
async fn a_body_in_bad_pieces_is_a_problem() {
    let head = "POST /api/notes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let text = format!("{head}ZZ\r\nabc\r\n0\r\n\r\n");
    is_problem(&answers(text.as_bytes(), MINUTE).await, 400, "BODY_INCOMPLETE");
}
