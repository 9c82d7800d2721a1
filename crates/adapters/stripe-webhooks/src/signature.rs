//! `Stripe-Signature`: HMAC-SHA256 over `<t>.<raw body>`, compared in constant time, not older than five minutes.

use hmac::{Hmac, KeyInit, Mac};
use kernel::Timestamp;
use provider_events::Refused;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How far the sender's clock may be from ours, either way.
const TOLERANCE_SECONDS: i64 = 300;

/// Passes if one of the signatures was made with one of the secrets, lately.
pub(crate) fn verify(header: Option<&str>, body: &[u8], secrets: &[SecretString], now: Timestamp) -> Result<(), Refused> {
    let header = header.ok_or(Refused("the Stripe-Signature header is missing"))?;
    let mut time = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", text)) => time = text.parse::<i64>().ok(),
            Some(("v1", text)) => signatures.extend(hex::decode(text)),
            _ => {}
        }
    }
    let time = time.ok_or(Refused("its time is missing"))?;
    if now.timestamp().abs_diff(time) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(Refused("it is too old, or from the future"));
    }
    let mut holds = false;
    for secret in secrets {
        let expected = sign(secret, time, body)?;
        for signature in &signatures {
            holds |= bool::from(expected.as_slice().ct_eq(signature));
        }
    }
    if holds { Ok(()) } else { Err(Refused("it was not made with a secret of this endpoint")) }
}

fn sign(secret: &SecretString, time: i64, body: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
        .map_err(|_| Refused("a secret of this endpoint cannot be used"))?;
    mac.update(format!("{time}.").as_bytes());
    mac.update(body);
    Ok(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    fn now() -> Timestamp {
        chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a time")
    }

    fn header(secret: &str, time: i64) -> String {
        format!("t={time},v1={}", hex::encode(sign(&secret.into(), time, BODY).expect("signs")))
    }

    #[test]
    fn a_known_signature_is_made() {
        // openssl: printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
        let known = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";
        assert_eq!(header("whsec_test", 1_700_000_000), format!("t=1700000000,v1={known}"));
    }

    #[test]
    fn any_of_several_secrets_and_signatures_will_do() {
        let secrets = ["whsec_new".into(), "whsec_old".into()];
        let time = now().timestamp();
        assert!(verify(Some(&header("whsec_old", time)), BODY, &secrets, now()).is_ok());
        let both =
            format!("{},v1={},v0=abc", header("whsec_other", time), &header("whsec_new", time).split_once("v1=").expect("v1").1);
        assert!(verify(Some(&both), BODY, &secrets, now()).is_ok());
    }

    #[test]
    fn what_does_not_hold_is_refused() {
        let secrets = ["whsec_test".into()];
        let good = header("whsec_test", now().timestamp());
        for (header, body, at) in [
            (None, BODY, now()),
            (Some(""), BODY, now()),
            (Some("v1=00"), BODY, now()),
            (Some("t=1700000000"), BODY, now()),
            (Some("t=1700000000,v1=zz"), BODY, now()),
            (Some("t=99999999999999999999,v1=00"), BODY, now()),
            (Some(good.as_str()), br#"{"id":"evt_2"}"#.as_slice(), now()),
            (Some(good.as_str()), BODY, now() + TimeDelta::seconds(301)),
            (Some(good.as_str()), BODY, now() - TimeDelta::seconds(301)),
        ] {
            assert!(matches!(verify(header, body, &secrets, at), Err(Refused(_))), "{header:?}");
        }
        assert!(verify(Some(&good), BODY, &[], now()).is_err());
        assert!(verify(Some(&good), BODY, &secrets, now() + TimeDelta::seconds(300)).is_ok());
    }
}
