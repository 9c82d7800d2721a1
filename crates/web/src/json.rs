//! Bytes → DTO: syntax first, then every structural fault at once by the DTO's own OpenAPI schema, then serde.

mod integers;
mod merge;
mod schema;
mod syntax;

use std::borrow::Cow;

use json_check::pointer::push_segment;
use kernel::FieldFault;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use crate::Problem;

pub(crate) use merge::merge_patch;
pub(crate) use schema::bound_integers;

/// Reads a `T` from JSON.
///
/// # Errors
/// 400 if it is not JSON, is nested too deeply or names a member twice; 422 with all structural faults if it is not a `T`.
pub fn parse<T: DeserializeOwned + ToSchema + 'static>(bytes: &[u8]) -> Result<T, Problem> {
    let mut value = syntax::parse(bytes)?;
    let plain = integers::plain(bytes);
    if let Cow::Owned(plain) = &plain {
        value = syntax::parse(plain)?;
    }
    let bytes = &*plain;
    let mut faults = schema::validate::<T>(&value)?;
    syntax::find_nul(bytes, &value, &mut faults);
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    // From the bytes, not from `value`: decimals are read from their text.
    serde_json::from_slice(bytes).map_err(|_| refused::<T>(bytes))
}

/// Passes if the JSON is an empty object: the body of a verb that takes none.
///
/// # Errors
/// 400 as [`parse`]; 422 with every member.
pub(crate) fn parse_nothing(bytes: &[u8]) -> Result<(), Problem> {
    let Value::Object(members) = syntax::parse(bytes)? else {
        return Err(Problem::invalid_at("", "WRONG_TYPE", "must be an object"));
    };
    let faults: Vec<_> = members.keys().map(|name| json_check::unknown_field("", name)).collect();
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
}

/// What serde refuses although the schema allows it, such as a decimal with too many digits: found again with its place.
fn refused<T: DeserializeOwned>(bytes: &[u8]) -> Problem {
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_slice(bytes)) else {
        // Trailing characters are a fault of syntax, found before.
        return Problem::malformed("MALFORMED_JSON", "the body is not JSON");
    };
    let pointer = error.path().iter().fold(String::new(), |mut pointer, segment| {
        use serde_path_to_error::Segment;
        match segment {
            Segment::Seq { index } => push_segment(&mut pointer, &index.to_string()),
            Segment::Map { key } => push_segment(&mut pointer, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
        pointer
    });
    let text = error.inner().to_string();
    // A part that was read by itself says where in it, too.
    let text = text.split_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    let (code, detail) = json_check::coded(text);
    Problem::invalid(vec![FieldFault::new(pointer, code, detail)])
}
