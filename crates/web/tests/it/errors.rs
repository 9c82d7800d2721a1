//! Domain errors become problems; nothing internal is shown.

use actix_web::test::TestRequest;
use insta::assert_json_snapshot;
use kernel::{Denied, DomainError, Fault};
use web::Problem;

use crate::fixture::{Client, ID, body, signed};
use crate::things::{AWARD, Refused};

#[actix_web::test]
async fn what_every_domain_refuses_is_answered_in_the_same_words() {
    let changed = "the resource changed since you read it: read it again and repeat the change";
    let lacking = Denied { permission: AWARD, project: None };
    let answers = [
        (Refused::NotFound("thing"), 404, "NOT_FOUND", "there is no such thing"),
        (Refused::state("thing", "open", "close it first"), 409, "STATE_CONFLICT", "the thing is open: close it first"),
        (Refused::Stale, 412, "PRECONDITION_FAILED", changed),
        (Refused::invalid("/name", "REQUIRED", "is required"), 422, "INVALID", "/name: is required"),
        (lacking.clone().into(), 403, "PERMISSION_DENIED", "the permission things.award is missing"),
    ];
    for (refused, status, code, detail) in answers {
        let problem = Problem::from(refused);
        assert_eq!((problem.status().as_u16(), problem.code(), problem.detail()), (status, code, detail));
    }
    assert_eq!(Refused::state("thing", "open", "close it first").current_state().as_deref(), Some("open"));
    assert_eq!(Refused::from(lacking.clone()).denied(), Some(&lacking));
    assert_eq!(Refused::from(Fault::unavailable("gone")).code(), "UNAVAILABLE");
    // The header that names another state than the present one is told the same as who was overtaken.
    let request = signed(body(TestRequest::put().uri(&format!("/api/things/{ID}")), r#"{"name": "Tower"}"#));
    let overtaken = Client::new().send(request.insert_header(("If-Match", "\"before\""))).await;
    assert_eq!((overtaken.code().1.as_str(), overtaken.json()["detail"].as_str()), ("PRECONDITION_FAILED", Some(changed)));
}

#[actix_web::test]
async fn a_conflict_names_the_state_in_the_way() {
    let got = Client::new().get("/api/failures/frozen").await;
    assert_eq!(got.header("content-type"), Some("application/problem+json"));
    assert_json_snapshot!(got.json(), @r#"
    {
      "code": "THING_FROZEN",
      "currentState": "frozen",
      "detail": "the thing is frozen: make a new version",
      "instance": "/api/failures/frozen",
      "requestId": "req-1",
      "status": 409,
      "title": "Thing frozen",
      "type": "https://14build.dev/problems/thing-frozen"
    }
    "#);
}

#[actix_web::test]
async fn a_rule_of_the_domain_is_422_with_its_own_members() {
    assert_json_snapshot!(Client::new().get("/api/failures/closed").await.json(), @r#"
    {
      "code": "TENDER_CLOSED",
      "deadline": "2026-03-31T16:00:00Z",
      "detail": "the deadline is over",
      "instance": "/api/failures/closed",
      "requestId": "req-1",
      "status": 422,
      "title": "Tender closed",
      "type": "https://14build.dev/problems/tender-closed"
    }
    "#);
}

#[actix_web::test]
async fn a_500_carries_nothing_internal() {
    let got = Client::new().get("/api/failures/internal").await;
    assert!(!String::from_utf8_lossy(&got.bytes).contains("hunter2"));
    assert_json_snapshot!(got.json(), @r#"
    {
      "code": "INTERNAL",
      "detail": "something went wrong on our side; it is logged under this requestId",
      "instance": "/api/failures/internal",
      "requestId": "req-1",
      "status": 500,
      "title": "Internal",
      "type": "https://14build.dev/problems/internal"
    }
    "#);
}

#[actix_web::test]
async fn a_panic_is_a_500_like_any_other() {
    let got = Client::new().get("/api/failures/panic").await;
    assert_eq!(got.code(), (500, "INTERNAL".into()));
    assert!(!String::from_utf8_lossy(&got.bytes).contains("secret"));
    assert_eq!(got.json()["instance"], "/api/failures/panic");
    assert_eq!(got.header("x-request-id"), Some("req-1"));
    assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
}

#[actix_web::test]
async fn what_is_down_is_503_and_says_when_to_come_back() {
    for (how, seconds) in [("unavailable", "1"), ("busy", "7")] {
        let got = Client::new().get(&format!("/api/failures/{how}")).await;
        assert_eq!(got.code(), (503, "UNAVAILABLE".into()));
        assert_eq!(got.header("retry-after"), Some(seconds), "{how}");
        assert!(!String::from_utf8_lossy(&got.bytes).contains("10.1.2.3"));
    }
}

#[actix_web::test]
async fn a_denial_names_the_permission_and_is_recorded() {
    let client = Client::new();
    let path = format!("/api/things/{}/award", crate::fixture::ID);
    let got = client.send(signed(TestRequest::post().uri(&path))).await;
    assert_json_snapshot!(got.json(), @r#"
    {
      "code": "PERMISSION_DENIED",
      "detail": "the permission things.award is missing",
      "instance": "/api/things/0199d0c4-f3a2-7c5e-8a6f-0d1b2c3d4e5f/award",
      "missingPermission": "things.award",
      "requestId": "req-1",
      "status": 403,
      "title": "Permission denied",
      "type": "https://14build.dev/problems/permission-denied"
    }
    "#);
    let org = "00000000-0000-0000-0000-000000000003";
    let expected = format!("{org} the permission things.award is missing at POST /api/things/{{id}}/award");
    assert_eq!(*client.seen.denials.lock().unwrap(), [expected]);
}
