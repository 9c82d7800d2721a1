//! GitHub.

use auth_api::{Granted, IdentityProviders, Told, Untold};
use openid::{Kind, Providers};
use testkit::Issuer;
use testkit::issuer::Script;

use crate::{granted, providers, query, question, refusal, visit};

/// GitHub does not name itself.
fn somebody() -> Script {
    Script { names_itself: false, ..Script::of("583231", "ada@example.com") }
}

async fn scene() -> (Issuer, Providers) {
    let issuer = Issuer::start(somebody()).await;
    let kind = Kind::GitHub { base: issuer.url.clone(), api_base: format!("{}/api/", issuer.url) };
    let providers = providers(kind);
    (issuer, providers)
}

#[tokio::test]
async fn who_signs_in_at_github_is_a_number_with_their_primary_address() {
    let (issuer, providers) = scene().await;
    let url = providers.ask("one", &question()).await.unwrap();
    let asked = query(&url);
    assert!(url.starts_with(&format!("{}/login/oauth/authorize?", issuer.url)), "{url}");
    assert_eq!((asked["scope"].as_str(), asked["code_challenge_method"].as_str()), ("read:user user:email", "S256"));
    assert_eq!(asked["redirect_uri"], "https://build14.example/auth/oauth/one/callback");
    let told = providers.hear("one", &question(), &granted(&issuer.visit(&url))).await.unwrap();
    let expected = Told {
        issuer: issuer.url.clone(),
        subject: "583231".to_owned(),
        email: Some("ada@example.com".to_owned()),
        email_verified: true,
        name: Some("Ada Lovelace".to_owned()),
    };
    assert_eq!(told, expected);
    issuer.play(Script { name: None, email_verified: Some(false), ..somebody() });
    let told = visit(&providers, &issuer).await.unwrap();
    assert_eq!(
        (told.name.as_deref(), told.email_verified),
        (Some("ada"), false),
        "another address that is verified counts for nothing"
    );
}

#[tokio::test]
async fn a_code_that_github_does_not_take_leads_nowhere() {
    let (issuer, providers) = scene().await;
    let url = providers.ask("one", &question()).await.unwrap();
    let back = issuer.visit(&url);
    assert!(providers.hear("one", &question(), &granted(&back)).await.is_ok());
    refusal(providers.hear("one", &question(), &granted(&back)).await);
    let from = |issuer: &str| Granted { code: "code".to_owned().into(), issuer: Some(issuer.to_owned()) };
    let asked = issuer.asked();
    for other in ["https://accounts.google.com", &format!("{}.evil.example", issuer.url)] {
        refusal(providers.hear("one", &question(), &from(other)).await);
    }
    assert_eq!(issuer.asked(), asked);
    issuer.play(Script { broken: true, ..somebody() });
    let told = visit(&providers, &issuer).await;
    assert!(matches!(told, Err(Untold::Unreachable(_))), "{told:?}");
}
