//! The whole way of the money against the sandbox, faults included.

use std::time::Duration;

use escrow_api::{
    DisputeStage, Holding, IntentStatus, NewPaymentIntent, PaymentIntentState, PaymentProvider, ProviderError, RefundOrder,
    TransferOrder,
};
use kernel::{Currency, Money, Timestamp};
use stripe_adapter::{Settings, StripeProvider};
use stripe_sandbox::{Config, Fault, FaultKind, Sandbox};

const KEY: &str = "sk_test_sandbox";

fn eur(minor: i64) -> Money {
    Money::from_minor(minor, Currency::EUR)
}

struct Scene {
    sandbox: Sandbox,
    stripe: StripeProvider,
}

impl Scene {
    async fn new() -> Self {
        let sandbox = Sandbox::start(Config::default()).await.expect("starts");
        let mut settings = Settings::new(KEY);
        settings.api_base = sandbox.base_url();
        settings.timeout = Duration::from_millis(1_500);
        Self { stripe: StripeProvider::new(&settings).expect("good settings"), sandbox }
    }

    async fn intent(&self, key: &str, amount: i64) -> PaymentIntentState {
        let new = NewPaymentIntent {
            amount: eur(amount),
            transfer_group: "ms_1".into(),
            metadata: vec![("contract_id".into(), "c".into()), ("payment_id".into(), key.into())],
            description: "Milestone 1".into(),
            idempotency_key: key.into(),
        };
        self.stripe.create_payment_intent(&new).await.expect("created")
    }

    /// A payment whose money is available at once.
    async fn funded(&self, key: &str, amount: i64) -> PaymentIntentState {
        let intent = self.intent(key, amount).await;
        self.sandbox.confirm(&intent.id, "pm_card_bypassPending").expect("paid");
        self.stripe.payment_intent(&intent.id).await.expect("read")
    }

    /// What the payee does on Stripe's page.
    async fn onboard(&self, account: &str) {
        let link = self.stripe.onboarding_link(account, "https://a.example/back", "https://a.example/again").await.expect("made");
        let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let answer = browser.post(link).send().await.expect("answered");
        assert!(answer.status().as_u16() < 400, "{}", answer.status());
    }

    async fn payee(&self) -> String {
        let account = self.stripe.create_account("org", Some("payee@build14.example"), "acc_org").await.expect("created");
        self.onboard(&account.id).await;
        account.id
    }
}

fn order(destination: &str, amount: i64) -> TransferOrder {
    TransferOrder {
        amount: eur(amount),
        destination: destination.into(),
        transfer_group: "ms_1".into(),
        source_charge: None,
        metadata: vec![("release_id".into(), "r".into())],
        idempotency_key: "rel_r".into(),
    }
}

#[tokio::test]
async fn a_payment_is_created_paid_and_settled() {
    let scene = Scene::new().await;
    let intent = scene.intent("p1", 1_000_000).await;
    assert_eq!(
        (intent.status, intent.amount, intent.amount_received, intent.livemode),
        (IntentStatus::Created, eur(1_000_000), eur(0), false)
    );
    assert!(intent.client_secret.is_some());
    assert_eq!(intent.metadata, [("contract_id".into(), "c".into()), ("payment_id".into(), "p1".into())]);
    assert_eq!(scene.intent("p1", 1_000_000).await.id, intent.id, "the same key makes one object");

    scene.sandbox.confirm(&intent.id, "pm_card_bypassPending").expect("paid");
    let paid = scene.stripe.payment_intent(&intent.id).await.expect("read");
    let funds = paid.funds.expect("settled");
    assert_eq!(
        (paid.status, paid.amount_received, funds.gross, funds.available),
        (IntentStatus::Succeeded, eur(1_000_000), eur(1_000_000), true)
    );
    assert_eq!(funds.destination_transfer, None);
    assert!(
        funds.fee.minor() > 0 && funds.charge.starts_with("ch_") && funds.balance_transaction.starts_with("txn_"),
        "{funds:?}"
    );
    let holding = Holding { available: eur(1_000_000 - funds.fee.minor()), pending: eur(0) };
    assert_eq!(scene.stripe.balance().await, Ok(vec![holding]));
}

#[tokio::test]
async fn an_ordinary_card_is_available_later() {
    let scene = Scene::new().await;
    let intent = scene.intent("p1", 5_000).await;
    scene.sandbox.confirm(&intent.id, "pm_card_visa").expect("paid");
    let funds = scene.stripe.payment_intent(&intent.id).await.expect("read").funds.expect("settled");
    assert!(!funds.available, "{funds:?}");
    let holding = Holding { available: eur(0), pending: eur(5_000 - funds.fee.minor()) };
    assert_eq!(scene.stripe.balance().await, Ok(vec![holding]));
}

