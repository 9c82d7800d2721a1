//! What makes an email: the one home of its form, for sign-in, for people and for invitations.
//!
//! An address is as RFC 5321 and 6531 have it, without the oddities (quoted local parts, literals of hosts, comments). What two people would
//! take for the same address is the same: the key folds case, width and composition. What looks like another's address is none at all:
//! invisible characters, mixed scripts, and words that consist of letters of another script which look like ASCII throughout, unless the
//! domain's last label is of such a script too. What is left of pairs that look alike (a dotless i among letters that have no double in
//! ASCII) has one look ([`Email::look`]), and of one look there is one account.

use std::fmt;

use kernel::FieldFault;
use kernel::text::is_hidden;
use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton;
use unicode_security::{RestrictionLevel, RestrictionLevelDetection};

/// Where the emails of removed accounts point to: a reserved domain (RFC 2606), so no mail can go there.
pub const REMOVED_DOMAIN: &str = "removed.invalid";

/// The most octets of the part before the @ and of the whole, the domain counted as it travels (RFC 5321 §4.5.3.1).
const MOST_LOCAL: usize = 64;
const MOST: usize = 254;

/// An address that can be somebody's; that mail arrives there is for a mail to prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    written: String,
    key: String,
    look: Option<String>,
}

/// Why a text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Not of the form `name@domain.tld`.
    Form,
    /// Longer than an address may be.
    TooLong,
    /// A character that nobody sees.
    Hidden(char),
    /// A domain that cannot be one.
    Domain,
    /// Letters that are easily taken for others.
    LookAlike,
    /// The domain that marks removed accounts.
    Reserved,
}

impl Flaw {
    /// The flaw as a fault of the field at `pointer`.
    #[must_use]
    pub fn at(self, pointer: impl Into<String>) -> FieldFault {
        let code = match self {
            Self::Form | Self::Domain | Self::Reserved => "INVALID_FORMAT",
            Self::TooLong => "TOO_LONG",
            Self::Hidden(_) => "INVALID_CHARACTER",
            Self::LookAlike => "LOOKS_LIKE_ANOTHER",
        };
        FieldFault::new(pointer, code, self.to_string())
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("must be an email address, such as ada@example.com, and nothing beside it"),
            Self::TooLong => write!(f, "must have at most {MOST_LOCAL} bytes before the @ and {MOST} in all"),
            Self::Hidden(c) => write!(f, "must not contain the character U+{:04X}, which nobody sees", u32::from(*c)),
            Self::Domain => f.write_str("must have a domain of the internet after the @"),
            Self::LookAlike => f.write_str(
                "must not mix scripts, or have letters that look like those of another: write the address as it is registered",
            ),
            Self::Reserved => f.write_str("must be an address that mail can go to"),
        }
    }
}

impl Email {
    /// The address that `text` is, blanks around it aside.
    ///
    /// # Errors
    /// The first flaw.
    pub fn parse(text: &str) -> Result<Self, Flaw> {
        let text = text.trim();
        if let Some(c) = text.chars().find(|c| is_hidden(*c)) {
            return Err(Flaw::Hidden(c));
        }
        let text: String = text.nfkc().collect();
        let (local, domain) = text.rsplit_once('@').ok_or(Flaw::Form)?;
        check_local(local)?;
        let travelling = idna::domain_to_ascii_strict(domain).map_err(|_| Flaw::Domain)?;
        let (shown, decoded) = idna::domain_to_unicode(&travelling);
        decoded.map_err(|_| Flaw::Domain)?;
        check_domain(&shown)?;
        if local.len() > MOST_LOCAL || local.len() + 1 + travelling.len() > MOST {
            return Err(Flaw::TooLong);
        }
        let written = if domain.is_ascii() { text.clone() } else { format!("{local}@{shown}") };
        let folded: String = local.to_lowercase().nfkc().collect();
        if is_disguised(&folded, &shown) {
            return Err(Flaw::LookAlike);
        }
        let key = format!("{folded}@{shown}");
        let look = Some(look_of(&key)).filter(|look| *look != key);
        Ok(Self { written, key, look })
    }

    /// As it was written, in one form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The form in which addresses are compared: what makes two spellings one person.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Its domain, as domains are compared.
    #[must_use]
    pub fn domain(&self) -> &str {
        domain_of(&self.key)
    }

    /// What the address looks like, where its key does not tell: two of one look are not told apart by whoever reads them.
    #[must_use]
    pub fn look(&self) -> Option<&str> {
        self.look.as_deref()
    }
}

/// The key of an address; of what is none, something that no address has as its key, so that it may be looked up in vain.
#[must_use]
pub fn key(text: &str) -> String {
    Email::parse(text).map_or_else(|_| text.trim().to_lowercase(), |email| email.key)
}

