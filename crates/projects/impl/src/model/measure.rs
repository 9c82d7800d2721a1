//! Units of measure: the codes of UNECE Recommendations 20 and 21, and the usual spellings of those that building needs.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The code of a sum for the whole.
pub(crate) const LUMP_SUM: &str = "LS";

/// Code and usual spellings, in lower case without blanks, dots and dashes, `²` and `³` as digits.
const UNITS: &[(&str, &[&str])] = &[
    (
        "MTR",
        &[
            "m",
            "lm",
            "lfm",
            "lfdm",
            "rm",
            "rmt",
            "rmtr",
            "runningmetre",
            "runningmeter",
            "metre",
            "metres",
            "meter",
            "meters",
            "ml",
        ],
    ),
    ("MTK", &["m2", "m^2", "sqm", "qm", "sqmtr", "sqmt", "squaremetre", "squaremetres", "squaremeter", "squaremeters"]),
    ("MTQ", &["m3", "m^3", "cum", "cbm", "cumtr", "cumt", "cubicmetre", "cubicmetres", "cubicmeter", "cubicmeters"]),
    ("MMT", &["mm", "millimetre", "millimeter"]),
    ("CMT", &["cm", "centimetre", "centimeter"]),
    ("KMT", &["km", "kilometre", "kilometres", "kilometer", "kilometers"]),
    ("FOT", &["foot", "feet", "rft", "lft"]),
    ("FTK", &["ft2", "sqft", "sft", "squarefoot", "squarefeet"]),
    ("FTQ", &["ft3", "cuft", "cft", "cubicfoot", "cubicfeet"]),
    ("HAR", &["ha", "hectare", "hectares", "hektar"]),
    ("GRM", &["g", "gram", "grams", "gramm"]),
    ("KGM", &["kg", "kgs", "kilo", "kilogram", "kilograms", "kilogramm"]),
    ("TNE", &["t", "to", "ton", "tons", "tonne", "tonnes"]),
    ("LTR", &["l", "ltr", "lit", "litre", "litres", "liter", "liters"]),
    (
        "H87",
        &[
            "nr", "no", "nos", "each", "ea", "stk", "stck", "st", "stück", "pc", "pcs", "piece", "pieces", "number", "u", "unit",
            "units",
        ],
    ),
    ("C62", &["one"]),
    ("PR", &["pair", "pairs", "paar"]),
    ("SET", &["set", "sets", "ens", "satz"]),
    ("HUR", &["h", "hr", "hrs", "hour", "hours", "std", "stunde", "stunden"]),
    ("LH", &["labourhour", "labourhours", "laborhour", "laborhours", "manhour", "manhours", "mh"]),
    ("DAY", &["d", "day", "days", "tag", "tage"]),
    ("WEE", &["week", "weeks", "wk", "woche", "wochen"]),
    ("MON", &["month", "months", "mo", "mth", "monat", "monate"]),
    ("ANN", &["year", "years", "jahr", "jahre"]),
    ("KWH", &["kilowatthour", "kilowatthours"]),
    (LUMP_SUM, &["psch", "pausch", "pauschal", "sum", "item", "job", "lumpsum", "lsum"]),
];

/// Every code there is, of which `UNITS` spells some.
static CODES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let lines = include_str!("unece_units.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect()
});

/// The UNECE code that this is, to the letter. `M4` is a monetary value, `m4` nothing of the kind.
fn exact_code(written: &str) -> Option<&'static str> {
    CODES.get(written).copied()
}

/// The code that is given in the place of one. A code is what it says: `LM` the linear metre of the Recommendation, not another name of the
/// metre. A usual spelling will do if it is not some other code in small letters: `m2` will, `rm` (a ream, or running metres) will not.
pub(crate) fn given_code(written: &str) -> Option<&'static str> {
    let spelled = || {
        let meant = code_of(written)?;
        exact_code(&written.to_uppercase()).is_none_or(|code| code == meant).then_some(meant)
    };
    exact_code(written).or_else(spelled)
}

