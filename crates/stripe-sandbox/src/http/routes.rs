//! The part of Stripe's API that the sandbox speaks: one line per operation.

use crate::objects::{
    account_links, accounts, balance, capabilities, charges, disputes, early_fraud_warnings, events, payment_intents,
    payment_methods, payouts, refunds, reversals, reviews, topups, transfers,
};
use crate::protocol::params::Field;
use crate::protocol::{ApiError, Call};
use crate::webhooks::endpoints;
use crate::world::State;
use serde_json::Value;

/// What an operation does.
pub(crate) type Handler = fn(&mut State, &Call) -> Result<Value, ApiError>;

/// One operation.
#[derive(Debug)]
pub(crate) struct Route {
    method: &'static str,
    path: &'static str,
    pub params: &'static [Field],
    pub handler: Handler,
    /// Whether a publishable key may call it.
    pub browser: bool,
}

const fn get(path: &'static str, params: &'static [Field], handler: Handler) -> Route {
    Route { method: "GET", path, params, handler, browser: false }
}

const fn post(path: &'static str, params: &'static [Field], handler: Handler) -> Route {
    Route { method: "POST", path, params, handler, browser: false }
}

const fn delete(path: &'static str, handler: Handler) -> Route {
    Route { method: "DELETE", path, params: &[], handler, browser: false }
}

const fn browser(route: Route) -> Route {
    Route { browser: true, ..route }
}

/// Every operation. `*` is a variable segment.
const ROUTES: &[Route] = &[
    get("/v1/account", &[], accounts::retrieve_own),
    get("/v1/accounts", accounts::LIST, accounts::list),
    post("/v1/accounts", accounts::CREATE, accounts::create),
    get("/v1/accounts/*", &[], accounts::retrieve),
    post("/v1/accounts/*", accounts::UPDATE, accounts::update),
    delete("/v1/accounts/*", accounts::delete),
    get("/v1/accounts/*/capabilities", &[], capabilities::list),
    get("/v1/accounts/*/capabilities/*", &[], capabilities::retrieve),
    post("/v1/accounts/*/capabilities/*", capabilities::UPDATE, capabilities::update),
    post("/v1/account_links", account_links::CREATE, account_links::create),
    get("/v1/balance", &[], balance::retrieve),
    get("/v1/balance_transactions", balance::LIST, balance::list_transactions),
    get("/v1/balance_transactions/*", &[], balance::retrieve_transaction),
    get("/v1/balance/history", balance::LIST, balance::list_transactions),
    get("/v1/balance/history/*", &[], balance::retrieve_transaction),
    get("/v1/charges", charges::LIST, charges::list),
    get("/v1/charges/*", &[], charges::retrieve),
    post("/v1/charges/*", charges::UPDATE, charges::update),
    get("/v1/disputes", disputes::LIST, disputes::list),
    get("/v1/disputes/*", &[], disputes::retrieve),
    get("/v1/events", events::LIST, events::list),
    get("/v1/events/*", &[], events::retrieve),
    get("/v1/payment_intents", payment_intents::LIST, payment_intents::list),
    post("/v1/payment_intents", payment_intents::CREATE, payment_intents::create),
    browser(get("/v1/payment_intents/*", payment_intents::RETRIEVE, payment_intents::retrieve)),
    post("/v1/payment_intents/*", payment_intents::UPDATE, payment_intents::update),
    browser(post("/v1/payment_intents/*/confirm", payment_intents::CONFIRM, payment_intents::confirm)),
    post("/v1/payment_intents/*/cancel", payment_intents::CANCEL, payment_intents::cancel),
    post("/v1/payment_intents/*/capture", payment_intents::CAPTURE_PARAMS, payment_intents::capture),
    browser(post("/v1/payment_methods", payment_methods::CREATE, payment_methods::create)),
    get("/v1/payment_methods/*", &[], payment_methods::retrieve),
    get("/v1/payouts", payouts::LIST, payouts::list),
    post("/v1/payouts", payouts::CREATE, payouts::create),
    get("/v1/payouts/*", &[], payouts::retrieve),
    get("/v1/radar/early_fraud_warnings", early_fraud_warnings::LIST, early_fraud_warnings::list),
    get("/v1/radar/early_fraud_warnings/*", &[], early_fraud_warnings::retrieve),
    get("/v1/refunds", refunds::LIST, refunds::list),
    post("/v1/refunds", refunds::CREATE, refunds::create),
    get("/v1/refunds/*", &[], refunds::retrieve),
    post("/v1/refunds/*", refunds::UPDATE, refunds::update),
    get("/v1/reviews", reviews::LIST, reviews::list),
    get("/v1/reviews/*", &[], reviews::retrieve),
    get("/v1/topups", topups::LIST, topups::list),
    get("/v1/topups/*", &[], topups::retrieve),
    get("/v1/transfers", transfers::LIST, transfers::list),
    post("/v1/transfers", transfers::CREATE, transfers::create),
    get("/v1/transfers/*", &[], transfers::retrieve),
    post("/v1/transfers/*", transfers::UPDATE, transfers::update),
    get("/v1/transfers/*/reversals", reversals::LIST, reversals::list),
    post("/v1/transfers/*/reversals", reversals::CREATE, reversals::create),
    get("/v1/transfers/*/reversals/*", &[], reversals::retrieve),
    post("/v1/transfers/*/reversals/*", reversals::UPDATE, reversals::update),
    get("/v1/webhook_endpoints", endpoints::LIST, endpoints::list),
    post("/v1/webhook_endpoints", endpoints::CREATE, endpoints::create),
    get("/v1/webhook_endpoints/*", &[], endpoints::retrieve),
    post("/v1/webhook_endpoints/*", endpoints::UPDATE, endpoints::update),
    delete("/v1/webhook_endpoints/*", endpoints::delete),
];

/// The operation of a method and a path, with what its variable segments are.
pub(crate) fn find(method: &str, path: &str) -> Result<(&'static Route, Vec<String>), ApiError> {
    let fits = |route: &&Route| route.method == method && captured(route.path, path).is_some();
    let route = ROUTES.iter().find(fits).ok_or_else(|| ApiError::unknown_route(method, path))?;
    Ok((route, captured(route.path, path).unwrap_or_default()))
}

fn captured(pattern: &str, path: &str) -> Option<Vec<String>> {
    let mut result = Vec::new();
    let mut segments = path.trim_end_matches('/').split('/');
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        if expected == "*" && !segment.is_empty() {
            result.push(segment.to_owned());
        } else if expected != segment {
            return None;
        }
    }
    segments.next().is_none().then_some(result)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn paths_find_their_operation() {
        let (route, path) = find("GET", "/v1/transfers/tr_1/reversals/trr_2").unwrap();
        assert_eq!((route.path, path), ("/v1/transfers/*/reversals/*", vec!["tr_1".to_owned(), "trr_2".to_owned()]));
        assert_eq!(find("PUT", "/v1/transfers").unwrap_err().status, 404);
        assert_eq!(find("GET", "/v1/transfers//reversals").unwrap_err().status, 404);
        assert_eq!(find("GET", "/v1/nothing").unwrap_err().status, 404);
    }
}
