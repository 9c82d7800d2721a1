//! `svix-signature`: HMAC-SHA256 over `<id>.<timestamp>.<raw body>`, compared in constant time, not older than five minutes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use kernel::Timestamp;
use mail_api::{NotTheirs, SignedReport};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How far the sender's clock may be from ours, either way.
const TOLERANCE_SECONDS: i64 = 300;

/// The key that a secret stands for; `None` if it stands for none.
pub(crate) fn key(secret: &SecretString) -> Option<Vec<u8>> {
    let text = secret.expose_secret().trim();
    STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok().filter(|key| !key.is_empty())
}

/// Passes if one of the signatures was made with one of the keys, lately.
pub(crate) fn verify(report: &SignedReport<'_>, keys: &[Vec<u8>], now: Timestamp) -> Result<(), NotTheirs> {
    let id = report.id.ok_or(NotTheirs("the header svix-id is missing"))?;
    let timestamp = report.timestamp.ok_or(NotTheirs("the header svix-timestamp is missing"))?;
    let signatures = report.signature.ok_or(NotTheirs("the header svix-signature is missing"))?;
    let time = timestamp.parse::<i64>().map_err(|_| NotTheirs("its time cannot be read"))?;
    if now.timestamp().abs_diff(time) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(NotTheirs("it is too old, or from the future"));
    }
    let given = signatures.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    let given: Vec<Vec<u8>> = given.collect();
    let mut holds = false;
    for key in keys {
        let expected = mac(key, id, timestamp, report.body)?;
        for signature in &given {
            holds |= bool::from(expected.as_slice().ct_eq(signature));
        }
    }
    if holds { Ok(()) } else { Err(NotTheirs("it was not made with a secret of this endpoint")) }
}

fn mac(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Result<Vec<u8>, NotTheirs> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| NotTheirs("a secret of this endpoint cannot be used"))?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    Ok(mac.finalize().into_bytes().to_vec())
}

/// The signature that Resend would send: for tests, and for whoever plays it. `None` if the secret is none.
#[must_use]
pub fn sign(secret: &SecretString, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let made = mac(&key(secret)?, id, &timestamp.to_string(), body).ok()?;
    Some(format!("v1,{}", STANDARD.encode(made)))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    /// As Svix's documentation has it.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn now() -> Timestamp {
        chrono::DateTime::from_timestamp(1_614_265_330, 0).expect("a time")
    }

    fn report<'a>(signature: Option<&'a str>, body: &'a [u8]) -> SignedReport<'a> {
        SignedReport { id: Some(ID), timestamp: Some("1614265330"), signature, body }
    }

    fn keys(secret: &str) -> Vec<Vec<u8>> {
        vec![key(&secret.into()).expect("a key")]
    }

    #[test]
    fn a_known_signature_holds_and_is_made() {
        assert_eq!(verify(&report(Some(SIGNATURE), BODY), &keys(SECRET), now()), Ok(()));
        assert_eq!(sign(&SECRET.into(), ID, 1_614_265_330, BODY).as_deref(), Some(SIGNATURE));
        let several = format!("v1,AAAA v2,x {SIGNATURE}");
        assert_eq!(verify(&report(Some(&several), BODY), &keys(SECRET), now()), Ok(()));
        let both = [keys("whsec_AAAAAAAAAAAAAAAAAAAAAA=="), keys(SECRET)].concat();
        assert_eq!(verify(&report(Some(SIGNATURE), BODY), &both, now() + TimeDelta::seconds(300)), Ok(()));
    }

    #[test]
    fn what_does_not_hold_is_refused() {
        let good = report(Some(SIGNATURE), BODY);
        for (report, at) in [
            (report(None, BODY), now()),
            (report(Some(""), BODY), now()),
            (report(Some("v1,"), BODY), now()),
            (report(Some("v1,AAAA"), BODY), now()),
            (report(Some(SIGNATURE), br#"{"test": 2432232315}"#), now()),
            (SignedReport { id: Some("msg_other"), ..good }, now()),
            (SignedReport { id: None, ..good }, now()),
            (SignedReport { timestamp: Some("1614265331"), ..good }, now()),
            (SignedReport { timestamp: Some("x"), ..good }, now()),
            (SignedReport { timestamp: None, ..good }, now()),
            (good, now() + TimeDelta::seconds(301)),
            (good, now() - TimeDelta::seconds(301)),
        ] {
            assert!(verify(&report, &keys(SECRET), at).is_err(), "{report:?}");
        }
        assert!(verify(&good, &[], now()).is_err());
        assert!(verify(&good, &keys("whsec_AAAAAAAAAAAAAAAAAAAAAA=="), now()).is_err());
        assert_eq!(key(&"whsec_???".into()), None);
        assert_eq!(key(&"whsec_".into()), None);
    }
}
