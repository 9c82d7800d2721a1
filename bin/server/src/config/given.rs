//! What is given: the files that are built in, and the environment.

use module::Faults;

use super::settings::Profile;

/// The variable that names the profile.
pub(super) const PROFILE: &str = "BUILD14__PROFILE";

/// Every setting with its default.
pub(super) const DEFAULT: &str = include_str!("../../../../config/default.toml");
const DEVELOPMENT: &str = include_str!("../../../../config/development.toml");
const PRODUCTION: &str = include_str!("../../../../config/production.toml");

/// The value of a variable.
pub(super) fn variable<'a>(environment: &'a [(String, String)], name: &str) -> Option<&'a str> {
    environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// The profile. One that is none counts as development, so that what else is wrong is told with it.
pub(super) fn profile_of(environment: &[(String, String)], faults: &mut Faults) -> Profile {
    match variable(environment, PROFILE).unwrap_or("development") {
        "development" => Profile::Development,
        "production" => Profile::Production,
        other => {
            let said = format!(
                "{other:?} is no profile: it is development (the default) or production; here all is checked as for development"
            );
            faults.add(PROFILE, said);
            Profile::Development
        }
    }
}

/// The file of a profile.
pub(super) fn text_of(profile: Profile) -> &'static str {
    match profile {
        Profile::Development => DEVELOPMENT,
        Profile::Production => PRODUCTION,
    }
}

/// What the environment gives: the variable, the key and the value, the later ones over those before them.
pub(super) fn given_by(environment: &[(String, String)]) -> impl Iterator<Item = (&str, String, &str)> {
    let theirs = environment.iter().filter(|(name, _)| name == "DATABASE_URL").map(|given| (given, "database.url".to_owned()));
    let ours = environment.iter().filter(|(name, _)| name != PROFILE);
    let ours = ours.filter_map(|given| key_of(&given.0).map(|key| (given, key)));
    theirs.chain(ours).map(|((name, value), key)| (name.as_str(), key, value.as_str()))
}

/// The key that a variable gives; none with a part that is empty.
pub(super) fn key_of(name: &str) -> Option<String> {
    let path = name.strip_prefix("BUILD14__")?;
    path.split("__").all(|part| !part.is_empty()).then(|| path.to_lowercase().replace("__", "."))
}
