//! What there is: the tables and their journal, the clock, what is to happen later. Knows no object of Stripe's.

pub(crate) mod clock;
pub(crate) mod deliveries;
pub(crate) mod ids;
pub(crate) mod schedule;
mod state;
pub(crate) mod store;
pub(crate) mod table;

pub(crate) use state::{Origin, PLATFORM, State};
