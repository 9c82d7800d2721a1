//! Identity providers as an operator sets them up.

use auth::{ProviderKind, ProviderSettings};

fn with(environment: &[(&str, &str)]) -> Result<Vec<ProviderSettings>, String> {
    let environment: Vec<_> = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let settings = crate::config::load_from(&environment).map_err(|faults| faults.to_string())?;
    Ok(ProviderSettings::read(&mut settings.reader()))
}

#[test]
fn no_provider_is_on_by_default_and_each_that_has_a_client_is() {
    assert!(with(&[]).expect("the defaults hold").is_empty());
    let providers = with(&[
        ("BUILD14__IDENTITY_PROVIDERS__GOOGLE__CLIENT_ID", "1234.apps.googleusercontent.com"),
        ("BUILD14__IDENTITY_PROVIDERS__GOOGLE__CLIENT_SECRET", "hunter2"),
        ("BUILD14__IDENTITY_PROVIDERS__GITHUB__CLIENT_ID", "Iv1.1234"),
        ("BUILD14__IDENTITY_PROVIDERS__GITHUB__CLIENT_SECRET", "hunter2"),
        ("BUILD14__IDENTITY_PROVIDERS__ACME__NAME", " Acme "),
        ("BUILD14__IDENTITY_PROVIDERS__ACME__ISSUER", "https://login.acme.example/realms/acme"),
        ("BUILD14__IDENTITY_PROVIDERS__ACME__CLIENT_ID", "14build"),
        ("BUILD14__IDENTITY_PROVIDERS__ACME__CLIENT_SECRET", "hunter2"),
    ]);
    let providers = providers.expect("they hold");
    let told: Vec<_> = providers.iter().map(|one| (one.key.as_str(), one.name.as_str(), one.kind.clone())).collect();
    let github = ProviderKind::GitHub("https://github.com".to_owned(), "https://api.github.com".to_owned());
    let openid = |issuer: &str| ProviderKind::OpenId(issuer.to_owned());
    let acme = ("acme", "Acme", openid("https://login.acme.example/realms/acme"));
    assert_eq!(told, [acme, ("github", "GitHub", github), ("google", "Google", openid("https://accounts.google.com"))]);
    assert!(!format!("{providers:?}").contains("hunter2"), "no secret is told");
}

#[test]
fn half_a_provider_is_refused_with_what_is_missing() {
    let said = with(&[
        ("BUILD14__IDENTITY_PROVIDERS__GOOGLE__CLIENT_ID", "1234"),
        ("BUILD14__IDENTITY_PROVIDERS__GITHUB__CLIENT_SECRET", "hunter2"),
        ("BUILD14__IDENTITY_PROVIDERS__OIDC__CLIENT_ID", "14build"),
        ("BUILD14__IDENTITY_PROVIDERS__OIDC__CLIENT_SECRET", "hunter2"),
        ("BUILD14__IDENTITY_PROVIDERS__TIMEOUT", "5m"),
    ]);
    let said = said.expect_err("refused");
    for fault in [
        "identity_providers.google.client_secret: is needed together with client_id",
        "identity_providers.github.client_id: is needed together with client_secret",
        "identity_providers.oidc.name: must not be blank",
        "identity_providers.oidc.issuer: must be a plain URL that begins with https://",
        "identity_providers.timeout: ",
    ] {
        assert!(said.contains(fault), "{fault} is missing in {said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn what_nobody_protects_on_the_way_says_nobody_who_they_are() {
    let of = |profile: &str, issuer: &str| {
        let said = with(&[
            ("BUILD14__PROFILE", profile),
            ("BUILD14__IDENTITY_PROVIDERS__OIDC__NAME", "Ours"),
            ("BUILD14__IDENTITY_PROVIDERS__OIDC__ISSUER", issuer),
            ("BUILD14__IDENTITY_PROVIDERS__OIDC__CLIENT_ID", "14build"),
            ("BUILD14__IDENTITY_PROVIDERS__OIDC__CLIENT_SECRET", "hunter2"),
        ]);
        said.err().is_some_and(|said| said.contains("identity_providers.oidc.issuer"))
    };
    for issuer in ["http://login.acme.example", "https://", "https://u:p@h", "https://h/?a=b", "ftp://h", "https://h h"] {
        assert!(of("development", issuer) && of("production", issuer), "{issuer}");
    }
    assert!(!of("development", "http://127.0.0.1:9000") && of("production", "http://127.0.0.1:9000"));
    assert!(!of("production", "https://login.acme.example"));
}

#[test]
fn a_provider_of_the_operators_own_has_the_settings_of_the_others_and_no_more() {
    for variable in [
        "BUILD14__IDENTITY_PROVIDERS__ACME__BASE",
        "BUILD14__IDENTITY_PROVIDERS__ACME__SECRET",
        "BUILD14__IDENTITY_PROVIDERS__A_CME__ISSUER",
        "BUILD14__IDENTITY_PROVIDERS__GOOGLE__BASE",
        "BUILD14__IDENTITY_PROVIDERS__ISSUER",
    ] {
        let said = with(&[(variable, "https://login.acme.example")]).expect_err("refused");
        assert!(said.contains("there is no such setting"), "{variable}: {said}");
    }
}
