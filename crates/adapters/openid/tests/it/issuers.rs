//! The issuers of organisations, which name themselves.

use std::time::Duration;

use auth_api::{Asserted, IssuerClient, Issuers as _, SecretString, Untold};
use openid::{IssuerSettings, Issuers};
use testkit::Issuer;
use testkit::issuer::{CLIENT_ID, CLIENT_SECRET, Script};

use crate::{granted, query, question};

const ORGANIZATION: &str = "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13";

fn issuers(private_issuers: bool) -> Issuers {
    let public_url = "https://build14.example/".to_owned();
    Issuers::new(IssuerSettings { public_url, timeout: Duration::from_secs(2), private_issuers })
}

fn client<'a>(issuer: &'a str, secret: &'a SecretString) -> IssuerClient<'a> {
    IssuerClient { org: ORGANIZATION.parse().unwrap(), issuer, client_id: CLIENT_ID, client_secret: secret }
}

#[tokio::test]
async fn what_is_reachable_from_this_machine_alone_is_not_asked_for_an_organisation() {
    let issuer = Issuer::start(Script::of("1", "ada@example.com")).await;
    let (guarded, secret) = (issuers(false), SecretString::from(CLIENT_SECRET.to_owned()));
    for name in [
        issuer.url.as_str(),
        "https://127.0.0.1",
        "https://localhost",
        "http://login.example.com",
        "https://169.254.169.254/latest",
    ] {
        assert!(guarded.flaw(name).is_some(), "{name}");
        let asked = guarded.ask(&client(name, &secret), &question(), false).await;
        assert!(matches!(asked, Err(Untold::Unreachable(_))), "{name}: {asked:?}");
    }
    assert_eq!(issuer.asked(), 0);
    for name in ["https://login.example.com?x=y", "https://ada@login.example.com", "login.example.com", ""] {
        assert!(guarded.flaw(name).is_some(), "{name}");
    }
    assert_eq!(guarded.flaw("https://login.example.com/realms/acme"), None);
}

#[tokio::test]
async fn each_organisation_has_its_own_place_to_come_back_to_and_is_told_what_the_issuer_denies() {
    let issuer = Issuer::start(Script::of("1", "ada@example.com")).await;
    let (issuers, secret) = (issuers(true), SecretString::from(CLIENT_SECRET.to_owned()));
    assert_eq!(issuers.flaw(&issuer.url), None, "in development");
    let client = client(&issuer.url, &secret);
    let url = issuers.ask(&client, &question(), false).await.unwrap();
    let asked = query(&url);
    assert_eq!(asked["redirect_uri"], format!("https://build14.example/auth/single-sign-on/{ORGANIZATION}/callback"));
    assert_eq!((asked["code_challenge_method"].as_str(), asked["state"].as_str()), ("S256", "the state"));
    assert!(!asked.contains_key("prompt") && !asked.contains_key("max_age"));
    let anew = query(&issuers.ask(&client, &question(), true).await.unwrap());
    assert_eq!((anew["prompt"].as_str(), anew["max_age"].as_str()), ("login", "0"));
    for (said, disowned) in [(None, false), (Some(true), false), (Some(false), true)] {
        issuer.play(Script { email_verified: said, ..Script::of("1", "ada@example.com") });
        let back = issuer.visit(&issuers.ask(&client, &question(), false).await.unwrap());
        let Asserted { told, disowned: denied, factor, shown_at } =
            issuers.hear(&client, &question(), &granted(&back)).await.unwrap();
        assert_eq!((told.subject.as_str(), told.email.as_deref()), ("1", Some("ada@example.com")));
        assert_eq!((denied, factor, shown_at), (disowned, false, None), "{said:?}");
    }
    // One that is another's, or that nobody shows.
    for script in [
        Script { issuer: Some("https://other.example".to_owned()), ..Script::of("1", "ada@example.com") },
        Script { audience: Some("another client".to_owned()), ..Script::of("1", "ada@example.com") },
        Script { nonce: Some("another".to_owned()), ..Script::of("1", "ada@example.com") },
    ] {
        issuer.play(script);
        let back = issuer.visit(&issuers.ask(&client, &question(), false).await.unwrap());
        let told = issuers.hear(&client, &question(), &granted(&back)).await;
        assert!(matches!(told, Err(Untold::Refused(_))), "{told:?}");
    }
}
