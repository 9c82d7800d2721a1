//! Patches (RFC 7644 §3.5.2), as Entra and Okta send them: operations in any capitals, with a path and without, with dotted names where none
//! should be. They are applied to what the record says, as SCIM writes it; what comes of it is read as any body is.

use std::collections::{HashMap, HashSet};

use directory_api::Error;
use serde_json::{Map, Value};

use super::attributes::{Kept, Kind, Shape, member, truth};
use super::choice::{described, holds};
use super::filter::{self, Path, Tree};
use super::read::{MOST_EMAILS, MOST_MEMBERS};

/// The most operations in a patch.
const MOST_OPERATIONS: usize = 100;
/// The most paths in a patch, those without one named in the value: each may look through all the values of an attribute.
const MOST_STEPS: usize = 200;
/// What a patch says that it is.
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

/// An operation.
#[derive(Debug)]
struct Operation {
    verb: Verb,
    path: Option<String>,
    value: Option<Value>,
}

/// A patch that can be read; whether it can be applied depends on what it is applied to.
#[derive(Debug)]
pub(crate) struct Patch(Vec<Operation>);

impl Patch {
    /// Reads one.
    pub(crate) fn read(body: &Map<String, Value>) -> Result<Self, Error> {
        let schemas = member(body, "schemas").and_then(Value::as_array);
        let is_patch =
            schemas.is_some_and(|all| all.iter().any(|one| one.as_str().is_some_and(|one| one.eq_ignore_ascii_case(PATCH))));
        if !is_patch {
            return Err(Error::InvalidSyntax(format!("a patch says so: `schemas` must have {PATCH:?}")));
        }
        let Some(Value::Array(operations)) = member(body, "Operations") else {
            return Err(Error::InvalidSyntax("`Operations` must be a list of operations".to_owned()));
        };
        if operations.is_empty() {
            return Err(Error::InvalidSyntax("`Operations` is empty: nothing would be done".to_owned()));
        }
        if operations.len() > MOST_OPERATIONS {
            return Err(Error::TooMany(format!("a patch may have at most {MOST_OPERATIONS} operations")));
        }
        let operations = operations.iter().map(Operation::read).collect::<Result<Vec<_>, _>>()?;
        if operations.iter().map(Operation::steps).sum::<usize>() > MOST_STEPS {
            return Err(Error::TooMany(format!("the operations of a patch may name at most {MOST_STEPS} attributes")));
        }
        Ok(Self(operations))
    }

    /// Applies all of it to what is there, or nothing.
    pub(crate) fn apply(&self, kind: Kind, mut resource: Map<String, Value>) -> Result<Map<String, Value>, Error> {
        for operation in &self.0 {
            operation.apply(kind, &mut resource)?;
        }
        Ok(resource)
    }
}

impl Operation {
    fn read(value: &Value) -> Result<Self, Error> {
        let Value::Object(members) = value else {
            return Err(Error::InvalidSyntax("an operation must be an object".to_owned()));
        };
        let verb = match member(members, "op").and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
            Some("add") => Verb::Add,
            Some("replace") => Verb::Replace,
            Some("remove") => Verb::Remove,
            _ => return Err(Error::InvalidSyntax("`op` must be add, replace or remove".to_owned())),
        };
        let path = match member(members, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.trim().is_empty() => None,
            Some(Value::String(path)) => Some(path.clone()),
            Some(_) => return Err(Error::InvalidPath("`path` must be a text".to_owned())),
        };
        let value = member(members, "value").filter(|value| !value.is_null()).cloned();
        match (verb, &path, &value) {
            (Verb::Remove, None, _) => Err(Error::NoTarget("`remove` needs a path that says what of it".to_owned())),
            (Verb::Add, _, None) | (Verb::Replace, None, None) => {
                Err(Error::InvalidValue("`value` is missing: what is to stand there?".to_owned()))
            }
            _ => Ok(Self { verb, path, value }),
        }
    }

    /// How many attributes it names.
    fn steps(&self) -> usize {
        match (&self.path, &self.value) {
            (None, Some(Value::Object(members))) => members.len(),
            _ => 1,
        }
    }

    fn apply(&self, kind: Kind, resource: &mut Map<String, Value>) -> Result<(), Error> {
        if let Some(path) = &self.path {
            let path = filter::path(kind, path)?;
            let kept = kind.attribute(&path.name).ok_or_else(|| unknown(kind, &path.name))?;
            if kept.read_only {
                return Err(Error::Mutability(format!("`{}` is not yours to change", kept.name)));
            }
            return Target { kept, path: &path }.apply(self.verb, self.value.as_ref(), resource);
        }
        // Without a path: each member of the value is one, whatever it looks like.
        let Some(Value::Object(members)) = &self.value else {
            return Err(Error::InvalidValue("without a path, `value` must be an object of attributes".to_owned()));
        };
        let mut known = 0;
        for (name, value) in members {
            // Okta tells the id and the schemas along with what it changes; what is not kept is left aside, as in any body.
            let Ok(path) = filter::path(kind, name) else { continue };
            let Some(kept) = kind.attribute(&path.name).filter(|kept| !kept.read_only) else { continue };
            let value = (!value.is_null()).then_some(value);
            let verb = if value.is_none() { Verb::Remove } else { self.verb };
            Target { kept, path: &path }.apply(verb, value, resource)?;
            known += 1;
        }
        if known == 0 {
            return Err(Error::NoTarget("nothing of the value is an attribute that is kept: nothing would be done".to_owned()));
        }
        Ok(())
    }
}

