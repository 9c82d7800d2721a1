//! JSON knows one kind of number: `4`, `4.0` and `40e-1` are the same whole number, and are read as the same. By their digits, never through
//! a float.

use std::borrow::Cow;

/// A whole number of more digits fits no field.
const MOST_DIGITS: usize = 40;

/// The text with every whole number written plainly, `4` for `4.0` and `100` for `1e2`. `text` is valid JSON.
pub fn plain(text: &[u8]) -> Cow<'_, [u8]> {
    let mut changed: Option<Vec<u8>> = None;
    // Up to where `text` stands in `changed`.
    let mut copied = 0;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => at = end_of_string(text, at),
            b'-' | b'0'..=b'9' => {
                let end = at
                    + text[at..].iter().take_while(|byte| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')).count();
                if let Some(whole) = whole(&text[at..end]) {
                    let changed = changed.get_or_insert_with(|| Vec::with_capacity(text.len()));
                    changed.extend_from_slice(&text[copied..at]);
                    changed.extend_from_slice(&whole);
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    match changed {
        None => Cow::Borrowed(text),
        Some(mut changed) => {
            changed.extend_from_slice(&text[copied..]);
            Cow::Owned(changed)
        }
    }
}

/// Behind the string that begins at `at`.
fn end_of_string(text: &[u8], mut at: usize) -> usize {
    at += 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// The plain text of a number that is whole but not written so.
fn whole(number: &[u8]) -> Option<Vec<u8>> {
    let (negative, unsigned) = number.strip_prefix(b"-").map_or((false, number), |rest| (true, rest));
    let plainly = unsigned.iter().all(u8::is_ascii_digit);
    if plainly && !(negative && unsigned == b"0") {
        return None;
    }
    let exponent_at = unsigned.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let (mantissa, exponent) = exponent_at.map_or((unsigned, &b""[..]), |at| (&unsigned[..at], &unsigned[at + 1..]));
    let exponent: i64 = if exponent.is_empty() { 0 } else { std::str::from_utf8(exponent).ok()?.parse().ok()? };
    let point = mantissa.iter().position(|byte| *byte == b'.').unwrap_or(mantissa.len());
    let mut digits: Vec<u8> = mantissa.iter().copied().filter(u8::is_ascii_digit).collect();
    // So many of the digits stand before the point, once the exponent has moved it.
    let mut before = i64::try_from(point).ok()?.checked_add(exponent)?;
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    let leading = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.drain(..leading);
    before -= i64::try_from(leading).ok()?;
    if digits.is_empty() {
        return Some(b"0".to_vec());
    }
    let before = usize::try_from(before).ok().filter(|before| *before <= MOST_DIGITS && *before >= digits.len())?;
    digits.resize(before, b'0');
    if negative {
        digits.insert(0, b'-');
    }
    Some(digits)
}

#[cfg(test)]
mod tests {
    use super::plain;

    fn read(text: &str) -> String {
        String::from_utf8(plain(text.as_bytes()).into_owned()).expect("UTF-8")
    }

    #[test]
    fn whole_numbers_are_written_plainly() {
        for (given, plain) in [
            ("4.0", "4"),
            ("-4.00", "-4"),
            ("1e2", "100"),
            ("1E+2", "100"),
            ("40e-1", "4"),
            ("1.50e1", "15"),
            ("0.0", "0"),
            ("-0", "0"),
            ("-0.0e9", "0"),
            ("0e99999", "0"),
            ("120e-1", "12"),
            ("9007199254740993.0", "9007199254740993"),
            ("9223372036854775807.0", "9223372036854775807"),
            ("9.223372036854775807e18", "9223372036854775807"),
            ("0.00012e5", "12"),
        ] {
            assert_eq!(read(given), plain, "{given}");
            assert_eq!(
                read(&format!("{{\"a\":[{given} ,{given}],\"b\":{given}}}")),
                format!("{{\"a\":[{plain} ,{plain}],\"b\":{plain}}}")
            );
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for text in [
            "4",
            "-4",
            "0",
            "4.5",
            "1e-1",
            "0.1",
            "12.50",
            "1e400",
            "1e999999999999999999999",
            r#"{"4.0": "1e2 \" 4.0 \\"}"#,
            "[true,null,\"\\\\\"]",
        ] {
            assert_eq!(read(text), text);
        }
    }
}
