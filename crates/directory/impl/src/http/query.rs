//! What a request asks to see: which attributes, and of a list which part (RFC 7644 §3.4.2, §3.9). Parameters that nobody knows are ignored: directories
//! add some of their own.

use actix_web::HttpRequest;
use directory_api::{Error, Query};
use serde_json::{Map, Value};

use crate::scim::attributes::{Kind, bare, member};
use crate::scim::filter;

/// The most attributes that are named.
const MOST_NAMES: usize = 100;
/// These are told whatever is wanted.
const ALWAYS: [&str; 2] = ["schemas", "id"];

/// Which attributes are wanted.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    only: Option<Vec<String>>,
    without: Vec<String>,
}

fn names(text: &str) -> Result<Vec<String>, Error> {
    checked(text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn checked(names: Vec<String>) -> Result<Vec<String>, Error> {
    if names.len() > MOST_NAMES {
        return Err(Error::InvalidValue(format!("at most {MOST_NAMES} attributes may be named")));
    }
    Ok(names)
}

impl Wanted {
    fn new(only: Option<Vec<String>>, without: Vec<String>) -> Result<Self, Error> {
        let only = only.filter(|only| !only.is_empty());
        if only.is_some() && !without.is_empty() {
            return Err(Error::InvalidValue("either `attributes` or `excludedAttributes` may be given, not both".to_owned()));
        }
        Ok(Self { only, without })
    }

    /// As the query of a request says.
    pub(super) fn asked(request: &HttpRequest) -> Result<Self, Error> {
        let list = |name| web::parameter(request, name).map(|text| names(&text)).transpose();
        Self::new(list("attributes")?, list("excludedAttributes")?.unwrap_or_default())
    }

    /// As the body of a search says.
    fn said(body: &Map<String, Value>) -> Result<Self, Error> {
        let list = |name: &str| match member(body, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => names(text).map(Some),
            Some(Value::Array(all)) => checked(all.iter().filter_map(Value::as_str).map(str::to_owned).collect()).map(Some),
            Some(_) => Err(Error::InvalidValue(format!("`{name}` must be a list of names"))),
        };
        Self::new(list("attributes")?, list("excludedAttributes")?.unwrap_or_default())
    }

    /// Whether an attribute is told.
    pub(super) fn has(&self, kind: Kind, name: &str) -> bool {
        let named = |all: &[String]| {
            all.iter().any(|one| bare(kind, one).split('.').next().is_some_and(|one| one.eq_ignore_ascii_case(name)))
        };
        match &self.only {
            Some(only) => named(only),
            None => !self.without.iter().any(|one| bare(kind, one).eq_ignore_ascii_case(name)),
        }
    }

    /// So much of a resource.
    pub(super) fn of(&self, kind: Kind, mut whole: Map<String, Value>) -> Map<String, Value> {
        let Some(only) = &self.only else {
            for name in self.without.iter().map(|name| bare(kind, name)) {
                take(&mut whole, name);
            }
            return whole;
        };
        let mut told = Map::new();
        for name in ALWAYS.iter().copied().chain(only.iter().map(|name| bare(kind, name))) {
            let (name, part) = name.split_once('.').map_or((name, None), |(name, part)| (name, Some(part)));
            let Some((known, value)) = whole.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) else { continue };
            let value = match part {
                None => value.clone(),
                Some(part) => parts(value, part),
            };
            match told.get_mut(known) {
                Some(Value::Object(there)) => {
                    if let Value::Object(more) = value {
                        there.extend(more);
                    }
                }
                Some(there) if part.is_none() => *there = value,
                Some(_) => {}
                None => drop(told.insert(known.clone(), value)),
            }
        }
        told
    }
}

/// Takes an attribute away, or a part of it; what is always told stays.
fn take(whole: &mut Map<String, Value>, name: &str) {
    let (name, part) = name.split_once('.').map_or((name, None), |(name, part)| (name, Some(part)));
    let Some(known) = whole.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned() else { return };
    if ALWAYS.contains(&known.as_str()) {
        return;
    }
    let Some(part) = part else {
        whole.remove(&known);
        return;
    };
    match whole.get_mut(&known) {
        Some(Value::Object(parts)) => parts.retain(|known, _| !known.eq_ignore_ascii_case(part)),
        Some(Value::Array(items)) => {
            for parts in items.iter_mut().filter_map(Value::as_object_mut) {
                parts.retain(|known, _| !known.eq_ignore_ascii_case(part));
            }
        }
        _ => {}
    }
}

/// A part of an attribute, or of each of its values.
fn parts(value: &Value, part: &str) -> Value {
    match value {
        Value::Object(all) => Value::Object(
            all.iter().filter(|(known, _)| known.eq_ignore_ascii_case(part)).map(|(k, v)| (k.clone(), v.clone())).collect(),
        ),
        Value::Array(items) => items.iter().map(|item| parts(item, part)).collect(),
        value => value.clone(),
    }
}

/// What of a list is asked for, before anybody reads the filter.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The filter, as it is written.
    pub(super) filter: Option<String>,
    /// The number of the first, from 1.
    pub(super) start: u64,
    /// The most.
    pub(super) count: u32,
    /// Which attributes.
    pub(super) wanted: Wanted,
}

