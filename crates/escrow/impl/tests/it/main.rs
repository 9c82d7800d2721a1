//! Contracts, protected payments and the ledger on a real PostgreSQL, with an in-memory payment provider.

mod alarms;
mod balance;
mod contracts;
mod coverage;
mod disputes;
mod document;
mod fakes;
mod float;
mod funding;
mod heard;
mod held;
mod holds;
mod http;
mod ledger;
mod looks;
mod moves;
mod obligations;
mod payees;
mod releases;
mod resolve;
mod reversals;
mod spent_keys;
mod statement;
mod terminations;
mod webhooks;
mod world;
