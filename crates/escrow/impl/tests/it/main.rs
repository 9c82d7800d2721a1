//! Contracts, protected payments and the ledger on a real PostgreSQL, with an in-memory payment provider.

mod contracts;
mod document;
mod fakes;
mod funding;
mod http;
mod ledger;
mod releases;
mod webhooks;
mod world;
