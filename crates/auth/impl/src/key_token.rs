//! API keys as text: what they begin with, 256 random bits in base 62, and a checksum by which a random string is told from a key for nothing.

use kernel::Fault;
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::token::TokenHash;

/// With what keys begin where money is real, and where it is played. Those who look for leaked secrets know both.
const LIVE: &str = "b14_live_";
const TEST: &str = "b14_test_";
/// So many digits have 256 bits, and so many a checksum of 32.
const BITS: usize = 43;
const SUM: usize = 6;
/// So much of a key is shown.
const SHOWN: usize = 12;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A fresh key.
pub(crate) struct Fresh {
    pub(crate) secret: SecretString,
    pub(crate) shown: String,
    pub(crate) hash: TokenHash,
}

/// A fresh key, for real money or not.
pub(crate) fn fresh(live: bool) -> Result<Fresh, Fault> {
    let mut bytes = [0; 32];
    OsRng.try_fill_bytes(&mut bytes).map_err(Fault::internal)?;
    let text = written(if live { LIVE } else { TEST }, &bytes);
    let hash = hash(&text).ok_or_else(|| Fault::internal("a fresh key is none"))?;
    Ok(Fresh { shown: text.chars().take(SHOWN).collect(), secret: text.into(), hash })
}

/// The hash of what may be a key; `None` if it cannot be one.
pub(crate) fn hash(key: &str) -> Option<TokenHash> {
    let rest = key.strip_prefix(LIVE).or_else(|| key.strip_prefix(TEST))?;
    let digits = rest.len() == BITS + SUM && rest.bytes().all(|byte| DIGITS.contains(&byte));
    let (said, sum) = key.split_at_checked(key.len().checked_sub(SUM)?)?;
    (digits && sum == checksum(said)).then(|| Sha256::digest(key.as_bytes()).into())
}

fn written(prefix: &str, bytes: &[u8]) -> String {
    let said = format!("{prefix}{}", base_62(bytes, BITS));
    let sum = checksum(&said);
    format!("{said}{sum}")
}

fn checksum(text: &str) -> String {
    base_62(&crc_32(text.as_bytes()).to_be_bytes(), SUM)
}

/// A number, the most significant byte first, in so many digits.
fn base_62(number: &[u8], length: usize) -> String {
    let mut number = number.to_vec();
    let digit = |number: &mut Vec<u8>| {
        let mut rest = 0_u32;
        for byte in number {
            let value = (rest << 8) | u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            rest = value % 62;
        }
        char::from(DIGITS[rest as usize])
    };
    let last_first: Vec<char> = (0..length).map(|_| digit(&mut number)).collect();
    last_first.into_iter().rev().collect()
}

/// CRC-32 as of IEEE 802.3 and of everybody.
fn crc_32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_key_is_known_by_its_form_and_its_checksum() {
        let (live, test) = (fresh(true).unwrap(), fresh(false).unwrap());
        let (text, other) = (live.secret.expose_secret(), test.secret.expose_secret());
        assert!(text.starts_with("b14_live_") && other.starts_with("b14_test_"));
        assert_eq!((text.len(), text.get(..12)), (58, Some(live.shown.as_str())));
        assert_eq!(hash(text), Some(live.hash));
        assert_ne!(live.hash, test.hash);
        for at in 0..text.len() {
            let mut changed = text.to_owned().into_bytes();
            changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
            assert_eq!(hash(&String::from_utf8(changed).unwrap()), None, "the character {at}");
        }
        for wrong in ["", "b14_live_", "b14_live_ü", &text[1..], &text[..57], format!("{text}0").as_str(), "short"] {
            assert_eq!(hash(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_is_written_is_what_others_reckon() {
        assert_eq!(crc_32(b"123456789"), 0xCBF4_3926);
        assert_eq!(base_62(&[0, 0], 3), "000");
        assert_eq!(base_62(&[61], 2), "0z");
        assert_eq!(base_62(&[0xff], 3), "047", "4 × 62 + 7");
        assert_eq!(base_62(&[1, 0], 2), "48", "the most significant byte first");
        assert_eq!(base_62(&[0xff; 32], BITS).len(), BITS);
        assert_eq!(
            written(LIVE, &[0; 32]),
            format!("b14_live_{}{}", "0".repeat(43), checksum(&format!("b14_live_{}", "0".repeat(43))))
        );
    }
}
