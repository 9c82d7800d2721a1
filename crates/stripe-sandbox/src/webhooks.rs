//! Whom events are told to: the endpoints, the queue of deliveries to them, and their signature. Posting them is `http`'s.

pub(crate) mod endpoints;
pub(crate) mod queue;
pub(crate) mod signature;
