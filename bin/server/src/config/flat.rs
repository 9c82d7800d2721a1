//! Configuration files and variables as one flat list of keys with their values.

use std::collections::BTreeMap;

use figment::Figment;
use figment::value::{Dict, Value};
use module::Faults;

use super::variables::meant;

/// Sections of which there may be more, under names of the operator's own, with the settings of the one that stands here.
const MANY: [&str; 1] = ["identity_providers.oidc"];

/// The settings of the sections that `given` adds, with their defaults.
pub(super) fn further<'a>(
    defaults: &BTreeMap<String, String>,
    given: impl Iterator<Item = &'a String>,
) -> BTreeMap<String, String> {
    let mut more = BTreeMap::new();
    for key in given {
        for (of_one, parent) in MANY.iter().filter_map(|one| Some((*one, one.rsplit_once('.')?.0))) {
            let own = key.strip_prefix(parent).and_then(|rest| rest.strip_prefix('.')).and_then(|rest| rest.split_once('.'));
            let Some((name, setting)) = own else { continue };
            let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.len() <= 32
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
            let section = format!("{parent}.{name}.");
            let is_new = !defaults.keys().any(|known| known.starts_with(&section));
            if is_name && is_new && defaults.contains_key(&format!("{of_one}.{setting}")) {
                let template = format!("{of_one}.");
                let settings = defaults.iter().filter_map(|(known, value)| Some((known.strip_prefix(&template)?, value)));
                more.extend(settings.map(|(setting, value)| (format!("{section}{setting}"), value.clone())));
            }
        }
    }
    more
}

/// Lays `given` over `defaults`. A key that has no default is a fault: it is misspelt or does nothing.
pub(super) fn laid_over(defaults: &Figment, given: &Figment, faults: &mut Faults) -> Result<BTreeMap<String, String>, Faults> {
    let mut values = flat(defaults)?;
    let given = flat(given)?;
    let more = further(&values, given.keys());
    values.extend(more);
    for (key, value) in given {
        if let Some(slot) = values.get_mut(&key) {
            *slot = value;
            continue;
        }
        match meant(values.keys().map(String::as_str), &key) {
            Some(right) => faults.add(&key, format!("there is no such setting: did you mean {}?", module::variable(right))),
            None => faults.add(&key, "there is no such setting"),
        }
    }
    Ok(values)
}

pub(super) fn flat(figment: &Figment) -> Result<BTreeMap<String, String>, Faults> {
    let dict: Dict = figment.extract().map_err(|error| Faults::one("config", error.to_string()))?;
    let mut flat = BTreeMap::new();
    walk("", &dict, &mut flat);
    Ok(flat)
}

fn walk(prefix: &str, dict: &Dict, flat: &mut BTreeMap<String, String>) {
    for (key, value) in dict {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Dict(_, inner) => walk(&path, inner, flat),
            Value::String(_, text) => {
                flat.insert(path, text.clone());
            }
            Value::Bool(_, value) => {
                flat.insert(path, value.to_string());
            }
            Value::Num(_, number) => {
                let text = number.to_i128().map_or_else(|| format!("{:?}", number.to_f64()), |n| n.to_string());
                flat.insert(path, text);
            }
            other => {
                flat.insert(path, format!("{other:?}"));
            }
        }
    }
}
