//! The page that asks for a second factor offers the passkey of whoever has one, beside the code.

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use testkit::Authenticator;

use crate::factors::{cookie, fields, press};
use crate::passkeys::passkey;
use crate::proofs::{last, token_of};
use crate::scenery::{PAGE, scene};

#[actix_web::test]
async fn the_page_of_a_mailed_link_offers_the_passkey_beside_the_code() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let mut phone = Authenticator::on(PAGE);
    passkey(&replica, &ada, &mut phone).await;
    replica.post("/api/auth/magic-link", None, json!({ "email": "ada@example.com" })).await;
    let link = token_of(&last(&replica, "ada@example.com"));
    let asks = replica.send(press("/auth/magic", &[("token", &link)], None)).await;
    let html = asks.body.as_str().unwrap();
    assert_eq!(asks.status, 200, "{html}");
    // The script alone shows the button; without one the code is asked for, and what is missing is said.
    for part in ["action=\"/auth/mfa?passkey\"", "one-time-code", "<noscript>", "data-act=\"factor\"", " hidden novalidate>"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert_eq!(html.matches("<script").count(), 1, "{html}");
    assert!(html.contains("<script src=\"/auth/passkeys.js?v="), "{html}");
    let policy = asks.header("content-security-policy");
    assert!(
        policy.contains("script-src 'self'") && policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );

    let kept = cookie(&asks, "__Host-mfa").unwrap().to_owned();
    let (_, rest) = html.split_once("name=\"token\" value=\"").unwrap();
    let shown = rest[..32].to_owned();
    let wrong = replica.send(press("/auth/mfa?passkey", &fields(&shown, "000000"), Some(&kept))).await;
    assert_eq!(wrong.status, 422, "{}", wrong.body);
    assert!(wrong.body.as_str().unwrap().contains("data-act=\"factor\""), "both are offered again");

    let from_its_page = |path: &str, body: &Value| {
        let request = TestRequest::post().uri(path).insert_header(("Cookie", format!("__Host-mfa={kept}")));
        replica.send(request.set_json(body))
    };
    let asked = from_its_page("/api/auth/mfa/passkey/options", &json!({ "mfaToken": shown })).await;
    assert_eq!(asked.status, 200, "{}", asked.body);
    let credential = phone.show(&asked.body["publicKey"]);
    let answer = json!({ "requestId": asked.body["requestId"], "credential": credential });
    let body = json!({ "mfaToken": shown, "passkey": answer });
    let elsewhere = replica.post("/api/auth/mfa", None, body.clone()).await;
    assert_eq!(elsewhere.refusal(), (409, "MFA_TOKEN_SPENT"), "another browser");
    let done = from_its_page("/api/auth/mfa", &body).await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(replica.is_live(cookie(&done, "__Host-session").unwrap()).await);
}
