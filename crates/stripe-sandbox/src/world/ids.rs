//! Identifiers that look like Stripe's: a prefix that tells the kind, then random letters and digits.

use rand::Rng;
use rand::distr::Alphanumeric;

/// A fresh identifier: `new("tr")` → `tr_1Q…`.
pub(crate) fn new(prefix: &str) -> String {
    format!("{prefix}_1{}", random(23))
}

/// `length` random letters and digits.
pub(crate) fn random(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}
