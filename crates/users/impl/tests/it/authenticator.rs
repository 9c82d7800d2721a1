//! An authenticator, as a person has one.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::scenery::{Account, Answer, PASSWORD, Replica};

/// What shows the codes.
pub struct Authenticator(totp_rs::Totp);

impl Authenticator {
    /// With this secret.
    pub fn of(secret: &str) -> Self {
        let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
        Self(totp_rs::Builder::new().with_secret(secret).build().unwrap())
    }

    /// What it shows so many half minutes from the replica's now.
    pub fn code(&self, replica: &Replica, later: i64) -> String {
        let at = replica.clock_now() + TimeDelta::seconds(30 * later);
        self.0.generate(u64::try_from(at.timestamp()).unwrap()).to_string()
    }

    /// A code that it shows neither now nor a minute before or after.
    pub fn wrong(&self, replica: &Replica) -> String {
        let near: Vec<_> = (-3..=3).map(|later| self.code(replica, later)).collect();
        (0..10).map(|n| format!("00000{n}")).find(|code| !near.contains(code)).unwrap()
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap_or_else(|| panic!("{value}")).iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Begins to set one up.
pub async fn begin(replica: &Replica, who: &Account) -> Authenticator {
    let begun = replica.post("/api/user/factors/totp", Some(&who.token), json!({})).await;
    assert_eq!(begun.status, 200, "{}", begun.body);
    Authenticator::of(begun.body["secret"].as_str().unwrap())
}

/// Shows a code of one that is being set up.
pub async fn confirm(replica: &Replica, who: &Account, code: &str) -> Answer {
    replica.post("/api/user/factors/totp/confirm", Some(&who.token), json!({ "code": code })).await
}

/// Somebody proves their address and sets one up; it, and the recovery codes. The next half minute has begun by then: its code counts.
pub async fn set_up(replica: &Replica, who: &Account) -> (Authenticator, Vec<String>) {
    replica.verify(who).await;
    let shows = begin(replica, who).await;
    let confirmed = confirm(replica, who, &shows.code(replica, 0)).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    replica.clock.advance(TimeDelta::seconds(30));
    (shows, texts(&confirmed.body["recoveryCodes"]))
}

/// The first step of a sign-in of somebody who has one.
pub async fn pending(replica: &Replica, name: &str) -> String {
    let answer = replica.login(name).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.body["mfaToken"].as_str().unwrap().to_owned()
}

/// The second step.
pub async fn finish(replica: &Replica, token: &str, code: &str) -> Answer {
    replica.post("/api/auth/mfa", None, json!({ "mfaToken": token, "code": code })).await
}

/// Proves again who one is.
pub async fn again(replica: &Replica, who: &Account, proof: Value) -> Answer {
    replica.post("/api/auth/reauthenticate", Some(&who.token), proof).await
}

/// By the password.
pub fn by_password() -> Value {
    json!({ "password": PASSWORD })
}
