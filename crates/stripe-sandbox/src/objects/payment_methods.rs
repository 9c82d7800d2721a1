//! Payment methods: Stripe's test values, each with what the bank will say.

use crate::protocol::params::{Field, Kind, may, need};
use crate::protocol::{ApiError, Call, list, metadata};
use crate::world::{State, ids, table};
use serde_json::{Value, json};

/// Parameters of a new payment method.
pub(crate) const CREATE: &[Field] = &[
    may("allow_redisplay", Kind::OneOf(&["always", "limited", "unspecified"])),
    may("billing_details", Kind::Anything),
    may("card", Kind::Anything),
    may("metadata", Kind::Metadata),
    may("sepa_debit", Kind::Object(&[need("iban", Kind::Text)])),
    need("type", Kind::OneOf(&["card", "sepa_debit", "us_bank_account"])),
    may("us_bank_account", Kind::Anything),
];

/// What the bank says when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Paid.
    Paid,
    /// Paid, and available at once.
    PaidAvailable,
    /// Paid, and contested by the card holder right away.
    PaidDisputed,
    /// Refused: code, decline code, message.
    Declined(&'static str, &'static str, &'static str),
    /// The card holder must authenticate first.
    Authenticate,
    /// Processing for some business days, then paid.
    Later,
    /// Processing for some business days, then refused.
    LaterDeclined,
}

/// A test value.
#[derive(Debug)]
pub(crate) struct TestMethod {
    pub id: &'static str,
    /// `card`, `sepa_debit`, `us_bank_account`.
    pub kind: &'static str,
    /// The card number (or IBAN, or account number) that means the same.
    pub number: &'static str,
    pub brand: &'static str,
    pub verdict: Verdict,
}

const fn card(id: &'static str, number: &'static str, verdict: Verdict) -> TestMethod {
    TestMethod { id, kind: "card", number, brand: "visa", verdict }
}

const fn declined(
    id: &'static str,
    number: &'static str,
    code: &'static str,
    decline: &'static str,
    message: &'static str,
) -> TestMethod {
    card(id, number, Verdict::Declined(code, decline, message))
}

const fn sepa(id: &'static str, number: &'static str, verdict: Verdict) -> TestMethod {
    TestMethod { id, kind: "sepa_debit", number, brand: "", verdict }
}

const fn us_bank(id: &'static str, number: &'static str, verdict: Verdict) -> TestMethod {
    TestMethod { id, kind: "us_bank_account", number, brand: "", verdict }
}

const TEST_METHODS: &[TestMethod] = &[
    card("pm_card_visa", "4242424242424242", Verdict::Paid),
    card("pm_card_visa_debit", "4000056655665556", Verdict::Paid),
    TestMethod { brand: "mastercard", ..card("pm_card_mastercard", "5555555555554444", Verdict::Paid) },
    TestMethod { brand: "amex", ..card("pm_card_amex", "378282246310005", Verdict::Paid) },
    card("pm_card_bypassPending", "4000000000000077", Verdict::PaidAvailable),
    card("pm_card_createDispute", "4000000000000259", Verdict::PaidDisputed),
    card("pm_card_refundFail", "4000000000005126", Verdict::Paid),
    card("pm_card_pendingRefund", "4000000000007726", Verdict::Paid),
    card("pm_card_authenticationRequired", "4000002500003155", Verdict::Authenticate),
    card("pm_card_authenticationRequiredOnSetup", "4000002760003184", Verdict::Authenticate),
    card("pm_card_threeDSecure2Required", "4000000000003220", Verdict::Authenticate),
    declined("pm_card_chargeDeclined", "4000000000000002", "card_declined", "generic_decline", "Your card was declined."),
    declined("pm_card_visa_chargeDeclined", "4000000000000002", "card_declined", "generic_decline", "Your card was declined."),
    declined(
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "4000000000009995",
        "card_declined",
        "insufficient_funds",
        "Your card has insufficient funds.",
    ),
    declined(
        "pm_card_chargeDeclinedInsufficientFunds",
        "4000000000009995",
        "card_declined",
        "insufficient_funds",
        "Your card has insufficient funds.",
    ),
    declined("pm_card_visa_chargeDeclinedLostCard", "4000000000009987", "card_declined", "lost_card", "Your card was declined."),
    declined(
        "pm_card_visa_chargeDeclinedStolenCard",
        "4000000000009979",
        "card_declined",
        "stolen_card",
        "Your card was declined.",
    ),
    declined("pm_card_chargeDeclinedExpiredCard", "4000000000000069", "expired_card", "expired_card", "Your card has expired."),
    declined(
        "pm_card_chargeDeclinedIncorrectCvc",
        "4000000000000127",
        "incorrect_cvc",
        "incorrect_cvc",
        "Your card's security code is incorrect.",
    ),
    declined(
        "pm_card_chargeDeclinedProcessingError",
        "4000000000000119",
        "processing_error",
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
    declined("pm_card_chargeDeclinedFraudulent", "4100000000000019", "card_declined", "fraudulent", "Your card was declined."),
    declined("pm_card_radarBlock", "4100000000000019", "card_declined", "fraudulent", "Your card was declined."),
    sepa("pm_sepaDebit", "DE89370400440532013000", Verdict::Later),
    sepa("pm_sepaDebit_failed", "DE62370400440532013001", Verdict::LaterDeclined),
    us_bank("pm_usBankAccount", "000123456789", Verdict::Later),
    us_bank("pm_usBankAccount_success", "000123456789", Verdict::Later),
    us_bank("pm_usBankAccount_failed", "000222222227", Verdict::LaterDeclined),
    us_bank("pm_usBankAccount_insufficientFunds", "000222222227", Verdict::LaterDeclined),
];

fn test_value(id: &str) -> Option<&'static TestMethod> {
    TEST_METHODS.iter().find(|m| m.id == id)
}

