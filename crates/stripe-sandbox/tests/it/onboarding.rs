//! Connected accounts: made, onboarded through a link, changed, deleted.

use crate::world::{World, id, send};
use reqwest::Method;
use serde_json::{Value, json};

async fn link(world: &World, account: &str) -> Value {
    world
        .post(
            "/v1/account_links",
            &[
                ("account", account),
                ("type", "account_onboarding"),
                ("refresh_url", "https://app.test/again"),
                ("return_url", "https://app.test/done"),
            ],
        )
        .await
        .ok()
}

async fn account(world: &World) -> Value {
    let params = [
        ("controller[stripe_dashboard][type]", "express"),
        ("controller[losses][payments]", "application"),
        ("controller[fees][payer]", "application"),
        ("capabilities[transfers][requested]", "true"),
        ("country", "de"),
        ("email", "a@example.com"),
        ("metadata[org]", "o1"),
    ];
    world.post("/v1/accounts", &params).await.ok()
}

async fn visit(world: &World, method: Method, url: &str, accept: &str) -> crate::world::Answer {
    send(world.http.request(method, url).header("Accept", accept)).await.unwrap()
}

#[tokio::test]
async fn a_link_onboards_once() {
    let world = World::new().await;
    let made = account(&world).await;
    assert_eq!(made["capabilities"], json!({"transfers": "inactive"}));
    assert_eq!(
        (&made["details_submitted"], &made["payouts_enabled"], &made["country"], &made["default_currency"]),
        (&json!(false), &json!(false), &json!("DE"), &json!("eur"))
    );
    assert!(!made["requirements"]["currently_due"].as_array().unwrap().is_empty());
    let link = link(&world, id(&made)).await;
    let url = link["url"].as_str().unwrap();
    assert!(link["expires_at"].as_i64() > link["created"].as_i64());
    let page = visit(&world, Method::GET, url, "text/html").await;
    assert!(page.body.as_str().unwrap().contains("<form method=\"post\">"));
    let done = visit(&world, Method::POST, url, "*/*").await.ok();
    assert_eq!((&done["account"], &done["returnUrl"]), (&made["id"], &json!("https://app.test/done")));
    let now = world.get(&format!("/v1/accounts/{}", id(&made))).await.ok();
    assert_eq!(now["capabilities"], json!({"transfers": "active"}));
    assert_eq!(
        (&now["details_submitted"], &now["payouts_enabled"], &now["requirements"]["disabled_reason"]),
        (&json!(true), &json!(true), &json!(null))
    );
    assert_eq!(now["requirements"]["currently_due"], json!([]));
    assert_eq!(world.event_types(), ["account.updated", "capability.updated"]);
    assert_eq!(visit(&world, Method::POST, url, "*/*").await.status, 410);
    let back = visit(&world, Method::GET, url, "text/html").await;
    assert_eq!((back.status.as_u16(), back.header("location")), (303, "https://app.test/again"));
}

#[tokio::test]
async fn a_browser_is_sent_back_to_the_platform() {
    let world = World::new().await;
    let made = account(&world).await;
    let link = link(&world, id(&made)).await;
    let done = visit(&world, Method::POST, link["url"].as_str().unwrap(), "text/html,*/*").await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "https://app.test/done"));
}

#[tokio::test]
async fn a_link_expires() {
    let world = World::new().await;
    let made = account(&world).await;
    let link = link(&world, id(&made)).await;
    world.sandbox.advance(301);
    assert_eq!(visit(&world, Method::POST, link["url"].as_str().unwrap(), "*/*").await.status, 410);
    assert_eq!(
        visit(&world, Method::POST, &format!("{}/_sandbox/onboarding/nonsense", world.sandbox.base_url()), "*/*").await.status,
        404
    );
}

#[tokio::test]
async fn links_are_checked() {
    let world = World::new().await;
    let made = account(&world).await;
    let no_url = world
        .post("/v1/account_links", &[("account", id(&made)), ("type", "account_onboarding"), ("refresh_url", "https://a.test")])
        .await;
    assert_eq!((no_url.refused(), &no_url.body["error"]["param"]), ((400, "parameter_missing".into()), &json!("return_url")));
    let bad_url = world
        .post(
            "/v1/account_links",
            &[("account", id(&made)), ("type", "account_onboarding"), ("refresh_url", "x"), ("return_url", "y")],
        )
        .await;
    assert_eq!(bad_url.refused(), (400, "url_invalid".into()));
    let nobody = world
        .post(
            "/v1/account_links",
            &[
                ("account", "acct_x"),
                ("type", "account_onboarding"),
                ("refresh_url", "https://a.test"),
                ("return_url", "https://a.test"),
            ],
        )
        .await;
    assert_eq!(nobody.refused(), (400, "resource_missing".into()));
}

#[tokio::test]
async fn an_account_changes_and_goes() {
    let world = World::new().await;
    let made = account(&world).await;
    let path = format!("/v1/accounts/{}", id(&made));
    let changed = world
        .post(
            &path,
            &[
                ("email", "b@example.com"),
                ("metadata[org]", "o2"),
                ("settings[payouts][schedule][interval]", "manual"),
                ("settings[payouts][schedule][delay_days]", "7"),
            ],
        )
        .await
        .ok();
    assert_eq!(changed["settings"]["payouts"]["schedule"], json!({"interval": "manual", "delay_days": 7}));
    assert_eq!((&changed["email"], &changed["metadata"]["org"]), (&json!("b@example.com"), &json!("o2")));
    let capability = world.get(&format!("{path}/capabilities/transfers")).await.ok();
    assert_eq!(
        (&capability["object"], &capability["status"], &capability["requested"]),
        (&json!("capability"), &json!("inactive"), &json!(true))
    );
    assert_eq!(world.get("/v1/accounts").await.ok()["data"].as_array().unwrap().len(), 1);
    assert_eq!(world.post("/v1/accounts", &[("country", "Germany")]).await.refused(), (400, "country_unsupported".into()));
    assert_eq!(world.delete(&path).await.ok()["deleted"], true);
    assert_eq!(world.get(&path).await.refused(), (403, "account_invalid".into()));
    assert_eq!(world.get("/v1/account").await.ok()["object"], "account");
}
