//! Stripe's deliveries: verified, and read into the events of `provider-events`.

use kernel::Timestamp;
use provider_events::{Change, Deliveries, Kind, ProviderEvent, Refused, Subject};
use secrecy::SecretString;
use serde_json::Value;
use uuid::Uuid;

use crate::signature;

/// Names under which our own requests put an id of ours into an object's metadata (`requests` of `stripe-adapter`).
const OURS: [&str; 2] = ["payment_id", "release_id"];

/// What Stripe, or the sandbox that speaks like it, delivers to our endpoints.
pub struct StripeWebhooks {
    secrets: Vec<SecretString>,
}

impl StripeWebhooks {
    /// With the secrets of the endpoints: the platform's, the connected accounts', and old ones while they rotate. Without any, every delivery
    /// is refused.
    #[must_use]
    pub fn new(secrets: Vec<SecretString>) -> Self {
        Self { secrets }
    }
}

impl Deliveries for StripeWebhooks {
    fn read(&self, signature: Option<&str>, body: &[u8], now: Timestamp) -> Result<ProviderEvent, Refused> {
        signature::verify(signature, body, &self.secrets, now)?;
        read(body).ok_or(Refused("the body is not an event"))
    }

    fn kind(&self, name: &str) -> Option<Kind> {
        kind(name)
    }
}

/// Reads what routing needs and nothing else.
fn read(body: &[u8]) -> Option<ProviderEvent> {
    let event: Value = serde_json::from_slice(body).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let object = &event["data"]["object"];
    let metadata = &object["metadata"];
    let name = text(&event["type"])?;
    Some(ProviderEvent {
        id: text(&event["id"])?,
        kind: kind(&name),
        name,
        object: text(&object["id"]).filter(|id| !id.is_empty()),
        account: text(&event["account"]),
        intent: text(&object["payment_intent"]).or_else(|| text(&object["payment_intent"]["id"])),
        ours: OURS.iter().find_map(|name| metadata[*name].as_str()?.parse::<Uuid>().ok()),
        livemode: event["livemode"].as_bool().unwrap_or(false),
    })
}

