//! Variables that begin as ours do and are none. Ignored, a mistyped one would let a command work somewhere else than was meant.

use module::Faults;

use super::given::key_of;

/// Those of ours that are no settings.
const OTHERS: [&str; 3] =
    [embedded_postgres::BIN_VARIABLE, embedded_postgres::CACHE_VARIABLE, embedded_postgres::TEST_DIR_VARIABLE];
/// What the repository's tests tell each other.
const TESTS: &str = "BUILD14_TEST_";

/// Reports them. `keys` are those of all settings.
pub(super) fn check<'a>(environment: &[(String, String)], keys: impl Iterator<Item = &'a str>, faults: &mut Faults) {
    let keys: Vec<&str> = keys.chain(["profile"]).collect();
    for (name, value) in environment {
        let upper = name.to_ascii_uppercase();
        let Some(rest) = upper.strip_prefix("BUILD14_") else { continue };
        let (other_case, single) = (upper != *name, !rest.starts_with('_'));
        // The right spelling of what there is not is told where settings are read.
        let read = !(single || other_case) && key_of(name).is_some();
        if read || OTHERS.contains(&name.as_str()) || name.starts_with(TESTS) || is_of_kubernetes(name, value) {
            continue;
        }
        let other = OTHERS.iter().find(|other| **other == upper).map(|other| (*other).to_owned());
        match other.or_else(|| meant(keys.iter().copied(), rest).map(module::variable)) {
            Some(right) => faults.add(name, format!("there is no such variable: did you mean {right}?")),
            // In other letters and with one underscore it need not be meant for us.
            None if other_case && single => {}
            None => faults.add(
                name,
                "there is no such variable: settings are given as BUILD14__SECTION__KEY, in capitals, with two underscores each",
            ),
        }
    }
}

/// The key that a misspelt one stands for: it has the same letters between other separators.
pub(super) fn meant<'a>(mut keys: impl Iterator<Item = &'a str>, misspelt: &str) -> Option<&'a str> {
    let wanted = letters(misspelt);
    keys.find(|key| letters(key) == wanted)
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
        for (name, meant) in [
            ("build14__data_dir", "BUILD14__DATA_DIR"),
            ("Build14__Jobs__Concurrency", "BUILD14__JOBS__CONCURRENCY"),
            ("BUILD14__jobs__concurrency", "BUILD14__JOBS__CONCURRENCY"),
            ("build14_data_dir", "BUILD14__DATA_DIR"),
            ("build14_postgres_bin", "BUILD14_POSTGRES_BIN"),
        ] {
            let said = faults(&[(name, "1")], Purpose::Everything);
            assert!(said.contains(&format!("  {name}: there is no such variable: did you mean {meant}?")), "{said}");
            assert!(!said.contains("(environment variable"), "the variable is not told twice: {said}");
        }
        let said = faults(&[("BUILD14__DATABASE_URL", "x")], Purpose::Everything);
        assert!(said.contains("  database_url: there is no such setting: did you mean BUILD14__DATABASE__URL?"), "{said}");
        let said = faults(&[("build14__nonsense", "x")], Purpose::Everything);
        assert!(said.contains("  build14__nonsense: there is no such variable: settings are given as"), "{said}");
        for name in ["BUILD14____STRIPE__SECRET_KEY", "BUILD14__STRIPE____SECRET_KEY", "BUILD14__STRIPE__SECRET_KEY__"] {
            let said = faults(&[(name, "hunter2")], Purpose::Everything);
            let right = format!("  {name}: there is no such variable: did you mean BUILD14__STRIPE__SECRET_KEY?");
            assert!(said.contains(&right) && !said.contains("hunter2"), "{said}");
        }
        let said = faults(&[("BUILD14__", "hunter2")], Purpose::Everything);
        assert!(
            said.contains("  BUILD14__: there is no such variable: settings are given as") && !said.contains("hunter2"),
            "{said}"
        );
        let said = faults(&[("BUILD14_POSTGRES_BINS", "x")], Purpose::Everything);
        assert!(said.contains("BUILD14_POSTGRES_BINS: there is no such variable: settings are given as"), "{said}");
    }

    #[test]
    fn what_others_set_for_themselves_is_let_be() {
        for (name, value) in [
            ("BUILD14_POSTGRES_BIN", "npm"),
            ("BUILD14_POSTGRES_CACHE", "/tmp"),
            ("BUILD14_TEST_DIR", "/tmp"),
            ("build14_release", "2026.11"),
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
    fn no_password_in_a_url_is_told() {
        for (name, url, said) in [
            (
                "BUILD14__DATABASE__OWNER_URL",
                "postgres://u:p@hunter2@h/d",
                "database.owner_url: has a second @: within a password it is written %40",
            ),
            ("DATABASE_URL", "postgres://u:p@hunter2/x@h/d", "DATABASE_URL: has a second @: within a password it is written %40"),
            ("BUILD14__STRIPE__API_BASE", "https://u:hunter2@h/", "stripe.api_base: must have no name or password in it"),
            ("BUILD14__STRIPE__API_BASE", "ftp://u:hunter2@h/", "stripe.api_base: must have no name or password in it"),
            ("BUILD14__SERVER__PUBLIC_URL", "https://u:hunter2@h/", "server.public_url: must have no name or password in it"),
            (
                "BUILD14__SERVER__ALLOWED_ORIGINS",
                "https://u:hunter2@h",
                "server.allowed_origins: must have no name or password in it",
            ),
        ] {
            let told = faults(&[(name, url)], Purpose::Everything);
            assert!(told.contains(said) && !told.contains("hunter2"), "{told}");
        }
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
