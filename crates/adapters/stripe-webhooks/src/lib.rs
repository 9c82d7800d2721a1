//! What Stripe tells by itself: the port of its deliveries ([`provider_events::Deliveries`]). Apart from `stripe-adapter`, which asks Stripe and
//! takes long to build: tests of domains read real events with this one.
//!
//! Invariants:
//! - A delivery is read only if it was signed with one of the endpoint's secrets, lately; signatures are compared in constant time.
//! - What routing needs is read and nothing else: unknown shapes and newer versions of Stripe's API pass.

mod signature;
mod webhooks;

pub use webhooks::StripeWebhooks;
