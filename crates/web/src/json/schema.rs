//! The validator of a DTO, compiled once from its OpenAPI schema: what the document promises is what is checked.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use json_check::Schema;
use kernel::FieldFault;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::Problem;
use crate::values::pattern_text;

static SCHEMAS: LazyLock<RwLock<HashMap<TypeId, &'static Schema>>> = LazyLock::new(RwLock::default);

/// All faults of `value` as a `T`.
///
/// # Errors
/// 500 if `T`'s schema is not a JSON schema, which is a bug of the DTO.
pub fn validate<T: ToSchema + 'static>(value: &Value) -> Result<Vec<FieldFault>, Problem> {
    Ok(schema::<T>()?.faults(value))
}

fn schema<T: ToSchema + 'static>() -> Result<&'static Schema, Problem> {
    let key = TypeId::of::<T>();
    if let Some(&schema) = SCHEMAS.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(schema);
    }
    let compiled = Schema::compile(&document::<T>(), pattern_text).map_err(|error| {
        tracing::error!(dto = std::any::type_name::<T>(), %error, "the schema of a DTO does not compile");
        Problem::internal()
    })?;
    Ok(SCHEMAS.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert(compiled))
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
    leave_to_rules(&mut document);
    bound_integers(&mut document);
    document
}

/// Beside bounds that the document has, but which the rules of the domain tell, together with what else is wrong with the whole.
const LEFT_TO_RULES: &str = "x-left-to-rules";

/// Takes such bounds away.
fn leave_to_rules(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(leave_to_rules),
        Value::Object(members) => {
            if members.contains_key(LEFT_TO_RULES) {
                members.remove("minimum");
                members.remove("maximum");
            }
            members.values_mut().for_each(leave_to_rules);
        }
        _ => {}
    }
}

/// Gives integers of a known width their bounds, so that serde has nothing left to refuse.
pub fn bound_integers(schema: &mut Value) {
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
