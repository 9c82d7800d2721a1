//! RFC 7396 merge patch on JSON text: numbers keep their digits, since nothing passes through a float.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{parse, syntax};
use crate::Problem;

type Members = BTreeMap<String, Box<RawValue>>;

/// Applies `patch` to the representation that PUT takes and reads the result as if it had been PUT.
///
/// # Errors
/// As [`parse`], for the patch and for the result.
pub fn merge_patch<T>(current: &impl Serialize, patch: &[u8]) -> Result<T, Problem>
where
    T: DeserializeOwned + ToSchema + 'static,
{
    syntax::parse(patch)?;
    let merged = merge(current, patch).map_err(|error| {
        tracing::error!(%error, "a representation could not be merged");
        Problem::internal()
    })?;
    parse(merged.get().as_bytes())
}

fn merge(current: &impl Serialize, patch: &[u8]) -> serde_json::Result<Box<RawValue>> {
    let current = serde_json::value::to_raw_value(current)?;
    merge_raw(Some(&current), serde_json::from_slice(patch)?)
}

fn merge_raw(target: Option<&RawValue>, patch: &RawValue) -> serde_json::Result<Box<RawValue>> {
    let Some(changes) = members(patch)? else { return Ok(patch.to_owned()) };
    let mut result = target.map(members).transpose()?.flatten().unwrap_or_default();
    for (name, change) in changes {
        if change.get() == "null" {
            result.remove(&name);
        } else {
            let merged = merge_raw(result.get(&name).map(|old| &**old), &change)?;
            result.insert(name, merged);
        }
    }
    serde_json::value::to_raw_value(&result)
}

fn members(raw: &RawValue) -> serde_json::Result<Option<Members>> {
    if raw.get().starts_with('{') { serde_json::from_str(raw.get()).map(Some) } else { Ok(None) }
}
