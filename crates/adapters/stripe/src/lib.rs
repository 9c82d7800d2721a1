//! The payment provider's port of escrow ([`escrow_api::PaymentProvider`]), spoken to Stripe. What Stripe tells by itself reads `stripe-webhooks`.
//!
//! Requests are async-stripe's typed ones, so their shape is checked when they compile, and `Stripe-Version` is the one they were generated
//! for. Answers are read field by field (`wire`): only what the port needs, so that a field or a value that Stripe adds breaks nothing.
//!
//! Invariants:
//! - Nothing is sent inside a transaction.
//! - Every request that makes something carries the caller's idempotency key, and is repeated with the very same bytes.
//! - An answer is `Refused` or `Unavailable` only if nothing can have happened; otherwise it is `Unknown` and the caller looks first.
//! - Charges carry no `transfer_data`, no `application_fee_amount`, no `on_behalf_of` (docs/domain/money.md: the double payment).

mod call;
mod provider;
mod requests;
mod settings;
mod wire;

pub use provider::StripeProvider;
pub use settings::{Settings, SettingsError};