/// What the bank behind a stored payment method says.
pub(crate) fn verdict(method: &Value) -> Verdict {
    method["_test"].as_str().and_then(test_value).map_or(Verdict::Paid, |m| m.verdict)
}

/// The payment method that a request names: a test value (which becomes an object of its own) or one made before.
pub(crate) fn resolve(state: &mut State, account: &str, id: &str) -> Result<Value, ApiError> {
    if let Some(test) = test_value(id) {
        return Ok(instance(state, account, test, json!({})));
    }
    state
        .get(table::PAYMENT_METHODS, account, id)
        .ok_or_else(|| ApiError::missing_reference("PaymentMethod", id, "payment_method"))
}

/// The payment method that the details in a request describe (`payment_method_data`).
pub(crate) fn from_details(state: &mut State, account: &str, details: &Value) -> Result<Value, ApiError> {
    let kind = details["type"].as_str().unwrap_or("card");
    let text = |pointer: &str| details.pointer(pointer).and_then(Value::as_str).map(|s| s.replace(' ', ""));
    let number = text("/card/number").or(text("/sepa_debit/iban")).or(text("/us_bank_account/account_number"));
    let token = text("/card/token").map(|token| token.replacen("tok_", "pm_card_", 1));
    let test = match (number, token) {
        (Some(number), _) => TEST_METHODS.iter().find(|m| m.kind == kind && m.number == number).ok_or_else(|| {
            ApiError::card(
                "incorrect_number",
                "Your card number is incorrect. The sandbox knows only Stripe's test numbers, such as 4242424242424242.",
            )
        })?,
        (None, Some(token)) => test_value(&token).ok_or_else(|| ApiError::missing_reference("token", &token, "card[token]"))?,
        (None, None) => TEST_METHODS
            .iter()
            .find(|m| m.kind == kind)
            .ok_or_else(|| ApiError::parameter("type", format!("The sandbox has no payment method of type {kind}")))?,
    };
    Ok(instance(state, account, test, details["billing_details"].clone()))
}

fn instance(state: &mut State, account: &str, test: &TestMethod, billing: Value) -> Value {
    let mut method = json!({
        "id": ids::new("pm"),
        "object": "payment_method",
        "billing_details": billing_details(&billing),
        "created": state.now,
        "customer": null,
        "livemode": false,
        "metadata": {},
        "type": test.kind,
        "_test": test.id,
    });
    method[test.kind] = details(test.kind, test.brand, test.number);
    state.insert(table::PAYMENT_METHODS, account, method)
}

fn billing_details(given: &Value) -> Value {
    let address = &given["address"];
    json!({
        "address": {
            "city": address["city"], "country": address["country"], "line1": address["line1"],
            "line2": address["line2"], "postal_code": address["postal_code"], "state": address["state"],
        },
        "email": given["email"], "name": given["name"], "phone": given["phone"], "tax_id": null,
    })
}

fn details(kind: &str, brand: &str, number: &str) -> Value {
    let last4 = number.get(number.len().saturating_sub(4)..).unwrap_or_default();
    match kind {
        "card" => json!({
            "brand": brand, "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" }, "country": "US",
            "exp_month": 12, "exp_year": 2040, "fingerprint": "sandboxfingerpr", "funding": "credit", "generated_from": null, "last4": last4,
            "networks": { "available": [brand], "preferred": null }, "three_d_secure_usage": { "supported": true }, "wallet": null,
        }),
        "sepa_debit" => {
            json!({ "bank_code": "37040044", "branch_code": "", "country": "DE", "fingerprint": "sandboxfingerpr", "generated_from": null, "last4": last4 })
        }
        _ => {
            json!({ "account_holder_type": "company", "account_type": "checking", "bank_name": "STRIPE TEST BANK", "fingerprint": "sandboxfingerpr", "last4": last4, "routing_number": "110000000" })
        }
    }
}

/// The `payment_method_details` of a charge.
pub(crate) fn charge_details(method: &Value) -> Value {
    let kind = method["type"].as_str().unwrap_or("card");
    let mut inner = method[kind].clone();
    if kind == "card" {
        inner["amount_authorized"] = Value::Null;
        inner["network"] = inner["brand"].clone();
        inner["installments"] = Value::Null;
        inner["three_d_secure"] = Value::Null;
    }
    let mut result = json!({ "type": kind });
    result[kind] = inner;
    result
}

/// `POST /v1/payment_methods`.
pub(crate) fn create(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let mut method = from_details(state, &call.account, &Value::Object(call.params.clone()))?;
    method["metadata"] = metadata::merged(&json!({}), call.params.get("metadata"));
    state.save(table::PAYMENT_METHODS, &method);
    Ok(method)
}

/// `GET /v1/payment_methods/{id}`.
pub(crate) fn retrieve(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    state.fetch(table::PAYMENT_METHODS, &call.account, "PaymentMethod", call.path(0))
}

/// The test values, for people who look around.
pub(crate) fn catalogue() -> Value {
    let data: Vec<Value> = TEST_METHODS
        .iter()
        .map(|m| json!({ "id": m.id, "type": m.kind, "number": m.number, "outcome": format!("{:?}", m.verdict) }))
        .collect();
    list::embedded(data, "/_sandbox/payment_methods")
}
