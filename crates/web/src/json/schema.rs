//! The validator of a DTO, compiled once from its OpenAPI schema: what the document promises is what is checked.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use chrono::{Datelike, Timelike};
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use kernel::{FieldFault, MOST_FAULTS};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::explain;
use crate::Problem;
use crate::values::{MAX_DECIMALS, MaxDecimals};

static VALIDATORS: LazyLock<RwLock<HashMap<TypeId, &'static Validator>>> = LazyLock::new(RwLock::default);

/// All faults of `value` as a `T`.
///
/// # Errors
/// 500 if `T`'s schema is not a JSON schema, which is a bug of the DTO.
pub fn validate<T: ToSchema + 'static>(value: &Value) -> Result<Vec<FieldFault>, Problem> {
    let validator = validator::<T>()?;
    if validator.is_valid(value) {
        return Ok(Vec::new());
    }
    let mut faults = Vec::new();
    for error in validator.iter_errors(value).take(MOST_FAULTS) {
        explain::explain(&error, &mut faults);
    }
    Ok(faults)
}

fn validator<T: ToSchema + 'static>() -> Result<&'static Validator, Problem> {
    let key = TypeId::of::<T>();
    if let Some(&validator) = VALIDATORS.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(validator);
    }
    let compiled = compile(&document::<T>()).map_err(|error| {
        tracing::error!(dto = std::any::type_name::<T>(), %error, "the schema of a DTO does not compile");
        Problem::internal()
    })?;
    let mut validators = VALIDATORS.write().unwrap_or_else(PoisonError::into_inner);
    // Leaked on purpose: one per DTO type, for the life of the process.
    Ok(validators.entry(key).or_insert_with(|| Box::leak(Box::new(compiled))))
}

fn compile(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .with_format("date-time", is_instant)
        .with_format("date", is_date)
        .with_pattern_options(PatternOptions::regex())
        .with_keyword(MAX_DECIMALS, |_, most, _| Ok(Box::new(MaxDecimals(most.as_u64().unwrap_or(0)))))
        .build(schema)
}

/// The years that a time of ours can lie in: what is outside of them is a slip of the pen, and soon does not fit its text or the database.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=9999;

/// An RFC 3339 instant, in those years after it was turned into UTC. The database makes the next second of a leap second.
fn is_instant(text: &str) -> bool {
    chrono::DateTime::parse_from_rfc3339(text).is_ok_and(|at| {
        let leap = i64::from(at.nanosecond() >= 1_000_000_000);
        YEARS.contains(&(at.to_utc() + chrono::TimeDelta::seconds(leap)).year())
    })
}

/// An RFC 3339 date in those years.
fn is_date(text: &str) -> bool {
    text.len() == "2026-03-31".len() && text.parse::<chrono::NaiveDate>().is_ok_and(|date| YEARS.contains(&date.year()))
}

/// `T`'s schema with everything that it refers to.
fn document<T: ToSchema>() -> Value {
    let mut referred = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut referred);
    let schemas: Map<String, Value> = referred.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    let mut document = json!(T::schema());
    if let Some(root) = document.as_object_mut() {
        root.insert("components".into(), json!({ "schemas": schemas }));
    }
    bound_integers(&mut document);
    document
}

/// Gives integers of a known width their bounds, so that serde has nothing left to refuse.
fn bound_integers(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(bound_integers),
        Value::Object(members) => {
            let bounds = match members.get("format").and_then(Value::as_str) {
                Some("int32") => Some((i64::from(i32::MIN), i64::from(i32::MAX))),
                Some("int64") => Some((i64::MIN, i64::MAX)),
                _ => None,
            };
            if let Some((least, most)) = bounds {
                members.entry("minimum").or_insert(least.into());
                members.entry("maximum").or_insert(most.into());
            }
            members.values_mut().for_each(bound_integers);
        }
        _ => {}
    }
}
