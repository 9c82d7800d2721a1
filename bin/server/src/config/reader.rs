//! Reads single settings and gathers every fault, so that an operator mends them in one go.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use figment::Figment;
use figment::value::{Dict, Value};
use secrecy::SecretString;

/// Everything that is wrong with the configuration.
#[derive(Debug, Default)]
pub struct Faults(Vec<(String, String)>);

impl Faults {
    pub(super) fn one(key: &str, fault: String) -> Self {
        Self(vec![(key.to_owned(), fault)])
    }

    pub(super) fn add(&mut self, key: &str, fault: &str) {
        self.0.push((key.to_owned(), fault.to_owned()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the configuration is invalid; nothing was started:")?;
        for (key, fault) in &self.0 {
            let variable = if key.starts_with("BUILD14__") || key == "DATABASE_URL" { key.clone() } else { variable(key) };
            writeln!(f, "  {key}: {fault}\n    (environment variable {variable})")?;
        }
        write!(f, "Every key with its default stands in config/default.toml.")
    }
}

impl std::error::Error for Faults {}

fn variable(key: &str) -> String {
    format!("BUILD14__{}", key.to_uppercase().replace('.', "__"))
}

/// All settings as text, by their dotted key.
pub(super) struct Reader {
    values: BTreeMap<String, String>,
    faults: Vec<(String, String)>,
}

impl Reader {
    /// Lays `given` over `defaults`. A key that has no default is a fault: it is misspelt or does nothing.
    pub(super) fn new(defaults: &Figment, given: &Figment) -> Result<Self, Faults> {
        let mut values = flat(defaults)?;
        let mut faults = Vec::new();
        for (key, value) in flat(given)? {
            match values.get_mut(&key) {
                Some(slot) => *slot = value,
                None => faults.push((key, "there is no such setting".to_owned())),
            }
        }
        Ok(Self { values, faults })
    }

    pub(super) fn fault(&mut self, key: &str, fault: impl Into<String>) {
        self.faults.push((key.to_owned(), fault.into()));
    }

    /// Whether something was found wrong with a setting already.
    pub(super) fn has_fault(&self, key: &str) -> bool {
        self.faults.iter().any(|(faulty, _)| faulty == key)
    }

    pub(super) fn finish<T>(self, settings: T) -> Result<T, Faults> {
        if self.faults.is_empty() { Ok(settings) } else { Err(Faults(self.faults)) }
    }

    pub(super) fn text(&self, key: &str) -> String {
        match self.values.get(key) {
            Some(value) => value.clone(),
            None => unreachable!("config/default.toml has every key that is read, {key} too"),
        }
    }

    /// Whether there is something to read.
    pub(super) fn given(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|text| !text.trim().is_empty())
    }

    pub(super) fn secret(&self, key: &str) -> SecretString {
        self.text(key).into()
    }

    pub(super) fn list(&self, key: &str) -> Vec<String> {
        self.text(key).split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    /// Comma-separated values parsed by their type.
    pub(super) fn parsed_list<T: FromStr<Err: fmt::Display>>(&mut self, key: &str) -> Vec<T> {
        let mut values = Vec::new();
        for text in self.list(key) {
            match text.parse::<T>() {
                Ok(value) => values.push(value),
                Err(error) => self.fault(key, error.to_string()),
            }
        }
        values
    }

    /// A value parsed by its type; `right` says what would be right.
    pub(super) fn parsed<T: FromStr + Default>(&mut self, key: &str, right: &str) -> T {
        match self.text(key).parse() {
            Ok(value) => value,
            Err(_) => {
                let text = self.text(key);
                self.fault(key, format!("{text:?} should be {right}"));
                T::default()
            }
        }
    }

    /// A whole number; `example` shows one.
    pub(super) fn number<T: FromStr + Default>(&mut self, key: &str, example: &str) -> T {
        self.parsed(key, &format!("a whole number, like {example}"))
    }

    /// A yes or no.
    pub(super) fn flag(&mut self, key: &str) -> bool {
        self.parsed(key, "true or false")
    }

    pub(super) fn address(&mut self, key: &str) -> std::net::SocketAddr {
        let text = self.text(key);
        text.parse().unwrap_or_else(|_| {
            self.fault(key, format!("{text:?} should be an address and a port, like 127.0.0.1:8080"));
            std::net::SocketAddr::from(([127, 0, 0, 1], 0))
        })
    }

    /// Comma-separated durations.
    pub(super) fn durations(&mut self, key: &str) -> Vec<Duration> {
        let parsed: Result<Vec<_>, _> = self.list(key).iter().map(|text| humantime::parse_duration(text)).collect();
        parsed.unwrap_or_else(|_| {
            let text = self.text(key);
            self.fault(key, format!("{text:?} should be durations, like 1m, 5m, 15m"));
            Vec::new()
        })
    }

    pub(super) fn duration(&mut self, key: &str) -> Duration {
        let text = self.text(key);
        humantime::parse_duration(&text).unwrap_or_else(|_| {
            self.fault(key, format!("{text:?} should be a duration, like 500ms, 2s, 15m or 7d"));
            Duration::ZERO
        })
    }
}

fn flat(figment: &Figment) -> Result<BTreeMap<String, String>, Faults> {
    let dict: Dict = figment.extract().map_err(|error| Faults::one("config", error.to_string()))?;
    let mut flat = BTreeMap::new();
    walk("", &dict, &mut flat);
    Ok(flat)
}

fn walk(prefix: &str, dict: &Dict, flat: &mut BTreeMap<String, String>) {
    for (key, value) in dict {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Dict(_, inner) => walk(&path, inner, flat),
            Value::String(_, text) => {
                flat.insert(path, text.clone());
            }
            Value::Bool(_, value) => {
                flat.insert(path, value.to_string());
            }
            Value::Num(_, number) => {
                let text = number.to_i128().map_or_else(|| format!("{:?}", number.to_f64()), |n| n.to_string());
                flat.insert(path, text);
            }
            other => {
                flat.insert(path, format!("{other:?}"));
            }
        }
    }
}
