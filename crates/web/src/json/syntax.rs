//! JSON syntax, stricter than serde's: bounded nesting, no member twice, no U+0000.

use std::cell::RefCell;
use std::fmt;

use json_check::pointer;
use kernel::FieldFault;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::Problem;

/// The deepest nesting that is read.
const MOST_DEPTH: usize = 32;

enum Refusal {
    TooDeep,
    Twice(String),
}

/// Reads any JSON value.
///
/// # Errors
/// 400, telling the line and column.
pub fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    let refusal = RefCell::new(None);
    let mut input = serde_json::Deserializer::from_slice(bytes);
    let result = Strict { refusal: &refusal, depth: 0 }.deserialize(&mut input).and_then(|value| input.end().map(|()| value));
    result.map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        match refusal.take() {
            Some(Refusal::TooDeep) => {
                let detail = format!("the body is nested more than {MOST_DEPTH} levels deep ({place})");
                Problem::malformed("NESTED_TOO_DEEPLY", detail)
            }
            Some(Refusal::Twice(name)) => {
                let detail = format!("the member {name:?} is given twice ({place}): which one counts would be a guess");
                Problem::malformed("DUPLICATE_MEMBER", detail)
            }
            None if bytes.iter().all(u8::is_ascii_whitespace) => {
                Problem::malformed("MALFORMED_JSON", "the body is empty: send a JSON document")
            }
            None => match std::str::from_utf8(bytes) {
                Ok(_) => Problem::malformed("MALFORMED_JSON", format!("the body is not JSON: {} ({place})", words(&error))),
                Err(error) => {
                    let read = &bytes[..error.valid_up_to()];
                    let line = 1 + read.iter().filter(|byte| **byte == b'\n').count();
                    let column = 1 + read.iter().rev().take_while(|byte| **byte != b'\n').count();
                    let detail = format!("the body is not UTF-8 (the byte at line {line}, column {column})");
                    Problem::malformed("MALFORMED_JSON", detail)
                }
            },
        }
    })
}

/// What is wrong, in words for people who write JSON, not parsers.
fn words(error: &serde_json::Error) -> &'static str {
    if error.is_eof() {
        return "it ends too early";
    }
    let text = error.to_string();
    match text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message) {
        "expected value" => "a value is expected here",
        "expected `:`" => "a colon is expected between the name of a member and its value",
        "expected `,` or `}`" => "a comma or the end of the object is expected here",
        "expected `,` or `]`" => "a comma or the end of the array is expected here",
        "expected ident" => "of bare words there are only true, false and null",
        "key must be a string" => "the name of a member must stand in double quotes",
        "trailing comma" => "nothing follows this comma",
        "trailing characters" => "something follows after its end",
        "invalid number" => "this is not how a number is written",
        "number out of range" => "this number is too large",
        "invalid escape" => "there is no such escape in a string",
        text if text.starts_with("control character") => {
            "a control character in a string must be written as an escape, such as \\n"
        }
        text if text.contains("surrogate") || text.contains("escape") || text.contains("unicode") => {
            "an escape \\u must have four hexadecimal digits and name a character, of two surrogates if it needs them"
        }
        _ => "it cannot be read",
    }
}

/// Notes every string and member name that contains U+0000, which PostgreSQL cannot store.
pub fn find_nul(bytes: &[u8], value: &Value, faults: &mut Vec<FieldFault>) {
    // JSON can only write it as an escape, so the usual body is cleared by one scan.
    if !bytes.windows(6).any(|window| window == b"\\u0000") {
        return;
    }
    pointer::visit(value, &mut String::new(), &mut |value, name, place| {
        let here = match name {
            Some(name) => name.contains('\0'),
            None => matches!(value, Value::String(text) if text.contains('\0')),
        };
        if here {
            faults.push(FieldFault::new(place, "INVALID_CHARACTER", "must not contain the character U+0000"));
        }
    });
}

#[derive(Clone, Copy)]
struct Strict<'a> {
    refusal: &'a RefCell<Option<Refusal>>,
    depth: usize,
}

impl Strict<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MOST_DEPTH {
            *self.refusal.borrow_mut() = Some(Refusal::TooDeep);
            return Err(E::custom("too deep"));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.contains_key(&name) {
                *self.refusal.borrow_mut() = Some(Refusal::Twice(name));
                return Err(A::Error::custom("given twice"));
            }
            let value = map.next_value_seed(inner)?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}
