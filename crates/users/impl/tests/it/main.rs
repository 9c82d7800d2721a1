//! Accounts, sessions and members over HTTP, against PostgreSQL, with the real domains below.
#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod accounts;
mod at_a_time;
mod authenticator;
mod document;
mod domains;
mod elsewhere;
mod exports;
mod factors;
mod forgetting;
mod invitation_links;
mod invitations;
mod keys;
mod leaks;
mod leaving;
mod links;
mod lives;
mod mailed;
mod members;
mod ownership;
mod passkeys;
mod proofs;
mod registering;
mod reloads;
mod removal;
mod replicas;
mod scenery;
mod security_events;
mod sessions;
mod sign_in;
mod step_up;
mod strangers;
mod support;
mod suspensions;
mod tokens;
mod unlinking;
