//! Recovery codes, for whom an authenticator is lost: shown once, each of them counts once. Pure.

use kernel::Fault;
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// So many are made at a time.
pub(crate) const MADE: usize = 10;
/// Of so many characters, in groups: 125 bits, which nobody finds by trying them all, so a plain hash keeps them.
const LENGTH: usize = 25;
const GROUP: usize = 5;
/// Crockford's base 32: none of them is taken for another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A fresh code, as it is shown, and its hash.
pub(crate) fn fresh() -> Result<(SecretString, [u8; 32]), Fault> {
    let mut bytes = [0; LENGTH];
    OsRng.try_fill_bytes(&mut bytes).map_err(Fault::internal)?;
    let code: Vec<u8> = bytes.iter().map(|byte| ALPHABET[usize::from(byte % 32)]).collect();
    let groups: Vec<String> = code.chunks(GROUP).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    Ok((groups.join("-").into(), digest(&code)))
}

/// The hash of what may be a code, however it is written; `None` if it cannot be one.
pub(crate) fn hash(text: &str) -> Option<[u8; 32]> {
    let typed = text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    });
    let code: Vec<u8> = typed.map(|c| u8::try_from(c).ok().filter(|byte| ALPHABET.contains(byte))).collect::<Option<_>>()?;
    (code.len() == LENGTH).then(|| digest(&code))
}

fn digest(code: &[u8]) -> [u8; 32] {
    Sha256::new_with_prefix(b"14build/recovery-code").chain_update(code).finalize().into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_code_is_known_however_it_is_typed() {
        let (code, kept) = fresh().unwrap();
        let code = code.expose_secret();
        assert_eq!((code.len(), code.matches('-').count()), (29, 4));
        let sloppy = code.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        for typed in [code.to_owned(), code.replace('-', ""), sloppy] {
            assert_eq!(hash(&typed), Some(kept), "{typed}");
        }
        assert_ne!(fresh().unwrap().1, kept);
    }

    #[test]
    fn what_cannot_be_a_code_has_no_hash() {
        for wrong in
            ["", "123456", "UUUUU-UUUUU-UUUUU-UUUUU-UUUUU", "00000-00000-00000-00000-0000", "00000-00000-00000-00000-000000"]
        {
            assert_eq!(hash(wrong), None, "{wrong}");
        }
        assert!(hash("00000-00000-00000-00000-00000").is_some());
    }
}