/// The code of a unit as written: a code of `UNITS` in any case, or a usual spelling; `None` if it is neither.
pub(crate) fn code_of(written: &str) -> Option<&'static str> {
    let mut key = String::with_capacity(written.len());
    for c in written.chars() {
        match c {
            '²' => key.push('2'),
            '³' => key.push('3'),
            '.' | '-' | '_' => {}
            c if c.is_whitespace() => {}
            c => key.extend(c.to_lowercase()),
        }
    }
    let spelled = UNITS.iter().find(|(_, spellings)| spellings.contains(&key.as_str()));
    let coded = || UNITS.iter().find(|(code, _)| code.eq_ignore_ascii_case(&key));
    spelled.or_else(coded).map(|(code, _)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn usual_spellings_mean_their_code() {
        for (written, code) in [
            ("m", "MTR"),
            ("Mtr.", "MTR"),
            ("R. mtr.", "MTR"),
            ("m²", "MTK"),
            ("m2", "MTK"),
            ("SQM", "MTK"),
            ("qm", "MTK"),
            ("sq.m", "MTK"),
            ("Sq. m.", "MTK"),
            ("m³", "MTQ"),
            ("cum", "MTQ"),
            ("cbm", "MTQ"),
            ("kg", "KGM"),
            ("t", "TNE"),
            ("l", "LTR"),
            ("ha", "HAR"),
            ("nr", "H87"),
            ("no", "H87"),
            ("Nos.", "H87"),
            ("Each", "H87"),
            ("Stk", "H87"),
            ("Stck.", "H87"),
            ("STÜCK", "H87"),
            ("C62", "C62"),
            ("one", "C62"),
            ("Set", "SET"),
            ("h", "HUR"),
            ("Std", "HUR"),
            ("labour hour", "LH"),
            ("man-hour", "LH"),
            ("day", "DAY"),
            ("month", "MON"),
            ("psch", "LS"),
            ("sum", "LS"),
            ("item", "LS"),
            ("Job", "LS"),
            ("lump sum", "LS"),
            (" mtq ", "MTQ"),
        ] {
            assert_eq!(code_of(written), Some(code), "{written}");
        }
        for unknown in ["P. point", "bags", "", "?", "m4"] {
            assert_eq!(code_of(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn what_stands_in_the_place_of_a_code_is_the_code_that_it_says() {
        for code in &*CODES {
            assert_eq!(given_code(code), Some(*code));
        }
        // Usual spellings that are other codes in capitals.
        let two_things = ["lm", "rm", "ha", "kgs", "nr", "ea", "stk"];
        for (code, spellings) in UNITS {
            for spelling in *spellings {
                let expected = if two_things.contains(spelling) { None } else { Some(*code) };
                assert_eq!(given_code(spelling), expected, "{spelling}");
            }
        }
        assert_eq!((given_code("Stk"), given_code("Stk."), given_code("mtq")), (None, Some("H87"), Some("MTQ")));
        assert_eq!((given_code("smi"), given_code("bags")), (None, None));
    }

    #[test]
    fn every_code_of_the_recommendations_is_known() {
        assert_eq!(CODES.len(), 2233);
        for code in ["SMI", "MTK", "10", "2N", "NMP", "ZZ", "X1A", "XBG", "XPX", "EA", "M4"] {
            assert_eq!(exact_code(code), Some(code));
        }
        for none in ["", "smi", "m4", "XX1", "#", "MILE", "05"] {
            assert_eq!(exact_code(none), None, "{none}");
        }
        for (code, _) in UNITS {
            assert_eq!(exact_code(code), Some(*code), "{code}");
        }
        assert!(
            CODES
                .iter()
                .all(|code| (2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()))
        );
    }

    #[test]
    fn no_spelling_means_two_things() {
        let mut seen = std::collections::HashMap::new();
        for (code, spellings) in UNITS {
            for spelling in spellings.iter().copied().chain([code.to_lowercase().leak() as &str]) {
                let earlier = seen.insert(spelling, *code);
                assert!(earlier.is_none_or(|earlier| earlier == *code), "{spelling} means {earlier:?} and {code}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_code_found_is_its_own_code(written in "\\PC{0,12}") {
            if let Some(code) = code_of(&written) {
                prop_assert_eq!(code_of(code), Some(code));
            }
        }

        #[test]
        fn case_blanks_and_dots_do_not_matter(at in 0..UNITS.len(), upper: bool, dot: bool) {
            let (code, spellings) = UNITS[at];
            for spelling in spellings {
                let cased = if upper { spelling.to_uppercase() } else { (*spelling).to_owned() };
                let written = if dot { format!(" {cased}. ") } else { cased };
                prop_assert_eq!(code_of(&written), Some(code));
            }
        }
    }
}
