//! Authenticators that show a code every half minute (TOTP, RFC 6238), pure.

use fast_qr::QRBuilder;
use fast_qr::convert::svg::SvgBuilder;
use kernel::{Fault, Timestamp};
use rand::TryRngCore;
use rand::rngs::OsRng;
use totp_rs::{Builder, Secret, Totp};

/// What every authenticator knows: SHA-1, six digits, half a minute. More of them would not do as they are told than would.
const PERIOD: i64 = 30;
const DIGITS: usize = 6;
/// Who shows the codes, as the authenticator calls it.
const ISSUER: &str = "14Build";

/// A fresh secret: 160 bits, as RFC 4226 recommends.
pub(crate) fn fresh() -> Result<[u8; 20], Fault> {
    let mut secret = [0; 20];
    OsRng.try_fill_bytes(&mut secret).map_err(Fault::internal)?;
    Ok(secret)
}

/// The secret as people type it.
pub(crate) fn base32(secret: [u8; 20]) -> String {
    Secret::new_stack(secret).to_base32()
}

/// Whether a text has the form of a code.
pub(crate) fn is_code(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The half minute of which this is the code, counted since 1970: the present one, the one before or the one after it.
pub(crate) fn step_of(secret: &[u8], code: &str, now: Timestamp) -> Result<Option<i64>, Fault> {
    let seconds = u64::try_from(now.timestamp()).map_err(Fault::internal)?;
    let step = totp(secret)?.check(code, seconds);
    step.map(|step| i64::try_from(step).map_err(Fault::internal)).transpose()
}

fn totp(secret: &[u8]) -> Result<Totp, Fault> {
    Builder::new().with_secret(secret.to_vec()).build().map_err(|error| Fault::internal(error.to_string()))
}

/// All that an authenticator must know, for the person of this address.
pub(crate) fn uri(secret: [u8; 20], email: &str) -> String {
    let (account, secret) = (percent_encoded(email), base32(secret));
    format!("otpauth://totp/{ISSUER}:{account}?secret={secret}&issuer={ISSUER}&algorithm=SHA1&digits={DIGITS}&period={PERIOD}")
}

/// As one part of a path.
fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A text as a QR code: an SVG image.
pub(crate) fn qr(text: &str) -> Result<String, Fault> {
    let code = QRBuilder::new(text).build().map_err(|_| Fault::internal("more than a QR code holds"))?;
    Ok(SvgBuilder::default().to_str(&code))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;

    /// The secret of the test vectors of RFC 6238, appendix B.
    const SECRET: [u8; 20] = *b"12345678901234567890";

    fn at(seconds: i64) -> Timestamp {
        chrono::DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_standard_with_the_half_minute_of_which_they_are() {
        // Their last six digits.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(step_of(&SECRET, code, at(seconds)).unwrap(), Some(seconds / PERIOD), "{code}");
            for (later, counts) in [(PERIOD, true), (-PERIOD, true), (2 * PERIOD, false), (-2 * PERIOD, false)] {
                let step = step_of(&SECRET, code, at(seconds + later)).unwrap_or_default();
                assert_eq!(step.is_some(), counts && seconds + later >= 0, "{code} {later} seconds later");
            }
        }
        for wrong in ["", "28708", "2870822", "+28708", "28708２"] {
            assert_eq!(step_of(&SECRET, wrong, at(59)).unwrap(), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_authenticator_is_told_all_that_it_must_know() {
        let uri = uri(SECRET, "μ+a@example.com");
        assert_eq!(
            uri,
            "otpauth://totp/14Build:%CE%BC%2Ba@example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=14Build&algorithm=SHA1&digits=6&period=30"
        );
        let svg = qr(&uri).unwrap();
        assert!(svg.starts_with("<svg viewBox=\"0 0 ") && svg.ends_with("</svg>"), "{svg}");
        assert!(qr(&"x".repeat(3000)).is_err(), "more than a QR code holds");
    }

    #[test]
    fn six_digits_have_the_form_of_a_code() {
        assert!(is_code("005924"));
        assert!(!is_code("00592") && !is_code("0059245") && !is_code("00592a") && !is_code("٠٠٥٩٢٤"));
    }
}
