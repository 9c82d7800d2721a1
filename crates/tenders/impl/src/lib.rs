//! Tenders and sealed bids: an owner publishes a frozen schedule of quantities, contractors price it under seal, two persons open all bids
//! at once, one is awarded and becomes a contract.
//!
//! Invariants:
//! - Until the opening nobody but the bidder reads a bid or learns how many there are: by row-level security, and by encryption with a key
//!   per tender ([`SealKey`]) that the database does not have. Bidding changes nothing that the owner can see.
//! - The database's clock (`app.now()`) decides the deadline, strictly; closing waits for the bids that got the lock in time.
//! - What the serving role must not do by itself (close, open, complete) is done by functions of `build14_system` that check the
//!   preconditions again; a trigger holds the serving role to the tender's state machine.
//! - At closing the Merkle root of all sealed bids is fixed; every bidder can prove that its receipt is in it, and the opening record lets
//!   anyone recompute it.
//! - The server computes every amount and total; a transition that is not in the tables of `model::machine` is refused.
//!
//! Tables owned: `tenders`, `tender_invitations`, `tender_milestones`, `tender_lines`, `tender_keys`, `tender_seals`,
//! `tender_seal_secrets`, `bids`, `bid_revisions`, `bid_lines`, `opening_records`, `awards`.
//!
//! Lock order: tender → bid → award → contract.

mod http;
mod jobs;
mod model;
mod repo;
mod schema;
mod seal;
mod service;

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};

pub use http::routes;
pub use jobs::{CLOSE_JOB, FINISH_STANDSTILL_JOB, TenderJob};
pub use model::merkle::{root_of_record, verifies};
pub use seal::{NotAKey, SealKey};
pub use service::{Dependencies, Service, Settings};

/// What the handlers of [`routes`] take from the application.
pub fn app_data(config: &mut ServiceConfig, service: &Arc<Service>) {
    let tenders: Data<dyn tenders_api::Tenders> = Data::from(Arc::clone(service) as Arc<dyn tenders_api::Tenders>);
    config.app_data(tenders);
}
