//! A body, or what a patch makes of a record, read: what is kept of it, every fault of it in one refusal.

use std::collections::HashSet;

use auth_api::email::Email;
use directory_api::{DirectoryEmail, Error, GroupRecord, UserRecord};
use kernel::text;
use serde_json::{Map, Value};

use super::attributes::{Kind, member, truth};

/// The most addresses of a user.
pub(crate) const MOST_EMAILS: usize = 20;
/// The most members of a group.
pub(crate) const MOST_MEMBERS: usize = 10_000;
/// The longest id of a member.
const MOST_OF_ID: usize = 100;
/// The longest name by which something is known.
const MOST_OF_KEY: usize = 254;
/// What is wrong in thousands of places is told of the first.
const MOST_TOLD: usize = 20;
/// The longest name of something.
const MOST_OF_NAME: usize = 200;

/// Passes if a body says that it is of this kind.
fn check_schema(kind: Kind, body: &Map<String, Value>) -> Result<(), Error> {
    let says = |all: &Vec<Value>| all.iter().any(|one| one.as_str().is_some_and(|one| one.eq_ignore_ascii_case(kind.schema())));
    if member(body, "schemas").and_then(Value::as_array).is_some_and(says) {
        return Ok(());
    }
    Err(Error::InvalidSyntax(format!("a {} says so: `schemas` must have {:?}", kind.name(), kind.schema())))
}

/// A user, of a body that says that it is one.
pub(crate) fn whole_user(body: &Map<String, Value>) -> Result<UserRecord, Error> {
    check_schema(Kind::User, body)?;
    user(body)
}

/// A group, of a body that says that it is one.
pub(crate) fn whole_group(body: &Map<String, Value>) -> Result<GroupRecord, Error> {
    check_schema(Kind::Group, body)?;
    group(body)
}

/// What is wrong so far.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn note(&mut self, name: &str, why: impl std::fmt::Display) {
        if self.0.len() < MOST_TOLD {
            self.0.push(format!("`{name}` {why}"));
        }
    }

    fn finish(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::InvalidValue(self.0.join("; "))) }
    }

    /// A text, if there is one: what is empty is none.
    fn text(&mut self, object: &Map<String, Value>, name: &str, most: usize) -> Option<String> {
        match member(object, name)? {
            Value::Null => None,
            Value::String(given) if text::is_blank(given) => None,
            Value::String(given) => text::line(given, most).map_err(|flaw| self.note(name, flaw)).ok(),
            _ => {
                self.note(name, "must be a text");
                None
            }
        }
    }

    fn required(&mut self, object: &Map<String, Value>, name: &str, most: usize) -> String {
        let before = self.0.len();
        let given = self.text(object, name, most);
        if given.is_none() && self.0.len() == before {
            self.note(name, "is required");
        }
        given.unwrap_or_default()
    }

    fn flag(&mut self, object: &Map<String, Value>, name: &str) -> Option<bool> {
        let given = member(object, name).filter(|value| !value.is_null())?;
        let flag = truth(given);
        if flag.is_none() {
            self.note(name, "must be true or false");
        }
        flag
    }

    /// The objects of a list, which may be sent bare if it is one.
    fn objects<'a>(&mut self, object: &'a Map<String, Value>, name: &str, most: usize) -> Vec<&'a Map<String, Value>> {
        let all: &[Value] = match member(object, name) {
            None | Some(Value::Null) => &[],
            Some(Value::Array(all)) => all.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        if all.len() > most {
            self.note(name, format!("may have at most {most} values"));
            return Vec::new();
        }
        let objects: Vec<_> = all.iter().filter_map(Value::as_object).collect();
        if objects.len() < all.len() {
            self.note(name, "must be a list of objects");
        }
        objects
    }
}

/// A user.
pub(crate) fn user(body: &Map<String, Value>) -> Result<UserRecord, Error> {
    let mut faults = Faults::default();
    let empty = Map::new();
    let name = match member(body, "name") {
        Some(Value::Object(name)) => name,
        None | Some(Value::Null) => &empty,
        Some(_) => {
            faults.note("name", "must be an object");
            &empty
        }
    };
    let mut emails = Vec::new();
    for given in faults.objects(body, "emails", MOST_EMAILS) {
        let value = faults.required(given, "value", MOST_OF_KEY);
        if let Err(flaw) = Email::parse(&value)
            && !value.is_empty()
        {
            faults.note("emails", format!("must be addresses: {flaw}"));
        }
        let (kind, primary) = (faults.text(given, "type", 100), faults.flag(given, "primary"));
        emails.push(DirectoryEmail { value, kind, primary });
    }
    if emails.iter().filter(|email| email.primary == Some(true)).count() > 1 {
        faults.note("emails", "may have one that is primary");
    }
    let record = UserRecord {
        user_name: faults.required(body, "userName", MOST_OF_KEY),
        external_id: faults.text(body, "externalId", MOST_OF_KEY),
        display_name: faults.text(body, "displayName", MOST_OF_NAME),
        formatted_name: faults.text(name, "formatted", MOST_OF_NAME),
        family_name: faults.text(name, "familyName", MOST_OF_NAME),
        given_name: faults.text(name, "givenName", MOST_OF_NAME),
        preferred_language: faults.text(body, "preferredLanguage", MOST_OF_NAME),
        emails,
        // Whoever is added is let in unless it is said otherwise.
        active: faults.flag(body, "active").unwrap_or(true),
    };
    faults.finish()?;
    Ok(record)
}

/// A group.
pub(crate) fn group(body: &Map<String, Value>) -> Result<GroupRecord, Error> {
    let mut faults = Faults::default();
    let (mut members, mut seen) = (Vec::new(), HashSet::new());
    for given in faults.objects(body, "members", MOST_MEMBERS) {
        let id = faults.required(given, "value", MOST_OF_ID);
        // One id in one spelling: those of users are in small letters.
        let id = id.to_lowercase();
        if seen.insert(id.clone()) {
            members.push(id);
        }
    }
    let record = GroupRecord {
        display_name: faults.required(body, "displayName", MOST_OF_NAME),
        external_id: faults.text(body, "externalId", MOST_OF_KEY),
        members,
    };
    faults.finish()?;
    Ok(record)
}
