//! A script of ours, which pages run, and what it is told by the form that it takes.

use actix_web::web::ServiceConfig;

use super::html::escape;
use super::kept::Kept;
use super::place::serve;

/// A script that pages run.
pub struct Script(Kept);

impl Script {
    /// With this text.
    #[must_use]
    pub fn new(text: &'static str) -> Self {
        Self(Kept::new("text/javascript; charset=utf-8", text))
    }

    /// Serves it at `path`.
    pub fn serve(&'static self, config: &mut ServiceConfig, path: &str) {
        serve(config, path, &self.0);
    }

    /// What a page loads it by, where it is served at `path`: other texts have other addresses.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}?v={}", escape(path), self.0.version())
    }
}

/// What a script says of what came of it, by name, as attributes of its form.
pub(super) fn attributes(words: &[(&str, &str)]) -> String {
    words.iter().map(|(name, text)| format!(" data-{}=\"{}\"", escape(name), escape(text))).collect()
}
