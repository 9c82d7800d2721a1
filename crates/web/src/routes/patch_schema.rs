//! The schema of a merge patch: that of the PUT body with nothing required, nullable what may be left out there, and no defaults: what a client
//! fills in by itself would be a change that nobody asked for. So are the objects in it, which are merged as well; lists are replaced whole. An
//! example of the handler stays.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Schema};

const MEDIA_TYPES: [&str; 2] = ["application/merge-patch+json", "application/json"];

/// Makes the body of a PATCH, documented as the PUT body `X`, an `XPatch`.
pub fn relax(operation: &mut Operation, schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    let Some(RefOr::T(content)) = body.content.values().next() else { return };
    let Some(RefOr::Ref(target)) = &content.schema else { return };
    let Some(name) = target.ref_location.rsplit('/').next().map(str::to_owned) else { return };
    let example = content.example.clone();
    let Some(patch) = added(&name, schemas) else { return };
    body.content.clear();
    for media_type in MEDIA_TYPES {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(&patch))).example(example.clone()).build();
        body.content.insert(media_type.to_owned(), RefOr::T(content));
    }
}

/// The name of the patch of a schema, which is there now, with the patches of its objects; `None` for what has no members.
fn added(name: &str, schemas: &mut BTreeMap<String, RefOr<Schema>>) -> Option<String> {
    let patch = format!("{name}Patch");
    if !schemas.contains_key(&patch) {
        let mut schema = relaxed(schemas.get(name)?)?;
        // Before its members: a schema may contain itself.
        schemas.insert(patch.clone(), serde_json::from_value(schema.clone()).ok()?);
        for property in schema.get_mut("properties").and_then(Value::as_object_mut)?.values_mut() {
            merge_objects(property, schemas);
        }
        schemas.insert(patch.clone(), serde_json::from_value(schema).ok()?);
    }
    Some(patch)
}

/// Refers to the patch of an object instead of the object, also where null may stand as well.
fn merge_objects(property: &mut Value, schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    if let Some(Value::String(target)) = property.get_mut("$ref") {
        if let Some(patch) = target.rsplit('/').next().map(str::to_owned).and_then(|name| added(&name, schemas)) {
            *target = format!("#/components/schemas/{patch}");
        }
    } else if let Some(Value::Array(ways)) = property.get_mut("oneOf") {
        for way in ways {
            merge_objects(way, schemas);
        }
    }
}

fn relaxed(schema: &RefOr<Schema>) -> Option<Value> {
    let mut schema = serde_json::to_value(schema).ok()?;
    let members = schema.as_object_mut()?;
    let needed = members.remove("required").unwrap_or_default();
    let properties = members.get_mut("properties").and_then(Value::as_object_mut)?;
    for (name, property) in properties {
        if let Some(property) = property.as_object_mut() {
            property.remove("default");
        }
        // What PUT needs cannot be removed.
        if !needed.as_array().is_some_and(|needed| needed.iter().any(|one| one == name)) {
            nullable(property);
        }
    }
    members
        .insert("description".into(), json!("Merge patch (RFC 7396): members that are absent stay as they are, null removes."));
    Some(schema)
}

fn nullable(property: &mut Value) {
    match property.get("type") {
        Some(Value::String(kind)) if property.get("enum").is_none() => property["type"] = json!([kind, "null"]),
        Some(Value::Array(kinds)) => {
            let mut kinds = kinds.clone();
            if !kinds.contains(&json!("null")) {
                kinds.push(json!("null"));
            }
            property["type"] = Value::Array(kinds);
        }
        _ if property.get("oneOf").is_none() => *property = json!({ "oneOf": [{ "type": "null" }, property] }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_removes_what_may_be_left_out_and_fills_nothing_in() {
        let put = json!({"type": "object", "required": ["name", "money"], "properties": {
            "name": {"type": "string"},
            "money": {"$ref": "#/components/schemas/Money"},
            "limit": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Money"}]},
            "least": {"type": ["integer", "null"], "default": 1},
            "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Money"}},
            "kind": {"$ref": "#/components/schemas/Kind"}
        }});
        let money = json!({"type": "object", "required": ["amount", "currency"], "properties": {
            "amount": {"type": "string"}, "currency": {"type": "string"}, "note": {"type": "string"}
        }});
        let kind = json!({"type": "string", "enum": ["one", "other"]});
        let schema = |value: Value| serde_json::from_value(value).expect("a schema");
        let mut schemas =
            [("Put", put), ("Money", money), ("Kind", kind)].map(|(name, value)| (name.to_owned(), schema(value))).into();
        assert_eq!(added("Put", &mut schemas).as_deref(), Some("PutPatch"));
        let told = "Merge patch (RFC 7396): members that are absent stay as they are, null removes.";
        let patch = |name: &str| serde_json::to_value(&schemas[name]).expect("a value");
        assert_eq!(
            patch("PutPatch"),
            json!({
                "type": "object",
                "description": told,
                "properties": {
                    "name": {"type": "string"},
                    "money": {"$ref": "#/components/schemas/MoneyPatch"},
                    "limit": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/MoneyPatch"}]},
                    "least": {"type": ["integer", "null"]},
                    "parts": {"type": ["array", "null"], "items": {"$ref": "#/components/schemas/Money"}},
                    "kind": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Kind"}]}
                }
            })
        );
        assert_eq!(
            patch("MoneyPatch"),
            json!({"type": "object", "description": told, "properties": {
                "amount": {"type": "string"}, "currency": {"type": "string"}, "note": {"type": ["string", "null"]}
            }})
        );
        assert!(!schemas.contains_key("KindPatch"), "only objects are merged");
    }
}
