//! Tokens for other services, made by two servers over one database while keys change, and verified as a service would: with `jose` of npm.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Client;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use testkit::{Database, until};

use crate::clients::peers::{Peers, folder, peers, run};
use crate::command_line::run_over;
use crate::process::{free_address, serve};

const AUDIENCE: &str = "https://reports.example.com";
const ISSUER: &str = "https://build14.example";

async fn token(http: &Client, server: SocketAddr, session: &str) -> String {
    let asked = http.post(format!("http://{server}/api/auth/token")).bearer_auth(session).json(&json!({ "audience": AUDIENCE }));
    let answer: Value = asked.send().await.expect("answers").json().await.expect("JSON");
    answer["token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// The ids of the keys that a server shows.
async fn shown(http: &Client, server: SocketAddr) -> Vec<String> {
    let answer = http.get(format!("http://{server}/.well-known/jwks.json")).send().await.expect("answers");
    let keys: Value = answer.json().await.expect("JSON");
    keys["keys"].as_array().expect("keys").iter().filter_map(|key| key["kid"].as_str().map(str::to_owned)).collect()
}

/// The id of the key that signed a token.
fn kid(token: &str) -> String {
    let head = token.split('.').next().map(|head| URL_SAFE_NO_PAD.decode(head).expect("base64url")).expect("a head");
    serde_json::from_slice::<Value>(&head).expect("JSON")["kid"].as_str().expect("an id").to_owned()
}

/// What a service makes of tokens, which asks that server for the keys, so many seconds from now.
fn verified(peers: &Peers, server: SocketAddr, audience: &str, later: u32, tokens: &[&str]) -> Vec<Value> {
    let shop = tempfile::tempdir().expect("a folder");
    std::fs::copy(folder().join("verify_token.mjs"), shop.path().join("verify_token.mjs")).expect("copies");
    std::os::unix::fs::symlink(peers.packages(), shop.path().join("node_modules")).expect("links");
    let mut node = peers.node();
    node.arg("verify_token.mjs").arg(format!("http://{server}")).args([ISSUER, audience, &later.to_string()]).args(tokens);
    run(node.current_dir(&shop)).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_believe_tokens_of_either_server_while_keys_change() {
    let database = Database::fresh().await;
    let environment = [
        ("BUILD14__DATABASE__URL", database.superuser_url().await.expose_secret().to_owned()),
        ("BUILD14__SERVER__WORKERS", "1".to_owned()),
        ("BUILD14__SERVER__PUBLIC_URL", ISSUER.to_owned()),
        ("BUILD14__TENDERS__SEAL_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=".to_owned()),
        ("BUILD14__TOKENS__AUDIENCES", AUDIENCE.to_owned()),
    ];
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let servers @ [a, b] = [free_address(), free_address()];
    let mut running = Vec::new();
    for (address, folder) in servers.iter().zip(&folders) {
        running.push(serve(*address, folder.path(), &environment).await.expect("the server starts"));
    }
    let http = Client::new();
    let body =
        json!({ "email": "ada@two.example", "password": "correct horse battery", "name": "Ada", "organizationName": "Works" });
    let registered = http.post(format!("http://{a}/api/auth/register")).json(&body).send().await.expect("answers");
    let registered: Value = registered.json().await.expect("JSON");
    let session = registered["accessToken"].as_str().unwrap_or_else(|| panic!("{registered}")).to_owned();
    database.run_sql("update users set email_verified = true where email = 'ada@two.example'").await;

    // Both sign with one key, though nobody handed it from one to the other.
    let [of_a, of_b] = [token(&http, a, &session).await, token(&http, b, &session).await];
    let first = kid(&of_a);
    assert_eq!(
        (kid(&of_b), shown(&http, a).await, shown(&http, b).await),
        (first.clone(), vec![first.clone()], vec![first.clone()])
    );

    let (code, said, complained) = run_over(&environment, &["tokens", "rotate", "--operator", "Ada Lovelace"]).await;
    assert_eq!(code, Some(0), "{said}{complained}");
    let second = said.split_whitespace().nth(2).expect("an id").to_owned();
    for server in servers {
        until("the next key is shown", async || (shown(&http, server).await == [&*second, &*first]).then_some(())).await;
        assert_eq!(kid(&token(&http, server, &session).await), first, "and does not sign yet");
    }
    // As if twenty minutes had passed.
    database
        .run_sql(
            "alter table token_keys disable trigger user;
             update token_keys set published_at = published_at - interval '20 minutes', signs_from = signs_from - interval '20 minutes',
                 verifies_until = verifies_until - interval '20 minutes';
             alter table token_keys enable trigger user",
        )
        .await;
    let [next_of_a, next_of_b] = [token(&http, a, &session).await, token(&http, b, &session).await];
    assert_eq!((kid(&next_of_a), kid(&next_of_b)), (second.clone(), second.clone()), "from the same moment on");
    assert_eq!(shown(&http, b).await, [&*second, &*first], "what the one before signed is believed");

    let Some(peers) = peers("another service believes a token by its public key") else { return };
    let all = [&*of_a, &of_b, &next_of_a, &next_of_b];
    let told = verified(peers, b, AUDIENCE, 0, &all);
    let kids: Vec<_> = told.iter().map(|one| one["kid"].as_str().unwrap_or_default()).collect();
    assert_eq!(kids, [&first, &first, &second, &second], "{told:?}");
    let claims = &told[0]["claims"];
    assert_eq!((&claims["sub"], &claims["org"]), (&registered["user"]["id"], &registered["organization"]["id"]));
    assert_eq!(claims["roles"], json!(["owner"]));

    let refused = |why: &str| json!({ "refused": why });
    assert_eq!(verified(peers, a, AUDIENCE, 301, &[&next_of_a]), [refused("ERR_JWT_EXPIRED")]);
    let other = verified(peers, a, "https://other.example", 0, &[&next_of_a]);
    assert_eq!(other, [refused("ERR_JWT_CLAIM_VALIDATION_FAILED")], "it is for one service");
    let (said, _) = next_of_a.rsplit_once('.').expect("a signature");
    let (_, signature) = next_of_b.rsplit_once('.').expect("a signature");
    let forged = verified(peers, a, AUDIENCE, 0, &[&format!("{said}.{signature}")]);
    assert_eq!(forged, [refused("ERR_JWS_SIGNATURE_VERIFICATION_FAILED")]);
}
