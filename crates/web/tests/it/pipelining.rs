//! Requests that come before the one in front is answered, over raw sockets: each has its turn, its own answer, and nothing of another's.

use actix_web::{HttpResponse, get};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use web::{Guard, Id, Listening, Problem, Reply, Routes};

use crate::fixture::{Client, settings};
use crate::server::{MINUTE, Server, patient, rest};
use crate::wire::is_problem;

/// More than the buffers of both sockets take.
const HUGE: usize = 12 << 20;
/// Lets one go on whom `gated` holds up.
static GO: Notify = Notify::const_new();

/// So much text, but not at once: whatever is handed on with the request is read before it is answered.
#[utoipa::path(responses((status = 200, description = "So much text")))]
#[get("/api/late/{length}")]
async fn late(Id(length): Id<usize>) -> Result<HttpResponse, Problem> {
    tokio::task::yield_now().await;
    Ok(Reply::ok(&"x".repeat(length)).response())
}

#[utoipa::path(responses((status = 200, description = "When it may")))]
#[get("/api/gated")]
async fn gated() -> Result<HttpResponse, Problem> {
    GO.notified().await;
    Ok(Reply::ok(&"went").response())
}

fn routes() -> Routes {
    let mut routes = crate::things::routes();
    routes.tag("Late", "Answers that take their time.").add(Guard::Public, || late).add(Guard::Public, || gated);
    routes
}

fn server(listening: Listening) -> Server {
    Server::around(Client::over(routes(), settings(), |deps| deps), listening)
}

fn asking(method: &str, path: &str, id: usize) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: a\r\nX-Request-Id: req-{id}\r\n\r\n")
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) {
    let length = tokio::time::timeout(MINUTE, stream.read_buf(bytes)).await.expect("an answer comes").unwrap();
    assert!(length > 0, "the connection is kept: {}", String::from_utf8_lossy(bytes));
}

/// The next answer, its head in small letters and its body; `before` is what was read beyond the one in front.
async fn next(stream: &mut TcpStream, before: &mut Vec<u8>, method: &str) -> (String, Vec<u8>) {
    let head = loop {
        if let Some(end) = before.windows(4).position(|four| four == b"\r\n\r\n") {
            break before.drain(..end + 4).collect::<Vec<u8>>();
        }
        more(stream, before).await;
    };
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 "), "{head}");
    let told = head.split("\r\n").find_map(|line| line.strip_prefix("content-length: "));
    let length = told.filter(|_| method != "HEAD").map_or(0, |length| length.parse::<usize>().unwrap());
    while before.len() < length {
        more(stream, before).await;
    }
    (head, before.drain(..length).collect())
}

/// That each of these, in their order, is answered as if it had been alone: with `x` of that length in quotes, or with the length alone.
async fn are_answered(stream: &mut TcpStream, requests: &[(&str, usize)]) {
    let mut before = Vec::new();
    for (id, (method, length)) in requests.iter().enumerate() {
        let (head, body) = next(stream, &mut before, method).await;
        assert!(head.starts_with("http/1.1 200 ok\r\n"), "{id}: {head}");
        assert!(head.contains(&format!("\r\nx-request-id: req-{id}\r\n")), "{id}: {head}");
        assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", length + 2)), "{id}: {head}");
        if *method == "GET" {
            let text = body.strip_prefix(b"\"").and_then(|body| body.strip_suffix(b"\"")).unwrap();
            assert!(text.len() == *length && text.iter().all(|byte| *byte == b'x'), "{id}: {} bytes", body.len());
        }
    }
    assert_eq!(String::from_utf8_lossy(&before), "", "nothing behind the last answer");
}

fn all(requests: &[(&str, usize)]) -> String {
    requests.iter().enumerate().map(|(id, (method, length))| asking(method, &format!("/api/late/{length}"), id)).collect()
}

