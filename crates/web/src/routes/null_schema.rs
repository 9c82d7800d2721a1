//! One rule for null: what an answer may have no value for is there all the same, as null. So the document requires it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};

/// Makes every nullable member of what is only answered a required one. What is also sent to us stays as it is: there absent means null.
pub fn require(sent: &[Value], schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let values: BTreeMap<_, _> =
        schemas.iter().map(|(name, schema)| (name.clone(), serde_json::to_value(schema).unwrap_or_default())).collect();
    let mut inputs = BTreeSet::new();
    sent.iter().for_each(|body| reach(body, &values, &mut inputs));
    schemas.iter_mut().filter(|(name, _)| !inputs.contains(*name)).for_each(|(_, schema)| require_nullable(schema));
}

/// Notes the schemas that `value` refers to, directly or by others.
pub fn reach(value: &Value, schemas: &BTreeMap<String, Value>, reached: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| reach(item, schemas, reached)),
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str).and_then(|reference| reference.rsplit('/').next());
            if let Some(name) = target
                && reached.insert(name.to_owned())
                && let Some(schema) = schemas.get(name)
            {
                reach(schema, schemas, reached);
            }
            members.values().for_each(|member| reach(member, schemas, reached));
        }
        _ => {}
    }
}

fn require_nullable(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::AllOf(parts)) => parts.items.iter_mut().for_each(require_nullable),
        RefOr::T(Schema::Object(object)) => {
            let nullable = |property: &RefOr<Schema>| serde_json::to_value(property).is_ok_and(|value| is_nullable(&value));
            let names = object.properties.iter().filter(|(_, property)| nullable(property)).map(|(name, _)| name);
            let missing: Vec<String> = names.filter(|name| !object.required.contains(name)).cloned().collect();
            object.required.extend(missing);
        }
        _ => {}
    }
}

fn is_nullable(schema: &Value) -> bool {
    let any = |key: &str| schema.get(key).and_then(Value::as_array).is_some_and(|one| one.iter().any(is_nullable));
    match schema.get("type") {
        Some(Value::String(kind)) => kind == "null",
        Some(Value::Array(kinds)) => kinds.contains(&json!("null")),
        _ => any("oneOf") || any("anyOf"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(value: Value) -> RefOr<Schema> {
        serde_json::from_value(value).expect("a schema")
    }

    #[test]
    fn what_is_answered_is_there_and_what_is_sent_may_be_left_out() {
        let both = json!({"type": "object", "properties": {"note": {"type": ["string", "null"]}}});
        let answer = json!({"type": "object", "required": ["id"], "properties": {
            "id": {"type": "string"},
            "count": {"type": "integer"},
            "note": {"type": ["string", "null"]},
            "part": {"oneOf": [{"$ref": "#/components/schemas/Part"}, {"type": "null"}]}
        }});
        let mut schemas: BTreeMap<_, _> = [("Answer", &answer), ("Body", &both), ("Part", &both)]
            .map(|(name, value)| (name.to_owned(), schema(value.clone())))
            .into();
        require(&[json!({"$ref": "#/components/schemas/Body"})], &mut schemas);
        let required = |name: &str| serde_json::to_value(&schemas[name]).expect("a value")["required"].clone();
        assert_eq!(required("Answer"), json!(["id", "note", "part"]));
        assert_eq!((required("Part"), required("Body")), (json!(["note"]), Value::Null));
    }
}