#[tokio::test]
async fn a_declined_card_leaves_the_payment_open_and_says_why() {
    let scene = Scene::new().await;
    let intent = scene.intent("p1", 5_000).await;
    // Whether the browser is told by an answer or by an error is between the two of them.
    let _ = scene.sandbox.confirm(&intent.id, "pm_card_chargeDeclined");
    let state = scene.stripe.payment_intent(&intent.id).await.expect("read");
    assert_eq!((state.status, state.funds), (IntentStatus::Created, None));
    assert!(state.last_error.as_deref().is_some_and(|error| error.contains("declined")), "{:?}", state.last_error);
    let cancelled = scene.stripe.cancel_payment_intent(&intent.id, "cancel_p1").await.expect("cancelled");
    assert_eq!(cancelled.status, IntentStatus::Canceled);
    let again = scene.stripe.cancel_payment_intent(&intent.id, "cancel_p1_again").await;
    assert!(matches!(&again, Err(ProviderError::Refused { code, .. }) if code == "payment_intent_unexpected_state"), "{again:?}");
}

#[tokio::test]
async fn an_account_becomes_able_to_receive() {
    let scene = Scene::new().await;
    let account = scene.stripe.create_account("org", None, "acc_org").await.expect("created");
    assert_eq!((account.transfers_active, account.details_submitted), (false, false));
    assert!(!account.requirements.is_empty());
    scene.onboard(&account.id).await;
    let account = scene.stripe.account(&account.id).await.expect("read");
    assert_eq!((account.transfers_active, account.details_submitted, account.requirements.len()), (true, true, 0));
    assert_eq!(account.disabled_reason, None);
}

