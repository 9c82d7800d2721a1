//! Providers over real sockets: an issuer that signs as it should, and in every way in which it should not, and one of GitHub's shape.
#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod github;
mod issuer;
mod issuers;

use std::collections::HashMap;
use std::time::Duration;

use auth_api::{Granted, IdentityProviders, Question, Told, Untold};
use openid::{Kind, ProviderSettings, Providers, Settings};
use testkit::Issuer;
use testkit::issuer::{CLIENT_ID, CLIENT_SECRET};

/// Long enough for PKCE.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A provider of this kind, and one beside it that nobody asks.
fn providers(kind: Kind) -> Providers {
    let one = |key: &str, kind: Kind| ProviderSettings {
        key: key.to_owned(),
        name: key.to_uppercase(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.to_owned().into(),
        kind,
    };
    let beside = Kind::OpenId { issuer: "http://127.0.0.1:9".to_owned() };
    Providers::new(&Settings {
        public_url: "https://build14.example/".to_owned(),
        timeout: Duration::from_secs(2),
        providers: vec![one("one", kind), one("beside", beside)],
    })
    .unwrap()
}

fn question() -> Question {
    let secret = |text: &str| text.to_owned().into();
    Question { state: secret("the state"), nonce: secret("the nonce"), verifier: secret(VERIFIER) }
}

/// The parameters of a URL's query.
fn query(url: &str) -> HashMap<String, String> {
    let pairs = url.split_once('?').unwrap().1.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.replace("%3A", ":").replace("%2F", "/").replace('+', " "))).collect()
}

/// With what the provider sends the browser back.
fn granted(back: &str) -> Granted {
    let query = query(back);
    Granted { code: query["code"].clone().into(), issuer: query.get("iss").cloned() }
}

/// Somebody goes there and comes back.
async fn visit(providers: &Providers, issuer: &Issuer) -> Result<Told, Untold> {
    let url = providers.ask("one", &question()).await?;
    providers.hear("one", &question(), &granted(&issuer.visit(&url))).await
}

/// Why nothing was told.
fn refusal(told: Result<Told, Untold>) -> String {
    match told {
        Err(Untold::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}
