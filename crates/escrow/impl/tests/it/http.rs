//! The endpoints over the real router.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{ETAG, HeaderMap, IF_NONE_MATCH};
use actix_web::test;
use module::Wired;
use serde_json::{Value, json};
use web::{AppDeps, Routes, Settings};

use crate::fakes::{Person, Tokens};
use crate::world::World;

pub struct Web {
    pub world: World,
    deps: AppDeps,
    tokens: Arc<Tokens>,
}

impl Web {
    async fn new() -> Self {
        Self::over(World::new().await)
    }

    pub fn over(world: World) -> Self {
        let tokens = Arc::new(Tokens::default());
        tokens.0.lock().expect("not poisoned").extend([world.owner.clone(), world.contractor.clone()]);
        let mut routes = Routes::new();
        escrow::routes(&mut routes);
        let settings = Settings { access_log: false, ..Settings::default() };
        let policy = Arc::new(auth_api::fake::Policy::shipped());
        let deps = AppDeps::new(Arc::new(routes), Arc::clone(&tokens) as _, settings).authorizer(policy).data({
            let service = Arc::clone(&world.service);
            move |config| Wired::data(Arc::clone(&service), config)
        });
        Self { world, deps, tokens }
    }

    pub async fn send(&self, who: &Person, method: Method, path: &str, key: Option<&str>, body: Option<Value>) -> (u16, Value) {
        let (status, _, body) = self.ask(who, method, path, key, body).await;
        (status, body)
    }

    /// The answer with its headers.
    pub async fn ask(
        &self,
        who: &Person,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<Value>,
    ) -> (u16, HeaderMap, Value) {
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
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = test::read_body(response).await;
        (status, headers, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn get(&self, who: &Person, path: &str) -> (u16, Value) {
        self.send(who, Method::GET, path, None, None).await
    }

    pub async fn post(&self, who: &Person, path: &str, body: Value) -> (u16, Value) {
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
    let job = escrow::jobs::SyncPayment { org: owner.org, payment: escrow.parse().expect("an id") };
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
        (format!("/api/escrow/{}/release", funding.payment.id), json!({})),
        ("/api/escrow".to_owned(), json!({ "milestoneId": milestone })),
    ];
    for (path, body) in posts {
        let (status, problem) = web.post(&stranger, &path, body.clone()).await;
        assert_eq!((status, &problem["code"]), (404, &json!("NOT_FOUND")), "{path}");
        let (status, problem) = web.post(&member, &path, body).await;
        assert_eq!((status, problem["missingPermission"].is_string()), (403, true), "{path}");
    }
    assert_eq!(web.send(&member, Method::POST, "/api/payee-account", None, None).await.0, 403);
}

#[actix_web::test]
async fn each_side_is_told_its_own_troubles_only() {
    let web = Web::new().await;
    let world = &web.world;
    let (contract, funding) = world.approved().await;
    let (milestone, escrow) = (contract.milestones[0].id, funding.payment.id);
    world.provider.inject("create_transfer", [escrow_api::fake::InjectedFault::Refuse("account_closed".to_owned())]);
    let path = format!("/api/escrow/{escrow}/release");
    let (_, releasing) = web.send(&world.owner, Method::POST, &path, None, None).await;
    assert_eq!(releasing["escrow"]["paymentIntentId"], json!(funding.intent));
    world.work().await;
    world.db.run_sql("update payments set last_error = 'Your card was declined.'").await;
    let paths = [
        (format!("/api/escrow/{escrow}"), "/release"),
        ("/api/escrow".to_owned(), "/data/0/release"),
        (format!("/api/milestones/{milestone}"), "/release"),
        (format!("/api/contracts/{}", contract.id), "/milestones/0/release"),
        ("/api/contracts".to_owned(), "/data/0/milestones/0/release"),
    ];
    for (path, release) in paths {
        let (_, owners) = web.get(&world.owner, &path).await;
        let (_, contractors) = web.get(&world.contractor, &path).await;
        let why = |body: &Value| body.pointer(release).expect("a release")["lastError"].clone();
        assert_eq!((why(&owners), why(&contractors)), (Value::Null, json!("it was refused (account_closed)")), "{path}");
    }
    for path in [format!("/api/escrow/{escrow}"), "/api/escrow".to_owned()] {
        let payment = |body: Value| body.pointer("/data/0").cloned().unwrap_or(body);
        let owners = payment(web.get(&world.owner, &path).await.1);
        let contractors = payment(web.get(&world.contractor, &path).await.1);
        let members = |body: &Value| (body["lastError"].clone(), body["paymentIntentId"].clone());
        assert_eq!(members(&owners), (json!("Your card was declined."), json!(funding.intent)));
        assert_eq!(members(&contractors), (Value::Null, Value::Null));
    }
}

#[actix_web::test]
async fn verbs_without_a_body_refuse_one_that_says_something() {
    let web = Web::new().await;
    let world = &web.world;
    let (contract, funding) = world.approved().await;
    let release = format!("/api/escrow/{}/release", funding.payment.id);
    let complete = format!("/api/contracts/{}/complete", contract.id);
    for (who, path) in
        [(&world.owner, &release), (&world.owner, &complete), (&world.contractor, &"/api/payee-account".to_owned())]
    {
        let (status, problem) = web.post(who, path, json!({ "amount": "1.00" })).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/amount")), "{path}: {problem:#}");
    }
    assert_eq!(world.db.query("select status from releases").await, ["approved"]);
    assert_eq!(web.post(&world.owner, &release, json!({})).await.0, 200);
    let milestone = contract.milestones[0].id;
    for verb in ["submit", "approve"] {
        let who = if verb == "submit" { &world.contractor } else { &world.owner };
        let (status, problem) = web.post(who, &format!("/api/milestones/{milestone}/{verb}"), json!({ "force": true })).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/force")), "{verb}: {problem:#}");
    }
}

#[actix_web::test]
async fn the_payee_account_carries_an_etag() {
    let web = Web::new().await;
    let world = &web.world;
    world.onboard().await;
    let (status, headers, _) = web.ask(&world.contractor, Method::GET, "/api/payee-account", None, None).await;
    let tag = headers.get(ETAG).expect("a tag").clone();
    assert_eq!(status, 200);
    let app = test::init_service(web::app(&web.deps)).await;
    let again = test::TestRequest::get()
        .uri("/api/payee-account")
        .insert_header(("Authorization", format!("Bearer {}", world.contractor.user)))
        .insert_header((IF_NONE_MATCH, tag));
    assert_eq!(test::call_service(&app, again.to_request()).await.status().as_u16(), 304);
}
