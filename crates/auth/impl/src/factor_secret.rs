//! `FactorSecret`: under what the secrets of authenticators are sealed. Who reads the database alone makes no codes, and who writes it alone gives nobody
//! an authenticator.

use kernel::{Fault, UserId};
use secrecy::SecretString;

use crate::sealer::{Opened, Sealer};

/// Derived from the deployment's secret, for this purpose alone.
pub(crate) struct FactorSecret(Sealer);

impl FactorSecret {
    /// By the present secret, and by those before it.
    pub(crate) fn derived(current: &SecretString, previous: &[SecretString]) -> Result<Self, Fault> {
        Ok(Self(Sealer::derived(b"14build/authenticator-secret", current, previous)?))
    }

    /// The secret of a person's authenticator as it is stored: nobody else's.
    pub(crate) fn seal(&self, user: UserId, secret: &[u8]) -> Result<Vec<u8>, Fault> {
        self.0.seal(user.0.as_bytes(), secret)
    }

    /// What was sealed for that person.
    pub(crate) fn open(&self, user: UserId, stored: &[u8]) -> Result<Opened, Fault> {
        self.0.open(user.0.as_bytes(), stored)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_for_its_person_and_by_its_key_alone() {
        let [one, two]: [SecretString; 2] = ["one", "two"].map(|text| text.to_owned().into());
        let (ada, bob) = (UserId::new(), UserId::new());
        let secret = FactorSecret::derived(&one, &[]).unwrap();
        let sealed = secret.seal(ada, b"twenty random bytes.").unwrap();
        assert_eq!(sealed.len(), 24 + 20 + 16);
        assert!(!sealed.windows(6).any(|part| part == b"random"));
        let opened = secret.open(ada, &sealed).unwrap();
        assert_eq!((&opened.secret[..], opened.is_old), (&b"twenty random bytes."[..], false));
        assert!(secret.open(bob, &sealed).is_err(), "turned to another person");
        assert!(secret.open(ada, b"short").is_err());
        let rotated = FactorSecret::derived(&two, &[one]).unwrap();
        assert!(rotated.open(ada, &sealed).unwrap().is_old);
        assert!(FactorSecret::derived(&two, &[]).unwrap().open(ada, &sealed).is_err());
    }
}
