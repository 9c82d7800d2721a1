//! What `build14 doctor` tells.

use std::fmt;

use serde_json::{Value, json};

/// Something that should not be. One line for a person, one object for a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The broken rule: a stable name, such as `JOB_DEAD`.
    pub rule: &'static str,
    /// What it is about: an id, a currency, a table.
    pub subject: String,
    /// What was found, and what to do.
    pub detail: String,
    /// What else a machine is told.
    pub more: Option<(&'static str, Value)>,
}

impl Finding {
    /// With nothing more for machines.
    pub fn new(rule: &'static str, subject: impl ToString, detail: impl Into<String>) -> Self {
        Self { rule, subject: subject.to_string(), detail: detail.into(), more: None }
    }

    /// As one object.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut object = json!({ "rule": self.rule, "subject": self.subject, "detail": self.detail });
        if let Some((name, value)) = &self.more {
            object[*name] = value.clone();
        }
        object
    }
}

impl fmt::Display for Finding {
    /// As one line, whatever others' systems say in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |text: &str| text.replace(|c: char| c.is_control(), " ");
        write!(f, "{}: {}: {}", self.rule, line(&self.subject), line(&self.detail))
    }
}
