//! Reads single settings and gathers every fault, so that an operator mends them in one go. Whoever uses a setting reads it, checks it and
//! says what would be right; `config/default.toml` has them all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

/// Everything that is wrong with the configuration.
#[derive(Debug, Default)]
pub struct Faults(Vec<(String, String)>);

impl Faults {
    /// One.
    #[must_use]
    pub fn one(key: &str, fault: impl Into<String>) -> Self {
        Self(vec![(key.to_owned(), fault.into())])
    }

    /// Another one.
    pub fn add(&mut self, key: &str, fault: impl Into<String>) {
        self.0.push((key.to_owned(), fault.into()));
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These, with those of `key` blamed on the environment variable that it came from.
    #[must_use]
    pub fn blamed_on(mut self, key: &str, variable: &str) -> Self {
        for (faulty, _) in self.0.iter_mut().filter(|(faulty, _)| faulty == key) {
            variable.clone_into(faulty);
        }
        self
    }

    /// These and more.
    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the configuration is invalid; nothing was started:")?;
        for (key, fault) in &self.0 {
            writeln!(f, "  {key}: {fault}")?;
            if !is_variable(key) {
                writeln!(f, "    (environment variable {})", variable(key))?;
            }
        }
        write!(
            f,
            "`build14 config` shows every setting, its value and where that comes from; config/default.toml says what each one means."
        )
    }
}

impl std::error::Error for Faults {}

/// Whether a fault is blamed on a variable itself, and not on a setting.
fn is_variable(key: &str) -> bool {
    key.to_ascii_uppercase().starts_with("BUILD14_") || ["DATABASE_URL", "RUST_LOG"].contains(&key)
}

/// The environment variable that gives a setting.
#[must_use]
pub fn variable(key: &str) -> String {
    format!("BUILD14__{}", key.to_uppercase().replace('.', "__"))
}

/// All settings as text, by their dotted key; secrets are among them.
#[derive(Clone)]
pub struct Values(Arc<BTreeMap<String, String>>);

impl Values {
    /// Every key of `config/default.toml` with its value.
    #[must_use]
    pub fn new(values: BTreeMap<String, String>) -> Self {
        Self(Arc::new(values))
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Values(…)")
    }
}

/// Reads settings, and notes what is wrong with them.
pub struct Reader {
    values: Values,
    production: bool,
    faults: Faults,
    /// What could not be read: what stands in its place says nothing about it, so no more is told of these.
    unread: BTreeSet<String>,
}

impl Reader {
    /// Nothing is wrong yet.
    #[must_use]
    pub fn new(values: Values, production: bool) -> Self {
        Self { values, production, faults: Faults::default(), unread: BTreeSet::new() }
    }

    /// Whether this is for production, where less is allowed.
    #[must_use]
    pub fn production(&self) -> bool {
        self.production
    }

    /// Notes what is wrong with the value of a key, and what would be right.
    pub fn fault(&mut self, key: &str, fault: impl Into<String>) {
        if !self.unread.contains(key) {
            self.faults.add(key, fault);
        }
    }

    /// Notes that a value cannot be read at all, which is told once, whoever reads it.
    fn unreadable(&mut self, key: &str, fault: String) {
        self.fault(key, fault);
        self.unread.insert(key.to_owned());
    }

    /// Whether something was found wrong with a setting already.
    #[must_use]
    pub fn has_fault(&self, key: &str) -> bool {
        self.faults.0.iter().any(|(faulty, _)| faulty == key)
    }

    /// `settings`, if nothing was found wrong.
    ///
    /// # Errors
    /// Every fault.
    pub fn finish<T>(self, settings: T) -> Result<T, Faults> {
        if self.faults.is_empty() { Ok(settings) } else { Err(self.faults) }
    }

    /// A value as it stands.
    ///
    /// # Panics
    /// If there is no such key, which is a mistake in this program.
    #[must_use]
    pub fn text(&self, key: &str) -> String {
        match self.values.0.get(key) {
            Some(value) => value.clone(),
            None => unreachable!("config/default.toml has every key that is read, {key} too"),
        }
    }

    /// Whether there is something to read.
    #[must_use]
    pub fn given(&self, key: &str) -> bool {
        self.values.0.get(key).is_some_and(|text| !text.trim().is_empty())
    }

    /// The names of the sections right below this one, in their order.
    #[must_use]
    pub fn sections(&self, section: &str) -> Vec<String> {
        let below = format!("{section}.");
        let keys = self.values.0.keys().filter_map(|key| key.strip_prefix(&below)?.split_once('.'));
        keys.map(|(name, _)| name.to_owned()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// As text that no log shows.
    #[must_use]
    pub fn secret(&self, key: &str) -> SecretString {
        self.text(key).into()
    }

    /// Comma-separated texts.
    #[must_use]
    pub fn list(&self, key: &str) -> Vec<String> {
        self.text(key).split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    /// Comma-separated values parsed by their type.
    pub fn parsed_list<T: FromStr<Err: fmt::Display>>(&mut self, key: &str) -> Vec<T> {
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
    pub fn parsed<T: FromStr + Default>(&mut self, key: &str, right: &str) -> T {
        match self.text(key).parse() {
            Ok(value) => value,
            Err(_) => {
                let text = self.text(key);
                self.unreadable(key, format!("{text:?} should be {right}"));
                T::default()
            }
        }
    }

    /// A whole number; `example` shows one.
    pub fn number<T: FromStr + Default>(&mut self, key: &str, example: &str) -> T {
        self.parsed(key, &format!("a whole number, like {example}"))
    }

    /// A yes or no.
    pub fn flag(&mut self, key: &str) -> bool {
        self.parsed(key, "true or false")
    }

    /// An address and a port.
    pub fn address(&mut self, key: &str) -> std::net::SocketAddr {
        let text = self.text(key);
        text.parse().unwrap_or_else(|_| {
            self.unreadable(key, format!("{text:?} should be an address and a port, like 127.0.0.1:8080"));
            std::net::SocketAddr::from(([127, 0, 0, 1], 0))
        })
    }

    /// Comma-separated durations.
    pub fn durations(&mut self, key: &str) -> Vec<Duration> {
        let parsed: Result<Vec<_>, _> = self.list(key).iter().map(|text| humantime::parse_duration(text)).collect();
        parsed.unwrap_or_else(|_| {
            let text = self.text(key);
            self.unreadable(key, format!("{text:?} should be durations, like 1m, 5m, 15m"));
            Vec::new()
        })
    }

    /// A duration.
    pub fn duration(&mut self, key: &str) -> Duration {
        let text = self.text(key);
        humantime::parse_duration(&text).unwrap_or_else(|_| {
            self.unreadable(key, format!("{text:?} should be a duration, like 500ms, 2s, 15m or 7d"));
            Duration::ZERO
        })
    }

    /// A duration within bounds, which are written as durations are.
    pub fn duration_within(&mut self, key: &str, least: &str, most: &str) -> Duration {
        let value = self.duration(key);
        let bound = |text: &str| humantime::parse_duration(text).ok();
        // What is no duration was reported as such, and reads as zero.
        let outside = bound(least).is_some_and(|least| value < least) || bound(most).is_some_and(|most| value > most);
        if outside && !self.has_fault(key) {
            let text = self.text(key);
            self.fault(key, format!("{text} must be from {least} to {most}"));
        }
        value
    }
}
