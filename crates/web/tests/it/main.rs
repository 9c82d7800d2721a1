//! The conventions of docs/API.md, rule by rule, over HTTP in process.
#![allow(clippy::unwrap_used, missing_docs)]

mod auth;
mod bodies;
mod crowd;
mod documents;
mod errors;
mod fixture;
mod idempotency;
mod layers;
mod limits;
mod lists;
mod pages;
mod pipelining;
mod routing;
mod server;
mod states;
mod things;
mod wire;