/// The domain that `text` is, in the form in which domains of addresses are compared.
///
/// # Errors
/// The first flaw.
pub fn domain(text: &str) -> Result<String, Flaw> {
    let text = text.trim();
    if text.contains('@') {
        return Err(Flaw::Form);
    }
    Email::parse(&format!("x@{text}")).map(|email| email.domain().to_owned())
}

/// The domain of an address's key.
#[must_use]
pub fn domain_of(key: &str) -> &str {
    key.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// A dot-atom of RFC 5322 with the letters, marks and digits of RFC 6531.
fn check_local(local: &str) -> Result<(), Flaw> {
    let ascii = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let dots = local.split('.').any(str::is_empty);
    if dots || local.chars().any(|c| if c.is_ascii() { !ascii(c) } else { c.is_whitespace() }) {
        return Err(Flaw::Form);
    }
    is_clear(local)
}

fn check_domain(domain: &str) -> Result<(), Flaw> {
    let (_, top) = domain.rsplit_once('.').ok_or(Flaw::Domain)?;
    if top.is_empty() || top.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Flaw::Domain);
    }
    if domain == REMOVED_DOMAIN || domain.strip_suffix(REMOVED_DOMAIN).is_some_and(|rest| rest.ends_with('.')) {
        return Err(Flaw::Reserved);
    }
    for label in domain.split('.') {
        is_clear(label)?;
        if is_disguised(label, domain) {
            return Err(Flaw::LookAlike);
        }
    }
    Ok(())
}

/// Whether a word of an address reads as ASCII and is not: Cyrillic `ѕсоре`, Turkish `adrıan`. Under a domain of its own script it is what
/// it looks like.
fn is_disguised(word: &str, domain: &str) -> bool {
    let top = domain.rsplit('.').next().unwrap_or(domain);
    !word.is_ascii() && top.is_ascii() && look_of(word).is_ascii()
}

/// What a text looks like: for each character that is not of ASCII the one that it is taken for (the skeleton of UTS 39). ASCII stays: `rn`
/// and `m`, `1` and `l` are different addresses wherever there is mail.
fn look_of(text: &str) -> String {
    let mut look = String::with_capacity(text.len());
    for c in text.nfd() {
        if c.is_ascii() {
            look.push(c);
        } else {
            look.extend(skeleton(c.encode_utf8(&mut [0; 4])));
        }
    }
    // A dot above adds nothing to a letter that has one: lower case of the Turkish İ.
    look.to_lowercase().replace("i\u{307}", "i").replace("j\u{307}", "j")
}

