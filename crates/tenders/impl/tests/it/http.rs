//! Over HTTP: the routes, the seal of stored answers, entity tags.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use async_trait::async_trait;
use auth_api::{FactorStanding, Session, Sessions};
use kernel::*;
use serde_json::{Value, json};
use testkit::Party;
use uow::Tx;

use crate::world::World;

/// A token is `<organisation>/<person>`.
struct FakeSessions;

#[async_trait]
impl Sessions for FakeSessions {
    async fn resolve(&self, token: &str) -> Result<Arc<Session>, auth_api::Error> {
        let (org, user) = token.split_once('/').ok_or(auth_api::Error::NotAuthenticated)?;
        Ok(Arc::new(Session {
            id: SessionId::new(),
            user: user.parse().unwrap(),
            org: org.parse().unwrap(),
            role: OrgRole::Owner,
            projects: ProjectRoles::default(),
            added: AddedPermissions::default(),
            expires_at: Timestamp::MAX_UTC,
            authenticated_at: kernel::Clock::now(&kernel::SystemClock),
            factor: FactorStanding::default(),
            bound: false,
        }))
    }
    async fn forget_user_in(&self, _: &mut Tx, _: UserId) -> Result<(), Fault> {
        Ok(())
    }
    async fn end_sessions_in(&self, _: &mut Tx, _: UserId, _: OrgId) -> Result<(), Fault> {
        Ok(())
    }
}

pub struct Answer {
    pub status: u16,
    pub etag: Option<String>,
    pub replayed: bool,
    pub body: Value,
}

pub async fn call(w: &World, party: &Party, method: Method, path: &str, body: Option<Value>, headers: &[(&str, &str)]) -> Answer {
    let mut routes = web::Routes::new();
    tenders::routes(&mut routes);
    let service = w.service.clone();
    let deps = web::AppDeps::new(Arc::new(routes), Arc::new(FakeSessions), web::Settings::default())
        .idempotency_secret(web::IdempotencySecret::derived(b"test"))
        .authorizer(w.authorizer.clone())
        .data(move |config| module::Wired::data(Arc::clone(&service), config));
    let app = init_service(web::app(&deps)).await;
    let token = format!("Bearer {}/{}", party.org, party.user);
    let mut request = TestRequest::default().method(method).uri(path).insert_header(("Authorization", token));
    for header in headers {
        request = request.insert_header(*header);
    }
    if let Some(body) = body {
        request = request.set_json(body);
    }
    let response = call_service(&app, request.to_request()).await;
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, etag, replayed) = (response.status().as_u16(), header("ETag"), header("Idempotency-Replayed").is_some());
    let bytes = read_body(response).await;
    Answer { status, etag, replayed, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
}

pub fn tender_in(w: &World) -> Value {
    json!({
        "projectId": w.soq.project, "soqId": w.soq.id, "title": "Villa", "procurementMethod": "open",
        "submissionDeadline": chrono::Utc::now() + chrono::TimeDelta::hours(1),
        "milestones": [{"title": "All", "percent": 100}]
    })
}

pub fn bid_in(w: &World, rate: &str) -> Value {
    let line = |at: usize, rate: &str| json!({"soqLineId": w.soq.lines[at].id, "rate": rate});
    json!({"lines": [line(1, rate), line(2, "100"), line(4, "9.5")], "validUntil": "2099-12-31", "note": "Start at once"})
}

#[test]
fn the_document_has_no_conflicts() {
    let mut routes = web::Routes::new();
    tenders::routes(&mut routes);
    assert_eq!(routes.conflicts(), [] as [&str; 0]);
    assert_eq!(routes.catalogue().len(), 26);
}

#[actix_web::test]
async fn a_draft_is_patched_with_its_entity_tag() {
    let w = World::new().await;
    let made = call(&w, &w.owner, Method::POST, "/api/tenders", Some(tender_in(&w)), &[]).await;
    assert_eq!((made.status, &made.body["status"], &made.body["minBids"]), (201, &json!("draft"), &json!(1)), "{}", made.body);
    let path = format!("/api/tenders/{}", made.body["id"].as_str().unwrap());
    let read = call(&w, &w.owner, Method::GET, &path, None, &[]).await;
    assert_eq!(read.etag, made.etag, "whatever time it is");
    let tag = read.etag.unwrap();
    let patched = call(&w, &w.owner, Method::PATCH, &path, Some(json!({"title": "Renamed"})), &[("If-Match", &tag)]).await;
    assert_eq!((patched.status, &patched.body["title"]), (200, &json!("Renamed")), "{}", patched.body);
    let stale = call(&w, &w.owner, Method::PATCH, &path, Some(json!({"title": "Lost"})), &[("If-Match", &tag)]).await;
    assert_eq!(stale.status, 412);
    let wrong = call(
        &w,
        &w.owner,
        Method::PATCH,
        &path,
        Some(json!({"milestones": [{"title": "All", "percent": "99.5"}], "status": "complete"})),
        &[],
    )
    .await;
    assert_eq!(wrong.status, 422, "{}", wrong.body);
    assert_eq!(call(&w, &w.acme, Method::GET, &path, None, &[]).await.status, 404);
    assert_eq!(call(&w, &w.acme, Method::POST, &format!("{path}/publish"), None, &[]).await.status, 404);
    let bidder = call(&w, &w.owner, Method::DELETE, &path, None, &[]).await;
    assert_eq!(bidder.status, 204);
}

