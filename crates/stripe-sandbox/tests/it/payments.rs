//! Payment intents with every kind of payment method, and the balance that they leave.

use crate::world::{World, id, send};
use reqwest::Method;
use serde_json::json;

const DAY: i64 = 86_400;

#[tokio::test]
async fn a_card_payment_is_pending_for_two_days() {
    let world = World::new().await;
    let intent = world.pay(1_000_000, "eur", "pm_card_visa").await.ok();
    assert_eq!((&intent["status"], &intent["amount_received"]), (&json!("succeeded"), &json!(1_000_000)));
    assert_eq!(world.balance(None, "eur").await, (0, 970_970));
    let path = format!("/v1/charges/{}?expand[]=balance_transaction", intent["latest_charge"].as_str().unwrap());
    let transaction = world.get(&path).await.ok()["balance_transaction"].clone();
    assert_eq!(
        (&transaction["status"], &transaction["fee"], &transaction["net"]),
        (&json!("pending"), &json!(29_030), &json!(970_970))
    );
    world.sandbox.advance(2 * DAY - 60);
    assert_eq!(world.balance(None, "eur").await, (0, 970_970));
    world.sandbox.advance(60);
    assert_eq!(world.balance(None, "eur").await, (970_970, 0));
    assert_eq!(world.get(&path).await.ok()["balance_transaction"]["status"], "available");
    assert_eq!(
        world.event_types(),
        ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "balance.available"]
    );
}

#[tokio::test]
async fn bypass_pending_is_available_at_once() {
    let world = World::new().await;
    world.pay(1_000_000, "usd", "pm_card_bypassPending").await.ok();
    assert_eq!(world.balance(None, "usd").await, (970_970, 0));
    assert!(world.event_types().contains(&"balance.available".to_owned()));
}

