//! Stripe's objects: a module each, with the parameters it accepts and what its operations do. Knows neither sockets nor the
//! journal. `due` makes happen by itself what time brings, `expand` puts objects into each other.

pub(crate) mod account_links;
pub(crate) mod accounts;
pub(crate) mod balance;
pub(crate) mod capabilities;
pub(crate) mod charges;
pub(crate) mod disputes;
pub(crate) mod due;
pub(crate) mod early_fraud_warnings;
pub(crate) mod events;
pub(crate) mod expand;
pub(crate) mod payment_attempts;
pub(crate) mod payment_intents;
pub(crate) mod payment_methods;
pub(crate) mod payouts;
pub(crate) mod refunds;
pub(crate) mod reversals;
pub(crate) mod reviews;
pub(crate) mod standing;
pub(crate) mod topups;
pub(crate) mod transfers;
