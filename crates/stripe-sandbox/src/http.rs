//! Everything that touches a socket: the server, the way of one request to `/v1/…`, and the worker that posts webhooks.

pub(crate) mod api;
pub(crate) mod auth;
pub(crate) mod delivery;
pub(crate) mod idempotency;
pub(crate) mod routes;
pub(crate) mod server;
pub(crate) mod shared;
