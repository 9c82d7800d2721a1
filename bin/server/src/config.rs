//! Configuration: embedded defaults, the profile, the environment; validated whole, every fault reported at once.

mod flat;
mod given;
#[cfg(test)]
mod provider_tests;
mod reading;
mod sanity;
mod settings;
mod shown;
#[cfg(test)]
mod terms_tests;
mod variables;

pub use module::Faults;
pub use settings::{LogFormat, Metrics, Profile, Purpose, Settings};
pub use shown::Shown;

use figment::Figment;
use figment::providers::{Format, Toml};

use given::{DEFAULT, given_by, profile_of, text_of, variable};

/// Reads and validates the configuration of this process.
///
/// # Errors
/// Every fault that was found, each with its key and what would be right.
pub fn load(purpose: Purpose) -> Result<Settings, Faults> {
    let (environment, mut faults) = given_here();
    // It wins over log.filter.
    if let Some(filter) = std::env::var_os("RUST_LOG") {
        match filter.to_str().map(tracing_subscriber::EnvFilter::try_new) {
            None => faults.add("RUST_LOG", "the variable is not UTF-8"),
            Some(Err(error)) => {
                let said = format!(
                    "{filter:?} should be like info,graphile_worker=warn: {error}; it wins over log.filter while it is set"
                );
                faults.add("RUST_LOG", said);
            }
            Some(Ok(_)) => {}
        }
    }
    match load_for(&environment, purpose) {
        Ok(settings) if faults.is_empty() => Ok(settings),
        Ok(_) => Err(faults),
        Err(more) => Err(faults.and(more)),
    }
}

/// Every setting of this process as it counts, whether it is right or not.
///
/// # Errors
/// If the files of this program cannot be read, which is a mistake in it.
pub fn shown() -> Result<Vec<Shown>, Faults> {
    shown::shown(&given_here().0)
}

/// The variables of this process that are ours, or look like it, and what is wrong with their bytes.
fn given_here() -> (Vec<(String, String)>, Faults) {
    let mut environment = Vec::new();
    let mut faults = Faults::default();
    for (name, value) in std::env::vars_os() {
        // Other programs' variables may be of any bytes; ours are text.
        let key = name.to_string_lossy();
        // In whatever letters: one that is not spelt as ours are is refused, not ignored.
        if !key.to_ascii_uppercase().starts_with("BUILD14_") && key != "DATABASE_URL" {
            continue;
        }
        match (name.to_str(), value.into_string()) {
            (Some(name), Ok(value)) => environment.push((name.to_owned(), value)),
            _ => faults.add(&key, "the variable is not UTF-8"),
        }
    }
    (environment, faults)
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
    let variable = |name: &str| variable(environment, name);
    let mut unknown = Faults::default();
    let profile = profile_of(environment, &mut unknown);
    let mut given = Figment::from(Toml::string(text_of(profile)));
    for (_, path, value) in given_by(environment) {
        given = given.merge((path.as_str(), value));
    }
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
