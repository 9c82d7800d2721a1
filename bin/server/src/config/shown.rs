//! Every setting as it counts here: its value, where that comes from, and its default. Of secrets only whether they are given.

use std::collections::BTreeMap;

use figment::Figment;
use figment::providers::{Format, Toml};
use module::Faults;

use super::flat::{flat, further};
use super::given::{DEFAULT, PROFILE, given_by, profile_of, text_of, variable};
use super::settings::Profile;

/// What opens something, whichever section it stands in.
const SECRET_ENDINGS: [&str; 1] = [".client_secret"];

/// What opens something, and what may have a password in it.
const SECRETS: [&str; 11] = [
    "audit.signing_key",
    "database.owner_url",
    "database.system_url",
    "database.url",
    "mail.resend.api_key",
    "mail.resend.webhook_secret",
    "mail.smtp.password",
    "stripe.secret_key",
    "stripe.webhook_secret",
    "tenders.previous_seal_keys",
    "tenders.seal_key",
];

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its key, such as `server.address`.
    pub key: String,
    /// Its value, or of a secret whether it is given.
    pub value: String,
    /// Where that comes from: `default`, the file of the profile, or an environment variable.
    pub source: String,
    /// What it is where nothing else is said.
    pub default: String,
}

/// All of them in the order of their keys, the profile first.
pub(super) fn shown(environment: &[(String, String)]) -> Result<Vec<Shown>, Faults> {
    // What is wrong is told where settings are read.
    let profile = profile_of(environment, &mut Faults::default());
    let mut defaults = flat(&Figment::from(Toml::string(DEFAULT)))?;
    let profiled = flat(&Figment::from(Toml::string(text_of(profile))))?;
    let given: BTreeMap<String, (&str, &str)> = given_by(environment).map(|(name, key, value)| (key, (name, value))).collect();
    let more = further(&defaults, given.keys());
    defaults.extend(more);
    let file = match profile {
        Profile::Development => "config/development.toml",
        Profile::Production => "config/production.toml",
    };
    let named = variable(environment, PROFILE);
    let first = Shown {
        key: "profile".to_owned(),
        value: named.unwrap_or("development").to_owned(),
        source: named.map_or("default", |_| PROFILE).to_owned(),
        default: "development".to_owned(),
    };
    let rest = defaults.into_iter().map(|(key, default)| {
        let (value, source) = match (given.get(&key), profiled.get(&key)) {
            (Some((name, value)), _) => (*value, *name),
            (None, Some(value)) => (value.as_str(), file),
            (None, None) => (default.as_str(), "default"),
        };
        // A URL with a name in it is refused elsewhere, and is not shown while it is there.
        let hidden = is_secret(&key) && !value.is_empty() || value.contains("://") && value.contains('@');
        let value = if hidden { "(given, not shown)" } else { value };
        Shown { value: value.to_owned(), source: source.to_owned(), key, default }
    });
    Ok(std::iter::once(first).chain(rest).collect())
}

fn is_secret(key: &str) -> bool {
    SECRETS.contains(&key) || SECRET_ENDINGS.iter().any(|ending| key.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(environment: &[(&str, &str)]) -> Vec<Shown> {
        let environment: Vec<_> = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        shown(&environment).expect("the files are sound")
    }

    fn line(all: &[Shown], key: &str) -> (String, String, String) {
        let found = all.iter().find(|shown| shown.key == key).expect("is there");
        (found.value.clone(), found.source.clone(), found.default.clone())
    }

    #[test]
    fn each_setting_says_where_it_comes_from() {
        let all = of(&[("BUILD14__SERVER__ADDRESS", "127.0.0.1:0"), ("DATABASE_URL", "postgres://u:hunter2@h/d")]);
        let told = |value: &str, source: &str, default: &str| (value.to_owned(), source.to_owned(), default.to_owned());
        assert_eq!(all[0].key, "profile");
        assert_eq!(line(&all, "profile"), told("development", "default", "development"));
        assert_eq!(line(&all, "data_dir"), told(".build14", "default", ".build14"));
        assert_eq!(line(&all, "server.address"), told("127.0.0.1:0", "BUILD14__SERVER__ADDRESS", "127.0.0.1:8080"));
        assert_eq!(line(&all, "log.format"), told("pretty", "config/development.toml", "json"));
        assert_eq!(line(&all, "database.url"), told("(given, not shown)", "DATABASE_URL", ""));
        let all = of(&[("BUILD14__PROFILE", "production"), ("DATABASE_URL", "a"), ("BUILD14__DATABASE__URL", "b")]);
        assert_eq!(line(&all, "profile"), told("production", "BUILD14__PROFILE", "development"));
        assert_eq!(line(&all, "server.drain_period"), told("10s", "config/production.toml", "0s"));
        assert_eq!(line(&all, "database.url").1, "BUILD14__DATABASE__URL");
    }

    #[test]
    fn what_looks_like_a_secret_is_one_or_known_to_be_none() {
        let open = [
            "api_keys.leak_reporter_url",
            "api_keys.lifetime",
            "api_keys.per_organization",
            "audit.previous_public_keys",
            "server.public_url",
            "sign_in.breached_passwords_url",
            "stripe.allow_test_key",
            "tokens.audiences",
            "tokens.lifetime",
            "tokens.rotate_every",
        ];
        for Shown { key, .. } in of(&[]) {
            let looks = ["key", "secret", "url", "password", "token"].iter().any(|word| key.contains(word));
            let known = is_secret(&key) || open.contains(&key.as_str());
            assert!(!looks || known, "is {key} a secret? Then it belongs in SECRETS");
        }
        let endings = ["google", "github", "oidc", "acme"].map(|name| format!("identity_providers.{name}.client_secret"));
        for key in SECRETS.into_iter().chain(endings.iter().map(String::as_str)) {
            let all = of(&[(module::variable(key).as_str(), "hunter2")]);
            assert_eq!(line(&all, key).0, "(given, not shown)", "{key}");
        }
    }
}