#[actix_web::test]
async fn a_tender_and_a_bid_that_the_client_has_are_304() {
    let w = World::new().await;
    let tender = w.published().await;
    let path = format!("/api/tenders/{tender}");
    let bid = call(&w, &w.acme, Method::POST, &format!("{path}/bids"), Some(bid_in(&w, "5")), &[]).await;
    let bid = format!("/api/bids/{}", bid.body["id"].as_str().unwrap());
    for (party, path) in [(&w.owner, &path), (&w.acme, &path), (&w.acme, &bid)] {
        let read = call(&w, party, Method::GET, path, None, &[]).await;
        assert!(read.body.get("serverTime").is_none(), "what changes by itself belongs to no tag: {}", read.body);
        let tag = read.etag.clone().unwrap();
        for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
            let again = call(&w, party, Method::GET, path, None, &[("If-None-Match", &known)]).await;
            assert_eq!((again.status, &again.etag, &again.body), (304, &read.etag, &Value::Null), "{path} {known}");
        }
        let other = call(&w, party, Method::GET, path, None, &[("If-None-Match", "\"other\"")]).await;
        assert_eq!((other.status, &other.body), (200, &read.body), "{path}");
    }
    let before = call(&w, &w.acme, Method::GET, &bid, None, &[]).await.etag.unwrap();
    assert_eq!(call(&w, &w.acme, Method::PUT, &bid, Some(bid_in(&w, "6")), &[]).await.status, 200);
    let changed = call(&w, &w.acme, Method::GET, &bid, None, &[("If-None-Match", &before)]).await;
    assert_eq!((changed.status, &changed.body["revision"]), (200, &json!(2)));
}

#[actix_web::test]
async fn a_draft_that_is_so_already_is_not_changed() {
    let w = World::new().await;
    let mut wanted = tender_in(&w);
    wanted["submissionDeadline"] = json!("2099-11-30T12:00:00Z");
    wanted["milestones"] = json!([{"title": "All", "amount": "1000"}, {"title": "Rest", "remainder": true}]);
    let made = call(&w, &w.owner, Method::POST, "/api/tenders", Some(wanted.clone()), &[]).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("/api/tenders/{}", made.body["id"].as_str().unwrap());
    let trail = w.audit.actions(w.owner.org);
    wanted["title"] = json!(" Villa ");
    for (method, body) in [(Method::PATCH, json!({})), (Method::PATCH, json!({"title": "Villa"})), (Method::PUT, wanted)] {
        let same = call(&w, &w.owner, method, &path, Some(body), &[]).await;
        assert_eq!((same.status, &same.etag, &same.body), (200, &made.etag, &made.body));
    }
    assert_eq!(call(&w, &w.owner, Method::GET, &path, None, &[]).await.body, made.body);
    assert_eq!(w.audit.actions(w.owner.org), trail, "nothing happened");
}

#[actix_web::test]
async fn the_same_offer_again_is_no_revision_and_keeps_its_place() {
    let w = World::new().await;
    let tender = w.published().await;
    let bids = format!("/api/tenders/{tender}/bids");
    let mut draft = bid_in(&w, "5");
    draft["draft"] = json!(true);
    for (party, offer, other) in [(&w.acme, bid_in(&w, "5"), "6"), (&w.stone, draft, "7")] {
        let first = call(&w, party, Method::POST, &bids, Some(offer.clone()), &[]).await;
        assert_eq!((first.status, &first.body["revision"]), (201, &json!(1)), "{}", first.body);
        let path = format!("/api/bids/{}", first.body["id"].as_str().unwrap());
        let trail = w.audit.actions(party.org);
        let events = w.db.query("select count(*) from outbox").await;
        let same = call(&w, party, Method::PUT, &path, Some(offer.clone()), &[]).await;
        assert_eq!((same.status, &same.etag, &same.body), (200, &first.etag, &first.body), "receipt and document, too");
        assert_eq!((w.audit.actions(party.org), w.db.query("select count(*) from outbox").await), (trail, events));
        let mut changed = offer;
        changed["lines"][0]["rate"] = json!(other);
        let changed = call(&w, party, Method::PUT, &path, Some(changed), &[]).await;
        assert_eq!((changed.status, &changed.body["revision"]), (200, &json!(2)), "{}", changed.body);
    }
}

