//! The attributes that are kept, by the names that SCIM gives them: `GET /scim/v2/Schemas` tells the same.

use serde_json::Value;

/// The schema of users.
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of groups.
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// A kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A user.
    User,
    /// A group.
    Group,
}

impl Kind {
    /// Its schema.
    pub(crate) const fn schema(self) -> &'static str {
        match self {
            Self::User => USER,
            Self::Group => GROUP,
        }
    }

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    const fn attributes(self) -> &'static [Kept] {
        match self {
            Self::User => USERS,
            Self::Group => GROUPS,
        }
    }

    /// The attribute of this name, whatever its capitals.
    pub(crate) fn attribute(self, name: &str) -> Option<&'static Kept> {
        self.attributes().iter().find(|kept| kept.name.eq_ignore_ascii_case(name))
    }
}

/// What an attribute holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One value.
    Simple,
    /// One object of these.
    Complex(&'static [&'static str]),
    /// Any number of objects of these; the first tells two of them apart.
    Many(&'static [&'static str]),
}

/// An attribute.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it holds.
    pub(crate) shape: Shape,
    /// Whether there must be one.
    pub(crate) required: bool,
    /// Whether it is ours to write.
    pub(crate) read_only: bool,
}

impl Kept {
    /// The part of this name, whatever its capitals.
    pub(crate) fn part(&self, name: &str) -> Option<&'static str> {
        match self.shape {
            Shape::Simple => None,
            Shape::Complex(parts) | Shape::Many(parts) => parts.iter().copied().find(|part| part.eq_ignore_ascii_case(name)),
        }
    }
}

const fn kept(name: &'static str, shape: Shape) -> Kept {
    Kept { name, shape, required: false, read_only: false }
}

const fn required(name: &'static str) -> Kept {
    Kept { name, shape: Shape::Simple, required: true, read_only: false }
}

const fn read_only(name: &'static str, shape: Shape) -> Kept {
    Kept { name, shape, required: false, read_only: true }
}

const META: Kept = read_only("meta", Shape::Complex(&["resourceType", "created", "lastModified", "location", "version"]));

const USERS: &[Kept] = &[
    read_only("schemas", Shape::Simple),
    read_only("id", Shape::Simple),
    META,
    required("userName"),
    kept("externalId", Shape::Simple),
    kept("name", Shape::Complex(&["formatted", "familyName", "givenName"])),
    kept("displayName", Shape::Simple),
    kept("preferredLanguage", Shape::Simple),
    required("active"),
    kept("emails", Shape::Many(&["value", "type", "primary"])),
    read_only("groups", Shape::Many(&["value", "display"])),
];

const GROUPS: &[Kept] = &[
    read_only("schemas", Shape::Simple),
    read_only("id", Shape::Simple),
    META,
    required("displayName"),
    kept("externalId", Shape::Simple),
    kept("members", Shape::Many(&["value"])),
];

/// A name without the schema that may stand before it, as in `urn:ietf:params:scim:schemas:core:2.0:User:userName`.
pub(crate) fn bare(kind: Kind, name: &str) -> &str {
    let schema = kind.schema();
    match (name.get(..schema.len()), name.get(schema.len()..)) {
        (Some(before), Some(behind)) if before.eq_ignore_ascii_case(schema) => behind.strip_prefix(':').unwrap_or(name),
        _ => name,
    }
}

/// The member of an object with this name, whatever its capitals.
pub(crate) fn member<'a>(object: &'a serde_json::Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// A truth, as it is or as a text: Entra says `"False"`.
pub(crate) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
