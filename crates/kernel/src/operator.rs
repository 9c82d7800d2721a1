//! `Operator`: the person of the platform who settles by hand what no program decides, as it is recorded.

use std::fmt;
use std::str::FromStr;

use crate::text;

/// Makes a type of texts that people say in one line, with a letter or a digit in it, and why another text is none.
macro_rules! said {
    ($(#[$about:meta])* $said:ident of $most:literal, $(#[$about_flaw:meta])* else $flaw:ident: $why:literal) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $said(String);

        $(#[$about_flaw])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $flaw;

        impl fmt::Display for $flaw {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($why)
            }
        }

        impl std::error::Error for $flaw {}

        impl FromStr for $said {
            type Err = $flaw;

            fn from_str(text: &str) -> Result<Self, $flaw> {
                let line = text::line(text, $most).ok();
                line.filter(|line| line.chars().any(char::is_alphanumeric)).map(Self).ok_or($flaw)
            }
        }

        impl $said {
            /// The text as it is recorded.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $said {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

said! {
    /// Who acts for the platform, by name: whoever types a command that moves, stops or settles something.
    Operator of 200,
    /// Why a text names no operator.
    else NotAnOperator:
        "the operator must be the name of the person who does this, such as \"Ada Lovelace\": 1 to 200 visible characters"
}

said! {
    /// Why an operator did it, in one line.
    Reason of 1000,
    /// Why a text is no reason.
    else NotAReason: "the reason must say why, in one line of 1 to 1000 visible characters"
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
