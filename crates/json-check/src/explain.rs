//! A violated keyword → a fault that teaches. Values are never repeated: they may be secrets.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};
use kernel::FieldFault;
use serde_json::Value;

use crate::pointer::push_segment;

/// Says what a value must look like that has to match a pattern.
pub type PatternWords = fn(&str) -> String;

/// Appends what `error` says about the value.
pub(crate) fn explain(error: &ValidationError<'_>, patterns: PatternWords, faults: &mut Vec<FieldFault>) {
    let pointer = error.instance_path().as_str();
    let mut fault = |code, detail: String| faults.push(FieldFault::new(pointer, code, detail));
    match error.kind() {
        Kind::Required { property } => {
            let mut pointer = pointer.to_owned();
            push_segment(&mut pointer, property.as_str().unwrap_or_default());
            faults.push(FieldFault::new(pointer, "REQUIRED", "is required"));
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            faults.extend(unexpected.iter().map(|name| unknown_field(pointer, name)));
        }
        Kind::Type { kind } => fault("WRONG_TYPE", format!("must be {}", types(kind))),
        Kind::Format { format } => fault("INVALID_FORMAT", format_text(format)),
        Kind::Pattern { pattern } => fault("INVALID_FORMAT", patterns(pattern)),
        Kind::MinLength { limit } => fault("TOO_SHORT", format!("must have at least {}", count(*limit, "character"))),
        Kind::MaxLength { limit } => fault("TOO_LONG", format!("must have at most {}", count(*limit, "character"))),
        Kind::Minimum { limit } => fault("OUT_OF_RANGE", format!("must be at least {}", number(limit))),
        Kind::Maximum { limit } => fault("OUT_OF_RANGE", format!("must be at most {}", number(limit))),
        Kind::ExclusiveMinimum { limit } => fault("OUT_OF_RANGE", format!("must be more than {}", number(limit))),
        Kind::ExclusiveMaximum { limit } => fault("OUT_OF_RANGE", format!("must be less than {}", number(limit))),
        Kind::MultipleOf { .. } => fault("OUT_OF_RANGE", "is not one of the allowed steps".to_owned()),
        Kind::MinItems { limit } => fault("TOO_FEW", format!("must have at least {}", count(*limit, "item"))),
        Kind::MaxItems { limit } => fault("TOO_MANY", format!("must have at most {}", count(*limit, "item"))),
        Kind::MinProperties { limit } => fault("TOO_FEW", format!("must have at least {}", count(*limit, "member"))),
        Kind::MaxProperties { limit } => fault("TOO_MANY", format!("must have at most {}", count(*limit, "member"))),
        Kind::UniqueItems => fault("DUPLICATE", "must not contain the same item twice".to_owned()),
        Kind::Enum { options } => match meant(error.instance(), options) {
            Some(option) => fault("NOT_ONE_OF", format!("must be {option}: capitals and small letters count")),
            None => fault("NOT_ONE_OF", format!("must be one of {}", options_text(options))),
        },
        Kind::Constant { expected_value } => fault("NOT_ONE_OF", format!("must be {expected_value}")),
        Kind::Custom { message, .. } => {
            let (code, detail) = coded(message);
            fault(code, detail);
        }
        Kind::OneOfNotValid { context } | Kind::AnyOf { context } => alternatives(pointer, context, patterns, faults),
        _ => fault("INVALID", "is not allowed here".to_owned()),
    }
}

/// The fault of a member that is none.
pub fn unknown_field(parent: &str, name: &str) -> FieldFault {
    let mut pointer = parent.to_owned();
    push_segment(&mut pointer, name);
    FieldFault::new(pointer, "UNKNOWN_FIELD", "is not a field of this resource: remove it")
}

