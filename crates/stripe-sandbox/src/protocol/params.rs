//! What an endpoint accepts, declared as a table, and the check that turns form strings into typed values.

use crate::protocol::errors::ApiError;
use crate::protocol::money;
use serde_json::{Map, Value, json};

/// The type of a parameter.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Any text; empty unsets.
    Text,
    /// A whole number; empty unsets.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A three-letter currency.
    Currency,
    /// One of a few words.
    OneOf(&'static [&'static str]),
    /// Free keys with text values; empty clears.
    Metadata,
    /// Named fields.
    Object(&'static [Field]),
    /// A list of values of one type.
    List(&'static Kind),
    /// A moment, or a range of moments with `gt`, `gte`, `lt`, `lte`.
    Range,
    /// Accepted and kept as sent, without a look inside.
    Anything,
}

/// One parameter.
#[derive(Debug)]
pub(crate) struct Field {
    name: &'static str,
    kind: Kind,
    required: bool,
}

/// A parameter that must be given.
pub(crate) const fn need(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true }
}

/// A parameter that may be given.
pub(crate) const fn may(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false }
}

const EXPAND: Field = may("expand", Kind::List(&Kind::Text));

/// Checks a request's parameters against the table of its endpoint.
pub(crate) fn check(fields: &'static [Field], sent: &Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    object(fields, sent, "")
}

fn object(fields: &'static [Field], sent: &Map<String, Value>, prefix: &str) -> Result<Map<String, Value>, ApiError> {
    let name_of = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}[{name}]") };
    let find = |name: &str| fields.iter().find(|f| f.name == name).or((prefix.is_empty() && name == "expand").then_some(&EXPAND));
    let unknown: Vec<String> = sent.keys().filter(|name| find(name).is_none()).map(|name| name_of(name)).collect();
    if let Some(first) = unknown.first() {
        let plural = if unknown.len() == 1 { "" } else { "s" };
        return Err(ApiError::parameter(first, format!("Received unknown parameter{plural}: {}", unknown.join(", ")))
            .code("parameter_unknown"));
    }
    let mut checked = Map::new();
    for (name, value) in sent {
        let Some(field) = find(name) else { continue };
        let full = name_of(name);
        if field.required && value.as_str() == Some("") {
            return Err(ApiError::parameter(
                &full,
                format!(
                    "You passed an empty string for '{full}'. We assume empty values are an attempt to unset a parameter; however '{full}' cannot be unset. You should remove '{full}' from your request or supply a non-empty value."
                ),
            )
            .code("parameter_invalid_empty"));
        }
        checked.insert(name.clone(), typed(&field.kind, value, &full)?);
    }
    for field in fields.iter().filter(|f| f.required) {
        if !checked.contains_key(field.name) {
            let full = name_of(field.name);
            return Err(ApiError::parameter(&full, format!("Missing required param: {full}.")).code("parameter_missing"));
        }
    }
    Ok(checked)
}

fn typed(kind: &'static Kind, value: &Value, name: &str) -> Result<Value, ApiError> {
    if value.as_str() == Some("") && !matches!(kind, Kind::Metadata | Kind::Boolean) {
        return Ok(Value::Null);
    }
    match kind {
        Kind::Anything => Ok(value.clone()),
        Kind::Text => Ok(json!(text(value, name)?)),
        Kind::Integer => integer(value, name),
        Kind::Boolean => match text(value, name)? {
            "true" => Ok(json!(true)),
            "false" => Ok(json!(false)),
            other => Err(ApiError::parameter(name, format!("Invalid boolean: {other}"))),
        },
        Kind::Currency => {
            let sent = text(value, name)?.to_lowercase();
            if money::is_currency(&sent) {
                return Ok(json!(sent));
            }
            Err(ApiError::parameter(
                name,
                format!("Invalid currency: {sent}. Stripe currently supports these currencies: {}", money::CURRENCIES.join(", ")),
            ))
        }
        Kind::OneOf(words) => {
            let sent = text(value, name)?;
            if words.contains(&sent) {
                return Ok(json!(sent));
            }
            let (last, others) = words.split_last().unwrap_or((&"", &[]));
            Err(ApiError::parameter(name, format!("Invalid {name}: must be one of {}, or {last}", others.join(", "))))
        }
        Kind::Metadata => metadata(value, name),
        Kind::Object(fields) => match value {
            Value::Object(map) => Ok(Value::Object(object(fields, map, name)?)),
            _ => Err(ApiError::parameter(name, "Invalid object").code("parameter_invalid_object")),
        },
        Kind::List(inner) => match value {
            Value::Array(items) => items.iter().map(|item| typed(inner, item, name)).collect(),
            _ => Err(ApiError::parameter(name, "Invalid array").code("parameter_invalid_array")),
        },
        Kind::Range => match value {
            Value::Object(map) => {
                const BOUNDS: &[Field] =
                    &[may("gt", Kind::Integer), may("gte", Kind::Integer), may("lt", Kind::Integer), may("lte", Kind::Integer)];
                Ok(Value::Object(object(BOUNDS, map, name)?))
            }
            other => integer(other, name),
        },
    }
}

fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str, ApiError> {
    let text = value
        .as_str()
        .ok_or_else(|| ApiError::parameter(name, format!("Invalid string: {value}")).code("parameter_invalid_string"))?;
    if text.chars().count() > 5_000 {
        return Err(ApiError::parameter(name, format!("Invalid string: {name} must be at most 5000 characters"))
            .code("parameter_invalid_string"));
    }
    Ok(text)
}

fn integer(value: &Value, name: &str) -> Result<Value, ApiError> {
    let sent = text(value, name)?;
    let number: i64 = sent
        .parse()
        .map_err(|_| ApiError::parameter(name, format!("Invalid integer: {sent}")).code("parameter_invalid_integer"))?;
    Ok(json!(number))
}

fn metadata(value: &Value, name: &str) -> Result<Value, ApiError> {
    let map = match value {
        Value::Object(map) => map,
        Value::String(empty) if empty.is_empty() => return Ok(Value::Null),
        _ => return Err(ApiError::parameter(name, "Metadata must be a map of keys to values").code("parameter_invalid_object")),
    };
    if map.len() > 50 {
        return Err(ApiError::parameter(name, "Metadata can have up to 50 keys"));
    }
    for (key, value) in map {
        let full = format!("{name}[{key}]");
        if key.chars().count() > 40 {
            return Err(ApiError::parameter(&full, format!("Metadata keys must be at most 40 characters: {key}")));
        }
        if text(value, &full)?.chars().count() > 500 {
            return Err(ApiError::parameter(&full, format!("Metadata values must be at most 500 characters: {full}")));
        }
    }
    Ok(value.clone())
}
