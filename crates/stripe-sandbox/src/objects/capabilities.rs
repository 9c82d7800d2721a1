//! Capabilities of connected accounts: asked for, then active once the account holder has told who they are.

use crate::objects::{accounts, standing};
use crate::protocol::params::{Field, Kind, may};
use crate::protocol::{ApiError, Call, list};
use crate::world::{State, table};
use serde_json::Value;

/// Parameters of an update.
pub(crate) const UPDATE: &[Field] = &[may("requested", Kind::Boolean)];

/// `GET /v1/accounts/{id}/capabilities/{capability}`.
pub(crate) fn retrieve(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let account = accounts::reachable(state, call, call.path(0))?;
    standing::capability(&account, call.path(1)).ok_or_else(|| ApiError::missing("capability", call.path(1)))
}

/// `GET /v1/accounts/{id}/capabilities`.
pub(crate) fn list(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let account = accounts::reachable(state, call, call.path(0))?;
    let names: Vec<&String> = account["capabilities"].as_object().into_iter().flat_map(|map| map.keys()).collect();
    Ok(list::embedded(names.iter().filter_map(|name| standing::capability(&account, name)).collect(), &call.url))
}

/// `POST /v1/accounts/{id}/capabilities/{capability}`.
pub(crate) fn update(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let mut account = accounts::reachable(state, call, call.path(0))?;
    if let Some(requested) = call.flag("requested") {
        standing::request(&mut account, call.path(1), requested);
        state.save(table::ACCOUNTS, &account);
        standing::announce(state, &account);
    }
    standing::capability(&account, call.path(1)).ok_or_else(|| ApiError::missing("capability", call.path(1)))
}
