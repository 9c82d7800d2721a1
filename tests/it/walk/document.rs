//! The OpenAPI document as its reader has it: operations, their examples, and whether a value is what a schema says.

use std::collections::BTreeMap;

use json_check::Schema;
use serde_json::{Value, json};

/// Where schemas stand side by side.
const ALTERNATIVES: [&str; 3] = ["allOf", "oneOf", "anyOf"];

/// The document.
pub struct Document(Value);

impl Document {
    /// As the server serves it.
    pub fn served() -> Self {
        Self(serde_json::from_str(&build14::services::openapi_json().expect("the document")).expect("JSON"))
    }

    /// One of a test's own.
    pub fn of(document: Value) -> Self {
        Self(document)
    }

    /// Every operation, by method and path such as `POST /api/tenders/{id}/award`.
    pub fn operations(&self) -> BTreeMap<String, &Value> {
        let mut operations = BTreeMap::new();
        for (path, item) in self.0["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                operations.insert(format!("{} {path}", method.to_uppercase()), operation);
            }
        }
        operations
    }

    /// The schemas of the components, by name.
    pub fn schemas(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0["components"]["schemas"].as_object().into_iter().flatten()
    }

    /// The answers that operations share, by name.
    pub fn shared_answers(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0["components"]["responses"].as_object().into_iter().flatten()
    }

    /// An operation.
    pub fn operation(&self, name: &str) -> &Value {
        let (method, path) = name.split_once(' ').unwrap_or_default();
        let operation = &self.0["paths"][path][method.to_lowercase()];
        assert!(operation.is_object(), "the walk sends {name}, which is no operation of the document");
        operation
    }

    /// The media type of an operation's body, the narrower one of a PATCH, and its whole example; none if it takes no body.
    pub fn body(&self, name: &str) -> Option<(&str, Option<&Value>)> {
        let (media_type, content) = self.operation(name)["requestBody"]["content"].as_object()?.iter().next_back()?;
        Some((media_type.as_str(), example(content).or_else(|| example(self.resolved(&content["schema"])))))
    }

    /// What stands at the other end of a reference, or the value itself.
    pub fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let target = value["$ref"].as_str().and_then(|reference| self.0.pointer(reference.trim_start_matches('#')));
        target.unwrap_or(value)
    }

    /// What is wrong with a value by a schema of the document.
    pub fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut root = schema.clone();
        if let Some(root) = root.as_object_mut() {
            root.insert("components".to_owned(), json!({"schemas": self.0["components"]["schemas"]}));
        }
        let compiled = Schema::compile(&root, |pattern| format!("must be as {pattern}"))
            .unwrap_or_else(|error| panic!("a schema of the document does not compile: {error}: {schema}"));
        let faults = compiled.faults(value).into_iter();
        faults.map(|fault| format!("{} {}: {}", fault.pointer, fault.code, fault.detail)).collect()
    }

    /// The members of an answer that its schema says nothing of, by pointer.
    pub fn unknown(&self, schema: &Value, value: &Value, pointer: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                let mut known = Known::default();
                self.know(schema, &mut known);
                for (name, member) in members {
                    match known.members.get(name.as_str()) {
                        Some(schema) => self.unknown(schema, member, &format!("{pointer}/{name}"), found),
                        None if known.open => {}
                        None => found.push(format!("{pointer}/{name} is not in the document")),
                    }
                }
            }
            Value::Array(items) => {
                let Some(schema) = self.items(schema) else { return };
                items.iter().enumerate().for_each(|(at, item)| self.unknown(schema, item, &format!("{pointer}/{at}"), found));
            }
            _ => {}
        }
    }

    fn know<'a>(&'a self, schema: &'a Value, known: &mut Known<'a>) {
        let schema = self.resolved(schema);
        let parts: Vec<_> = ALTERNATIVES.iter().flat_map(|key| schema[*key].as_array().into_iter().flatten()).collect();
        let own = schema["properties"].as_object();
        known.members.extend(own.into_iter().flatten().map(|(name, property)| (name.as_str(), property)));
        // What says nothing of its members may have any.
        let kind = &schema["type"];
        let may_be_object =
            kind.is_null() || kind == "object" || kind.as_array().is_some_and(|kinds| kinds.contains(&json!("object")));
        known.open |= own.is_none() && parts.is_empty() && may_be_object || schema["additionalProperties"] == true;
        parts.into_iter().for_each(|part| self.know(part, known));
    }

    fn items<'a>(&'a self, schema: &'a Value) -> Option<&'a Value> {
        let schema = self.resolved(schema);
        let mut parts = ALTERNATIVES.iter().flat_map(|key| schema[*key].as_array().into_iter().flatten());
        schema.get("items").or_else(|| parts.find_map(|part| self.items(part)))
    }
}

/// The members that a schema says something of.
#[derive(Default)]
struct Known<'a> {
    members: BTreeMap<&'a str, &'a Value>,
    /// Whether there may be any others.
    open: bool,
}

/// The first example beside a schema, or of it.
fn example(place: &Value) -> Option<&Value> {
    let several = match &place["examples"] {
        Value::Array(examples) => examples.first(),
        Value::Object(examples) => examples.values().next().map(|example| &example["value"]),
        _ => None,
    };
    place.get("example").or(several)
}
