//! Account links: addresses where the holder of an account tells who they are; they work once and not for long.

use crate::objects::accounts;
use crate::protocol::params::{Field, Kind, may, need};
use crate::protocol::{ApiError, Call};
use crate::world::{State, ids, table};
use serde_json::{Value, json};

/// How long a link works, in seconds.
const LIFETIME: i64 = 300;

/// Parameters of a new link.
pub(crate) const CREATE: &[Field] = &[
    need("account", Kind::Text),
    may("collect", Kind::OneOf(&["currently_due", "eventually_due"])),
    may(
        "collection_options",
        Kind::Object(&[
            may("fields", Kind::OneOf(&["currently_due", "eventually_due"])),
            may("future_requirements", Kind::OneOf(&["include", "omit"])),
        ]),
    ),
    may("refresh_url", Kind::Text),
    may("return_url", Kind::Text),
    need("type", Kind::OneOf(&["account_onboarding", "account_update"])),
];

/// `POST /v1/account_links`.
pub(crate) fn create(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let id = call.text("account").unwrap_or_default();
    let account = accounts::reachable(state, call, id).map_err(|_| ApiError::missing_reference("account", id, "account"))?;
    for param in ["refresh_url", "return_url"] {
        match call.text(param) {
            None => return Err(ApiError::parameter(param, format!("Missing required param: {param}.")).code("parameter_missing")),
            Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
                return Err(ApiError::parameter(param, format!("Not a valid URL: {url}")).code("url_invalid"));
            }
            Some(_) => {}
        }
    }
    if call.text("type") == Some("account_update") && account["type"] != "custom" {
        return Err(ApiError::parameter(
            "type",
            "You cannot create `account_update` type Account Links for this account. You can only do that for accounts where your platform is responsible for collecting requirements.",
        ));
    }
    let token = ids::random(32);
    let link = json!({
        "object": "account_link",
        "created": state.now,
        "expires_at": state.now + LIFETIME,
        "url": format!("{}/_sandbox/onboarding/{token}", state.base_url),
        "_account": call.account,
        "_for": account["id"],
        "_refresh_url": call.text("refresh_url"),
        "_return_url": call.text("return_url"),
        "_used": false,
    });
    state.store.put(table::ACCOUNT_LINKS, &token, link.clone());
    Ok(link)
}
