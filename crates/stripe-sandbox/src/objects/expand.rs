//! `expand[]`: identifiers in an answer replaced by the objects they name.

use crate::objects::{accounts, transfers};
use crate::protocol::{ApiError, Call};
use crate::world::{PLATFORM, State, table};
use serde_json::Value;

/// Fields that hold the identifier of another object.
const FIELDS: &[&str] = &[
    "account",
    "application",
    "application_fee",
    "balance_transaction",
    "charge",
    "customer",
    "destination",
    "destination_payment",
    "destination_payment_refund",
    "dispute",
    "failure_balance_transaction",
    "invoice",
    "latest_charge",
    "on_behalf_of",
    "originating_transaction",
    "payment_intent",
    "payment_method",
    "review",
    "source",
    "source_refund",
    "source_transaction",
    "source_transfer",
    "source_transfer_reversal",
    "transfer",
    "transfer_reversal",
];

const MAX_DEPTH: usize = 4;

/// The paths to expand.
pub(crate) fn wanted(call: &Call) -> Result<Vec<String>, ApiError> {
    let paths: Vec<String> = call
        .params
        .get("expand")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    for path in &paths {
        let depth = path.split('.').filter(|s| *s != "data").count();
        if depth > MAX_DEPTH {
            return Err(ApiError::parameter(
                "expand",
                format!("You cannot expand more than {MAX_DEPTH} levels of a property: {path}"),
            ));
        }
    }
    Ok(paths)
}

/// Replaces identifiers along the paths.
pub(crate) fn apply(state: &State, body: &mut Value, paths: &[String]) -> Result<(), ApiError> {
    for path in paths {
        let segments: Vec<&str> = path.split('.').collect();
        descend(state, body, &segments, path)?;
    }
    Ok(())
}

fn descend(state: &State, at: &mut Value, path: &[&str], whole: &str) -> Result<(), ApiError> {
    let Some((name, rest)) = path.split_first() else { return Ok(()) };
    let impossible = || {
        let hint = if whole.starts_with("data.") { String::new() } else { " In a list, begin with `data.`.".to_owned() };
        ApiError::parameter("expand", format!("This property cannot be expanded ({whole}).{hint}"))
    };
    if *name == "data" && at["object"] == "list" {
        let Some(items) = at["data"].as_array_mut() else { return Ok(()) };
        return items.iter_mut().try_for_each(|item| descend(state, item, rest, whole));
    }
    let Value::Object(map) = at else { return Err(impossible()) };
    if map.get("object").is_some_and(|o| o == "list") {
        return Err(impossible());
    }
    if *name == "refunds" && map.get("object").is_some_and(|o| o == "charge") {
        return Ok(());
    }
    let Some(child) = map.get_mut(*name) else {
        return if FIELDS.contains(name) { Ok(()) } else { Err(impossible()) };
    };
    match child {
        Value::Null if FIELDS.contains(name) => Ok(()),
        Value::Object(_) => descend(state, child, rest, whole),
        Value::String(id) if FIELDS.contains(name) => {
            let Some(object) = find(state, id) else { return Ok(()) };
            *child = state.present(&object);
            descend(state, child, rest, whole)
        }
        _ => Err(impossible()),
    }
}

/// Any object by its identifier alone.
fn find(state: &State, id: &str) -> Option<Value> {
    if id == PLATFORM {
        return Some(accounts::platform());
    }
    let tables: &[&str] = match id.split('_').next()? {
        "acct" => &[table::ACCOUNTS],
        "ch" | "py" => &[table::CHARGES],
        "dp" => &[table::DISPUTES],
        "issfr" => &[table::EARLY_FRAUD_WARNINGS],
        "prv" => &[table::REVIEWS],
        "fee" => &[table::APPLICATION_FEES],
        "pi" => &[table::PAYMENT_INTENTS],
        "pm" => &[table::PAYMENT_METHODS],
        "po" => &[table::PAYOUTS],
        "re" | "pyr" => &[table::REFUNDS],
        "tr" => return state.store.get(table::TRANSFERS, id).map(|transfer| transfers::with_reversals(state, transfer)),
        "trr" => &[table::REVERSALS],
        "tu" => &[table::TOPUPS],
        "txn" => &[table::BALANCE_TRANSACTIONS],
        _ => &[],
    };
    tables.iter().find_map(|table| state.store.get(table, id)).cloned()
}