#[tokio::test]
async fn a_transfer_needs_a_balance_and_is_made_once() {
    let scene = Scene::new().await;
    let payee = scene.payee().await;
    let refused = scene.stripe.create_transfer(&order(&payee, 97_500)).await;
    assert!(matches!(&refused, Err(ProviderError::Refused { code, .. }) if code == "balance_insufficient"), "{refused:?}");

    scene.funded("p1", 1_000_000).await;
    let order = TransferOrder { idempotency_key: "rel_r2".into(), ..order(&payee, 97_500) };
    let first = scene.stripe.create_transfer(&order).await.expect("made");
    assert_eq!((first.amount, first.reversed, first.destination.as_str()), (eur(97_500), eur(0), payee.as_str()));
    assert_eq!(scene.stripe.create_transfer(&order).await.as_ref(), Ok(&first));
    assert_eq!(scene.stripe.transfer(&first.id).await.as_ref(), Ok(&first));
    assert_eq!(scene.stripe.transfers_of_group("ms_1").await, Ok(vec![first]));
    assert_eq!(scene.stripe.transfers_of_group("ms_2").await, Ok(vec![]));
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_found_again() {
    let scene = Scene::new().await;
    let payee = scene.payee().await;
    scene.funded("p1", 1_000_000).await;
    for (kind, key) in
        [(FaultKind::DisconnectAfter, "rel_1"), (FaultKind::TimeoutAfter, "rel_2"), (FaultKind::Status500After, "rel_3")]
    {
        scene.sandbox.inject(Fault::new("POST", "/v1/transfers", kind));
        let order = TransferOrder {
            idempotency_key: key.into(),
            transfer_group: format!("ms_{key}"),
            metadata: vec![("release_id".into(), key.into())],
            ..order(&payee, 10_000)
        };
        let lost = scene.stripe.create_transfer(&order).await;
        match kind {
            FaultKind::Status500After => assert!(matches!(lost, Err(ProviderError::KeySpent(_))), "{kind:?}: {lost:?}"),
            _ => assert!(matches!(lost, Err(ProviderError::Unknown(_))), "{kind:?}: {lost:?}"),
        }
        let found = scene.stripe.transfers_of_group(&order.transfer_group).await.expect("listed");
        assert_eq!(found.len(), 1, "{kind:?}");
        assert_eq!(found[0].metadata, [("release_id".to_owned(), key.to_owned())]);
    }
}

#[tokio::test]
async fn a_500_is_repeated_by_its_key_and_what_it_made_is_found_by_its_metadata() {
    let scene = Scene::new().await;
    let since = chrono::Utc::now() - chrono::TimeDelta::hours(1);
    let new = |payment: &str, key: &str| NewPaymentIntent {
        amount: eur(10_000),
        transfer_group: "ms_1".into(),
        metadata: vec![("payment_id".into(), payment.into())],
        description: "Milestone 1".into(),
        idempotency_key: key.into(),
    };
    for (kind, payment, made) in [(FaultKind::Status500, "p1", 0), (FaultKind::Status500After, "p2", 1)] {
        scene.sandbox.inject(Fault::new("POST", "/v1/payment_intents", kind));
        for _ in 0..2 {
            let failed = scene.stripe.create_payment_intent(&new(payment, payment)).await;
            assert!(matches!(failed, Err(ProviderError::KeySpent(_))), "the key repeats it: {failed:?}");
        }
        let found = scene.stripe.payment_intents_of(payment, since).await.expect("listed");
        assert_eq!(found.len(), made, "{kind:?}");
        let again = scene.stripe.create_payment_intent(&new(payment, &format!("{payment}_1"))).await.expect("the next key helps");
        let found = scene.stripe.payment_intents_of(payment, since).await.expect("listed");
        assert_eq!(found.len(), made + 1);
        assert!(found.contains(&again));
    }
    assert_eq!(scene.stripe.payment_intents_of("p3", since).await, Ok(vec![]));
    // Also those beyond the first page.
    for n in 0..101 {
        scene.stripe.create_payment_intent(&new("others", &format!("o{n}"))).await.expect("made");
    }
    assert_eq!(scene.stripe.payment_intents_of("p1", since).await.expect("listed").len(), 1);

    scene.sandbox.inject(Fault::new("POST", "/v1/accounts", FaultKind::Status500After));
    let failed = scene.stripe.create_account("org_1", None, "acct_org_1").await;
    assert!(matches!(failed, Err(ProviderError::KeySpent(_))), "{failed:?}");
    let found = scene.stripe.accounts_of("org_1", since).await.expect("listed");
    assert_eq!((found.len(), scene.stripe.accounts_of("org_2", since).await), (1, Ok(vec![])));
    assert_eq!(scene.stripe.account(&found[0].id).await.as_ref(), Ok(&found[0]));
}

impl Scene {
    async fn control(&self, path: &str, body: serde_json::Value) -> serde_json::Value {
        let url = format!("{}/_sandbox/{path}", self.sandbox.base_url());
        let answer = reqwest::Client::new().post(url).body(body.to_string()).send().await.expect("answered");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_str(&answer.text().await.expect("read")).expect("JSON")
    }
}

#[tokio::test]
async fn a_dispute_is_read_at_every_stage() {
    let scene = Scene::new().await;
    let intent = scene.funded("p1", 100_000).await;
    let charge = intent.funds.expect("settled").charge;
    let fine = scene.stripe.charge(&charge).await.expect("read");
    assert_eq!((fine.status.as_str(), fine.captured, fine.disputed, fine.amount_refunded), ("succeeded", true, false, 0));
    assert_eq!((fine.intent.as_deref(), fine.review), (Some(intent.id.as_str()), None));
    assert_eq!(scene.stripe.disputes_of_intent(&intent.id).await, Ok(vec![]));

    let opened = scene.control("disputes", serde_json::json!({"charge": charge, "inquiry": true})).await;
    let id = opened["id"].as_str().expect("an id").to_owned();
    let stage = async || {
        let dispute = scene.stripe.dispute(&id).await.expect("read");
        assert_eq!(scene.stripe.disputes_of_intent(&intent.id).await, Ok(vec![dispute.clone()]));
        assert_eq!((dispute.charge.as_str(), dispute.amount.as_str()), (charge.as_str(), "1000.00 EUR"));
        (dispute.stage, scene.stripe.charge(&charge).await.expect("read").disputed)
    };
    assert_eq!(stage().await, (DisputeStage::Inquiry, false));
    scene.control(&format!("disputes/{id}/move"), serde_json::json!({"status": "needs_response"})).await;
    assert_eq!(stage().await, (DisputeStage::Open, true));
    scene.control(&format!("disputes/{id}/move"), serde_json::json!({"status": "under_review"})).await;
    assert_eq!(stage().await, (DisputeStage::Open, true));
    scene.control(&format!("disputes/{id}/close"), serde_json::json!({"won": true, "reinstate": false})).await;
    assert_eq!(stage().await, (DisputeStage::WonUnpaid, true));
    scene.control(&format!("disputes/{id}/reinstate"), serde_json::json!({})).await;
    assert_eq!(stage().await, (DisputeStage::Won, true));
    let booked = scene.stripe.dispute(&id).await.expect("read").booked;
    let booked: Vec<_> =
        booked.iter().map(|one| (one.kind.as_str(), one.source.as_deref(), one.amount, one.fee, one.available)).collect();
    let of_dispute = |amount, fee| ("adjustment", Some(id.as_str()), eur(amount), eur(fee), booked[0].4);
    assert_eq!(booked, [of_dispute(-100_000, 1_500), of_dispute(100_000, 0)]);
    let since = chrono::Utc::now() - chrono::TimeDelta::hours(1);
    for since in [None, Some(since)] {
        let found = scene.stripe.charge_news_since(since).await.expect("listed");
        assert_eq!(found.iter().map(|one| (&one.object, one.intent.as_ref())).collect::<Vec<_>>(), [(&id, Some(&intent.id))]);
    }
    let later = Some(chrono::Utc::now() + chrono::TimeDelta::hours(1));
    assert_eq!(scene.stripe.charge_news_since(later).await, Ok(vec![]));
}

#[tokio::test]
async fn lost_and_closed_disputes_warnings_reviews_and_refunds_are_read() {
    let scene = Scene::new().await;
    for (n, inquiry, won, expected) in [(1, false, false, DisputeStage::Lost), (2, true, false, DisputeStage::InquiryClosed)] {
        let intent = scene.funded(&format!("p{n}"), 100_000).await;
        let charge = intent.funds.expect("settled").charge;
        let opened = scene.control("disputes", serde_json::json!({"charge": charge, "inquiry": inquiry})).await;
        let id = opened["id"].as_str().expect("an id");
        scene.control(&format!("disputes/{id}/close"), serde_json::json!({"won": won})).await;
        assert_eq!(scene.stripe.dispute(id).await.expect("read").stage, expected);
    }
    let intent = scene.funded("p3", 100_000).await;
    let charge = intent.funds.expect("settled").charge;
    let warning = scene.control("early_fraud_warnings", serde_json::json!({"charge": charge})).await;
    let read = scene.stripe.fraud_warnings_of_intent(&intent.id).await.expect("listed");
    assert_eq!(
        (read.len(), read[0].id.as_str(), read[0].fraud_type.as_str()),
        (1, warning["id"].as_str().expect("an id"), "unauthorized_use_of_card")
    );
    let review = scene.control("reviews", serde_json::json!({"charge": charge})).await;
    let id = review["id"].as_str().expect("an id");
    assert_eq!(scene.stripe.charge(&charge).await.expect("read").review.as_deref(), Some(id));
    let kinds = |found: Vec<escrow_api::ChargeNews>| {
        let mut kinds: Vec<_> = found.iter().filter_map(|one| Some(one.object.split_once('_')?.0.to_owned())).collect();
        kinds.sort();
        kinds
    };
    assert_eq!(kinds(scene.stripe.charge_news_since(None).await.expect("listed")), ["dp", "dp", "issfr", "prv"]);
    scene.control(&format!("reviews/{id}/close"), serde_json::json!({})).await;
    assert_eq!(scene.stripe.charge(&charge).await.expect("read").review, None);
    let refund = reqwest::Client::new()
        .post(format!("{}/v1/refunds", scene.sandbox.base_url()))
        .bearer_auth(KEY)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("charge={charge}&amount=40"));
    assert!(refund.send().await.expect("answered").status().is_success());
    assert_eq!(scene.stripe.charge(&charge).await.expect("read").amount_refunded, 40);
    assert_eq!(kinds(scene.stripe.charge_news_since(None).await.expect("listed")), ["dp", "dp", "issfr", "re"]);
}

