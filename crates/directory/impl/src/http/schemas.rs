//! The schemas: of users and groups as they are kept, and of what describes them (RFC 7643 §7, §8.7).

use serde_json::{Value, json};

use super::shown::Base;
use crate::scim::attributes::{GROUP, USER};

/// The kind of users.
pub(super) const USER_TYPE: &str = "User";
/// The kind of groups.
pub(super) const GROUP_TYPE: &str = "Group";

const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// An attribute, as most of them are.
fn attribute(name: &str, kind: &str, description: &str) -> Value {
    let mut attribute = json!({
        "name": name, "type": kind, "multiValued": false, "description": description, "required": false, "mutability": "readWrite",
        "returned": "default",
    });
    if kind == "string" || kind == "reference" {
        attribute["caseExact"] = json!(false);
        attribute["uniqueness"] = json!("none");
    }
    attribute
}

fn with(mut attribute: Value, more: Value) -> Value {
    if let (Value::Object(all), Value::Object(more)) = (&mut attribute, more) {
        all.extend(more);
    }
    attribute
}

fn text(name: &str, description: &str) -> Value {
    attribute(name, "string", description)
}

fn complex(name: &str, description: &str, parts: &[Value]) -> Value {
    with(attribute(name, "complex", description), json!({ "subAttributes": parts }))
}

fn many(attribute: Value) -> Value {
    with(attribute, json!({ "multiValued": true }))
}

/// What is ours to say.
fn fixed(attribute: Value) -> Value {
    with(attribute, json!({ "mutability": "readOnly" }))
}

fn required(attribute: Value) -> Value {
    with(attribute, json!({ "required": true }))
}

fn unique(attribute: Value) -> Value {
    with(attribute, json!({ "uniqueness": "server" }))
}

fn schema(base: &Base, id: &str, name: &str, description: &str, attributes: &[Value]) -> Value {
    json!({
        "schemas": [SCHEMA], "id": id, "name": name, "description": description, "attributes": attributes,
        "meta": { "resourceType": "Schema", "location": base.place(&format!("Schemas/{id}")) },
    })
}

/// All of them.
pub(super) fn all(base: &Base) -> Vec<Value> {
    vec![
        schema(base, USER, USER_TYPE, "What a directory says of a person", &user()),
        schema(base, GROUP, GROUP_TYPE, "A named set of users", &group()),
        schema(base, SCHEMA, "Schema", "What attributes a resource has", &of_schemas()),
        schema(base, "urn:ietf:params:scim:schemas:core:2.0:ResourceType", "ResourceType", "A kind of resources", &of_types()),
        schema(
            base,
            "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig",
            "ServiceProviderConfig",
            "What of SCIM is spoken",
            &of_config(),
        ),
    ]
}

fn user() -> Vec<Value> {
    let name = [text("formatted", "The whole name"), text("familyName", "The family name"), text("givenName", "The given name")];
    let email = [
        required(text("value", "The address")),
        with(text("type", "What it is for"), json!({ "canonicalValues": ["work", "home", "other"] })),
        attribute("primary", "boolean", "Whether it is the first of several"),
    ];
    let group = [fixed(text("value", "The group's id")), fixed(text("display", "What the group is called"))];
    vec![
        unique(required(text("userName", "By which name the directory knows them"))),
        complex("name", "What they are called, in its parts", &name),
        text("displayName", "What they are called"),
        text("preferredLanguage", "In which language they like to be written to"),
        required(attribute("active", "boolean", "Whether the organisation lets them in; true unless it is said otherwise")),
        many(complex("emails", "Their addresses, of which the primary one is invited", &email)),
        fixed(many(complex("groups", "The groups that they are in", &group))),
    ]
}

fn group() -> Vec<Value> {
    let member = [with(text("value", "The id of a user"), json!({ "mutability": "immutable" }))];
    vec![unique(required(text("displayName", "What it is called"))), many(complex("members", "Whom it names", &member))]
}

fn of_schemas() -> Vec<Value> {
    let parts = || {
        vec![
            fixed(required(text("name", "What it is called"))),
            fixed(required(text("type", "What it holds"))),
            fixed(required(attribute("multiValued", "boolean", "Whether there may be several"))),
            fixed(text("description", "What it is")),
            fixed(attribute("required", "boolean", "Whether there must be one")),
            fixed(many(text("canonicalValues", "Usual values"))),
            fixed(attribute("caseExact", "boolean", "Whether capitals are told apart")),
            fixed(text("mutability", "Who writes it")),
            fixed(text("returned", "When it is told")),
            fixed(text("uniqueness", "Of which kind it is one")),
            fixed(many(text("referenceTypes", "What it may refer to"))),
        ]
    };
    let mut attributes = parts();
    attributes.push(fixed(many(complex("subAttributes", "Its parts", &parts()))));
    vec![
        fixed(required(text("name", "What it is called"))),
        fixed(text("description", "What it is")),
        fixed(required(many(complex("attributes", "Its attributes", &attributes)))),
    ]
}

fn of_types() -> Vec<Value> {
    let extension = [
        fixed(required(text("schema", "The schema"))),
        fixed(required(attribute("required", "boolean", "Whether it must be there"))),
    ];
    vec![
        fixed(required(text("name", "What it is called"))),
        fixed(text("description", "What it is")),
        fixed(required(text("endpoint", "Where they are"))),
        fixed(required(text("schema", "Their schema"))),
        fixed(many(complex("schemaExtensions", "Schemas besides", &extension))),
    ]
}

fn of_config() -> Vec<Value> {
    let supported = || fixed(required(attribute("supported", "boolean", "Whether it is")));
    let number = |name, description| fixed(required(attribute(name, "integer", description)));
    let scheme = [
        fixed(required(text("type", "Which it is"))),
        fixed(required(text("name", "What it is called"))),
        fixed(required(text("description", "What it is"))),
        fixed(text("specUri", "Where it is specified")),
        fixed(text("documentationUri", "Where it is explained")),
        fixed(attribute("primary", "boolean", "Whether it is the first of several")),
    ];
    let bulk = [
        supported(),
        number("maxOperations", "The most operations at once"),
        number("maxPayloadSize", "The longest body, in bytes"),
    ];
    let filter = [supported(), number("maxResults", "The most that are told at once")];
    let plain = |name, description| fixed(required(complex(name, description, &[supported()])));
    vec![
        plain("patch", "Patches"),
        fixed(required(complex("bulk", "Many operations in one request", &bulk))),
        fixed(required(complex("filter", "Filters", &filter))),
        plain("changePassword", "Changes of passwords"),
        plain("sort", "Sorting"),
        plain("etag", "Entity tags"),
        fixed(required(many(complex("authenticationSchemes", "How clients show who they are", &scheme)))),
    ]
}
