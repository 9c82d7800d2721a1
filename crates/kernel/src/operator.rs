//! `Operator`: the person of the platform who settles by hand what no program decides, as it is recorded.

use std::fmt;
use std::str::FromStr;

use crate::text;

/// A person's name, or what a person says, in one line with a letter or a digit in it.
fn line(text: &str, most: usize) -> Option<String> {
    text::line(text, most).ok().filter(|text| text.chars().any(char::is_alphanumeric))
}

/// Who acts for the platform, by name: whoever types a command that moves, stops or settles something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator(String);

/// Why a text names no operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnOperator;

impl fmt::Display for NotAnOperator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the operator must be the name of the person who does this, such as \"Ada Lovelace\": 1 to 200 visible characters",
        )
    }
}

impl std::error::Error for NotAnOperator {}

impl FromStr for Operator {
    type Err = NotAnOperator;

    fn from_str(text: &str) -> Result<Self, NotAnOperator> {
        line(text, 200).map(Self).ok_or(NotAnOperator)
    }
}

impl Operator {
    /// The name as it is recorded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an operator did it, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

/// Why a text is no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAReason;

impl fmt::Display for NotAReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reason must say why, in one line of 1 to 1000 visible characters")
    }
}

impl std::error::Error for NotAReason {}

impl FromStr for Reason {
    type Err = NotAReason;

    fn from_str(text: &str) -> Result<Self, NotAReason> {
        line(text, 1000).map(Self).ok_or(NotAReason)
    }
}

impl Reason {
    /// The text as it is recorded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// That a person decided, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Who.
    pub operator: Operator,
    /// Why, if it was said.
    pub reason: Option<Reason>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_a_visible_name_in_one_line() {
        assert_eq!("  Ada Lovelace ".parse::<Operator>().expect("a name").as_str(), "Ada Lovelace");
        assert_eq!("Зоя 陳".parse::<Operator>().expect("a name").as_str(), "Зоя 陳");
        for nobody in ["", "  ", "-", "\u{200b}", "Ada\u{202e}", "Ada\u{34f}", "\u{e000}1", "Ada\nLovelace", &"x".repeat(201)] {
            assert_eq!(nobody.parse::<Operator>(), Err(NotAnOperator), "{nobody:?}");
        }
        assert_eq!("money found".parse::<Reason>().expect("a reason").as_str(), "money found");
        assert_eq!("\u{0}".parse::<Reason>(), Err(NotAReason));
    }
}