#[tokio::test]
async fn a_payment_that_was_only_authorised_is_known_as_such_and_can_be_cancelled() {
    let scene = Scene::new().await;
    let intent = scene.intent("p1", 5_000).await;
    let confirm = reqwest::Client::new()
        .post(format!("{}/v1/payment_intents/{}/confirm", scene.sandbox.base_url(), intent.id))
        .bearer_auth(KEY)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("payment_method=pm_card_visa&capture_method=manual&return_url=https%3A%2F%2Fexample.com");
    assert!(confirm.send().await.expect("answered").status().is_success());
    assert_eq!(scene.stripe.payment_intent(&intent.id).await.expect("read").status, IntentStatus::RequiresCapture);
    let cancelled = scene.stripe.cancel_payment_intent(&intent.id, "cancel_p1").await.expect("cancelled");
    assert_eq!((cancelled.status, cancelled.funds), (IntentStatus::Canceled, None));
}

#[tokio::test]
async fn the_platforms_own_money_is_read_with_its_booking() {
    let scene = Scene::new().await;
    let http = reqwest::Client::new();
    let control = async |path: &str, body: &str| {
        let url = format!("{}/_sandbox/{path}", scene.sandbox.base_url());
        let answer =
            http.post(url).header("Content-Type", "application/json").body(body.to_owned()).send().await.expect("answers");
        answer.json::<serde_json::Value>().await.expect("JSON")["id"].as_str().expect("an id").to_owned()
    };
    let id = control("topups", r#"{"amount": 5000, "currency": "eur", "pending": true}"#).await;
    let pending = scene.stripe.top_up(&id).await.expect("read");
    assert_eq!((pending.status.as_str(), pending.movement), ("pending", None));
    control(&format!("topups/{id}/move"), r#"{"status": "succeeded"}"#).await;
    let there = scene.stripe.top_up(&id).await.expect("read");
    let movement = there.movement.expect("booked");
    assert_eq!(
        (there.status.as_str(), movement.kind.as_str(), movement.amount, movement.fee),
        ("succeeded", "topup", eur(5_000), eur(0))
    );
    assert_eq!((movement.source.as_deref(), movement.available), (Some(id.as_str()), true));
    assert_eq!(scene.stripe.balance_movement(&movement.id).await, Ok(movement));

    let url = format!("{}/v1/payouts", scene.sandbox.base_url());
    let form = http
        .post(url)
        .bearer_auth(KEY)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("amount=2000&currency=eur");
    let payout: serde_json::Value = form.send().await.expect("answers").json().await.expect("JSON");
    let paid = scene.stripe.payout(payout["id"].as_str().expect("an id")).await.expect("read");
    assert_eq!((paid.status.as_str(), paid.movement.and_then(|movement| movement.net())), ("paid", Some(eur(-2_000))));
    let listed = scene.stripe.movements_since(&["payout", "payout_failure"], Timestamp::UNIX_EPOCH).await.expect("read");
    let listed: Vec<_> = listed.iter().map(|one| (one.source.as_deref(), one.kind.as_str(), one.amount)).collect();
    assert_eq!(listed, [(payout["id"].as_str(), "payout", eur(-2_000))]);

    for missing in [scene.stripe.top_up("tu_none").await.map(|_| ()), scene.stripe.balance_movement("txn_none").await.map(|_| ())]
    {
        assert!(matches!(missing, Err(ProviderError::Refused { .. })), "{missing:?}");
    }
    let dollars = control("topups", r#"{"amount": 5000, "currency": "xaf"}"#).await;
    assert!(matches!(scene.stripe.top_up(&dollars).await, Err(ProviderError::Unexpected(_))), "a currency that is not used here");
}

#[tokio::test]
async fn a_charge_is_given_back_once_and_its_refunds_are_listed() {
    let scene = Scene::new().await;
    let charge = scene.funded("p1", 5_000).await.funds.expect("settled").charge;
    // Its fee is gone: the platform's own money makes up for it.
    scene.sandbox.top_up(10_000, "eur");
    assert_eq!(scene.stripe.refunds_of_charge(&charge).await, Ok(Vec::new()));
    let order = RefundOrder {
        charge: charge.clone(),
        amount: eur(5_000),
        metadata: vec![("payment_id".into(), "0193b1c0-0000-7000-8000-000000000001".into())],
        idempotency_key: "refund_p1_0".into(),
    };
    let made = scene.stripe.create_refund(&order).await.expect("made");
    assert_eq!((made.amount, made.status.as_str(), made.booked), (eur(5_000), "succeeded", true));
    assert_eq!(made.metadata, order.metadata, "by which it is known as ours");
    assert_eq!(scene.stripe.create_refund(&order).await, Ok(made.clone()), "the same key makes one");
    assert_eq!(scene.stripe.refunds_of_charge(&charge).await, Ok(vec![made]));
    assert_eq!(scene.sandbox.refunds()[0]["metadata"]["payment_id"], "0193b1c0-0000-7000-8000-000000000001");
    let again = scene.stripe.create_refund(&RefundOrder { idempotency_key: "refund_p1_1".into(), ..order }).await;
    assert!(matches!(again, Err(ProviderError::Refused { code, .. }) if code == "charge_already_refunded"));
    assert_eq!(
        scene.stripe.fees_since(Timestamp::UNIX_EPOCH).await,
        Ok(Vec::new()),
        "what is kept of a charge is none by itself"
    );
}
