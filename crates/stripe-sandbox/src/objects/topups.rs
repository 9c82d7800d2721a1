//! Top-ups: money of one's own that comes to a balance from the bank behind it.

use crate::objects::balance::{self, Movement};
use crate::objects::events;
use crate::protocol::params::{Field, Kind, may};
use crate::protocol::{ApiError, Call, list};
use crate::world::{State, ids, table};
use serde_json::{Value, json};

/// Filters of the list.
pub(crate) const LIST: &[Field] = &[
    may("created", Kind::Range),
    may("ending_before", Kind::Text),
    may("limit", Kind::Integer),
    may("starting_after", Kind::Text),
    may("status", Kind::Text),
];

/// A new top-up: pending, or there at once.
pub(crate) fn open(state: &mut State, account: &str, amount: i64, currency: &str, pending: bool) -> Result<Value, ApiError> {
    let id = ids::new("tu");
    let topup = json!({
        "id": id, "object": "topup", "amount": amount, "arrival_date": state.now, "balance_transaction": null, "created": state.now,
        "currency": currency, "description": "Top-up", "expected_availability_date": state.now, "failure_code": null,
        "failure_message": null, "livemode": false, "metadata": {}, "source": null, "statement_descriptor": null, "status": "pending",
        "transfer_group": null,
    });
    let topup = state.insert(table::TOPUPS, account, topup);
    events::emit(state, "topup.created", account, &topup);
    if pending { Ok(topup) } else { move_to(state, &id, "succeeded") }
}

/// The bank sends it, does not, or takes it back.
pub(crate) fn move_to(state: &mut State, id: &str, status: &str) -> Result<Value, ApiError> {
    let mut topup = state.store.get(table::TOPUPS, id).cloned().ok_or_else(|| ApiError::missing("topup", id))?;
    let before = topup["status"].as_str().unwrap_or_default().to_owned();
    let possible = match before.as_str() {
        "pending" => matches!(status, "succeeded" | "failed" | "canceled"),
        "succeeded" => status == "reversed",
        _ => false,
    };
    if !possible {
        return Err(ApiError::invalid(format!("The top-up {id} is {before} and cannot become {status}.")));
    }
    let account = topup["_account"].as_str().unwrap_or_default().to_owned();
    topup["status"] = json!(status);
    let amount = topup["amount"].as_i64().unwrap_or(0);
    let currency = topup["currency"].as_str().unwrap_or_default().to_owned();
    let (kind, amount) = if status == "reversed" { ("topup_reversal", -amount) } else { ("topup", amount) };
    if matches!(status, "succeeded" | "reversed") {
        let movement = Movement {
            account: &account,
            kind,
            amount,
            fee: 0,
            currency: &currency,
            source: id,
            description: Some("Top-up"),
            available_on: state.now,
        };
        let transaction = balance::book(state, &movement);
        if status == "succeeded" {
            topup["balance_transaction"] = json!(transaction);
        }
    }
    state.save(table::TOPUPS, &topup);
    events::emit(state, &format!("topup.{status}"), &account, &topup);
    Ok(topup)
}

/// `GET /v1/topups/{id}`.
pub(crate) fn retrieve(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    state.fetch(table::TOPUPS, &call.account, "topup", call.path(0))
}

/// `GET /v1/topups`.
pub(crate) fn list(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let status = call.text("status");
    list::page(state.of_account(table::TOPUPS, &call.account).filter(|t| status.is_none_or(|s| t["status"] == s)), call)
}
