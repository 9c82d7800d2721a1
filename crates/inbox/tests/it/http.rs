//! The endpoint over the real router: what a delivery is answered. The word of a signature is what the double of `world` takes for one.

use std::sync::Arc;

use actix_web::test;
use async_trait::async_trait;
use auth_api::{Session, Sessions};
use kernel::{Fault, OrgId, UserId};
use module::Wired;
use serde_json::{Value, json};
use uow::Tx;
use web::{AppDeps, Quota, RateLimits, Routes, Settings};

use crate::world::{World, event};

/// Nobody signs in.
struct Nobody;

#[async_trait]
impl Sessions for Nobody {
    async fn resolve(&self, _: &str) -> Result<Arc<Session>, auth_api::Error> {
        Err(auth_api::Error::NotAuthenticated)
    }

    async fn forget_user_in(&self, _: &mut Tx, _: UserId) -> Result<(), Fault> {
        Ok(())
    }

    async fn end_sessions_in(&self, _: &mut Tx, _: UserId, _: OrgId) -> Result<(), Fault> {
        Ok(())
    }
}

/// The application over `world`'s inbox, with changed settings.
fn over(world: &World, change: impl FnOnce(&mut Settings)) -> AppDeps {
    let mut routes = Routes::new();
    (inbox::MODULE.routes)(&mut routes);
    let mut settings = Settings { access_log: false, ..Settings::default() };
    change(&mut settings);
    let inbox = Arc::clone(&world.inbox);
    AppDeps::new(Arc::new(routes), Arc::new(Nobody), settings).data(move |config| Wired::data(Arc::clone(&inbox), config))
}

async fn deliver(deps: &AppDeps, signature: Option<&str>, body: String) -> (u16, Value) {
    let app = test::init_service(web::app(deps)).await;
    let peer = "10.0.0.1:1".parse().expect("an address");
    let mut request = test::TestRequest::post().uri("/api/webhooks/stripe").peer_addr(peer).set_payload(body);
    if let Some(signature) = signature {
        request = request.insert_header(("Stripe-Signature", signature));
    }
    let response = test::call_service(&app, request.to_request()).await;
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&test::read_body(response).await).unwrap_or(Value::Null))
}

#[actix_web::test]
async fn a_delivery_is_answered_when_its_event_is_kept_and_as_well_when_it_was() {
    let world = World::new().await;
    let deps = over(&world, |_| {});
    let body = event("evt_1", "charge.refunded").to_string();
    for _ in 0..2 {
        assert_eq!(deliver(&deps, Some("the word"), body.clone()).await, (200, json!({ "received": true })));
    }
    assert_eq!(world.events().await, ["evt_1 {one,two} waits"]);
}

#[actix_web::test]
async fn what_is_not_the_providers_or_no_event_is_a_bad_signature_and_not_kept() {
    let world = World::new().await;
    let deps = over(&world, |_| {});
    let good = event("evt_1", "charge.refunded").to_string();
    let mut refused = vec![(None, good.clone()), (Some("another word"), good), (Some("the word"), "not JSON".to_owned())];
    // PostgreSQL keeps no U+0000, and what a provider names has a length.
    for member in ["id", "name", "object", "account", "intent"] {
        let mut with_nul = event("evt_1", "charge.refunded");
        with_nul[member] = json!("a\u{0}b");
        refused.push((Some("the word"), with_nul.to_string()));
        let mut too_long = event("evt_1", "charge.refunded");
        too_long[member] = json!("e".repeat(256));
        refused.push((Some("the word"), too_long.to_string()));
    }
    for id in [String::new(), "e".repeat(256)] {
        refused.push((Some("the word"), event(&id, "charge.refunded").to_string()));
    }
    for (signature, body) in refused {
        let (status, problem) = deliver(&deps, signature, body.clone()).await;
        assert_eq!((status, &problem["code"]), (400, &json!("BAD_SIGNATURE")), "{body}");
    }
    assert_eq!(world.events().await, [""; 0]);
    let elsewhere = json!({ "id": "e".repeat(255), "name": "charge.refunded", "description": "a\u{0}b" });
    assert_eq!(deliver(&deps, Some("the word"), elsewhere.to_string()).await.0, 200, "what is not kept may be anything");
}

#[actix_web::test]
async fn a_delivery_has_a_size_and_its_sender_a_limit() {
    let world = World::new().await;
    let small = over(&world, |settings| settings.body_limit = 1024);
    let mut long = event("evt_1", "charge.refunded");
    long["description"] = json!("x".repeat(1024));
    let (status, problem) = deliver(&small, Some("the word"), long.to_string()).await;
    assert_eq!((status, &problem["code"]), (413, &json!("BODY_TOO_LARGE")));

    let rare = over(&world, |settings| {
        settings.rate_limits = RateLimits { address: Quota { requests: 2, seconds: 3_600 }, ..RateLimits::default() };
    });
    let mut answered = Vec::new();
    for n in 0..3 {
        answered.push(deliver(&rare, Some("the word"), event(&format!("evt_{n}"), "charge.refunded").to_string()).await.0);
    }
    assert_eq!(answered, [200, 200, 429]);
    assert_eq!(world.events().await, ["evt_0 {one,two} waits", "evt_1 {one,two} waits"]);
}
