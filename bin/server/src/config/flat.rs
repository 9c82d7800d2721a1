//! Configuration files and variables as one flat list of keys with their values.

use std::collections::BTreeMap;

use figment::Figment;
use figment::value::{Dict, Value};
use module::Faults;

use super::variables::meant;

/// Lays `given` over `defaults`. A key that has no default is a fault: it is misspelt or does nothing.
pub(super) fn laid_over(defaults: &Figment, given: &Figment, faults: &mut Faults) -> Result<BTreeMap<String, String>, Faults> {
    let mut values = flat(defaults)?;
    for (key, value) in flat(given)? {
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
