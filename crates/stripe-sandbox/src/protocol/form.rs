//! Stripe's form encoding: `a[b]=c`, `a[]=x`, `a[0][b]=y` become a tree of objects, lists and strings.

use crate::protocol::errors::ApiError;
use serde_json::{Map, Value};

const MAX_PAIRS: usize = 1_000;
const MAX_DEPTH: usize = 8;

/// Reads a query string or a form body; later pairs win over earlier ones of the same name.
pub(crate) fn parse(encoded: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(encoded)
        .map_err(|e| ApiError::invalid(format!("The request body is not valid form encoding: {e}")).forgotten())?;
    if pairs.len() > MAX_PAIRS {
        return Err(ApiError::invalid(format!("More than {MAX_PAIRS} parameters in one request")).forgotten());
    }
    let mut root = Value::Object(Map::new());
    for (name, value) in pairs {
        let path = path_of(&name)?;
        insert(&mut root, &path, value)
            .map_err(|()| ApiError::parameter(&name, format!("Invalid parameter: {name} is given in two shapes")))?;
    }
    lists(&mut root);
    match root {
        Value::Object(map) => Ok(map),
        _ => Ok(Map::new()),
    }
}

/// `a[b][]` → `["a", "b", ""]`.
fn path_of(name: &str) -> Result<Vec<String>, ApiError> {
    let malformed = || ApiError::parameter(name, format!("Invalid parameter name: {name}"));
    let Some((head, mut rest)) = name.split_once('[').map(|(head, _)| (head, &name[head.len()..])) else {
        return Ok(vec![name.to_owned()]);
    };
    let mut path = vec![head.to_owned()];
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[').ok_or_else(malformed)?;
        let (key, after) = inner.split_once(']').ok_or_else(malformed)?;
        path.push(key.to_owned());
        rest = after;
    }
    if path.len() > MAX_DEPTH || head.is_empty() {
        return Err(malformed());
    }
    Ok(path)
}

/// Puts a value at a path; `[]` takes the next free number.
fn insert(at: &mut Value, path: &[String], value: String) -> Result<(), ()> {
    let Some((key, rest)) = path.split_first() else {
        *at = Value::String(value);
        return Ok(());
    };
    let map = at.as_object_mut().ok_or(())?;
    let key = if key.is_empty() { map.len().to_string() } else { key.clone() };
    let fresh = if rest.is_empty() { Value::Null } else { Value::Object(Map::new()) };
    let slot = map.entry(key).or_insert(fresh);
    insert(slot, rest, value)
}

/// Objects whose keys are 0, 1, 2 … are lists (`metadata` is always an object: its keys are free).
fn lists(at: &mut Value) {
    let Value::Object(map) = at else { return };
    for (key, child) in map.iter_mut() {
        if key != "metadata" {
            lists(child);
        }
    }
    if map.is_empty() || !(0..map.len()).all(|i| map.contains_key(&i.to_string())) {
        return;
    }
    *at = Value::Array((0..map.len()).filter_map(|i| map.remove(&i.to_string())).collect());
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn brackets_become_a_tree() {
        let tree = parse(b"amount=5&metadata[0]=x&expand[]=a&expand[]=b.c&items[0][id]=q&items[1][id]=r&t%5Bd%5D=1").unwrap();
        assert_eq!(
            Value::Object(tree),
            json!({"amount": "5", "metadata": {"0": "x"}, "expand": ["a", "b.c"], "items": [{"id": "q"}, {"id": "r"}], "t": {"d": "1"}})
        );
    }

    #[test]
    fn malformed_names_are_refused() {
        for bad in ["a[b=1", "a[b]c=1", "[a]=1", "a=1&a[b]=2", "a[b][c][d][e][f][g][h][i]=1"] {
            assert_eq!(parse(bad.as_bytes()).unwrap_err().status, 400, "{bad}");
        }
    }
}
