//! Oneself: profile, removal; and the organisation's settings over HTTP.

use actix_web::test::TestRequest;
use serde_json::json;

use crate::scenery::{Account, scene, with};

#[actix_web::test]
async fn a_profile_is_patched() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let before = replica.get("/api/user", &ada.token).await;
    let changed = replica.patch("/api/user", &ada.token, json!({ "image": "https://example.com/a.png" })).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!((changed.body["name"].as_str(), changed.body["image"].as_str()), (Some("ada"), Some("https://example.com/a.png")));
    let stale = with(TestRequest::patch().uri("/api/user"), Some(&ada.token)).insert_header(("If-Match", before.header("etag")));
    assert_eq!(replica.send(stale.set_json(json!({ "name": "x" }))).await.status, 412);
    let cleared = replica.patch("/api/user", &ada.token, json!({ "image": null, "name": " Ada L. " })).await;
    assert_eq!((cleared.body["name"].as_str(), &cleared.body["image"]), (Some("Ada L."), &json!(null)));
    for bad in [json!({ "name": null }), json!({ "name": "" }), json!({ "email": "x@y.zz" }), json!({ "image": "javascript:x" })]
    {
        assert_eq!(replica.patch("/api/user", &ada.token, bad.clone()).await.status, 422, "{bad}");
    }
}

#[actix_web::test]
async fn a_removed_account_is_gone_and_its_email_free() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.add(&ada, "bob", "member").await;
    let elsewhere = Account::of(&replica.login("bob").await);
    let answer = replica.delete("/api/user", &bob.token).await;
    assert_eq!(answer.status, 204);
    assert!(answer.header("set-cookie").starts_with("session=;"));
    assert!(!replica.is_live(&bob.token).await && !replica.is_live(&elsewhere.token).await);
    assert_eq!(replica.login("bob").await.refusal(), (401, "WRONG_CREDENTIALS"));
    let left = db.query(&format!("select name || email from users where id = '{}'", bob.user)).await;
    assert_eq!(left, [format!("Removed accountremoved-{}@removed.invalid", bob.user.replace('-', ""))]);
    assert_eq!(db.query(&format!("select count(*) from credentials where user_id = '{}'", bob.user)).await, ["0"]);
    assert_eq!(replica.get("/api/users", &ada.token).await.body["data"].as_array().unwrap().len(), 1);
    let trail = replica.get("/api/audit?action=users.remove_account", &ada.token).await;
    assert_eq!(trail.body["data"][0]["entityId"], json!(bob.user));
    assert_ne!(replica.register("bob").await.user, bob.user);
    assert!(audit::verify_all(&db.system_uow()).await.unwrap().iter().all(|chain| chain.verification.valid));
}

#[actix_web::test]
async fn the_sole_owner_of_others_cannot_remove_the_account() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    replica.add(&ada, "bob", "admin").await;
    assert_eq!(replica.delete("/api/user", &ada.token).await.refusal(), (409, "LAST_OWNER"));
    assert!(replica.is_live(&ada.token).await, "nothing was done by halves");
}

#[actix_web::test]
async fn the_organisation_is_patched() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let before = replica.get("/api/organization", &ada.token).await;
    assert_eq!((&before.body["approvalThreshold"], before.body["timezone"].as_str()), (&json!(null), Some("UTC")));
    let patch = json!({ "approvalThreshold": { "amount": "1000", "currency": "EUR" }, "timezone": "Europe/Berlin", "categories": ["roofing"] });
    let changed = replica.patch("/api/organization", &ada.token, patch).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.body["approvalThreshold"], json!({ "amount": "1000.00", "currency": "EUR" }));
    assert_eq!(changed.header("etag"), replica.get("/api/organization", &ada.token).await.header("etag"));
    let again = replica.patch("/api/organization", &ada.token, json!({ "approvalThreshold": { "amount": "5.5" } })).await;
    assert_eq!(again.body["approvalThreshold"], json!({ "amount": "5.50", "currency": "EUR" }));
    let off = replica.patch("/api/organization", &ada.token, json!({ "approvalThreshold": null })).await;
    assert_eq!(off.body["approvalThreshold"], json!(null));
    for bad in [
        json!({ "timezone": "Mars" }),
        json!({ "slug": "x" }),
        json!({ "approvalThreshold": { "amount": "1.005", "currency": "EUR" } }),
        json!({ "kind": "x" }),
    ] {
        assert_eq!(replica.patch("/api/organization", &ada.token, bad.clone()).await.status, 422, "{bad}");
    }
    let stale =
        with(TestRequest::patch().uri("/api/organization"), Some(&ada.token)).insert_header(("If-Match", before.header("etag")));
    assert_eq!(replica.send(stale.set_json(json!({ "name": "x" }))).await.status, 412);
}