/// Letters of one script, or of those that are written together (UTS 39, highly restrictive).
fn is_clear(text: &str) -> Result<(), Flaw> {
    let letters: String = text.chars().filter(|c| !c.is_ascii_punctuation()).collect();
    if letters.is_empty() || letters.detect_restriction_level() <= RestrictionLevel::HighlyRestrictive {
        Ok(())
    } else {
        Err(Flaw::LookAlike)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) {
        assert_eq!(Email::parse(a).unwrap().key(), Email::parse(b).unwrap().key(), "{a} and {b}");
    }

    #[test]
    fn an_email_is_one_person_however_it_is_written() {
        assert_eq!(key(" Ada@Example.COM "), "ada@example.com");
        assert_eq!(Email::parse(" Ada@Example.COM ").unwrap().as_str(), "Ada@Example.COM");
        same("ａｄａ@example.com", "ada@example.com");
        same("ada@ｅxample。com", "ada@example.com");
        same("ju\u{308}rgen@example.com", "jürgen@example.com");
        same("JÜRGEN@example.com", "jürgen@example.com");
        same("ada@Bu\u{308}cher.example", "ada@xn--bcher-kva.example");
        assert_eq!(key("ada@xn--bcher-kva.example"), "ada@bücher.example");
    }

    #[test]
    fn a_domain_is_one_however_it_is_written_and_no_other() {
        assert_eq!(domain(" Example.COM "), Ok("example.com".to_owned()));
        assert_eq!(domain("xn--bcher-kva.example"), domain("BÜCHER.example"));
        assert_eq!(Email::parse("ada@Bücher.Example").unwrap().domain(), domain("bücher.example").unwrap());
        assert_eq!(domain_of("a@b@example.com"), "example.com");
        for none in [
            "",
            "example",
            "a@example.com",
            "exa mple.com",
            "example..com",
            "example.com.",
            "*.example.com",
            "ехаmple.com",
            "1.2.3.4",
        ] {
            assert!(domain(none).is_err(), "{none}");
        }
    }

    #[test]
    fn addresses_of_all_the_world_pass() {
        for email in [
            "Ada@Example.com",
            "a.b+c_d-e@sub.example.co.uk",
            "o'brien@example.com",
            "用户@例え.jp",
            "анна@пример.рф",
            "a@b.c",
            "user%part@xn--bcher-kva.example",
        ] {
            assert!(Email::parse(email).is_ok(), "{email}: {:?}", Email::parse(email));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for email in [
            "a",
            "@b.c",
            "a b@c.de",
            "a@b@c.de",
            "Ada <ada@b.de>",
            "\"a b\"@c.de",
            "a..b@c.de",
            ".a@c.de",
            "a.@c.de",
            "a(x)@c.de",
        ] {
            assert_eq!(Email::parse(email), Err(Flaw::Form), "{email}");
        }
        for email in
            ["a@b", "a@b..c", "a@-b.de", "a@b.de.", "a@[127.0.0.1]", "a@127.0.0.1", "a@b_c.de", "a@b.de>", "a@", "a@xn--a.de"]
        {
            assert!(matches!(Email::parse(email), Err(Flaw::Domain | Flaw::Form)), "{email}: {:?}", Email::parse(email));
        }
        for hidden in ['\u{200b}', '\u{200d}', '\u{202e}', '\u{ad}', '\u{feff}', '\u{2060}', '\u{3164}', '\n', '\0'] {
            for email in [format!("a{hidden}da@example.com"), format!("ada@exa{hidden}mple.com")] {
                assert_eq!(Email::parse(&email), Err(Flaw::Hidden(hidden)), "{email:?}");
            }
        }
        assert_eq!(Email::parse("removed-1@Removed.invalid"), Err(Flaw::Reserved));
        assert_eq!(Email::parse("x@a.removed.invalid"), Err(Flaw::Reserved));
    }

    #[test]
    fn what_looks_like_anothers_address_is_none() {
        for email in
            ["ada@ex\u{430}mple.com", "ada@аррӏе.com", "ad\u{430}@example.com", "ada@xn--80ak6aa92e.com", "ada@pαypal.com"]
        {
            assert_eq!(Email::parse(email), Err(Flaw::LookAlike), "{email}");
        }
        // Words of one script that read as ASCII: all Cyrillic, all Greek, Latin without a dot, and the dotted capital.
        for local in [
            "\u{455}\u{441}\u{43e}\u{440}\u{435}",
            "\u{3c1}\u{3bf}\u{3c1}",
            "adr\u{131}an",
            "\u{130}brahim",
            "хор",
            "ѕсоре.оса",
            "ѕсоре+1",
        ] {
            for domain in ["example.com", "пример.com"] {
                assert_eq!(Email::parse(&format!("{local}@{domain}")), Err(Flaw::LookAlike), "{local}@{domain}");
            }
        }
    }

    #[test]
    fn words_of_other_scripts_stay_addresses() {
        for email in [
            "анна@example.com",
            "оса@пример.рф",
            "ışık@example.com",
            "jos\u{e9}@example.com",
            "γιώργος@example.com",
            "用户@example.com",
        ] {
            assert!(Email::parse(email).is_ok(), "{email}: {:?}", Email::parse(email));
        }
    }

    #[test]
    fn what_is_left_of_look_alikes_has_one_look() {
        let look = |email: &str| {
            let email = Email::parse(email).unwrap();
            email.look().unwrap_or(email.key()).to_owned()
        };
        for (a, b) in [
            ("j\u{fc}rgin@example.com", "j\u{fc}rg\u{131}n@example.com"),
            ("oca@пример.рф", "\u{43e}\u{441}\u{430}@пример.рф"),
            ("dæmoné@example.com", "daemoné@example.com"),
        ] {
            assert_ne!(key(a), key(b));
            assert_eq!(look(a), look(b), "{a} and {b}");
        }
        for (a, b) in [
            ("modem@example.com", "modern@example.com"),
            ("bob1@example.com", "bobl@example.com"),
            ("jürgen@example.com", "jurgen@example.com"),
        ] {
            assert_ne!(look(a), look(b), "{a} and {b}");
        }
        assert_eq!(Email::parse("Ada@Example.com").unwrap().look(), None, "the key tells");
    }

    #[test]
    fn limits_are_those_of_mail() {
        let of = |local: usize, domain: usize| {
            let label = "d".repeat(61);
            let domain = format!("{}.{}", vec![label; 4].join("."), "c".repeat(3)).chars().rev().take(domain).collect::<String>();
            Email::parse(&format!("{}@{}", "l".repeat(local), domain.chars().rev().collect::<String>()))
        };
        assert!(of(64, 189).is_ok(), "{:?}", of(64, 189));
        assert_eq!(of(64, 191), Err(Flaw::TooLong));
        assert_eq!(of(65, 100), Err(Flaw::TooLong));
        assert_eq!(Email::parse(&format!("{}@example.com", "ü".repeat(33))), Err(Flaw::TooLong), "octets");
    }
}