#[tokio::test]
async fn a_declined_card_leaves_a_failed_charge_and_a_second_chance() {
    let world = World::new().await;
    for (method, decline) in
        [("pm_card_chargeDeclined", "generic_decline"), ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds")]
    {
        let declined = world.pay(5_000, "eur", method).await;
        assert_eq!(declined.refused(), (402, "card_declined".into()));
        let error = &declined.body["error"];
        assert_eq!((&error["type"], &error["decline_code"]), (&json!("card_error"), &json!(decline)));
        let intent = &error["payment_intent"];
        assert_eq!(intent["status"], "requires_payment_method");
        assert_eq!(intent["last_payment_error"]["decline_code"], decline);
        let charge = world.get(&format!("/v1/charges/{}", error["charge"].as_str().unwrap())).await.ok();
        assert_eq!(
            (&charge["status"], &charge["paid"], &charge["failure_code"]),
            (&json!("failed"), &json!(false), &json!("card_declined"))
        );
        let paid = world
            .post(&format!("/v1/payment_intents/{}/confirm", id(intent)), &[("payment_method", "pm_card_mastercard")])
            .await
            .ok();
        assert_eq!((&paid["status"], &paid["last_payment_error"]), (&json!("succeeded"), &json!(null)));
        assert_ne!(paid["latest_charge"], error["charge"]);
    }
    assert!(world.event_types().starts_with(&[
        "payment_intent.created".into(),
        "charge.failed".into(),
        "payment_intent.payment_failed".into()
    ]));
}

#[tokio::test]
async fn authentication_is_asked_for_and_may_fail() {
    let world = World::new().await;
    let intent = world.pay(5_000, "eur", "pm_card_authenticationRequired").await.ok();
    assert_eq!((&intent["status"], &intent["next_action"]["type"]), (&json!("requires_action"), &json!("redirect_to_url")));
    let path = format!("/payment_intents/{}/authenticate", id(&intent));
    let failed = world.control(&path, json!({"succeed": false})).await.ok();
    assert_eq!((&failed["status"], &failed["latest_charge"]), (&json!("requires_payment_method"), &json!(null)));
    assert_eq!(failed["last_payment_error"]["code"], "payment_intent_authentication_failure");
    let again = world
        .post(&format!("/v1/payment_intents/{}/confirm", id(&intent)), &[("payment_method", "pm_card_authenticationRequired")])
        .await
        .ok();
    assert_eq!(again["status"], "requires_action");
    assert_eq!(world.control(&path, json!({"succeed": true})).await.ok()["status"], "succeeded");
    assert_eq!(world.control(&path, json!({"succeed": true})).await.refused(), (400, "payment_intent_unexpected_state".into()));
    let unattended = world
        .post(
            "/v1/payment_intents",
            &[
                ("amount", "500"),
                ("currency", "eur"),
                ("payment_method", "pm_card_authenticationRequired"),
                ("confirm", "true"),
                ("off_session", "true"),
            ],
        )
        .await;
    assert_eq!(unattended.refused(), (402, "authentication_required".into()));
}

#[tokio::test]
async fn a_bank_debit_takes_four_business_days() {
    let world = World::new().await;
    let intent = world.pay(1_000_000, "eur", "pm_sepaDebit").await.ok();
    assert_eq!(intent["status"], "processing");
    let path = format!("/v1/payment_intents/{}?expand[]=latest_charge", id(&intent));
    assert_eq!(world.get(&path).await.ok()["latest_charge"]["status"], "pending");
    assert_eq!(world.balance(None, "eur").await, (0, 0));
    let canceled = world.post(&format!("/v1/payment_intents/{}/cancel", id(&intent)), &[]).await;
    assert_eq!(canceled.refused(), (400, "payment_intent_unexpected_state".into()));
    world.sandbox.advance(3 * DAY);
    assert_eq!(world.get(&path).await.ok()["status"], "processing");
    world.sandbox.advance(3 * DAY);
    let settled = world.get(&path).await.ok();
    assert_eq!(
        (&settled["status"], &settled["latest_charge"]["status"], &settled["latest_charge"]["paid"]),
        (&json!("succeeded"), &json!("succeeded"), &json!(true))
    );
    assert_eq!(world.balance(None, "eur").await, (999_400, 0));
    assert_eq!(
        world.event_types(),
        ["payment_intent.created", "charge.pending", "payment_intent.processing", "charge.succeeded", "payment_intent.succeeded"]
    );
}

#[tokio::test]
async fn a_bank_debit_may_fail_late() {
    let world = World::new().await;
    let intent = world.pay(1_000_000, "usd", "pm_usBankAccount_failed").await.ok();
    assert_eq!(intent["status"], "processing");
    world.sandbox.advance(7 * DAY);
    let failed = world.get(&format!("/v1/payment_intents/{}?expand[]=latest_charge", id(&intent))).await.ok();
    assert_eq!((&failed["status"], &failed["latest_charge"]["status"]), (&json!("requires_payment_method"), &json!("failed")));
    assert_eq!(failed["latest_charge"]["id"], intent["latest_charge"]);
    assert_eq!(failed["last_payment_error"]["decline_code"], "insufficient_funds");
    assert_eq!(world.balance(None, "usd").await, (0, 0));
}

#[tokio::test]
async fn a_browser_confirms_with_the_client_secret() {
    let world = World::new().await;
    let intent = world
        .post("/v1/payment_intents", &[("amount", "5000"), ("currency", "eur"), ("automatic_payment_methods[enabled]", "true")])
        .await
        .ok();
    let url = format!("{}/v1/payment_intents/{}/confirm", world.sandbox.base_url(), id(&intent));
    let confirm = |params: &[(&str, &str)]| {
        send(world.http.post(&url).header("Authorization", "Bearer pk_test_x").body(serde_urlencoded::to_string(params).unwrap()))
    };
    assert_eq!(confirm(&[("payment_method", "pm_card_visa")]).await.unwrap().refused(), (400, "parameter_missing".into()));
    let wrong = confirm(&[("payment_method", "pm_card_visa"), ("client_secret", "pi_x_secret_y")]).await.unwrap();
    assert_eq!(wrong.status, 400);
    let secret = intent["client_secret"].as_str().unwrap();
    let number = [
        ("payment_method_data[type]", "card"),
        ("payment_method_data[card][number]", "4242 4242 4242 4242"),
        ("payment_method_data[card][exp_month]", "12"),
        ("payment_method_data[card][exp_year]", "2040"),
        ("payment_method_data[card][cvc]", "123"),
        ("client_secret", secret),
    ];
    assert_eq!(confirm(&number).await.unwrap().ok()["status"], "succeeded");
}

#[tokio::test]
async fn an_intent_changes_and_ends() {
    let world = World::new().await;
    let intent =
        world.post("/v1/payment_intents", &[("amount", "5000"), ("currency", "eur"), ("transfer_group", "ms_1")]).await.ok();
    assert_eq!((&intent["status"], &intent["transfer_group"]), (&json!("requires_payment_method"), &json!("ms_1")));
    let path = format!("/v1/payment_intents/{}", id(&intent));
    assert_eq!(world.post(&format!("{path}/confirm"), &[]).await.refused(), (400, "payment_intent_unexpected_state".into()));
    let changed = world.post(&path, &[("amount", "6000"), ("payment_method", "pm_card_visa")]).await.ok();
    assert_eq!((&changed["amount"], &changed["status"]), (&json!(6_000), &json!("requires_confirmation")));
    let canceled = world.post(&format!("{path}/cancel"), &[("cancellation_reason", "abandoned")]).await.ok();
    assert_eq!((&canceled["status"], &canceled["cancellation_reason"]), (&json!("canceled"), &json!("abandoned")));
    for verb in ["confirm", "cancel"] {
        assert_eq!(world.post(&format!("{path}/{verb}"), &[]).await.refused(), (400, "payment_intent_unexpected_state".into()));
    }
    assert_eq!(world.post(&path, &[("amount", "7000")]).await.refused(), (400, "payment_intent_unexpected_state".into()));
}

#[tokio::test]
async fn an_authorised_card_is_captured_in_part() {
    let world = World::new().await;
    let intent = world
        .post(
            "/v1/payment_intents",
            &[
                ("amount", "5000"),
                ("currency", "eur"),
                ("capture_method", "manual"),
                ("payment_method", "pm_card_visa"),
                ("confirm", "true"),
            ],
        )
        .await
        .ok();
    assert_eq!((&intent["status"], &intent["amount_capturable"]), (&json!("requires_capture"), &json!(5_000)));
    let path = format!("/v1/payment_intents/{}/capture", id(&intent));
    assert_eq!(world.post(&path, &[("amount_to_capture", "5001")]).await.refused(), (400, "amount_too_large".into()));
    let captured = world.post(&path, &[("amount_to_capture", "4000")]).await.ok();
    assert_eq!((&captured["status"], &captured["amount_received"]), (&json!("succeeded"), &json!(4_000)));
    assert_eq!(world.balance(None, "eur").await, (0, 4_000 - 146));
}

#[tokio::test]
async fn a_payment_method_is_confined_to_the_types_asked_for() {
    let world = World::new().await;
    let refused = world
        .post(
            "/v1/payment_intents",
            &[
                ("amount", "5000"),
                ("currency", "eur"),
                ("payment_method_types[]", "card"),
                ("payment_method", "pm_sepaDebit"),
                ("confirm", "true"),
            ],
        )
        .await;
    assert_eq!(refused.status, 400);
    let unknown =
        world.post("/v1/payment_intents", &[("amount", "5000"), ("currency", "eur"), ("payment_method", "pm_nothing")]).await;
    assert_eq!(unknown.refused(), (400, "resource_missing".into()));
    let made = world
        .post("/v1/payment_methods", &[("type", "card"), ("card[number]", "4000000000000002"), ("metadata[a]", "b")])
        .await
        .ok();
    assert_eq!(world.pay(500, "eur", id(&made)).await.refused(), (402, "card_declined".into()));
    let read = send(world.request(Method::GET, &format!("/v1/payment_methods/{}", id(&made)))).await.unwrap().ok();
    assert_eq!((&read["card"]["last4"], &read["metadata"]), (&json!("0002"), &json!({"a": "b"})));
}

#[tokio::test]
async fn a_payer_authenticates_on_a_page() {
    let world = World::new().await;
    let params = [
        ("amount", "500"),
        ("currency", "eur"),
        ("payment_method", "pm_card_authenticationRequired"),
        ("confirm", "true"),
        ("return_url", "https://app.test/paid?x=1"),
    ];
    let intent = world.post("/v1/payment_intents", &params).await.ok();
    let url = intent["next_action"]["redirect_to_url"]["url"].as_str().unwrap();
    let page = send(world.http.get(url).header("Accept", "text/html")).await.unwrap();
    assert!(page.body.as_str().unwrap().contains("It is me"));
    let back = send(world.http.post(format!("{url}?succeed=true")).header("Accept", "text/html")).await.unwrap();
    let expected = format!(
        "https://app.test/paid?x=1&payment_intent={}&payment_intent_client_secret={}",
        id(&intent),
        intent["client_secret"].as_str().unwrap()
    );
    assert_eq!((back.status.as_u16(), back.header("location")), (303, expected.as_str()));
    assert_eq!(world.get(&format!("/v1/payment_intents/{}", id(&intent))).await.ok()["status"], "succeeded");
}
