//! Variables that begin as ours do and are none. Ignored, a mistyped one would let a command work somewhere else than was meant.

use module::Faults;

/// Those of ours that are no settings.
const OTHERS: [&str; 3] =
    [embedded_postgres::BIN_VARIABLE, embedded_postgres::CACHE_VARIABLE, embedded_postgres::TEST_DIR_VARIABLE];
/// What the repository's tests tell each other.
const TESTS: &str = "BUILD14_TEST_";

/// Reports them. `keys` are those of all settings.
pub(super) fn check<'a>(environment: &[(String, String)], keys: impl Iterator<Item = &'a str>, faults: &mut Faults) {
    let keys: Vec<&str> = keys.chain(["profile"]).collect();
    for (name, value) in environment {
        let Some(rest) = name.strip_prefix("BUILD14_").filter(|rest| !rest.starts_with('_')) else { continue };
        if OTHERS.contains(&name.as_str()) || name.starts_with(TESTS) || is_of_kubernetes(name, value) {
            continue;
        }
        match keys.iter().find(|key| letters(key) == letters(rest)) {
            Some(key) => {
                let meant = key.to_uppercase().replace('.', "__");
                faults.add(name, format!("there is no such variable: did you mean BUILD14__{meant}?"));
            }
            None => faults
                .add(name, "there is no such variable: settings are given as BUILD14__SECTION__KEY, with two underscores each"),
        }
    }
}

/// What is left of a name without its separators.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Whether Kubernetes sets it in every container beside a service that is called build14, or build14-something.
fn is_of_kubernetes(name: &str, value: &str) -> bool {
    let address = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    let part = ["_TCP", "_UDP", "_SCTP"].iter().any(|protocol| name.contains(protocol)) && name.contains("_PORT_");
    address || part || name.contains("_SERVICE_HOST") || name.contains("_SERVICE_PORT")
}

#[cfg(test)]
mod tests {
    use crate::config::{Purpose, load_for, load_from};

    fn faults(environment: &[(&str, &str)], purpose: Purpose) -> String {
        let environment: Vec<_> = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        load_for(&environment, purpose).map_or_else(|faults| faults.to_string(), |_| String::new())
    }

    #[test]
    fn a_mistyped_variable_is_refused_and_the_right_one_named() {
        for (name, meant) in [
            ("BUILD14_DATA_DIR", "BUILD14__DATA_DIR"),
            ("BUILD14_DATABASE_URL", "BUILD14__DATABASE__URL"),
            ("BUILD14_DATABASE__OWNER_URL", "BUILD14__DATABASE__OWNER_URL"),
            ("BUILD14_PROFILE", "BUILD14__PROFILE"),
        ] {
            let said = faults(&[(name, "x")], Purpose::Everything);
            assert!(said.contains(&format!("  {name}: there is no such variable: did you mean {meant}?")), "{said}");
        }
        let said = faults(&[("BUILD14_POSTGRES_BINS", "x")], Purpose::Everything);
        assert!(said.contains("BUILD14_POSTGRES_BINS: there is no such variable: settings are given as"), "{said}");
    }

    #[test]
    fn what_others_set_for_themselves_is_let_be() {
        for (name, value) in [
            ("BUILD14_POSTGRES_BIN", "npm"),
            ("BUILD14_POSTGRES_CACHE", "/tmp"),
            ("BUILD14_TEST_DIR", "/tmp"),
            ("BUILD14_SERVICE_HOST", "10.0.0.1"),
            ("BUILD14_SERVICE_PORT_HTTP", "8080"),
            ("BUILD14_API_PORT", "tcp://10.0.0.1:8080"),
            ("BUILD14_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ] {
            assert_eq!(faults(&[(name, value)], Purpose::Everything), "", "{name}");
        }
    }

    #[test]
    fn a_wrong_url_is_blamed_on_the_variable_that_gave_it() {
        let said = faults(&[("DATABASE_URL", "nonsense")], Purpose::Everything);
        assert!(said.contains("  DATABASE_URL: should be a libpq URL") && !said.contains("BUILD14__DATABASE__URL"), "{said}");
        let said = faults(&[("DATABASE_URL", "postgres://h/d"), ("BUILD14__DATABASE__URL", "nonsense")], Purpose::Everything);
        assert!(said.contains("  database.url: should be a libpq URL") && said.contains("BUILD14__DATABASE__URL"), "{said}");
    }

    #[test]
    fn a_url_that_would_not_be_used_is_refused() {
        let (owner, system) = ("BUILD14__DATABASE__OWNER_URL", "BUILD14__DATABASE__SYSTEM_URL");
        for name in [owner, system] {
            let said = faults(&[(name, "postgres://h/d")], Purpose::Everything);
            assert!(said.contains("database.url: must be given together with"), "{said}");
        }
        for profile in ["development", "production"] {
            let environment = [("BUILD14__PROFILE", profile), (owner, "postgres://127.0.0.1/d")];
            assert_eq!(faults(&environment, Purpose::Migrating), "", "{profile}");
        }
        for environment in [(system, "postgres://h/d"), ("BUILD14__PROFILE", "production")] {
            let said = faults(&[environment], Purpose::Migrating);
            assert!(said.contains("database.owner_url: must be given") && !said.contains("stripe"), "{said}");
        }
        assert!(load_from(&[]).is_ok());
    }
}
