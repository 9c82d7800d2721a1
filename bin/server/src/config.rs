//! Configuration: embedded defaults, the profile, the environment; validated whole, every fault reported at once.

mod flat;
mod reading;
mod sanity;
mod settings;
#[cfg(test)]
mod terms_tests;
mod variables;

pub use module::Faults;
pub use settings::{LogFormat, Metrics, Profile, Purpose, Settings};

use figment::Figment;
use figment::providers::{Format, Toml};

const DEFAULT: &str = include_str!("../../../config/default.toml");
const DEVELOPMENT: &str = include_str!("../../../config/development.toml");
const PRODUCTION: &str = include_str!("../../../config/production.toml");

/// Reads and validates the configuration of this process.
///
/// # Errors
/// Every fault that was found, each with its key and what would be right.
pub fn load(purpose: Purpose) -> Result<Settings, Faults> {
    let mut environment = Vec::new();
    let mut faults = Faults::default();
    for (name, value) in std::env::vars_os() {
        // Other programs' variables may be of any bytes; ours are text.
        let key = name.to_string_lossy();
        if !key.starts_with("BUILD14_") && key != "DATABASE_URL" {
            continue;
        }
        match (name.to_str(), value.into_string()) {
            (Some(name), Ok(value)) => environment.push((name.to_owned(), value)),
            _ => faults.add(&key, "the variable is not UTF-8"),
        }
    }
    match load_for(&environment, purpose) {
        Ok(settings) if faults.is_empty() => Ok(settings),
        Ok(_) => Err(faults),
        Err(more) => Err(faults.and(more)),
    }
}

/// As [`load`], for everything, from given environment variables.
///
/// # Errors
/// As [`load`].
pub fn load_from(environment: &[(String, String)]) -> Result<Settings, Faults> {
    load_for(environment, Purpose::Everything)
}

/// As [`load`], from given environment variables.
///
/// # Errors
/// As [`load`].
pub fn load_for(environment: &[(String, String)], purpose: Purpose) -> Result<Settings, Faults> {
    let variable = |name: &str| environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let profile = match variable("BUILD14__PROFILE").unwrap_or("development") {
        "development" => Profile::Development,
        "production" => Profile::Production,
        other => return Err(Faults::one("BUILD14__PROFILE", format!("{other:?} is no profile: development or production"))),
    };
    let profile_text = if profile == Profile::Development { DEVELOPMENT } else { PRODUCTION };
    let mut given = Figment::from(Toml::string(profile_text));
    if let Some(url) = variable("DATABASE_URL") {
        given = given.merge(("database.url", url));
    }
    let ours = environment.iter().filter(|(key, _)| key.starts_with("BUILD14__") && key != "BUILD14__PROFILE");
    for (key, value) in ours {
        let path = key["BUILD14__".len()..].to_lowercase().replace("__", ".");
        given = given.merge((path.as_str(), value.as_str()));
    }
    let mut unknown = Faults::default();
    let values = flat::laid_over(&Figment::from(Toml::string(DEFAULT)), &given, &mut unknown)?;
    variables::check(environment, values.keys().map(String::as_str), &mut unknown);
    let read = reading::read(module::Values::new(values), profile, purpose);
    // `BUILD14__DATABASE__URL` lies on top of `DATABASE_URL`: only where it is not given is the other one to blame.
    let is_theirs = variable("DATABASE_URL").is_some_and(|url| !url.is_empty()) && variable("BUILD14__DATABASE__URL").is_none();
    match read {
        Ok(settings) if unknown.is_empty() => Ok(settings),
        Ok(_) => Err(unknown),
        Err(faults) if is_theirs => Err(unknown.and(faults.blamed_on("database.url", "DATABASE_URL"))),
        Err(faults) => Err(unknown.and(faults)),
    }
}