fn unknown(kind: Kind, name: &str) -> Error {
    let name: String = name.chars().take(100).collect();
    Error::InvalidPath(format!(
        "{name:?} is no attribute of a {} that is kept: GET /scim/v2/Schemas names those that are",
        kind.name()
    ))
}

/// Where an operation is done.
struct Target<'a> {
    kept: &'static Kept,
    path: &'a Path,
}

impl Target<'_> {
    fn apply(&self, verb: Verb, value: Option<&Value>, resource: &mut Map<String, Value>) -> Result<(), Error> {
        let Self { kept, path } = self;
        let part = match &path.part {
            None => None,
            Some(part) => Some(kept.part(part).ok_or_else(|| {
                let part: String = part.chars().take(100).collect();
                Error::InvalidPath(format!("`{}` has no part {part:?} that is kept", kept.name))
            })?),
        };
        // Nothing that replaces something takes it away.
        let verb = if verb == Verb::Replace && value.is_none() { Verb::Remove } else { verb };
        match kept.shape {
            Shape::Simple | Shape::Complex(_) if path.filter.is_some() => {
                Err(Error::InvalidPath(format!("`{}` is one value: there is nothing to choose from", kept.name)))
            }
            Shape::Simple => self.simple(verb, value, resource),
            Shape::Complex(_) => self.complex(verb, part, value, resource),
            Shape::Many(_) => self.many(verb, part, value, resource),
        }
    }

    fn simple(&self, verb: Verb, value: Option<&Value>, resource: &mut Map<String, Value>) -> Result<(), Error> {
        let name = self.kept.name;
        match (verb, value) {
            (Verb::Remove, _) | (_, None) if self.kept.required => {
                Err(Error::Mutability(format!("`{name}` must be there: replace it instead")))
            }
            (Verb::Remove, _) | (_, None) => {
                resource.remove(name);
                Ok(())
            }
            (_, Some(value)) => {
                // Entra wraps some values in a list.
                let value = match value {
                    Value::Array(items) if items.len() == 1 => items[0].get("value").unwrap_or(&items[0]),
                    value => value,
                };
                resource.insert(name.to_owned(), value.clone());
                Ok(())
            }
        }
    }

    fn complex(
        &self,
        verb: Verb,
        part: Option<&'static str>,
        value: Option<&Value>,
        resource: &mut Map<String, Value>,
    ) -> Result<(), Error> {
        let name = self.kept.name;
        let (Some(value), true) = (value, verb != Verb::Remove) else {
            match part {
                None => drop(resource.remove(name)),
                Some(part) => {
                    if let Some(Value::Object(parts)) = resource.get_mut(name) {
                        parts.remove(part);
                    }
                }
            }
            return Ok(());
        };
        let entry = resource.entry(name).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(parts) = entry else { return Err(Error::InvalidValue(format!("`{name}` must be an object"))) };
        match (part, value) {
            (Some(part), value) => drop(parts.insert(part.to_owned(), value.clone())),
            (None, Value::Object(given)) => parts.extend(self.known(given)),
            (None, _) => return Err(Error::InvalidValue(format!("`{name}` must be an object"))),
        }
        Ok(())
    }

    fn many(
        &self,
        verb: Verb,
        part: Option<&'static str>,
        value: Option<&Value>,
        resource: &mut Map<String, Value>,
    ) -> Result<(), Error> {
        let name = self.kept.name;
        let mut items = match resource.remove(name) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        let chosen = self.path.filter.as_ref();
        match (verb, part, chosen) {
            (Verb::Remove, None, None) => match value {
                // Entra says which ones in the value.
                Some(value) => self.take_out(&mut items, value)?,
                None => items.clear(),
            },
            (Verb::Remove, None, Some(chosen)) => {
                let before = items.len();
                let mut kept = Vec::with_capacity(before);
                for item in items.drain(..) {
                    if !holds(self.kept, chosen, &item)? {
                        kept.push(item);
                    }
                }
                items = kept;
                self.found(before - items.len())?;
            }
            (Verb::Remove, Some(part), chosen) => {
                // What tells two of them apart is all of them.
                let whole = Some(part) == self.first_part();
                let mut found = 0;
                let mut left = Vec::with_capacity(items.len());
                for mut item in items.drain(..) {
                    let meant = chosen.map_or(Ok(true), |chosen| holds(self.kept, chosen, &item))?;
                    found += usize::from(meant);
                    if meant && let Value::Object(parts) = &mut item {
                        parts.remove(part);
                    }
                    if !(meant && whole) {
                        left.push(item);
                    }
                }
                items = left;
                self.found(found)?;
            }
            (Verb::Add, None, None) => self.put_in(&mut items, value)?,
            (Verb::Replace, None, None) => {
                items.clear();
                self.put_in(&mut items, value)?;
            }
            (verb, part, chosen) => self.change(&mut items, verb, (part, chosen), value)?,
        }
        if !items.is_empty() {
            resource.insert(name.to_owned(), Value::Array(items));
        }
        Ok(())
    }

    /// Changes those that are chosen, or a part of all. What is added where nothing is chosen is made, if the filter says what it is like.
    fn change(
        &self,
        items: &mut Vec<Value>,
        verb: Verb,
        (part, chosen): (Option<&'static str>, Option<&Tree>),
        value: Option<&Value>,
    ) -> Result<(), Error> {
        let value = value.ok_or_else(|| Error::InvalidValue("`value` is missing: what is to stand there?".to_owned()))?;
        let given = match part {
            Some(part) => Map::from_iter([(part.to_owned(), value.clone())]),
            None => match value {
                Value::Object(given) => self.known(given).collect(),
                Value::Array(one) if one.len() == 1 => match &one[0] {
                    Value::Object(given) => self.known(given).collect(),
                    _ => return Err(Error::InvalidValue(format!("what is in `{}` must be an object", self.kept.name))),
                },
                _ => return Err(Error::InvalidValue(format!("what is in `{}` must be an object", self.kept.name))),
            },
        };
        let mut changed = HashSet::new();
        for (at, item) in items.iter_mut().enumerate() {
            let meant = chosen.map_or(Ok(true), |chosen| holds(self.kept, chosen, item))?;
            if meant && let Value::Object(parts) = item {
                parts.extend(given.clone());
                changed.insert(at);
            }
        }
        if changed.is_empty() && verb == Verb::Add {
            let mut made = Map::new();
            if chosen.is_none_or(|chosen| described(self.kept, chosen, &mut made)) {
                made.extend(given.clone());
                changed.insert(items.len());
                items.push(Value::Object(made));
            }
        }
        self.found(changed.len())?;
        one_primary(items, &given, |at| changed.contains(&at));
        Ok(())
    }

    fn found(&self, how_many: usize) -> Result<(), Error> {
        if how_many > 0 {
            return Ok(());
        }
        Err(Error::NoTarget(format!("nothing in `{}` is what the operation means: nothing would be done", self.kept.name)))
    }

    /// Adds what is given, each once.
    fn put_in(&self, items: &mut Vec<Value>, value: Option<&Value>) -> Result<(), Error> {
        let given = self.given(value)?;
        let mut places: HashMap<String, usize> =
            items.iter().enumerate().filter_map(|(at, item)| Some((self.identity(item)?, at))).collect();
        for one in given {
            let Some(identity) = self.identity(&one) else {
                return Err(Error::InvalidValue(format!("what is in `{}` must have a value", self.kept.name)));
            };
            let place = match places.get(&identity).copied() {
                Some(place) => {
                    if let (Some(Value::Object(parts)), Value::Object(more)) = (items.get_mut(place), one.clone()) {
                        parts.extend(more);
                    }
                    place
                }
                None => {
                    places.insert(identity, items.len());
                    items.push(one.clone());
                    items.len() - 1
                }
            };
            if let Value::Object(given) = &one {
                one_primary(items, given, |at| at == place);
            }
        }
        Ok(())
    }

    /// Takes out what is named; something of it must be there.
    fn take_out(&self, items: &mut Vec<Value>, value: &Value) -> Result<(), Error> {
        let given = self.given(Some(value))?;
        let before = items.len();
        if self.kept.name == "emails" {
            let same = |item: &Value, one: &Value, part: &str| {
                let text = |value: &Value| value.get(part).and_then(Value::as_str).map(str::to_lowercase);
                text(one).is_none_or(|text_of_one| text(item) == Some(text_of_one))
            };
            items.retain(|item| !given.iter().any(|one| same(item, one, "value") && same(item, one, "type")));
        } else {
            let named: HashSet<String> = given.iter().filter_map(|one| self.identity(one)).collect();
            items.retain(|item| self.identity(item).is_none_or(|identity| !named.contains(&identity)));
        }
        self.found(before - items.len())
    }

    /// The values of an operation, each with its parts that are kept. Entra sends one that is meant to be a list bare.
    fn given(&self, value: Option<&Value>) -> Result<Vec<Value>, Error> {
        let all = match value {
            Some(Value::Array(all)) => all.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        let most = if self.kept.name == "emails" { MOST_EMAILS } else { MOST_MEMBERS };
        if all.len() > most {
            return Err(Error::TooMany(format!("`{}` may have at most {most} values", self.kept.name)));
        }
        let known = |one: &Value| match one {
            Value::Object(given) => Ok(Value::Object(self.known(given).collect())),
            // A bare id of a member, a bare address.
            Value::String(text) => {
                let first = self.first_part().unwrap_or("value");
                Ok(Value::Object(Map::from_iter([(first.to_owned(), Value::String(text.clone()))])))
            }
            _ => Err(Error::InvalidValue(format!("what is in `{}` must be an object", self.kept.name))),
        };
        all.iter().map(known).collect()
    }

    fn first_part(&self) -> Option<&'static str> {
        match self.kept.shape {
            Shape::Many(parts) => parts.first().copied(),
            Shape::Simple | Shape::Complex(_) => None,
        }
    }

    /// By what an item is told from others: an address is the same in any capitals, and may stand there for two purposes.
    fn identity(&self, item: &Value) -> Option<String> {
        let text = |part: &str| item.get(part).and_then(Value::as_str);
        let value = text(self.first_part()?)?;
        Some(if self.kept.name == "emails" {
            format!("{} {}", value.to_lowercase(), text("type").unwrap_or_default().to_lowercase())
        } else {
            value.to_lowercase()
        })
    }

    /// The parts of an object that are kept, by their own names.
    fn known<'a>(&self, given: &'a Map<String, Value>) -> impl Iterator<Item = (String, Value)> + use<'a> {
        let kept = self.kept;
        given.iter().filter_map(move |(name, value)| Some((kept.part(name)?.to_owned(), value.clone())))
    }
}

/// Where one of several is the first from now on, the others are not.
fn one_primary(items: &mut [Value], given: &Map<String, Value>, is_it: impl Fn(usize) -> bool) {
    if given.get("primary").and_then(truth) != Some(true) {
        return;
    }
    for (_, item) in items.iter_mut().enumerate().filter(|(at, _)| !is_it(*at)) {
        if let Value::Object(parts) = item
            && parts.get("primary").and_then(truth) == Some(true)
        {
            parts.insert("primary".to_owned(), Value::Bool(false));
        }
    }
}
