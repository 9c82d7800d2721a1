//! Whether a password is known from a breach of others, where the deployment has that asked. The password stays here: who is asked is told five of the
//! forty digits of its hash, and answers with hundreds that begin so.

use std::sync::Arc;

use auth_api::Breaches;
use kernel::FieldFault;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use secrecy::{ExposeSecret, SecretString};

use super::Service;

/// So many digits of the hash are told.
const TOLD: usize = 5;

impl Service {
    /// With somebody who is asked of each new password.
    #[must_use]
    pub fn asking_of_breaches(self, breaches: Arc<dyn Breaches>) -> Self {
        Self { breaches: Some(breaches), ..self }
    }

    /// What is wrong with a password that a breach made known. If nobody answers, nothing is: that others are down keeps nobody out.
    pub(super) async fn breached(&self, pointer: &str, password: &SecretString) -> Option<FieldFault> {
        let breaches = self.breaches.as_ref()?;
        let hash = hex::encode_upper(digest(&SHA1_FOR_LEGACY_USE_ONLY, password.expose_secret().as_bytes()));
        let (told, kept) = hash.split_at(TOLD);
        let outcome = match breaches.range(told).await {
            Ok(range) if is_in(&range, kept) => "breached",
            Ok(_) => "not_known",
            Err(fault) => {
                tracing::warn!(error = %fault, "it could not be asked whether a password is known from a breach");
                "not_answered"
            }
        };
        metrics::counter!("breached_passwords_total", "outcome" => outcome).increment(1);
        let detail = "is known from a breach of another service, where whoever guesses takes it from: choose another";
        (outcome == "breached").then(|| FieldFault::new(pointer, "BREACHED", detail))
    }
}

/// Whether a hash that ends so was seen. What fills an answer up was seen never.
fn is_in(range: &str, end: &str) -> bool {
    range
        .lines()
        .filter_map(|line| line.trim().split_once(':'))
        .any(|(one, count)| one.eq_ignore_ascii_case(end) && count.trim().parse::<u64>().is_ok_and(|count| count > 0))
}

#[cfg(test)]
mod tests {
    use super::is_in;

    #[test]
    fn a_hash_is_known_by_its_end_if_it_was_ever_seen() {
        let range = "0018A45C4D1DEF81644B54AB7F969B88D65:10\r\n00D4F6E8FA6EECAD2A3AA415EEC418D38EC:0\r\n";
        assert!(is_in(range, "0018A45C4D1DEF81644B54AB7F969B88D65"));
        assert!(is_in(&range.to_lowercase(), "0018A45C4D1DEF81644B54AB7F969B88D65"));
        assert!(!is_in(range, "00D4F6E8FA6EECAD2A3AA415EEC418D38EC"), "padding");
        assert!(!is_in(range, "0018A45C4D1DEF81644B54AB7F969B88D6") && !is_in("", "") && !is_in("<html>: 1</html>", "<html>"));
    }
}
