//! OpenID Connect.

use auth_api::{Granted, IdentityProviders, Question, Told, Untold};
use openid::{Kind, Providers};
use testkit::Issuer;
use testkit::issuer::{Script, Signature};

use crate::{granted, providers, query, question, refusal, visit};

async fn scene() -> (Issuer, Providers) {
    let issuer = Issuer::start(Script::of("248289761001", "ada@example.com")).await;
    let providers = providers(Kind::OpenId { issuer: issuer.url.clone() });
    (issuer, providers)
}

#[tokio::test]
async fn who_signs_in_there_is_told_with_what_the_issuer_vouches_for() {
    let (issuer, providers) = scene().await;
    let url = providers.ask("one", &question()).await.unwrap();
    let asked = query(&url);
    assert!(url.starts_with(&format!("{}/authorize?", issuer.url)), "{url}");
    assert_eq!(asked["scope"], "openid email profile");
    assert_eq!(asked["redirect_uri"], "https://build14.example/auth/oauth/one/callback");
    assert_eq!((asked["code_challenge_method"].as_str(), asked["response_type"].as_str()), ("S256", "code"));
    assert_eq!(asked["code_challenge"], "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "the hash of the verifier, not it");
    let told = providers.hear("one", &question(), &granted(&issuer.visit(&url))).await.unwrap();
    let expected = Told {
        issuer: issuer.url.clone(),
        subject: "248289761001".to_owned(),
        email: Some("ada@example.com".to_owned()),
        email_verified: true,
        name: Some("Ada Lovelace".to_owned()),
    };
    assert_eq!(told, expected);
    // Of what the ID token does not say, the issuer is asked.
    issuer.play(Script { in_token: false, ..Script::of("248289761001", "ada@example.com") });
    assert_eq!(visit(&providers, &issuer).await.unwrap(), expected);
}

#[tokio::test]
async fn an_email_is_verified_only_if_the_issuer_says_so() {
    let (issuer, providers) = scene().await;
    for in_token in [true, false] {
        for (said, verified) in [(None, false), (Some(false), false), (Some(true), true)] {
            issuer.play(Script { email_verified: said, in_token, ..Script::of("1", "ada@example.com") });
            assert_eq!(visit(&providers, &issuer).await.unwrap().email_verified, verified, "{said:?}");
        }
        issuer.play(Script { email: None, in_token, ..Script::of("1", "") });
        assert_eq!(visit(&providers, &issuer).await.unwrap().email, None);
    }
}

#[tokio::test]
async fn what_the_issuer_did_not_sign_for_this_question_is_not_believed() {
    let (issuer, providers) = scene().await;
    let honest = || Script::of("1", "ada@example.com");
    for (script, why) in [
        (Script { nonce: Some("another".to_owned()), ..honest() }, "nonce"),
        (Script { issuer: Some("https://other.example".to_owned()), ..honest() }, "issuer"),
        (Script { audience: Some("another client".to_owned()), ..honest() }, "audience"),
        (Script { lives: -10, ..honest() }, "Expired"),
        (Script { signature: Signature::None, ..honest() }, ""),
        (Script { signature: Signature::SharedSecret, ..honest() }, "HS256"),
        (Script { signature: Signature::PublicKey, ..honest() }, "HS256"),
        (Script { signature: Signature::Foreign, ..honest() }, "ignature"),
    ] {
        issuer.play(script.clone());
        let refused = refusal(visit(&providers, &issuer).await);
        assert!(refused.contains(why), "{refused:?} should name {why:?}");
        assert!(!refused.contains("ada@example.com"), "nobody is named in the log: {refused}");
    }
    issuer.play(honest());
    assert!(visit(&providers, &issuer).await.is_ok());
}

#[tokio::test]
async fn a_code_is_redeemed_once_by_whoever_asked_and_where_it_came_from() {
    let (issuer, providers) = scene().await;
    let url = providers.ask("one", &question()).await.unwrap();
    let back = issuer.visit(&url);
    // Somebody else's verifier.
    let other = Question { verifier: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned().into(), ..question() };
    refusal(providers.hear("one", &other, &granted(&back)).await);
    refusal(providers.hear("one", &question(), &granted(&back)).await);
    let back = issuer.visit(&url);
    assert!(providers.hear("one", &question(), &granted(&back)).await.is_ok());
    refusal(providers.hear("one", &question(), &granted(&back)).await);
    // The browser names another issuer, or none, where this one names itself.
    let back = granted(&issuer.visit(&url));
    let from = |issuer: Option<&str>| Granted { code: back.code.clone(), issuer: issuer.map(str::to_owned) };
    let asked = issuer.asked();
    refusal(providers.hear("one", &question(), &from(Some("https://other.example"))).await);
    refusal(providers.hear("one", &question(), &from(None)).await);
    assert_eq!(issuer.asked(), asked, "and the code goes nowhere");
    assert!(providers.hear("one", &question(), &from(Some(&issuer.url))).await.is_ok());
    // One that does not need not.
    let (issuer, providers) = scene().await;
    issuer.play(Script { names_itself: false, ..Script::of("1", "ada@example.com") });
    assert!(visit(&providers, &issuer).await.is_ok());
    assert!(matches!(providers.ask("unheard", &question()).await, Err(Untold::Unknown)));
}

#[tokio::test]
async fn an_issuer_with_other_keys_is_asked_for_them_and_else_once_in_a_while() {
    let (issuer, providers) = scene().await;
    assert!(visit(&providers, &issuer).await.is_ok());
    assert_eq!(issuer.asked(), 3, "its description, its keys, the code");
    assert!(visit(&providers, &issuer).await.is_ok());
    assert_eq!(issuer.asked(), 4);
    issuer.rotate();
    assert!(visit(&providers, &issuer).await.is_ok());
    assert_eq!(issuer.asked(), 7);
}

#[tokio::test]
async fn one_that_is_down_or_slow_is_not_waited_for_without_end() {
    let (issuer, providers) = scene().await;
    let url = providers.ask("one", &question()).await.unwrap();
    let back = granted(&issuer.visit(&url));
    for script in [
        Script { silent: true, ..Script::of("1", "ada@example.com") },
        Script { broken: true, ..Script::of("1", "ada@example.com") },
    ] {
        issuer.play(script);
        let told = providers.hear("one", &question(), &back).await;
        assert!(matches!(told, Err(Untold::Unreachable(_))), "{told:?}");
    }
    let nobody = providers.ask("beside", &question()).await;
    assert!(matches!(nobody, Err(Untold::Unreachable(_))), "{nobody:?}");
    let other = crate::providers(Kind::OpenId { issuer: format!("{}/other", issuer.url) });
    issuer.play(Script::of("1", "ada@example.com"));
    let described = other.ask("one", &question()).await;
    assert!(matches!(described, Err(Untold::Refused(_))), "what is described there is another issuer: {described:?}");
}
