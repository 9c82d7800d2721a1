//! Keys that were found in public, told of as GitHub's secret scanning tells.

use actix_web::test::TestRequest;
use kernel::Decision;
use mail_api::Language;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use testkit::Scanner;

use crate::scenery::{Account, Answer, Replica, scene};

async fn told(replica: &Replica, report: &str, identifier: Option<&str>, signature: Option<&str>) -> Answer {
    let mut request = TestRequest::post().uri("/api/webhooks/leaked-keys").set_payload(report.to_owned());
    for (name, value) in [("Github-Public-Key-Identifier", identifier), ("Github-Public-Key-Signature", signature)] {
        if let Some(value) = value {
            request = request.insert_header((name, value));
        }
    }
    replica.send(request).await
}

/// A key that may read the members: itself, and its path.
async fn key(replica: &Replica, by: &Account) -> (String, String) {
    let made = replica.post("/api/api-keys", Some(&by.token), json!({ "name": "Books", "scopes": ["members.read"] })).await;
    let text = |pointer: &str| made.body.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    (text("/secret"), format!("/api/api-keys/{}", text("/apiKey/id")))
}

#[actix_web::test]
async fn a_key_that_was_found_in_public_is_revoked_at_once() {
    let (db, replica) = scene().await;
    let scanner = Scanner::start().await;
    *replica.reporter.0.lock().unwrap() = Some(scanner.point());
    let ada = replica.register("ada").await;
    let (leaked, other) = (key(&replica, &ada).await, key(&replica, &ada).await);
    let random = "b14_live_0000000000000000000000000000000000000000000000000";
    let found =
        |token: &str| json!({ "token": token, "type": "build14_api_key", "url": "https://github.com/a/b", "source": "commit" });
    let report = json!([found(&leaked.0), found(random)]).to_string();
    for _ in 0..2 {
        let answer = told(&replica, &report, Some(scanner.identifier), Some(&scanner.sign(report.as_bytes()))).await;
        let judged = |token: &str, label: &str| json!({ "token_raw": token, "token_type": "build14_api_key", "label": label });
        assert_eq!(
            (answer.status.as_u16(), &answer.body),
            (200, &json!([judged(&leaked.0, "true_positive"), judged(random, "false_positive")]))
        );
    }
    assert_eq!(replica.get("/api/users", &leaked.0).await.status, 401);
    assert_eq!(replica.get("/api/users", &other.0).await.status, 200, "nobody found it");
    assert_eq!(replica.get(&leaked.1, &ada.token).await.body["revokedFor"], "leak");
    let trail = replica.get("/api/audit?action=api_keys.revoke", &ada.token).await;
    let entries = trail.body["data"].as_array().unwrap();
    assert_eq!((entries.len(), &entries[0]["actorId"]), (1, &Value::Null), "the platform, and once");
    assert_eq!(entries[0]["after"], json!({ "revokedFor": "leak", "source": "commit", "url": "https://github.com/a/b" }));
    assert!(!trail.body.to_string().contains(&leaked.0));
    assert_eq!(db.query("select count(*) from alarms where kind = 'api_key_leaked'").await, ["1"]);
}

#[actix_web::test]
async fn a_support_session_whose_token_was_found_in_public_ends_at_once() {
    let (db, replica) = scene().await;
    let scanner = Scanner::start().await;
    *replica.reporter.0.lock().unwrap() = Some(scanner.point());
    let ada = replica.register("ada").await;
    let consent = json!({ "reason": "A list is empty" });
    assert_eq!(replica.post("/api/organization/support-access", Some(&ada.token), consent).await.status, 201);
    let by = Decision { operator: "Olga Operator".parse().unwrap(), reason: Some("Ticket 4711".parse().unwrap()) };
    let org = ada.org.parse().unwrap();
    let (leaked, other) = (
        replica.desk.start(org, &by, 60, Language::English).await.unwrap(),
        replica.desk.start(org, &by, 60, Language::English).await.unwrap(),
    );
    let (token, made_up) = (leaked.token.expose_secret(), format!("b14_support_{}", "A".repeat(72)));
    let report =
        json!([{ "token": token, "type": "build14_support" }, { "token": made_up, "type": "build14_support" }]).to_string();
    for _ in 0..2 {
        let answer = told(&replica, &report, Some(scanner.identifier), Some(&scanner.sign(report.as_bytes()))).await;
        let labels = [&answer.body[0]["label"], &answer.body[1]["label"]];
        assert_eq!((answer.status.as_u16(), labels), (200, [&json!("true_positive"), &json!("false_positive")]));
    }
    assert_eq!(replica.get("/api/organization", token).await.refusal(), (401, "NOT_AUTHENTICATED"));
    assert_eq!(replica.get("/api/organization", other.token.expose_secret()).await.status, 200, "nobody found it");
    let trail = replica.get(&format!("/api/audit?entityId={}", leaked.id), &ada.token).await;
    let ends = trail.body["data"].as_array().unwrap().iter().filter(|entry| entry["action"] == "support_access.end");
    let ends: Vec<_> = ends.map(|entry| &entry["after"]["endedFor"]).collect();
    assert_eq!(ends, [&json!("leak")], "once");
    assert_eq!(db.query("select object_id from alarms where kind = 'support_token_leaked'").await, [leaked.id.to_string()]);
}

#[actix_web::test]
async fn nobody_else_revokes_keys() {
    let (_db, replica) = scene().await;
    let scanner = Scanner::start().await;
    *replica.reporter.0.lock().unwrap() = Some(scanner.point());
    let ada = replica.register("ada").await;
    let (secret, _) = key(&replica, &ada).await;
    let report = json!([{ "token": secret, "type": "build14_api_key" }]).to_string();
    let (name, signature) = (Some(scanner.identifier), scanner.sign(report.as_bytes()));
    let changed = format!("{report} ");
    let others = Scanner::start().await.sign(report.as_bytes());
    for (report, identifier, signature) in [
        (report.as_str(), None, Some(signature.as_str())),
        (report.as_str(), name, None),
        (report.as_str(), name, Some("no signature")),
        (report.as_str(), name, Some(others.as_str())),
        (report.as_str(), Some("unheard of"), Some(signature.as_str())),
        (changed.as_str(), name, Some(signature.as_str())),
    ] {
        let refused = told(&replica, report, identifier, signature).await;
        assert_eq!(refused.refusal(), (400, "BAD_SIGNATURE"), "{identifier:?} {signature:?}");
    }
    for wrong in ["{}", "[1]", "[{\"token\": \"b14_live_\"}]", "no"] {
        let signature = scanner.sign(wrong.as_bytes());
        assert_eq!(told(&replica, wrong, name, Some(&signature)).await.refusal(), (400, "BAD_SIGNATURE"), "{wrong}");
    }
    assert_eq!(replica.get("/api/users", &secret).await.status, 200);
}