/// What a name such as `charge.dispute.created` means. A new word about an object that is known is a change of that object.
fn kind(name: &str) -> Option<Kind> {
    let (family, rest) = name.split_once('.').unwrap_or((name, ""));
    let subject = match family {
        "payment_intent" => Subject::PaymentIntent,
        "charge" if rest.starts_with("dispute.") => Subject::Dispute,
        "charge" if rest.starts_with("refund.") => Subject::Refund,
        "charge" => Subject::Charge,
        "refund" => Subject::Refund,
        "review" => Subject::Review,
        "radar" => Subject::FraudWarning,
        "transfer" => Subject::Transfer,
        // What an account may do changes with the account.
        "account" | "capability" => Subject::Account,
        "balance" => Subject::Balance,
        "payout" => Subject::Payout,
        "topup" => Subject::TopUp,
        _ => return None,
    };
    let change = match rest.rsplit_once('.').map_or(rest, |(_, last)| last) {
        "created" | "opened" => Change::Created,
        "updated" => Change::Updated,
        "succeeded" => Change::Succeeded,
        "failed" | "payment_failed" => Change::Failed,
        "canceled" => Change::Canceled,
        "reversed" => Change::Reversed,
        "refunded" => Change::Refunded,
        "closed" => Change::Closed,
        _ => Change::Other,
    };
    Some(Kind { subject, change })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_read_into_what_changed_and_which_object() {
        let payment = Uuid::from_u128(7);
        let event = json!({
            "id": "evt_1", "object": "event", "api_version": "2099-01-01", "type": "charge.refunded", "livemode": true, "account": "acct_1",
            "data": { "object": { "id": "ch_1", "payment_intent": "pi_1", "metadata": { "order": "x", "payment_id": payment } } }, "new": []
        });
        let expected = ProviderEvent {
            id: "evt_1".to_owned(),
            name: "charge.refunded".to_owned(),
            kind: Some(Kind { subject: Subject::Charge, change: Change::Refunded }),
            object: Some("ch_1".to_owned()),
            account: Some("acct_1".to_owned()),
            intent: Some("pi_1".to_owned()),
            ours: Some(payment),
            livemode: true,
        };
        assert_eq!(read(event.to_string().as_bytes()), Some(expected));
    }

    #[test]
    fn what_is_missing_or_of_another_shape_is_not_there() {
        let bare = json!({ "id": "evt_1", "type": "something.brand_new" });
        let event = read(bare.to_string().as_bytes()).expect("an event");
        assert_eq!((event.kind, event.object, event.account, event.intent, event.ours), (None, None, None, None, None));
        assert!(!event.livemode);
        for object in [json!({}), json!({ "id": "" }), json!({ "id": null }), json!({ "id": 7 }), json!(null)] {
            let event = json!({ "id": "evt_1", "type": "transfer.reversed", "data": { "object": object } });
            assert_eq!(read(event.to_string().as_bytes()).expect("an event").object, None, "{event}");
        }
        let whole =
            json!({ "id": "evt_1", "type": "charge.failed", "data": { "object": { "payment_intent": { "id": "pi_1" } } } });
        assert_eq!(read(whole.to_string().as_bytes()).expect("an event").intent.as_deref(), Some("pi_1"));
        for nothing in ["", "[1]", "{}", r#"{"id":"evt_1"}"#, r#"{"type":"charge.failed"}"#, r#"{"id":1,"type":"charge.failed"}"#]
        {
            assert_eq!(read(nothing.as_bytes()), None, "{nothing}");
        }
    }

    #[test]
    fn every_name_says_its_object_and_new_words_are_changes_of_it() {
        use Change::{Canceled, Closed, Created, Failed, Other, Refunded, Reversed, Succeeded, Updated};
        for (name, subject, change) in [
            ("payment_intent.succeeded", Subject::PaymentIntent, Succeeded),
            ("payment_intent.payment_failed", Subject::PaymentIntent, Failed),
            ("payment_intent.brand_new", Subject::PaymentIntent, Other),
            ("charge.refunded", Subject::Charge, Refunded),
            ("charge.dispute.created", Subject::Dispute, Created),
            ("charge.dispute.funds_withdrawn", Subject::Dispute, Other),
            ("charge.dispute.closed", Subject::Dispute, Closed),
            ("charge.refund.updated", Subject::Refund, Updated),
            ("refund.failed", Subject::Refund, Failed),
            ("review.opened", Subject::Review, Created),
            ("radar.early_fraud_warning.created", Subject::FraudWarning, Created),
            ("transfer.reversed", Subject::Transfer, Reversed),
            ("account.updated", Subject::Account, Updated),
            ("account.application.deauthorized", Subject::Account, Other),
            ("capability.updated", Subject::Account, Updated),
            ("balance.available", Subject::Balance, Other),
            ("payout.canceled", Subject::Payout, Canceled),
            ("topup.reversed", Subject::TopUp, Reversed),
        ] {
            assert_eq!(kind(name), Some(Kind { subject, change }), "{name}");
        }
        for name in ["", ".", "something.brand_new", "invoice.paid", "charges.refunded"] {
            assert_eq!(kind(name), None, "{name}");
        }
    }

    #[test]
    fn what_stripe_did_not_sign_is_not_read() {
        let webhooks = StripeWebhooks::new(vec!["whsec_test".into()]);
        let now = chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        // openssl: printf '1700000000.{"id":"evt_1","type":"charge.failed"}' | openssl dgst -sha256 -hmac whsec_test
        let (body, signed) =
            (br#"{"id":"evt_1","type":"charge.failed"}"#, "cc999141261a8a3aea0cf189c2122421b79990753b155dd21e4e9d1e36b03554");
        let header = format!("t=1700000000,v1={signed}");
        assert_eq!(webhooks.read(Some(&header), body, now).expect("is read").id, "evt_1");
        for (header, body) in
            [(None, body.as_slice()), (Some(header.as_str()), br#"{"id":"evt_2","type":"charge.failed"}"#.as_slice())]
        {
            assert!(webhooks.read(header, body, now).is_err());
        }
        assert!(StripeWebhooks::new(Vec::new()).read(Some(&header), body, now).is_err(), "no secret, no delivery");
    }
}
