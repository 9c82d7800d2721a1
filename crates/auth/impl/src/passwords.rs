//! Which passwords are taken, pure: by length, and by what whoever guesses tries first (NIST SP 800-63B; no rules about kinds of characters).

use auth_api::email;
use kernel::FieldFault;

const LEAST: usize = 8;
const MOST: usize = 128;
/// So many parts that are no run a password has at least.
const PARTS: usize = 5;
/// So many letters that are not the person's own.
const LETTERS: usize = 4;
/// A run has at least so many characters, a word of the person's own as well one more.
const RUN: usize = 3;
/// Words of whoever's this is.
const OURS: &str = "14build fourteenbuild";

/// In lower case, sorted by their bytes; where they are from stands beside them.
const COMMON: &str = include_str!("../data/common-passwords.txt");

/// Keys beside and below each other.
const ROWS: &[&str] = &[
    "1234567890",
    "qwertyuiop",
    "qwertzuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "1qaz",
    "2wsx",
    "3edc",
    "4rfv",
    "5tgb",
    "6yhn",
    "7ujm",
];

/// What is wrong with the password of who signs in with `email`; `own` is what the person and their organisation are called.
pub(crate) fn fault(pointer: &str, email: &str, own: &[&str], password: &str) -> Option<FieldFault> {
    let email = email::key(email);
    let length = password.chars().count();
    let lower = password.to_lowercase();
    let (code, detail) = if length < LEAST {
        ("TOO_SHORT", format!("must have at least {LEAST} characters"))
    } else if length > MOST {
        ("TOO_LONG", format!("must have at most {MOST} characters"))
    } else if is_common(&lower) {
        ("TOO_COMMON", "is one of the passwords that are tried first: choose another".to_owned())
    } else if lower == email || email.split('@').next() == Some(&lower) {
        ("SAME_AS_EMAIL", "must not be the email".to_owned())
    } else if is_personal(&lower, &email, own) {
        ("TOO_PERSONAL", "is little more than your name, email or organisation, or ours: add words of another kind".to_owned())
    } else if parts(&lower) < PARTS {
        ("TOO_SIMPLE", "is little more than repeated characters or keys in a row: mix more".to_owned())
    } else {
        return None;
    };
    Some(FieldFault::new(pointer, code, detail))
}

/// Looks among the lines, which are sorted.
fn is_common(lower: &str) -> bool {
    let (mut from, mut to) = (0, COMMON.len());
    while from < to {
        // The line in which the middle is; lines end with a line feed, which is a whole character in UTF-8.
        let middle = from.midpoint(to);
        let start = COMMON.as_bytes()[from..middle].iter().rposition(|byte| *byte == b'\n').map_or(from, |at| from + at + 1);
        let end = COMMON.as_bytes()[middle..to].iter().position(|byte| *byte == b'\n').map_or(to, |at| middle + at);
        match COMMON.as_bytes()[start..end].cmp(lower.as_bytes()) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => from = (end + 1).min(to),
            std::cmp::Ordering::Greater => to = start,
        }
    }
    false
}

/// Whether hardly any letters are left without the words of the person, the organisation and the platform.
fn is_personal(lower: &str, email: &str, own: &[&str]) -> bool {
    let texts = own.iter().copied().chain([email, OURS]).map(str::to_lowercase);
    let mut words: Vec<String> = Vec::new();
    for text in texts {
        let all = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > RUN);
        words.extend(all.map(str::to_owned));
    }
    // The longest first: what is within another word is found with it.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let mut rest = lower.to_owned();
    for word in &words {
        rest = rest.replace(word.as_str(), " ");
    }
    rest != lower && rest.chars().filter(|c| c.is_alphabetic()).count() < LETTERS
}

/// How many parts there are that do not follow from what is before them: of what is repeated the first, of a run one.
fn parts(lower: &str) -> usize {
    let all: Vec<char> = lower.chars().collect();
    let repeats = |length: &usize| (*length..all.len()).all(|at| all[at] == all[at - length]);
    let block = (1..=all.len() / 2).find(repeats).unwrap_or(all.len());
    let (mut at, mut found) = (0, 0);
    while at < block {
        let run = run_at(&all[at..block]);
        at += if run < RUN { 1 } else { run };
        found += 1;
    }
    found
}

/// How many characters from the beginning follow each other in one way.
fn run_at(all: &[char]) -> usize {
    let along = |step: &dyn Fn(char, char) -> bool| 1 + all.windows(2).take_while(|pair| step(pair[0], pair[1])).count();
    let next = |a: char, b: char| a.is_alphanumeric() && u32::from(a) + 1 == u32::from(b);
    let beside = |a: char, b: char| ROWS.iter().any(|row| row.chars().zip(row.chars().skip(1)).any(|pair| pair == (a, b)));
    let ways = [along(&|a, b| a == b), along(&next), along(&|a, b| next(b, a)), along(&beside), along(&|a, b| beside(b, a))];
    ways.into_iter().max().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(password: &str) -> Option<&'static str> {
        fault("/password", "longname@nordbau.example", &["Ada Lovelace", "Müller Bau GmbH"], password).map(|fault| fault.code)
    }

    #[test]
    fn the_list_is_sorted_and_holds_what_the_length_lets_through() {
        let all: Vec<&str> = COMMON.lines().collect();
        assert!(all.len() > 8000, "{}", all.len());
        assert!(all.is_sorted() && all.iter().all(|line| line.chars().count() >= LEAST && *line == line.to_lowercase()));
        assert!(all.iter().all(|line| is_common(line)), "each is found, the first and the last, too");
        for other in ["", "zzzzzzzzzzzzzzzz~", "correct horse battery staple", "\n", "password\npassword1"] {
            assert!(!is_common(other), "{other:?}");
        }
    }

    #[test]
    fn what_is_refused_says_why() {
        for (password, expected) in [
            ("short", Some("TOO_SHORT")),
            ("Password123", Some("TOO_COMMON")),
            ("ПАРОЛЬ", Some("TOO_SHORT")),
            ("LongName", Some("SAME_AS_EMAIL")),
            ("longname@nordbau.example", Some("SAME_AS_EMAIL")),
            ("Nordbau-2026!", Some("TOO_PERSONAL")),
            ("lovelace.ada7", Some("TOO_PERSONAL")),
            ("Müller99999999", Some("TOO_PERSONAL")),
            ("14build14build", Some("TOO_PERSONAL")),
            ("ääääääääää", Some("TOO_SIMPLE")),
            ("xyxyxyxyxyx", Some("TOO_SIMPLE")),
            ("hgfdsa654321", Some("TOO_SIMPLE")),
            ("aaaabbbbcccc", Some("TOO_SIMPLE")),
            ("abcdefghijklmnop", Some("TOO_SIMPLE")),
            ("lovelace likes zebras", None),
            ("correct horse", None),
            ("xk3vq9pz", None),
        ] {
            assert_eq!(code(password), expected, "{password}");
        }
    }

    #[test]
    fn the_longest_is_taken_and_no_longer() {
        assert_eq!(code(&"zebra moon 7 ".repeat(20)[..128]), None);
        assert_eq!(code(&"zebra moon 7 ".repeat(20)[..129]), Some("TOO_LONG"));
    }
}
