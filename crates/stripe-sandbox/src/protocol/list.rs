//! List objects: newest first, cut into pages by cursors.

use crate::protocol::call::Call;
use crate::protocol::errors::ApiError;
use serde_json::{Value, json};

/// One page of the objects (given newest first), by the call's `limit`, `starting_after`, `ending_before` and `created`.
pub(crate) fn page<'v>(objects: impl Iterator<Item = &'v Value>, call: &Call) -> Result<Value, ApiError> {
    let limit = call.int("limit").unwrap_or(10);
    if limit < 1 {
        return Err(
            ApiError::parameter("limit", "This value must be greater than or equal to 1.").code("parameter_invalid_integer")
        );
    }
    if limit > 100 {
        return Err(ApiError::parameter(
            "limit",
            format!("This value must be less than or equal to 100 (it currently is '{limit}')."),
        )
        .code("parameter_invalid_integer"));
    }
    let limit = usize::try_from(limit).unwrap_or(100);
    let objects: Vec<&Value> = objects.filter(|object| within(object["created"].as_i64(), call.params.get("created"))).collect();
    let position = |cursor: &str, param: &str| {
        objects
            .iter()
            .position(|object| object["id"] == cursor)
            .ok_or_else(|| ApiError::missing_reference("object in this list", cursor, param))
    };
    let (from, to, more) = match (call.text("starting_after"), call.text("ending_before")) {
        (Some(_), Some(_)) => {
            return Err(ApiError::parameter(
                "ending_before",
                "You may only specify one of these parameters: starting_after, ending_before.",
            ));
        }
        (None, Some(cursor)) => {
            let to = position(cursor, "ending_before")?;
            (to.saturating_sub(limit), to, to > limit)
        }
        (Some(cursor), None) => {
            let from = position(cursor, "starting_after")? + 1;
            (from, (from + limit).min(objects.len()), from + limit < objects.len())
        }
        (None, None) => (0, limit.min(objects.len()), limit < objects.len()),
    };
    let data: Vec<Value> = objects.get(from..to).unwrap_or_default().iter().map(|v| (*v).clone()).collect();
    Ok(json!({ "object": "list", "data": data, "has_more": more, "url": call.url }))
}

/// A list that is part of another object.
pub(crate) fn embedded(data: Vec<Value>, url: &str) -> Value {
    json!({ "object": "list", "data": data, "has_more": false, "total_count": data.len(), "url": url })
}

fn within(at: Option<i64>, range: Option<&Value>) -> bool {
    let Some(range) = range else { return true };
    let at = at.unwrap_or(0);
    if let Some(exactly) = range.as_i64() {
        return at == exactly;
    }
    let holds = |bound: &str, test: fn(i64, i64) -> bool| range[bound].as_i64().is_none_or(|limit| test(at, limit));
    holds("gt", |a, b| a > b) && holds("gte", |a, b| a >= b) && holds("lt", |a, b| a < b) && holds("lte", |a, b| a <= b)
}
