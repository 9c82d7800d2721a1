//! The endpoints over the real router.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::test;
use serde_json::{Value, json};
use web::{AppDeps, Routes, Settings};

use crate::fakes::{Person, Tokens};
use crate::world::World;

struct Web {
    world: World,
    deps: AppDeps,
    tokens: Arc<Tokens>,
}

impl Web {
    async fn new() -> Self {
        let world = World::new().await;
        let tokens = Arc::new(Tokens::default());
        tokens.0.lock().expect("not poisoned").extend([world.owner.clone(), world.contractor.clone()]);
        let mut routes = Routes::new();
        escrow::routes(&mut routes);
        let settings = Settings { access_log: false, ..Settings::default() };
        let deps = AppDeps::new(Arc::new(routes), Arc::clone(&tokens) as _, settings).data({
            let service = Arc::clone(&world.service);
            move |config| escrow::app_data(config, &service)
        });
        Self { world, deps, tokens }
    }

    async fn send(&self, who: &Person, method: Method, path: &str, key: Option<&str>, body: Option<Value>) -> (u16, Value) {
        let app = test::init_service(web::app(&self.deps)).await;
        let mut request = test::TestRequest::default()
            .method(method)
            .uri(path)
            .insert_header(("Authorization", format!("Bearer {}", who.user)));
        if let Some(key) = key {
            request = request.insert_header(("Idempotency-Key", key));
        }
        if let Some(body) = body {
            request = request.set_json(body);
        }
        let response = test::call_service(&app, request.to_request()).await;
        let status = response.status().as_u16();
        let bytes = test::read_body(response).await;
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn get(&self, who: &Person, path: &str) -> (u16, Value) {
        self.send(who, Method::GET, path, None, None).await
    }

    async fn post(&self, who: &Person, path: &str, body: Value) -> (u16, Value) {
        self.send(who, Method::POST, path, None, Some(body)).await
    }
}

#[actix_web::test]
async fn the_journey_over_http() {
    let web = Web::new().await;
    let world = &web.world;
    let (owner, contractor) = (&world.owner, &world.contractor);
    let (status, account) = web.send(contractor, Method::POST, "/api/payee-account", None, None).await;
    assert_eq!((status, &account["status"]), (200, &json!("onboarding")));
    assert!(account["onboardingUrl"].as_str().is_some_and(|url| url.starts_with("https://")));
    assert_eq!(web.get(owner, "/api/payee-account").await.1["status"], "none");
    world.onboard().await;

    let id = world.open(&world.terms_of(&[1_000_000])).await.expect("opens");
    for who in [owner, contractor] {
        let (_, contract) = web.get(who, &format!("/api/contracts/{id}")).await;
        let signature = json!({ "sha256": contract["documentSha256"] });
        assert_eq!(web.post(who, &format!("/api/contracts/{id}/sign"), signature).await.0, 200);
    }
    let (_, contract) = web.get(owner, &format!("/api/contracts/{id}")).await;
    assert_eq!(
        (&contract["status"], &contract["total"]),
        (&json!("active"), &json!({ "amount": "10000.00", "currency": "EUR" }))
    );
    let milestone = contract["milestones"][0]["id"].as_str().expect("an id").to_owned();

    let wrong = json!({ "milestoneId": milestone, "amount": { "amount": "9999.00", "currency": "EUR" } });
    let (status, problem) = web.post(owner, "/api/escrow", wrong).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/amount")));
    let body = json!({ "milestoneId": milestone, "projectId": world.project, "amount": 10000 });
    let (status, funding) = web.send(owner, Method::POST, "/api/escrow", Some("key-1"), Some(body.clone())).await;
    assert_eq!((status, &funding["escrow"]["charged"]["amount"]), (201, &json!("10298.98")), "{funding:#}");
    let replayed = web.send(owner, Method::POST, "/api/escrow", Some("key-1"), Some(body)).await;
    assert_eq!(replayed, (201, funding.clone()));
    let other = web.send(owner, Method::POST, "/api/escrow", Some("key-1"), Some(json!({ "milestoneId": milestone }))).await;
    assert_eq!((other.0, &other.1["code"]), (422, &json!("IDEMPOTENCY_KEY_REUSED")));
    let escrow = funding["escrow"]["id"].as_str().expect("an id").to_owned();
    let intent = funding["paymentIntent"]["id"].as_str().expect("an id").to_owned();

    let (status, early) = web.send(owner, Method::POST, &format!("/api/escrow/{escrow}/release"), None, None).await;
    assert_eq!((status, &early["currentState"]), (409, &json!("funding")));
    world.provider.pay(&intent, 29_897, kernel::Clock::now(&*world.clock), true);
    world.service.sweep().await.expect("sweeps");
    let job = escrow::jobs::PaymentJob { org: owner.org, payment: escrow.parse().expect("an id") };
    world.service.sync_payment(job).await.expect("syncs");

    assert_eq!(web.post(contractor, &format!("/api/milestones/{milestone}/submit"), json!({ "evidence": [1] })).await.0, 422);
    let work = json!({ "evidence": ["a.jpg", { "line": "01.2" }], "note": "done" });
    assert_eq!(web.post(contractor, &format!("/api/milestones/{milestone}/submit"), work).await.1["status"], "in_review");
    let (status, approved) = web.send(owner, Method::POST, &format!("/api/milestones/{milestone}/approve"), None, None).await;
    assert_eq!((status, &approved["status"], &approved["approval"]["status"]), (200, &json!("approved"), &json!("complete")));
    let (status, released) = web.send(owner, Method::POST, &format!("/api/escrow/{escrow}/release"), None, None).await;
    assert_eq!((status, &released["release"]["net"]["amount"]), (200, &json!("9750.00")));
    world.work().await;
    let (_, story) = web.get(contractor, &format!("/api/milestones/{milestone}")).await;
    assert_eq!((&story["status"], story["reviews"].as_array().map(Vec::len)), (&json!("released"), Some(2)));
    let (_, statement) = web.get(contractor, &format!("/api/contracts/{id}/statement")).await;
    assert_eq!(statement["sum"]["amount"], "0.00");
    assert_eq!(statement["transactions"].as_array().map(Vec::len), Some(5));
    assert_eq!(web.get(contractor, "/api/escrow").await.1["data"][0]["release"]["status"], "sent");
    assert_eq!(web.get(contractor, "/api/contracts").await.1["data"][0]["id"], json!(id));
}

#[actix_web::test]
async fn who_may_not_is_told_what_is_missing_and_strangers_see_nothing() {
    let web = Web::new().await;
    let (contract, funding) = web.world.funded().await;
    let stranger = Person::new(kernel::OrgId::new(), kernel::OrgRole::Owner);
    let member = Person::new(web.world.owner.org, kernel::OrgRole::Member);
    web.tokens.0.lock().expect("not poisoned").extend([stranger.clone(), member.clone()]);
    let milestone = contract.milestones[0].id;
    let posts = [
        (format!("/api/contracts/{}/sign", contract.id), json!({ "sha256": "0".repeat(64) })),
        (format!("/api/contracts/{}/complete", contract.id), json!({})),
        (format!("/api/milestones/{milestone}/submit"), json!({})),
        (format!("/api/milestones/{milestone}/request-changes"), json!({ "reason": "none" })),
        (format!("/api/milestones/{milestone}/approve"), json!({})),
        (format!("/api/escrow/{}/release", funding.escrow.id), json!({})),
        ("/api/escrow".to_owned(), json!({ "milestoneId": milestone })),
    ];
    for (path, body) in posts {
        let (status, problem) = web.post(&stranger, &path, body.clone()).await;
        assert_eq!((status, &problem["code"]), (404, &json!("NOT_FOUND")), "{path}");
        let (status, problem) = web.post(&member, &path, body).await;
        assert_eq!((status, problem["missingPermission"].is_string()), (403, true), "{path}");
    }
    assert_eq!(web.send(&member, Method::POST, "/api/payee-account", None, None).await.0, 403);
    let unsigned = web.post(&stranger, "/api/webhooks/stripe", json!({})).await;
    assert_eq!((unsigned.0, &unsigned.1["code"]), (400, &json!("BAD_SIGNATURE")));
}
