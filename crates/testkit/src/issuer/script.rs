//! How an issuer behaves.

use serde_json::Value;

/// By what a provider knows whoever asks it.
pub const CLIENT_ID: &str = "14build";
/// By what they prove that.
pub const CLIENT_SECRET: &str = "a secret of the client's, long enough to be one";

/// How an ID token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// As it should be: ES256, by the key that the issuer shows.
    Own,
    /// Not at all: `none`.
    None,
    /// HS256 by the client's secret.
    SharedSecret,
    /// HS256 by the public key, which everybody has.
    PublicKey,
    /// ES256 by a key that the issuer does not show, under the name of the one that it does.
    Foreign,
}

/// Who signs in there, and what is said of them.
#[derive(Debug, Clone)]
pub struct Script {
    /// Whom the provider means; for GitHub a number.
    pub subject: String,
    /// Their email, if it is told.
    pub email: Option<String>,
    /// `email_verified`, if it is told.
    pub email_verified: Option<bool>,
    /// What they are called.
    pub name: Option<String>,
    /// Whether email and name stand in the ID token; else the issuer is to be asked for them.
    pub in_token: bool,
    /// How the ID token is signed.
    pub signature: Signature,
    /// What stands in the ID token instead of the nonce that was asked with.
    pub nonce: Option<String>,
    /// What stands there instead of the issuer.
    pub issuer: Option<String>,
    /// What stands there instead of the client.
    pub audience: Option<String>,
    /// For how many seconds it counts.
    pub lives: i64,
    /// Whether the issuer names itself when it sends somebody back (RFC 9207), and says so.
    pub names_itself: bool,
    /// Whether the person declines.
    pub declines: bool,
    /// Whether it takes connections and never answers.
    pub silent: bool,
    /// Whether it answers everything with 503.
    pub broken: bool,
}

impl Script {
    /// Somebody whose email the provider vouches for.
    #[must_use]
    pub fn of(subject: &str, email: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            email: Some(email.to_owned()),
            email_verified: Some(true),
            name: Some("Ada Lovelace".to_owned()),
            in_token: true,
            signature: Signature::Own,
            nonce: None,
            issuer: None,
            audience: None,
            lives: 300,
            names_itself: true,
            declines: false,
            silent: false,
            broken: false,
        }
    }

    /// Adds what is told of the person to what is said: what is not told is not there.
    pub(super) fn tell(&self, claims: &mut Value) {
        let told = [
            ("email", self.email.clone().map(Value::from)),
            ("email_verified", self.email_verified.map(Value::from)),
            ("name", self.name.clone().map(Value::from)),
        ];
        for (claim, value) in told.into_iter().filter_map(|(claim, value)| Some((claim, value?))) {
            claims[claim] = value;
        }
    }
}
