//! Text that people read: what a name, a title or a longer text consists of, one definition for all of them.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory as Category, GeneralCategoryGroup as Group, UnicodeGeneralCategory};

use crate::FieldFault;

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFlaw {
    /// There is nothing to be seen in it.
    Blank,
    /// It has more characters than this.
    TooLong(usize),
    /// A character that nobody sees, or that changes how the others are read.
    Character(char),
}

impl TextFlaw {
    /// The flaw as a fault of the field at `pointer`.
    #[must_use]
    pub fn at(self, pointer: impl Into<String>) -> FieldFault {
        let code = match self {
            Self::Blank => "REQUIRED",
            Self::TooLong(_) => "TOO_LONG",
            Self::Character(_) => "INVALID_CHARACTER",
        };
        FieldFault::new(pointer, code, self.to_string())
    }
}

impl fmt::Display for TextFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("must not be blank"),
            Self::TooLong(most) => write!(f, "must have at most {most} characters"),
            Self::Character(c) => write!(f, "must not contain the character U+{:04X}, which is not visible text", u32::from(*c)),
        }
    }
}

/// A name or a title as it is kept: one line, in Unicode's form NFC, without blanks around it, of 1 to `most` characters of which each is
/// seen. Two that look the same are the same more often than not; none looks empty.
///
/// # Errors
/// The first flaw.
pub fn line(text: &str, most: usize) -> Result<String, TextFlaw> {
    let text: String = text.nfc().collect();
    let text = text.trim();
    let hidden = |(at, c): (usize, char)| is_hidden(c) && !is_joiner_at(text, at, c);
    if let Some((_, c)) = text.char_indices().find(|pair| hidden(*pair)) {
        return Err(TextFlaw::Character(c));
    }
    measured(text, most)
}

/// A longer text as it is kept: lines, in NFC, without blanks around it, of 1 to `most` characters, something to be seen among them and no
/// control characters but line breaks and tabs.
///
/// # Errors
/// The first flaw.
pub fn prose(text: &str, most: usize) -> Result<String, TextFlaw> {
    let text: String = text.nfc().collect();
    let text = text.trim();
    if let Some(c) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(TextFlaw::Character(c));
    }
    measured(text, most)
}

/// A longer text that may be left out, as [`prose`]; where nothing is to be seen, there is none.
///
/// # Errors
/// The first flaw.
pub fn optional_prose(text: Option<&str>, most: usize) -> Result<Option<String>, TextFlaw> {
    text.filter(|text| !is_blank(text)).map(|text| prose(text, most)).transpose()
}

/// Whether there is nothing to be seen in a text.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    !text.chars().any(is_seen)
}

/// Whether nobody sees a character (controls, joiners, fillers, marks of direction), or nobody knows what it is.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    let category = c.general_category();
    let group = c.general_category_group();
    (group == Group::Other || matches!(category, Category::LineSeparator | Category::ParagraphSeparator)) || is_filler(c)
}

fn measured(text: &str, most: usize) -> Result<String, TextFlaw> {
    if is_blank(text) {
        Err(TextFlaw::Blank)
    } else if text.chars().count() > most {
        Err(TextFlaw::TooLong(most))
    } else {
        Ok(text.to_owned())
    }
}

fn is_seen(c: char) -> bool {
    let group = c.general_category_group();
    matches!(group, Group::Letter | Group::Number | Group::Punctuation | Group::Symbol) && !is_filler(c)
}

/// Letters, marks and symbols that leave nothing or a gap: combining grapheme joiner, fillers of Hangul, Khmer and Mongolian, blank Braille.
const fn is_filler(c: char) -> bool {
    matches!(
        c,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'
            ..='\u{180f}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
    )
}

/// Scripts such as Persian and Hindi, and pictures made of several, need joiners: between two characters that are not of ASCII.
fn is_joiner_at(text: &str, at: usize, c: char) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[at..].chars().nth(1);
    let foreign = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !c.is_whitespace() && !is_hidden(c));
    matches!(c, '\u{200c}' | '\u{200d}') && foreign(before) && foreign(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_the_world_pass_in_one_form() {
        for name in [
            "Ada Lovelace",
            "Müller & Söhne GmbH",
            "建設会社",
            "شرکت ساختمانی",
            "می\u{200c}خواهم",
            "👩\u{200d}🚒 Crew",
            "O’Brien",
        ] {
            assert_eq!(line(name, 200), Ok(name.to_owned()), "{name}");
        }
        assert_eq!(line(" Mu\u{308}ller\u{3000}", 200), Ok("Müller".to_owned()), "NFC, trimmed");
    }

    #[test]
    fn what_nobody_sees_is_no_name() {
        for blank in ["", " ", "\u{a0}\u{2003}", "\u{301}"] {
            assert_eq!(line(blank, 200), Err(TextFlaw::Blank), "{blank:?}");
            assert_eq!(prose(blank, 200), Err(TextFlaw::Blank), "{blank:?}");
        }
        for c in "\u{200b}\u{200c}\u{200d}\u{200e}\u{202e}\u{2066}\u{ad}\u{feff}\u{3164}\u{2800}\u{34f}\0\n\u{7f}\u{85}\u{2028}\u{e000}\u{e0041}".chars() {
            assert_eq!(line(&format!("a{c}b"), 200), Err(TextFlaw::Character(c)), "{c:?}");
        }
        assert!(line("\u{200b}", 200).is_err() && line("\u{3164}", 200).is_err());
        assert_eq!(prose("\u{200b}", 200), Err(TextFlaw::Blank));
        assert_eq!(prose("a\0", 200), Err(TextFlaw::Character('\0')));
        assert_eq!(prose(" two\n\tlines\r\n", 200), Ok("two\n\tlines".to_owned()));
        for none in [None, Some(""), Some(" \u{200b}\n")] {
            assert_eq!(optional_prose(none, 200), Ok(None), "{none:?}");
        }
        assert_eq!(optional_prose(Some(" text "), 200), Ok(Some("text".to_owned())));
        assert_eq!(optional_prose(Some("a\u{1}"), 200), Err(TextFlaw::Character('\u{1}')));
    }

    #[test]
    fn limits_count_characters() {
        assert!(line(&"ä".repeat(200), 200).is_ok());
        assert!(line(&"a\u{308}".repeat(200), 200).is_ok(), "as they are kept");
        assert_eq!(line(&"ä".repeat(201), 200), Err(TextFlaw::TooLong(200)));
    }
}
