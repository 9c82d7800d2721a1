//! What each way of failing is taken for: a server that answers as told, and counts.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use escrow_api::{PaymentProvider, ProviderError, TransferOrder};
use kernel::{Currency, Money};
use stripe_adapter::{Settings, StripeProvider};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What to do with a request.
#[derive(Clone)]
enum Reply {
    Json(u16, String),
    Html(u16),
    HangUp,
    Silence,
}

fn error(status: u16, kind: &str, code: &str) -> Reply {
    Reply::Json(status, format!(r#"{{"error":{{"type":"{kind}","code":"{code}","message":"said the server"}}}}"#))
}

fn transfer() -> Reply {
    let body = r#"{"id":"tr_1","object":"transfer","amount":975,"amount_reversed":5,"currency":"eur","destination":"acct_1",
        "metadata":{"release_id":"r"},"something":{"that":"is new"}}"#;
    Reply::Json(200, body.to_owned())
}

struct Server {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Gives the replies one after another, the last one for ever.
    async fn start(replies: &[Reply]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let url = format!("http://{}", listener.local_addr().expect("has an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (noted, replies) = (Arc::clone(&asked), replies.to_vec());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let request = read(&mut socket).await;
                let reply = {
                    let mut asked = noted.lock().expect("no panic");
                    asked.push(request);
                    replies[(asked.len() - 1).min(replies.len() - 1)].clone()
                };
                let (status, kind, body) = match reply {
                    Reply::Json(status, body) => (status, "application/json", body),
                    Reply::Html(status) => (status, "text/html", "<h1>Bad Gateway</h1>".to_owned()),
                    Reply::HangUp => continue,
                    Reply::Silence => {
                        tokio::spawn(async move {
                            let _held = socket;
                            std::future::pending::<()>().await;
                        });
                        continue;
                    }
                };
                let head = format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
                socket.write_all(format!("{head}{body}").as_bytes()).await.expect("answered");
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

async fn read(socket: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let n = socket.read(&mut buffer).await.expect("read");
        text.push_str(&String::from_utf8_lossy(&buffer[..n]));
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
            if body.len() >= length.map_or(0, |l| l.parse().expect("a number")) {
                return text;
            }
        }
        assert!(n > 0, "a whole request: {text}");
    }
}

/// For those who wait for an answer that never comes.
const SHORT: Duration = Duration::from_secs(1);

fn provider(url: &str) -> StripeProvider {
    patient(url, Duration::from_secs(60))
}

fn patient(url: &str, timeout: Duration) -> StripeProvider {
    let mut settings = Settings::new("sk_test_secret");
    settings.api_base = url.to_owned();
    settings.timeout = timeout;
    StripeProvider::new(&settings).expect("good settings")
}

fn order() -> TransferOrder {
    TransferOrder {
        amount: Money::from_minor(975, Currency::EUR),
        destination: "acct_1".into(),
        transfer_group: "ms_1".into(),
        source_charge: None,
        metadata: vec![("release_id".into(), "r".into()), ("contract_id".into(), "c".into())],
        idempotency_key: "rel_1".into(),
    }
}

async fn after(replies: &[Reply]) -> (Result<String, ProviderError>, Vec<String>) {
    let server = Server::start(replies).await;
    let silent = replies.iter().any(|reply| matches!(reply, Reply::Silence));
    let provider = if silent { patient(&server.url, SHORT) } else { provider(&server.url) };
    let result = provider.create_transfer(&order()).await.map(|transfer| transfer.id);
    (result, server.asked())
}

#[tokio::test]
async fn a_repetition_is_the_same_request_with_the_same_key() {
    let limited = error(429, "invalid_request_error", "rate_limit");
    let in_use = error(409, "idempotency_error", "idempotency_key_in_use");
    let (result, asked) = after(&[limited, in_use, transfer()]).await;
    assert_eq!(result, Ok("tr_1".to_owned()));
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|request| *request == asked[0]), "{asked:#?}");
    assert!(asked[0].starts_with("POST /v1/transfers HTTP/1.1"), "{}", asked[0]);
    let lower = asked[0].to_ascii_lowercase();
    assert!(lower.contains("idempotency-key: rel_1\r\n") && lower.contains("stripe-version: 2026-09-30.endive\r\n"), "{lower}");
}

#[tokio::test]
async fn unknown_fields_and_numbers_are_read() {
    let server = Server::start(&[transfer()]).await;
    let found = provider(&server.url).transfer("tr_1").await.expect("read");
    assert_eq!((found.amount.minor(), found.reversed.minor(), found.destination.as_str()), (975, 5, "acct_1"));
    assert_eq!(found.metadata, [("release_id".to_owned(), "r".to_owned())]);
}

#[tokio::test]
async fn a_refusal_is_final() {
    let (result, asked) = after(&[error(400, "invalid_request_error", "balance_insufficient")]).await;
    let refused = ProviderError::Refused { code: "balance_insufficient".into(), message: "said the server".into() };
    assert_eq!((result, asked.len()), (Err(refused), 1));
}

#[tokio::test]
async fn too_often_is_unavailable() {
    let (result, asked) = after(&[error(429, "invalid_request_error", "rate_limit")]).await;
    assert!(matches!(result, Err(ProviderError::Unavailable(_))), "{result:?}");
    assert_eq!(asked.len(), 3);
}

#[tokio::test]
async fn a_server_error_spends_the_key_even_if_a_later_attempt_never_got_there() {
    let (result, asked) = after(&[error(500, "api_error", "")]).await;
    assert!(matches!(result, Err(ProviderError::KeySpent(_))), "{result:?}");
    assert_eq!(asked.len(), 3);
    for then in [error(429, "invalid_request_error", "rate_limit"), Reply::HangUp, Reply::Html(502)] {
        let (result, _) = after(&[error(500, "api_error", ""), then]).await;
        assert!(matches!(result, Err(ProviderError::KeySpent(_))), "{result:?}");
    }
    let (result, _) = after(&[Reply::Html(502)]).await;
    assert!(matches!(result, Err(ProviderError::Unknown(_))), "what is not of Stripe's making, no key remembers: {result:?}");
    let (result, _) = after(&[error(409, "idempotency_error", "idempotency_key_in_use")]).await;
    assert!(matches!(result, Err(ProviderError::Unknown(_))), "the first request under the key is still at work: {result:?}");
    let (result, asked) = after(&[Reply::Html(502), transfer()]).await;
    assert_eq!((result, asked.len()), (Ok("tr_1".to_owned()), 2));
}

#[tokio::test]
async fn a_lost_answer_is_unknown_at_once() {
    let (result, asked) = after(&[Reply::HangUp]).await;
    assert!(matches!(result, Err(ProviderError::Unknown(_))), "{result:?}");
    assert_eq!(asked.len(), 1);
    let (result, asked) = after(&[Reply::Silence]).await;
    assert_eq!((result, asked.len()), (Err(ProviderError::Unknown("no answer in time".into())), 1));
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let url = format!("http://{}", listener.local_addr().expect("has an address"));
    drop(listener);
    let result = provider(&url).create_transfer(&order()).await;
    assert!(matches!(result, Err(ProviderError::Unavailable(_))), "{result:?}");
}

#[tokio::test]
async fn a_read_is_never_unknown() {
    let server = Server::start(&[Reply::Silence]).await;
    let result = patient(&server.url, SHORT).payment_intent("pi_1").await;
    assert!(matches!(result, Err(ProviderError::Unavailable(_))), "{result:?}");
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_unexpected_and_not_repeated_in_the_error() {
    let (result, asked) = after(&[Reply::Json(200, r#"{"id":"tr_1","amount":"sk_secret"}"#.to_owned())]).await;
    let unexpected = ProviderError::Unexpected("create a transfer: cannot read `amount` of the answer".into());
    assert_eq!((result, asked.len()), (Err(unexpected), 1));
}

#[tokio::test]
async fn a_key_that_stripe_does_not_take_refuses_nothing() {
    // 403: a restricted key that lacks a permission.
    for (status, code) in [(401, ""), (403, "more_permissions_required"), (403, "account_invalid")] {
        let (result, asked) = after(&[error(status, "invalid_request_error", code)]).await;
        assert!(matches!(result, Err(ProviderError::Unavailable(_))), "{result:?}");
        assert_eq!(asked.len(), 1);
        let server = Server::start(&[error(status, "invalid_request_error", code)]).await;
        let stripe = provider(&server.url);
        let link = stripe.onboarding_link("acct_1", "https://a.example", "https://b.example").await.expect_err("fails");
        assert!(matches!(link, ProviderError::Unavailable(_)), "{link:?}");
    }
}

#[tokio::test]
async fn what_an_earlier_attempt_may_have_done_is_not_forgotten_when_the_key_is_rolled_meanwhile() {
    for (status, code) in [(401, ""), (401, "api_key_expired"), (403, "more_permissions_required"), (403, "account_invalid")] {
        let locked_out = error(status, "invalid_request_error", code);
        // Done, but something in between answered; or still at work.
        for first in [Reply::Html(502), error(409, "idempotency_error", "idempotency_key_in_use")] {
            let (result, asked) = after(&[first, locked_out.clone(), transfer()]).await;
            assert!(matches!(result, Err(ProviderError::Unknown(_))), "{status} {code}: {result:?}");
            assert_eq!(asked.len(), 2, "and it is no use to ask again");
        }
        let (result, asked) = after(&[error(500, "api_error", ""), locked_out.clone()]).await;
        assert!(matches!(result, Err(ProviderError::KeySpent(_))), "{status} {code}: {result:?}");
        assert_eq!(asked.len(), 2);
        // What certainly did nothing is no reason to be unsure.
        let (result, _) = after(&[error(429, "invalid_request_error", "rate_limit"), locked_out]).await;
        assert!(matches!(result, Err(ProviderError::Unavailable(_))), "{status} {code}: {result:?}");
    }
}

#[tokio::test]
async fn a_refusal_under_the_same_key_is_an_answer_whatever_came_before() {
    let (result, _) = after(&[Reply::Html(502), error(400, "invalid_request_error", "balance_insufficient")]).await;
    assert!(matches!(result, Err(ProviderError::Refused { .. })), "{result:?}");
}

#[tokio::test]
async fn an_account_that_left_us_is_gone_but_a_key_that_may_not_look_says_nothing() {
    let asked = async |code: &str| {
        let server = Server::start(&[error(403, "invalid_request_error", code)]).await;
        provider(&server.url).account("acct_1").await.expect_err("fails")
    };
    let message = "the account is gone, or no longer connected to the platform".to_owned();
    assert_eq!(asked("account_invalid").await, ProviderError::Refused { code: "account_invalid".to_owned(), message });
    let lacking = asked("more_permissions_required").await;
    assert!(matches!(lacking, ProviderError::Unavailable(_)), "{lacking:?}");
}

#[tokio::test]
async fn a_key_used_for_something_else_is_spent_and_nothing_is_refused() {
    let (result, asked) = after(&[error(400, "idempotency_error", "")]).await;
    assert!(matches!(result, Err(ProviderError::KeySpent(_))), "{result:?}");
    assert_eq!(asked.len(), 1);
}

#[test]
fn the_key_is_not_shown() {
    let settings = Settings::new("sk_test_secret");
    let shown = format!("{settings:?} {:?}", StripeProvider::new(&settings).expect("good settings"));
    assert!(!shown.contains("sk_test_secret"), "{shown}");
}
