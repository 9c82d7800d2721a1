//! Single sign-on as a browser does it, over sockets, by `oidc-provider` of npm, which other people wrote; and what is felt of it by a second process.

use reqwest::{Method, Url};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use testkit::issuer::{CLIENT_ID, CLIENT_SECRET};
use testkit::until;

use crate::clients::peers::peers;
use crate::elsewhere::{Browser, Server, oidc_provider};
use crate::process::{free_address, serve};

/// The answer to a request of the owner.
async fn call(server: &Server, token: Option<&str>, method: Method, path: &str, body: Option<Value>) -> (Value, String) {
    let mut request = reqwest::Client::new().request(method.clone(), server.url(path));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.expect("answers");
    let status = answer.status();
    let cookie = answer.headers().get("set-cookie").map(|cookie| cookie.to_str().expect("text").to_owned());
    let body: Value = answer.json().await.unwrap_or(Value::Null);
    assert!(status.is_success(), "{method} {path}: {status} {body}");
    (body, cookie.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organisation_signs_its_people_in_by_a_provider_that_other_people_wrote() {
    let Some(peers) = peers("an organisation signs its people in by oidc-provider of npm") else { return };
    let (address, port) = (free_address(), free_address().port());
    let server = Server::start(address, &[]).await;
    let olga = json!({ "email": "olga@example.com", "password": "correct horse battery", "name": "Olga", "organizationName": "Example" });
    let (olga, _) = call(&server, None, Method::POST, "/api/auth/register", Some(olga)).await;
    let text = |pointer: &str| olga.pointer(pointer).and_then(Value::as_str).expect("a text").to_owned();
    let (token, org, user) = (text("/accessToken"), text("/organization/id"), text("/user/id"));
    let proven = format!(
        "update users set email_verified = true;
         insert into organization_domains (org_id, id, domain, challenge, claimed_by, created_at, proven_at, looked_at)
         values ('{org}', gen_random_uuid(), 'example.com', repeat('x', 64), '{user}', now(), now(), now())"
    );
    server.database.run_sql(&proven).await;
    let redirect = format!("http://{address}/auth/single-sign-on/{org}/callback");
    let _provider = oidc_provider(peers, port, &redirect).await;
    let path = "/api/organization/single-sign-on";
    let connection = json!({
        "issuer": format!("http://127.0.0.1:{port}"), "clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET, "joinsOnSignIn": true,
        "trustsSecondFactor": false, "breakGlassOwners": []
    });
    let (made, _) = call(&server, Some(&token), Method::PUT, path, Some(connection)).await;
    assert_eq!(made["redirectPath"], json!(format!("/auth/single-sign-on/{org}/callback")));
    // The owner tests it in a browser, which is signed in as nobody by that.
    let (begun, cookie) = call(&server, Some(&token), Method::POST, &format!("{path}/test"), None).await;
    let mut browser = Browser::new();
    let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
    browser.cookies.insert((address.to_string(), name.to_owned()), value.to_owned());
    let page = browser.visit(begun["authorizationUrl"].as_str().expect("a URL")).await;
    assert!(
        page.status == 200 && page.text.contains("The test passed") && page.text.contains("ada@example.com"),
        "{}",
        page.text
    );
    assert!(!browser.cookies.keys().any(|(_, name)| name == "session"));
    let mode = |mode: &str| Some(json!({ "mode": mode }));
    call(&server, Some(&token), Method::PUT, &format!("{path}/mode"), mode("optional")).await;

    // Somebody of the organisation is led there by the domain of their address, and comes in.
    let (way, _) =
        call(&server, None, Method::POST, "/api/auth/single-sign-on/look", Some(json!({ "email": "ada@example.com" }))).await;
    let start = way["singleSignOn"]["startPath"].as_str().expect("a path").to_owned();
    let mut ada = Browser::new();
    let page = ada.visit(&server.url(&format!("{start}?returnTo=/api/auth/session"))).await;
    let session: Value = serde_json::from_str(&page.text).unwrap_or_else(|_| panic!("{} {}", page.url, page.text));
    assert_eq!((&session["organization"]["id"], &session["role"]), (&json!(org), &json!("member")));
    assert_eq!(session["user"]["email"], json!("ada@example.com"));
    let own = ada.visit(&server.url("/api/user/sessions")).await;
    assert!(own.status == 403 && own.text.contains("SINGLE_SIGN_ON_SESSION"), "{}", own.text);

    // A second process knows the session, and that it ended, within a second.
    let (second, data) = (free_address(), tempfile::tempdir().expect("a folder"));
    let environment = [("BUILD14__DATABASE__URL", server.database.superuser_url().await.expose_secret().to_owned())];
    let _second = serve(second, data.path(), &environment).await.expect("the second server is ready");
    let cookie = ada.cookies[&(address.to_string(), "session".to_owned())].clone();
    let status = async || {
        let url = Url::parse(&format!("http://{second}/api/organization")).expect("a URL");
        reqwest::Client::new().get(url).bearer_auth(&cookie).send().await.expect("answers").status().as_u16()
    };
    assert_eq!(status().await, 200);
    call(&server, Some(&token), Method::PUT, &format!("{path}/mode"), mode("off")).await;
    let since = std::time::Instant::now();
    until("the second process has heard", async || (status().await == 401).then_some(())).await;
    assert!(since.elapsed() <= std::time::Duration::from_secs(1), "{:?}", since.elapsed());
    assert_eq!(ada.visit(&server.url("/api/organization")).await.status, 401);
}
