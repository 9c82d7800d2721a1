//! The payment provider's events, typed: what changed, and about which object. An event is news and no more: whoever hears it fetches the
//! object, and believes nothing else.
//!
//! [`Deliveries`] is the port, a signed delivery in, a typed event out; the provider's adapter implements it. A domain says in
//! `module::Wired::hears` what it hears ([`Subscriptions::hear`]). `inbox` stands between the two: it keeps each event once, and has every
//! subscriber hear it at least once, apart from the others.
//!
//! No I/O and no technology here, so that domains and adapters depend on nothing else.

mod event;
mod port;
mod subscriptions;

pub use event::{Change, Kind, ProviderEvent, Subject};
pub use port::{Deliveries, Refused};
pub use subscriptions::{Heard, Hearing, Receipt, Subscriptions};
