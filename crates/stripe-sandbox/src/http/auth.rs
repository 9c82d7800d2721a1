//! Who calls: a secret key may everything, a publishable key only what a browser may.

use crate::protocol::{ApiError, Key};
use crate::world::{PLATFORM, State, table};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Reads the key of an `Authorization` header, bearer or basic.
pub(crate) fn key(header: Option<&str>, configured: &str) -> Result<Key, ApiError> {
    let Some(key) = header.and_then(read) else {
        return Err(ApiError::unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        ));
    };
    let test_key = |prefix: &str| key.len() > prefix.len() && key.starts_with(prefix);
    if (!configured.is_empty() && key == configured) || test_key("sk_test_") || test_key("rk_test_") {
        return Ok(Key::Secret);
    }
    if test_key("pk_test_") {
        return Ok(Key::Publishable);
    }
    let shown: String = key.chars().take(8).collect();
    Err(ApiError::unauthorized(format!(
        "Invalid API Key provided: {shown}***. The sandbox accepts any key that begins with sk_test_."
    )))
}

fn read(header: &str) -> Option<String> {
    let (scheme, value) = header.split_once(' ')?;
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        value.trim().to_owned()
    } else {
        let decoded = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
        decoded.split(':').next()?.to_owned()
    };
    (!key.is_empty()).then_some(key)
}

/// The account to act for: the platform, or the connected account that `Stripe-Account` names.
pub(crate) fn account(state: &State, header: Option<&str>) -> Result<String, ApiError> {
    match header {
        None | Some("" | PLATFORM) => Ok(PLATFORM.to_owned()),
        Some(id) if state.store.get(table::ACCOUNTS, id).is_some() => Ok(id.to_owned()),
        Some(id) => Err(ApiError::account(id).forgotten()),
    }
}
