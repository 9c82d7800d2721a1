//! A record as SCIM writes it: what a directory may write, without what is ours.

use directory_api::{DirectoryEmail, GroupRecord, UserRecord};
use serde_json::{Map, Value, json};

/// Writes a text that is there.
fn text(object: &mut Map<String, Value>, name: &str, value: Option<&String>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), json!(value));
    }
}

fn email(email: &DirectoryEmail) -> Value {
    let mut object = Map::new();
    object.insert("value".to_owned(), json!(email.value));
    text(&mut object, "type", email.kind.as_ref());
    if let Some(primary) = email.primary {
        object.insert("primary".to_owned(), json!(primary));
    }
    Value::Object(object)
}

/// A user.
pub(crate) fn user(record: &UserRecord) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("userName".to_owned(), json!(record.user_name));
    text(&mut object, "externalId", record.external_id.as_ref());
    let mut name = Map::new();
    text(&mut name, "formatted", record.formatted_name.as_ref());
    text(&mut name, "familyName", record.family_name.as_ref());
    text(&mut name, "givenName", record.given_name.as_ref());
    if !name.is_empty() {
        object.insert("name".to_owned(), Value::Object(name));
    }
    text(&mut object, "displayName", record.display_name.as_ref());
    text(&mut object, "preferredLanguage", record.preferred_language.as_ref());
    object.insert("active".to_owned(), json!(record.active));
    if !record.emails.is_empty() {
        object.insert("emails".to_owned(), record.emails.iter().map(email).collect());
    }
    object
}

/// A group.
pub(crate) fn group(record: &GroupRecord) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("displayName".to_owned(), json!(record.display_name));
    text(&mut object, "externalId", record.external_id.as_ref());
    if !record.members.is_empty() {
        object.insert("members".to_owned(), record.members.iter().map(|id| json!({ "value": id })).collect());
    }
    object
}
