//! Words that Stripe may add tomorrow, and currencies that are not used here: read as something, never an error that blocks.

use escrow_api::{DisputeStage, IntentStatus, PaymentProvider};
use kernel::{Currency, Money};
use serde_json::{Value, json};
use stripe_adapter::{Settings, StripeProvider};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Stripe, answering every request with the same object.
async fn answering(object: Value) -> StripeProvider {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let mut settings = Settings::new("sk_test_words");
    settings.api_base = format!("http://{}", listener.local_addr().expect("has an address"));
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                let mut part = [0; 4096];
                match socket.read(&mut part).await {
                    Ok(0) | Err(_) => break,
                    Ok(n) => request.extend_from_slice(&part[..n]),
                }
            }
            let body = object.to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    StripeProvider::new(&settings).expect("good settings")
}

fn intent(status: &str, currency: &str, charge: Value) -> Value {
    json!({
        "id": "pi_1", "object": "payment_intent", "client_secret": "s", "status": status, "amount": 1000, "amount_received": 1000,
        "currency": currency, "metadata": {"payment_id": "p"}, "livemode": false, "last_payment_error": null, "latest_charge": charge,
    })
}

#[tokio::test]
async fn the_states_of_a_payment_intent() {
    for (word, expected) in [
        ("requires_payment_method", IntentStatus::Created),
        ("requires_confirmation", IntentStatus::Created),
        ("requires_action", IntentStatus::RequiresAction),
        ("requires_capture", IntentStatus::RequiresCapture),
        ("processing", IntentStatus::Processing),
        ("canceled", IntentStatus::Canceled),
        ("requires_something_new", IntentStatus::Unrecognised),
        ("", IntentStatus::Unrecognised),
    ] {
        let seen = answering(intent(word, "eur", Value::Null)).await.payment_intent("pi_1").await.expect("read");
        assert_eq!((seen.status, seen.funds), (expected, None), "{word}");
    }
}

#[tokio::test]
async fn a_currency_that_is_not_used_here() {
    let foreign = answering(intent("succeeded", "xts", Value::Null)).await.payment_intent("pi_1").await.expect("read");
    assert_eq!((foreign.status, foreign.amount), (IntentStatus::Succeeded, Money::zero(Currency::EUR)));
    let booked =
        json!({"id": "txn_1", "amount": 990, "fee": 10, "currency": "xts", "available_on": 1_700_000_000, "status": "new_word"});
    let charge = json!({"id": "ch_1", "transfer": null, "balance_transaction": booked});
    let seen = answering(intent("succeeded", "eur", charge)).await.payment_intent("pi_1").await.expect("read");
    let funds = seen.funds.expect("settled");
    assert_eq!((funds.settled_in.as_str(), funds.available, funds.gross.minor(), funds.fee.minor()), ("XTS", false, 1000, 0));
    let transfer = json!({"id": "tr_1", "amount": 5, "currency": "xts", "destination": null, "metadata": {"release_id": "r"}});
    let list = json!({"data": [transfer.clone()], "has_more": false});
    let seen = answering(list).await.transfers_of_group("ms_1").await.expect("listed");
    assert_eq!((seen[0].amount.minor(), seen[0].destination.as_str()), (0, ""));
    assert_eq!(answering(transfer).await.transfer("tr_1").await.expect("read"), seen[0]);
}

#[tokio::test]
async fn the_states_of_a_charge_a_dispute_and_an_account() {
    let charge = answering(json!({"id": "ch_1", "status": "new_word", "captured": true, "amount": 5}))
        .await
        .charge("ch_1")
        .await
        .expect("read");
    assert_eq!((charge.status.as_str(), charge.captured, charge.intent), ("new_word", true, None));
    let nothing = answering(json!({"id": "ch_1"})).await.charge("ch_1").await.expect("read");
    assert_eq!((nothing.status.as_str(), nothing.captured), ("unknown", false), "nothing said is nothing good");
    for (word, moved, expected) in [
        ("warning_needs_response", json!([]), DisputeStage::Inquiry),
        ("warning_under_review", Value::Null, DisputeStage::Inquiry),
        ("warning_closed", json!([]), DisputeStage::InquiryClosed),
        ("needs_response", json!([{"amount": -5}]), DisputeStage::Open),
        ("under_review", json!([{"amount": -5}]), DisputeStage::Open),
        ("won", json!([{"amount": -5}]), DisputeStage::WonUnpaid),
        ("won", json!([{"amount": -5}, {"amount": 4}]), DisputeStage::WonUnpaid),
        ("won", json!([{"amount": -5}, {"amount": 5}]), DisputeStage::Won),
        ("lost", json!([{"amount": -5}]), DisputeStage::Lost),
        ("prevented", json!([]), DisputeStage::Lost),
        ("charge_refunded", json!([]), DisputeStage::Lost),
        ("a_new_word", json!([]), DisputeStage::Open),
    ] {
        let object = json!({"id": "dp_1", "charge": "ch_1", "status": word, "balance_transactions": moved, "amount": 5, "currency": "xts"});
        let seen = answering(object).await.dispute("dp_1").await.expect("read");
        assert_eq!((seen.stage, seen.status.as_str(), seen.amount.as_str()), (expected, word, "5 XTS"));
    }
    for (word, active) in
        [("active", true), ("pending", false), ("inactive", false), ("unrequested", false), ("a_new_word", false)]
    {
        let object = json!({"id": "acct_1", "capabilities": {"transfers": word}, "requirements": {"currently_due": null, "disabled_reason": "a.new.one"}});
        assert_eq!(answering(object).await.account("acct_1").await.expect("read").transfers_active, active, "{word}");
    }
}