#[tokio::test]
async fn a_head_takes_nobodys_body_and_no_get_gives_it_one() {
    let server = server(patient());
    for requests in [
        &[("GET", 5), ("HEAD", 7)][..],
        &[("HEAD", 5), ("GET", 7)],
        &[("GET", 5000), ("HEAD", 7), ("HEAD", 5000), ("GET", 5), ("HEAD", 5)],
        &[("GET", HUGE), ("HEAD", HUGE), ("GET", HUGE), ("HEAD", 5)],
        &[("HEAD", HUGE), ("GET", HUGE), ("HEAD", 5), ("GET", HUGE)],
    ] {
        let mut stream = server.sent(all(requests)).await;
        are_answered(&mut stream, requests).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn requests_that_come_byte_by_byte_are_the_same_requests() {
    let server = server(patient());
    let requests = [("GET", 5000), ("HEAD", 5), ("GET", 7), ("HEAD", 5000), ("GET", 5)];
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in all(&requests).bytes() {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    are_answered(&mut stream, &requests).await;
    server.stop().await;
}

#[tokio::test]
async fn fifty_requests_in_one_packet_are_answered_in_their_order() {
    let server = server(patient());
    let requests: Vec<_> = (0..50).map(|n| ("GET", n)).collect();
    let mut stream = server.sent(all(&requests)).await;
    are_answered(&mut stream, &requests).await;
    // Who has said all that it will say gets all answers, too.
    stream = server.sent(all(&requests)).await;
    stream.shutdown().await.unwrap();
    are_answered(&mut stream, &requests).await;
    assert_eq!(rest(&mut stream).await, "");
    server.stop().await;
}

/// That so many requests are answered over one connection, each sent when the one in front was answered.
async fn are_answered_one_by_one(server: &Server, times: usize) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for _ in 0..times {
        stream.write_all(all(&[("GET", 5)]).as_bytes()).await.unwrap();
        are_answered(&mut stream, &[("GET", 5)]).await;
    }
}

fn in_chunks(body: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for chunk in body.chunks(7000) {
        text.extend_from_slice(format!("{:x};a=b\r\n", chunk.len()).as_bytes());
        text.extend_from_slice(chunk);
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"0\r\nA: b\r\n\r\n");
    text
}

#[tokio::test]
async fn what_comes_behind_a_body_is_the_next_request() {
    let server = server(patient());
    for length in [0, 1, 100, 9000, 1 << 20] {
        // As if they were requests themselves.
        let body = asking("GET", "/api/late/9", 9).into_bytes().into_iter().cycle().take(length).collect::<Vec<u8>>();
        let posting = "POST /api/raw HTTP/1.1\r\nHost: a\r\n";
        let text = [
            format!("{posting}Content-Length: {length}\r\n\r\n").as_bytes(),
            &body,
            asking("HEAD", "/api/late/7", 0).as_bytes(),
            format!("{posting}Transfer-Encoding: chunked\r\n\r\n").as_bytes(),
            &in_chunks(&body),
            asking("GET", "/api/late/5", 0).as_bytes(),
        ]
        .concat();
        let stream = TcpStream::connect(server.address).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        let sending = tokio::spawn(async move {
            writer.write_all(&text).await.unwrap();
            writer
        });
        let mut all = Vec::new();
        let whole = [format!("{length}"), String::new(), format!("{length}"), "\"xxxxx\"".to_owned()].concat();
        let mut buffer = [0; 4096];
        let bodies = loop {
            let bodies: String = String::from_utf8(all.clone())
                .unwrap()
                .split("HTTP/1.1 200 OK\r\n")
                .filter_map(|answer| Some(answer.split_once("\r\n\r\n")?.1.to_owned()))
                .collect();
            if bodies.len() >= whole.len() {
                break bodies;
            }
            let read = tokio::time::timeout(MINUTE, reader.read(&mut buffer)).await.expect("an answer comes").unwrap();
            assert!(read > 0, "the connection is kept: {}", String::from_utf8_lossy(&all));
            all.extend_from_slice(&buffer[..read]);
        };
        assert_eq!(bodies, whole, "{}", String::from_utf8_lossy(&all));
        drop(sending.await.unwrap());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_in_chunks_that_nobody_wants_is_passed_over() {
    let server = server(patient());
    let head = "GET /api/late/5 HTTP/1.1\r\nHost: a\r\nX-Request-Id: req-0\r\nTransfer-Encoding: chunked\r\n\r\n";
    let text = [head.as_bytes(), &in_chunks(&[b'y'; 20_000]), asking("HEAD", "/api/late/7", 1).as_bytes()].concat();
    let mut stream = server.sent(text).await;
    are_answered(&mut stream, &[("GET", 5), ("HEAD", 7)]).await;
    server.stop().await;
}

#[tokio::test]
async fn who_waits_to_be_told_to_go_on_is_told() {
    let server = server(patient());
    let head = "POST /api/raw HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    let behind = asking("HEAD", "/api/late/7", 1);
    let mut told = server.sent(head).await;
    let mut before = Vec::new();
    assert_eq!(next(&mut told, &mut before, "POST").await.0, "http/1.1 100 continue\r\n\r\n");
    told.write_all(format!("hello{behind}").as_bytes()).await.unwrap();
    let mut eager = server.sent(format!("{head}hello{behind}")).await;
    let mut between = Vec::new();
    assert_eq!(next(&mut eager, &mut between, "POST").await.0, "http/1.1 100 continue\r\n\r\n");
    for (stream, before) in [(&mut told, &mut before), (&mut eager, &mut between)] {
        let (head, body) = next(stream, before, "POST").await;
        assert!(head.starts_with("http/1.1 200 ok\r\n") && body == b"5", "{head}");
        assert!(next(stream, before, "HEAD").await.0.contains("\r\ncontent-length: 9\r\n"));
    }
    server.stop().await;
}

/// What the server answers to `first` with something behind it, which it must not even look at.
async fn alone(first: &str) -> String {
    let server = server(patient());
    let second = "GET /api/late/5 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer second\r\n\r\n";
    let mut stream = server.sent(format!("{first}{}", second.repeat(3))).await;
    let text = rest(&mut stream).await;
    let resolved = server.seen.resolved.lock().unwrap().clone();
    assert!(!resolved.contains(&"second".to_owned()), "{resolved:?} of {first:?}");
    let answers = text.matches("HTTP/1.1 ").count() + text.matches("HTTP/1.0 ").count();
    assert_eq!(answers, 1, "{text} to {first:?}");
    server.stop().await;
    text
}

#[tokio::test]
async fn nothing_is_done_behind_the_last_request_of_a_connection() {
    let get = "GET /api/late/5 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\n";
    let post = "POST /api/raw HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\n";
    for first in [
        format!("{get}Connection: close\r\n\r\n"),
        format!("{get}Connection: keep-alive, Close\r\n\r\n"),
        format!("{get}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"),
        format!("{get}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
        format!("{get}Upgrade: websocket\r\n\r\n"),
        format!("{get}Connection: close\r\n\r\n").replace("/5", &format!("/{HUGE}")),
        "GET /api/late/5 HTTP/1.0\r\nAuthorization: Bearer good\r\n\r\n".to_owned(),
        format!("{post}Connection: close\r\nContent-Length: 5\r\n\r\nhello"),
        format!("{post}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    ] {
        let text = alone(&first).await;
        assert!(text.starts_with("HTTP/1.1 200 OK") || text.starts_with("HTTP/1.0 200 OK"), "{text:.200} to {first:?}");
    }
    let server = server(patient());
    let kept = "GET /api/late/5 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let text = rest(&mut server.sent(format!("{kept}{kept}{get}Connection: close\r\n\r\n{get}\r\n")).await).await;
    assert_eq!(text.matches("\r\n\r\n\"xxxxx\"").count(), 3, "{text}");
    server.stop().await;
}

#[tokio::test]
async fn an_answer_of_http_1_0_ends_no_connection_of_others() {
    let server = server(patient());
    let text = rest(&mut server.sent("GET /api/late/5 HTTP/1.0\r\n\r\n").await).await;
    assert!(text.starts_with("HTTP/1.0 200 OK"), "{text}");
    let requests = [("GET", 5), ("HEAD", 7), ("GET", 9), ("GET", 5)];
    let mut stream = server.sent(all(&requests)).await;
    are_answered(&mut stream, &requests).await;
    are_answered_one_by_one(&server, 3).await;
    server.stop().await;
}

#[tokio::test]
async fn what_has_two_ends_is_refused_with_all_behind_it() {
    let post = "POST /api/raw HTTP/1.1\r\nHost: a\r\n";
    for first in [
        format!("{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: identity\r\n\r\n"),
        format!("{post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n").replace("1.1", "1.0"),
        format!("{post}Content-Length: -1\r\n\r\n"),
        format!("{post}Content-Length: +5\r\n\r\nhello"),
        format!("{post}Content-Length: 0x5\r\n\r\nhello"),
        format!("{post}Content-Length: 5, 5\r\n\r\nhello"),
        format!("{post}Content-Length: 99999999999999999999\r\n\r\nhello"),
        format!("{post}Content-Length:\r\n\r\n"),
        format!("{post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
        format!("{post}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
        format!("{post}Content-Length : 5\r\n\r\nhello"),
        format!("{post} Content-Length: 5\r\n\r\nhello"),
        format!("{post}X-A: b\r\n c\r\n\r\n"),
        format!("{post}X-A: b\nContent-Length: 0\r\n\r\n"),
        format!("{post}X-A: b\rContent-Length: 0\r\n\r\n"),
        format!("{post}X-A: b\0\r\n\r\n"),
        format!("{post}\n"),
        "GET /api/late/5 HTTP/1.1\nHost: a\n\n".to_owned(),
        "GET /api/late/5 HTTP/1.1\nHost: a\r\n\r\n".to_owned(),
        "\nGET /api/late/5 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /api/late/5 HTTP/1.1\r\n\r\n".to_owned(),
    ] {
        is_problem(&alone(&first).await, 400, "BAD_REQUEST");
    }
    for body in [
        "1\na\r\n0\r\n\r\n",
        "1;a\na\r\n0\r\n\r\n",
        "-1\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "0\r\nA: b\n\r\n\r\n",
        "0\r\n\n",
        "ffffffffffffffffff\r\n",
    ] {
        is_problem(&alone(&format!("{post}Transfer-Encoding: chunked\r\n\r\n{body}")).await, 400, "BODY_INCOMPLETE");
    }
}

#[tokio::test]
async fn who_waits_behind_a_slow_answer_is_not_slow() {
    let server = server(Listening { head_timeout: std::time::Duration::from_secs(1), ..patient() });
    let behind = asking("HEAD", "/api/late/7", 1);
    let (half, other_half) = behind.split_at(20);
    let mut waiting = server.sent(format!("{}{half}", asking("GET", "/api/gated", 0))).await;
    let mut slow = server.sent(asking("GET", "/api/late/5", 0)).await;
    are_answered(&mut slow, &[("GET", 5)]).await;
    slow.write_all(half.as_bytes()).await.unwrap();
    assert_eq!(rest(&mut slow).await, "", "who is waited for as long, is ended");
    GO.notify_one();
    let mut before = Vec::new();
    assert_eq!(next(&mut waiting, &mut before, "GET").await.1, b"\"went\"");
    waiting.write_all(other_half.as_bytes()).await.unwrap();
    assert!(next(&mut waiting, &mut before, "HEAD").await.0.contains("\r\ncontent-length: 9\r\n"));
    server.stop().await;
}