#[actix_web::test]
async fn times_in_words_are_those_of_fields() {
    let w = World::new().await;
    let mut late = tender_in(&w);
    late["submissionDeadline"] = json!("2020-01-01T00:00:00Z");
    let refused = call(&w, &w.owner, Method::POST, "/api/tenders", Some(late), &[]).await;
    let detail = refused.body["errors"][0]["detail"].as_str().unwrap().to_owned();
    let now = detail.strip_prefix("must be later than the server's time ").unwrap();
    assert!(now.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(now).is_ok(), "{detail}");
    let tender = w.published().await;
    let extend = format!("/api/tenders/{tender}/extend");
    let body = json!({"submissionDeadline": chrono::Utc::now()});
    let refused = call(&w, &w.owner, Method::POST, &extend, Some(body), &[]).await;
    let detail = refused.body["errors"][0]["detail"].as_str().unwrap_or_else(|| panic!("{}", refused.body)).to_owned();
    let old = detail.strip_prefix("must be later than ").unwrap();
    assert!(old.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(old).is_ok(), "{detail}");
}

#[actix_web::test]
async fn patches_that_come_at_once_all_apply() {
    let w = World::new().await;
    let made = call(&w, &w.owner, Method::POST, "/api/tenders", Some(tender_in(&w)), &[]).await;
    let path = format!("/api/tenders/{}", made.body["id"].as_str().unwrap());
    let patches = [json!({"title": "Renamed"}), json!({"description": "Told"}), json!({"minBids": 3})];
    let all = patches.into_iter().map(|patch| call(&w, &w.owner, Method::PATCH, &path, Some(patch), &[]));
    for answer in futures::future::join_all(all).await {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let now = call(&w, &w.owner, Method::GET, &path, None, &[]).await.body;
    assert_eq!((&now["title"], &now["description"], &now["minBids"]), (&json!("Renamed"), &json!("Told"), &json!(3)));
}

#[actix_web::test]
async fn a_repeated_bid_gets_its_first_answer_of_which_nothing_sealed_was_stored() {
    let w = World::new().await;
    let tender = w.published().await;
    let path = format!("/api/tenders/{tender}/bids");
    let key = [("Idempotency-Key", "the-same")];
    let first = call(&w, &w.acme, Method::POST, &path, Some(bid_in(&w, "4321.1234")), &key).await;
    assert_eq!(
        (first.status, first.replayed, &first.body["total"]["amount"]),
        (201, false, &json!("432462.34")),
        "{}",
        first.body
    );
    let stored = w.db.query("select encode(body, 'escape') || headers::text from idempotency_keys").await;
    assert!(
        stored.len() == 1 && !stored[0].contains("4321") && !stored[0].contains("432462") && !stored[0].contains("once"),
        "{stored:?}"
    );
    let bid = format!("/api/bids/{}", first.body["id"].as_str().unwrap());
    let replaced =
        call(&w, &w.acme, Method::PUT, &bid, Some(bid_in(&w, "5")), &[("If-Match", first.etag.as_deref().unwrap())]).await;
    assert_eq!((replaced.status, &replaced.body["revision"]), (200, &json!(2)), "{}", replaced.body);
    let again = call(&w, &w.acme, Method::POST, &path, Some(bid_in(&w, "4321.1234")), &key).await;
    assert_eq!((again.status, again.replayed, again.etag), (201, true, first.etag));
    assert_eq!(again.body, first.body, "the first answer, whatever happened since");
    let sealed = call(&w, &w.owner, Method::GET, &path, None, &[]).await;
    assert_eq!(
        (&sealed.body["data"], &sealed.body["sealed"], &sealed.body["nextCursor"]),
        (&json!([]), &json!(true), &Value::Null)
    );
    assert_eq!(call(&w, &w.owner, Method::GET, &bid, None, &[]).await.status, 404);
    w.after_deadline().await;
    let late = call(&w, &w.acme, Method::PUT, &bid, Some(bid_in(&w, "4")), &[]).await;
    assert_eq!((late.status, &late.body["code"]), (422, &json!("TENDER_CLOSED")));
    assert!(late.body["deadline"].is_string() && late.body["serverTime"].is_string(), "{}", late.body);
    let opened = call(&w, &w.owner, Method::POST, &format!("/api/tenders/{tender}/open"), None, &[]).await;
    assert_eq!((opened.status, &opened.body["approval"]["status"]), (200, &json!("complete")), "{}", opened.body);
    let shown = call(&w, &w.owner, Method::GET, &path, None, &[]).await;
    assert_eq!((&shown.body["data"][0]["rank"], &shown.body["data"][0]["total"]["amount"]), (&json!(1), &json!("850.00")));
    let body = json!({"bidId": first.body["id"]});
    let awarded = call(&w, &w.owner, Method::POST, &format!("/api/tenders/{tender}/award"), Some(body), &[]).await;
    assert_eq!((awarded.status, &awarded.body["contract"]["total"]["amount"]), (200, &json!("850.00")), "{}", awarded.body);
}
