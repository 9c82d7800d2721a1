//! What of several an operation means: the filter in a path, asked of single values.

use directory_api::{Comparison, Error};
use serde_json::{Map, Value};

use super::attributes::{Kept, truth};
use super::filter::{Literal, Term, Tree};

/// Whether an item is what the filter means.
pub(super) fn holds(kept: &'static Kept, tree: &Tree, item: &Value) -> Result<bool, Error> {
    Ok(match tree {
        Tree::All(parts) => {
            for part in parts {
                if !holds(kept, part, item)? {
                    return Ok(false);
                }
            }
            true
        }
        Tree::Any(parts) => {
            for part in parts {
                if holds(kept, part, item)? {
                    return Ok(true);
                }
            }
            false
        }
        Tree::Not(inner) => !holds(kept, inner, item)?,
        Tree::Each(name, _) => return Err(Error::InvalidFilter(format!("{name:?} has no parts of its own"))),
        Tree::Term(term) => {
            let part = kept.part(&term.name).ok_or_else(|| {
                let name: String = term.name.chars().take(100).collect();
                Error::InvalidFilter(format!("`{}` has no part {name:?} that is kept", kept.name))
            })?;
            compares(item.get(part), term)
        }
    })
}

fn compares(value: Option<&Value>, term: &Term) -> bool {
    let value = value.filter(|value| !value.is_null());
    match (&term.with, value) {
        (_, value) if term.how == Comparison::Present => value.is_some(),
        (Literal::Null, value) => value.is_none() == (term.how == Comparison::Equal),
        (Literal::Flag(flag), value) => (value.and_then(truth) == Some(*flag)) == (term.how == Comparison::Equal),
        (Literal::Number, _) => false,
        (Literal::Text(_), None) => term.how == Comparison::NotEqual,
        (Literal::Text(text), Some(value)) => {
            let (value, text) = match value {
                Value::String(value) => (value.to_lowercase(), text.to_lowercase()),
                value => (value.to_string(), text.to_lowercase()),
            };
            match term.how {
                Comparison::Equal => value == text,
                Comparison::NotEqual => value != text,
                Comparison::Contains => value.contains(&text),
                Comparison::StartsWith => value.starts_with(&text),
                Comparison::EndsWith => value.ends_with(&text),
                Comparison::Greater => value > text,
                Comparison::GreaterOrEqual => value >= text,
                Comparison::Less => value < text,
                Comparison::LessOrEqual => value <= text,
                Comparison::Present => true,
            }
        }
    }
}

/// Whether a filter says of one item what it is like: equalities alone, all of which hold. They are noted.
pub(super) fn described(kept: &'static Kept, tree: &Tree, made: &mut Map<String, Value>) -> bool {
    match tree {
        Tree::All(parts) => parts.iter().all(|part| described(kept, part, made)),
        Tree::Term(Term { name, how: Comparison::Equal, with }) => {
            let value = match with {
                Literal::Text(text) => Value::String(text.clone()),
                Literal::Flag(flag) => Value::Bool(*flag),
                Literal::Null | Literal::Number => return false,
            };
            match kept.part(name) {
                Some(part) => made.insert(part.to_owned(), value).is_none(),
                None => false,
            }
        }
        _ => false,
    }
}
