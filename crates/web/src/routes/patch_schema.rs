//! The schema of a merge patch: that of the PUT body with nothing required, nullable what may be left out there, and no defaults: what a client
//! fills in by itself would be a change that nobody asked for. An example of the handler stays.

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
    let Some(name) = target.ref_location.rsplit('/').next() else { return };
    let patch_name = format!("{name}Patch");
    let example = content.example.clone();
    let Some(schema) = schemas.get(name).and_then(relaxed) else { return };
    schemas.insert(patch_name.clone(), schema);
    body.content.clear();
    for media_type in MEDIA_TYPES {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(&patch_name))).example(example.clone()).build();
        body.content.insert(media_type.to_owned(), RefOr::T(content));
    }
}

fn relaxed(schema: &RefOr<Schema>) -> Option<RefOr<Schema>> {
    let mut schema = serde_json::to_value(schema).ok()?;
    let members = schema.as_object_mut()?;
    let needed = members.remove("required").unwrap_or_default();
    members
        .insert("description".into(), json!("Merge patch (RFC 7396): members that are absent stay as they are, null removes."));
    for (name, property) in members.get_mut("properties").and_then(Value::as_object_mut)? {
        if let Some(property) = property.as_object_mut() {
            property.remove("default");
        }
        // What PUT needs cannot be removed.
        if !needed.as_array().is_some_and(|needed| needed.iter().any(|one| one == name)) {
            nullable(property);
        }
    }
    serde_json::from_value(schema).ok()
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
            "least": {"type": ["integer", "null"], "default": 1},
            "parts": {"type": "array", "items": {"type": "string"}},
            "kind": {"$ref": "#/components/schemas/Kind"}
        }});
        let patch = relaxed(&serde_json::from_value(put).expect("a schema")).expect("a patch");
        assert_eq!(
            serde_json::to_value(patch).expect("a value"),
            json!({
                "type": "object",
                "description": "Merge patch (RFC 7396): members that are absent stay as they are, null removes.",
                "properties": {
                    "name": {"type": "string"},
                    "money": {"$ref": "#/components/schemas/Money"},
                    "least": {"type": ["integer", "null"]},
                    "parts": {"type": ["array", "null"], "items": {"type": "string"}},
                    "kind": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Kind"}]}
                }
            })
        );
    }
}