/// None of several alternatives fits: tells the faults of the one that was meant, if that can be seen.
fn alternatives(pointer: &str, context: &[Vec<ValidationError<'static>>], patterns: PatternWords, faults: &mut Vec<FieldFault>) {
    let root_type = |errors: &[ValidationError<'static>]| {
        errors.iter().find_map(|error| match error.kind() {
            Kind::Type { kind } if error.instance_path().as_str() == pointer => Some(types(kind)),
            _ => None,
        })
    };
    let (other_type, mut meant): (Vec<_>, Vec<_>) = context.iter().partition(|errors| root_type(errors).is_some());
    // A tagged union: the alternatives whose tag differs were not meant.
    if meant.len() > 1 {
        let tagged = |errors: &&Vec<ValidationError<'static>>| {
            !errors.iter().any(|error| matches!(error.kind(), Kind::Enum { .. } | Kind::Constant { .. }))
        };
        let same_tag: Vec<_> = meant.iter().copied().filter(tagged).collect();
        if !same_tag.is_empty() {
            meant = same_tag;
        }
    }
    match meant.as_slice() {
        [errors] => errors.iter().for_each(|error| explain(error, patterns, faults)),
        [] => {
            let mut expected: Vec<_> = other_type.iter().filter_map(|errors| root_type(errors)).collect();
            expected.dedup();
            faults.push(FieldFault::new(pointer, "WRONG_TYPE", format!("must be {}", expected.join(" or "))));
        }
        _ => faults.push(FieldFault::new(pointer, "NOT_ONE_OF", "fits none of the allowed forms, see the API document")),
    }
}

/// Splits `CODE: words`, by which a `Deserialize` of ours names its code, from any other message.
pub fn coded(message: &str) -> (&'static str, String) {
    const CODES: &[&str] = &["TOO_MANY_DECIMALS", "OUT_OF_RANGE", "INVALID_FORMAT", "NOT_ONE_OF"];
    let coded =
        message.split_once(": ").and_then(|(code, detail)| Some((*CODES.iter().find(|c| **c == code)?, detail.to_owned())));
    coded.unwrap_or_else(|| match message {
        wide if wide.starts_with("invalid value: integer") => {
            ("OUT_OF_RANGE", "is outside of the range of this field".to_owned())
        }
        float if float.starts_with("invalid type: floating point") => {
            ("WRONG_TYPE", "must be a whole number, without a point".to_owned())
        }
        // The words of a parser are for who wrote it.
        _ => ("INVALID", "cannot be read: the API document says what it looks like".to_owned()),
    })
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => type_name(*one).to_owned(),
        TypeKind::Multiple(several) => {
            // Null last: it is never what was meant.
            let (null, others): (Vec<_>, Vec<_>) = several.iter().partition(|json_type| *json_type == JsonType::Null);
            others.into_iter().chain(null).map(type_name).collect::<Vec<_>>().join(" or ")
        }
    }
}

fn type_name(json_type: JsonType) -> &'static str {
    match json_type {
        JsonType::Null => "null",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "an array",
        JsonType::Object => "an object",
    }
}

fn format_text(format: &str) -> String {
    match format {
        "uuid" => "must be a UUID such as \"0199d0c4-f3a2-7c5e-8a6f-0d1b2c3d4e5f\"".to_owned(),
        "email" => "must be an email address such as \"ada@example.com\"".to_owned(),
        "date" => "must be a date such as \"2026-03-31\", of the years 1900 to 9999".to_owned(),
        "date-time" => {
            "must be an RFC 3339 instant such as \"2026-03-31T16:00:00Z\", of the years 1900 to 9999 in UTC".to_owned()
        }
        "uri" => "must be a URI such as \"https://example.com/\"".to_owned(),
        other => format!("must be of the format {other}"),
    }
}

/// The option that was meant, if only its capitals differ.
fn meant<'a>(given: &Value, options: &'a Value) -> Option<&'a Value> {
    let given = given.as_str()?;
    options.as_array()?.iter().find(|option| option.as_str().is_some_and(|option| option.eq_ignore_ascii_case(given)))
}

fn options_text(options: &Value) -> String {
    match options {
        Value::Array(options) => options.iter().map(Value::to_string).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn number(limit: &Value) -> String {
    let text = limit.to_string();
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn count(limit: u64, what: &str) -> String {
    if limit == 1 { format!("1 {what}") } else { format!("{limit} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::coded;

    #[test]
    fn no_words_of_a_parser_are_told() {
        assert_eq!(coded("OUT_OF_RANGE: must be 1 to 7"), ("OUT_OF_RANGE", "must be 1 to 7".to_owned()));
        for parsers in ["missing field `name`", "invalid type: map, expected a string", "premature end of input", "UNHEARD: of"] {
            assert_eq!(coded(parsers), ("INVALID", "cannot be read: the API document says what it looks like".to_owned()));
        }
    }
}
