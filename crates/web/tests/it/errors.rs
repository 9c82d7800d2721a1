//! Domain errors become problems; nothing internal is shown.

use actix_web::test::TestRequest;
use insta::assert_json_snapshot;

use crate::fixture::{Client, signed};

#[actix_web::test]
async fn a_conflict_names_the_state_in_the_way() {
    let got = Client::new().get("/api/failures/frozen").await;
    assert_eq!(got.header("content-type"), Some("application/problem+json"));
    assert_json_snapshot!(got.json(), @r#""#);
}

#[actix_web::test]
async fn a_rule_of_the_domain_is_422_with_its_own_members() {
    assert_json_snapshot!(Client::new().get("/api/failures/closed").await.json(), @r#""#);
}

#[actix_web::test]
async fn a_500_carries_nothing_internal() {
    let got = Client::new().get("/api/failures/internal").await;
    assert!(!String::from_utf8_lossy(&got.bytes).contains("hunter2"));
    assert_json_snapshot!(got.json(), @r#""#);
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
    for how in ["unavailable", "busy"] {
        let got = Client::new().get(&format!("/api/failures/{how}")).await;
        assert_eq!(got.code(), (503, "UNAVAILABLE".into()));
        assert_eq!(got.header("retry-after"), Some("1"));
        assert!(!String::from_utf8_lossy(&got.bytes).contains("10.1.2.3"));
    }
}

#[actix_web::test]
async fn a_denial_names_the_permission_and_is_recorded() {
    let client = Client::new();
    let path = format!("/api/things/{}/award", crate::fixture::ID);
    let got = client.send(signed(TestRequest::post().uri(&path))).await;
    assert_json_snapshot!(got.json(), @r#""#);
    let org = "00000000-0000-0000-0000-000000000003";
    let expected = format!("{org} the permission things.award is missing at POST /api/things/{{id}}/award");
    assert_eq!(*client.seen.denials.lock().unwrap(), [expected]);
}