fn whole_number(name: &str, text: Option<&str>) -> Result<Option<i64>, Error> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    match text.parse::<i64>() {
        Ok(number) => Ok(Some(number)),
        // Of more digits than any list has places.
        Err(_) if text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()) && text != "-" => {
            Ok(Some(if text.starts_with('-') { i64::MIN } else { i64::MAX }))
        }
        Err(_) => Err(Error::InvalidValue(format!("`{name}` must be a whole number"))),
    }
}

impl Asked {
    fn new(filter: Option<String>, start: Option<i64>, count: Option<i64>, wanted: Wanted) -> Self {
        // RFC 7644 §3.4.2.4: less than 1 is 1, less than 0 is 0.
        let start = start.map_or(1, |start| u64::try_from(start.max(1)).unwrap_or(1));
        let count = count.map_or(Query::USUAL, |count| u32::try_from(count.clamp(0, i64::from(Query::MOST))).unwrap_or(0));
        Self { filter: filter.filter(|filter| !filter.trim().is_empty()), start, count, wanted }
    }

    /// As the query of a request says.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, Error> {
        let number = |name| whole_number(name, web::parameter(request, name).as_deref());
        let (start, count) = (number("startIndex")?, number("count")?);
        Ok(Self::new(web::parameter(request, "filter"), start, count, Wanted::asked(request)?))
    }

    /// As the body of a search says.
    pub(super) fn said(body: &Map<String, Value>) -> Result<Self, Error> {
        let number = |name: &str| match member(body, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => whole_number(name, Some(text)),
            Some(value) => whole_number(name, Some(&value.to_string())),
        };
        let filter = match member(body, "filter") {
            None | Some(Value::Null) => None,
            Some(Value::String(filter)) => Some(filter.clone()),
            Some(_) => return Err(Error::InvalidFilter("`filter` must be a text".to_owned())),
        };
        Ok(Self::new(filter, number("startIndex")?, number("count")?, Wanted::said(body)?))
    }

    /// The part of a list of one kind.
    pub(super) fn query(&self, kind: Kind) -> Result<Query, Error> {
        let filter = self.filter.as_deref().map(|text| filter::parse(kind, text)).transpose()?;
        let with_members = kind == Kind::Group && self.wanted.has(kind, "members");
        Ok(Query { filter, skip: self.start - 1, count: self.count, with_members })
    }

    /// The list, of which these were found.
    pub(super) fn list(&self, total: u64, resources: Vec<Value>) -> Value {
        serde_json::json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": total,
            "startIndex": self.start,
            "itemsPerPage": resources.len(),
            "Resources": resources,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(body: Value) -> Value {
        let wanted = Wanted::said(body.as_object().unwrap()).unwrap();
        let whole = json!({"schemas": ["s"], "id": "1", "userName": "ada", "name": {"givenName": "Ada", "familyName": "L"},
            "emails": [{"value": "a@x", "type": "work"}], "meta": {"version": "2"}});
        Value::Object(wanted.of(Kind::User, whole.as_object().unwrap().clone()))
    }

    #[test]
    fn what_is_wanted_is_told_with_what_always_is() {
        let only = json!({"attributes": ["USERNAME", "name.givenName", "emails.value", "urn:ietf:params:scim:schemas:core:2.0:User:nope"]});
        let expected =
            json!({"schemas": ["s"], "id": "1", "userName": "ada", "name": {"givenName": "Ada"}, "emails": [{"value": "a@x"}]});
        assert_eq!(told(only), expected);
        let without = json!({"excludedAttributes": ["id", "emails", "name.familyName", "meta"]});
        assert_eq!(told(without), json!({"schemas": ["s"], "id": "1", "userName": "ada", "name": {"givenName": "Ada"}}));
        let both = json!({"attributes": ["id"], "excludedAttributes": ["id"]});
        assert!(Wanted::said(both.as_object().unwrap()).is_err());
    }

    #[test]
    fn a_part_of_a_list_has_bounds() {
        let asked = |body: Value| Asked::said(body.as_object().unwrap()).map(|asked| (asked.start, asked.count));
        assert_eq!(asked(json!({})).unwrap(), (1, Query::USUAL));
        assert_eq!(asked(json!({"startIndex": -5, "count": -1})).unwrap(), (1, 0));
        assert_eq!(asked(json!({"startIndex": "3", "count": 100_000})).unwrap(), (3, Query::MOST));
        let huge = json!({"startIndex": "99999999999999999999999", "count": "99999999999999999999999"});
        assert_eq!(asked(huge).unwrap(), (u64::try_from(i64::MAX).unwrap(), Query::MOST));
        for wrong in [json!({"count": "many"}), json!({"startIndex": "1.5"}), json!({"count": "-"}), json!({"count": [1]})] {
            assert!(asked(wrong).is_err());
        }
    }
}
