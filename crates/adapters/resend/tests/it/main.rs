//! Resend's API over a socket, played by a few lines of HTTP that answer what a test says and keep what they were asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mail_api::{Accepted, MailId, MailTransport, MessageId, OutgoingMail, Recipient, Refusal};
use mail_resend::{Resend, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Debug, Clone)]
struct Asked {
    /// The first line and the headers, in lower case but for their values.
    head: Vec<String>,
    body: Value,
}

impl Asked {
    fn header(&self, name: &str) -> &str {
        let begins = format!("{name}: ");
        self.head.iter().find_map(|line| line.strip_prefix(begins.as_str())).unwrap_or_default()
    }
}

/// Answers each request with the next answer: status line, further headers, body.
struct Stub {
    base: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Stub {
    async fn answering(answers: Vec<(&'static str, &'static str, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("bound"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let keeps = Arc::clone(&asked);
        tokio::spawn(async move {
            for (status, headers, body) in answers {
                let (mut stream, _) = listener.accept().await.expect("a client");
                let request = read(&mut stream).await;
                keeps.lock().expect("not poisoned").push(request);
                let length = body.len();
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}");
                stream.write_all(answer.as_bytes()).await.expect("writes");
            }
        });
        Self { base, asked }
    }

    fn resend(&self) -> Resend {
        let settings =
            Settings { api_base: self.base.clone(), api_key: "re_secret".to_owned().into(), timeout: Duration::from_secs(10) };
        Resend::new(&settings).expect("settings that hold")
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("not poisoned").clone()
    }
}

async fn read(stream: &mut TcpStream) -> Asked {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.expect("reads");
        assert!(count > 0, "the client went away");
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let lower = |line: &str| match line.split_once(": ") {
            Some((name, value)) => format!("{}: {value}", name.to_ascii_lowercase()),
            None => line.to_owned(),
        };
        let head: Vec<String> = head.split("\r\n").map(lower).collect();
        let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if body.len() >= length.unwrap_or_default() {
            return Asked { head, body: serde_json::from_str(body).expect("JSON") };
        }
    }
}

fn mail() -> OutgoingMail {
    let id = MailId::new();
    OutgoingMail {
        id,
        message_id: MessageId::of(id, "app.build14.example"),
        from: Recipient::at("no-reply@build14.example").named("14Build"),
        reply_to: Some(Recipient::at("help@build14.example")),
        to: Recipient::at("ada@example.com").named("Ada \"the\" Lovelace"),
        date: chrono::DateTime::from_timestamp(1_741_392_065, 0).expect("a time"),
        subject: "Bestätigen\r\nBcc: eve@example.com".to_owned(),
        html: "<p>Größe</p>".to_owned(),
        text: "Größe".to_owned(),
    }
}

#[tokio::test]
async fn a_mail_is_handed_over_under_its_own_key() {
    let stub = Stub::answering(vec![("200 OK", "", json!({"id": "56761188-7520"}).to_string())]).await;
    let mail = mail();
    assert_eq!(stub.resend().send(&mail).await, Ok(Accepted { provider_id: Some("56761188-7520".to_owned()) }));
    let asked = stub.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].head[0], "POST /emails HTTP/1.1");
    assert_eq!(asked[0].header("authorization"), "Bearer re_secret");
    assert_eq!(asked[0].header("idempotency-key"), mail.id.to_string());
    assert_eq!(asked[0].header("content-type"), "application/json");
    let body = json!({
        "from": "\"14Build\" <no-reply@build14.example>", "to": ["\"Ada \\\"the\\\" Lovelace\" <ada@example.com>"],
        "reply_to": "help@build14.example", "subject": "Bestätigen Bcc: eve@example.com", "html": "<p>Größe</p>", "text": "Größe",
        "headers": {"Message-ID": format!("<{}@app.build14.example>", mail.id), "Auto-Submitted": "auto-generated"},
        "tags": [{"name": "mail", "value": mail.id}],
    });
    assert_eq!(asked[0].body, body);
}

#[tokio::test]
async fn what_is_refused_says_whether_to_come_again_and_when() {
    let error = |status: u16, name: &str| json!({"statusCode": status, "name": name, "message": "in words"}).to_string();
    let stub = Stub::answering(vec![
        ("429 Too Many Requests", "retry-after: 7\r\n", error(429, "rate_limit_exceeded")),
        ("422 Unprocessable Entity", "", error(422, "validation_error")),
        ("500 Internal Server Error", "", error(500, "application_error")),
        ("403 Forbidden", "", error(403, "validation_error")),
        ("409 Conflict", "", error(409, "invalid_idempotent_request")),
        ("502 Bad Gateway", "", "<html>".to_owned()),
    ])
    .await;
    let (resend, mail) = (stub.resend(), mail());
    let wait = Some(Duration::from_secs(7));
    let slowly = Refusal::Temporary { reason: "429 rate_limit_exceeded: in words".to_owned(), retry_after: wait };
    assert_eq!(resend.send(&mail).await, Err(slowly));
    assert_eq!(resend.send(&mail).await, Err(Refusal::permanent("422 validation_error: in words")));
    assert_eq!(resend.send(&mail).await, Err(Refusal::temporary("500 application_error: in words")));
    assert_eq!(resend.send(&mail).await, Err(Refusal::ours("403 validation_error: in words")));
    assert_eq!(resend.send(&mail).await, Ok(Accepted::default()), "it took the mail before");
    assert_eq!(resend.send(&mail).await, Err(Refusal::temporary("502 : without a word")));
    let keys: Vec<_> = stub.asked().iter().map(|asked| asked.header("idempotency-key").to_owned()).collect();
    assert_eq!(keys, vec![mail.id.to_string(); 6]);
}

#[tokio::test]
async fn who_does_not_answer_is_asked_again_later() {
    let stub = Stub::answering(Vec::new()).await;
    let settings =
        |api_base: String| Settings { api_base, api_key: "re_x".to_owned().into(), timeout: Duration::from_millis(300) };
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    for base in [stub.base.clone(), format!("http://{}", silent.local_addr().expect("bound"))] {
        let resend = Resend::new(&settings(base.clone())).expect("settings that hold");
        let answer = resend.send(&mail()).await;
        assert!(matches!(answer, Err(Refusal::Temporary { retry_after: None, .. })), "{base}: {answer:?}");
    }
    assert!(Resend::new(&settings("no url at all".to_owned())).is_err());
}
