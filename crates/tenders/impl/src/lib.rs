//! Tenders and sealed bids: an owner publishes a frozen schedule of quantities, contractors price it under seal, two persons open all bids
//! at once, one is awarded and becomes a contract.
//!
//! Invariants:
//! - Until the opening nobody but the bidder reads a bid or learns how many there are: by row-level security, and by encryption with a key
//!   per tender ([`SealKey`]) that the database does not have. Bidding changes nothing that the owner can see.
//! - A draft of a bid is sealed in the same way but has no receipt: only its bidder ever reads it, it is in no count, root or record, and
//!   it lapses at the deadline. Without a receipt the database takes no bid for submitted.
//! - The database's clock (`app.now()`) decides the deadline, strictly; closing waits for the bids that got the lock in time.
//! - Nothing that an owner does waits for a bidder: they share no lock. Bids meet the closing at a gate of their own
//!   (`app.tender_gate`), are priced and sealed before it, and only the job waits there; who reads a tender at that very moment sees it as
//!   it was.
//! - What is opened are the bids that were counted at closing: number, receipts and root are rebuilt, and nothing opens unless they agree.
//! - What the serving role must not do by itself (close, open, complete) is done by functions of `build14_system` that check state, time,
//!   number of bids and the contract again; a trigger holds the serving role to the tender's state machine. That two persons agreed where
//!   two are needed is checked by the service alone: the serving role writes approvals itself, so the database could not tell.
//! - What two persons must agree to before bids are known is weighed by the owner's estimate; without one for every line it counts as more
//!   than any threshold. Both give the same reason.
//! - An invitation by e-mail is an organisation's once it is sure whose the address is; until then it counts for the person who signs in
//!   with it, and using it writes nothing that the owner could see.
//! - An opened bid takes the offer that was sealed, once, by `app.write_offer`, with this program's proof.
//! - A sealed offer that cannot be read is disqualified at the opening and keeps nobody's shut; if none can be read, nothing is opened.
//! - At closing the Merkle root of all sealed bids is fixed; every bidder can prove that its receipt is in it, and the opening record lets
//!   anyone recompute it.
//! - An award falls as long as its contract is not in force: by the owner, by the winner, or when it is not signed in time. Who refused or
//!   did not sign has forfeited the bid; the next one can be awarded.
//! - The server computes every amount and total; a transition that is not in the tables of `model::machine` is refused.
//!
//! Tables owned: `tenders`, `tender_invitations`, `tender_milestones`, `tender_lines`, `tender_keys`, `tender_seals`,
//! `tender_seal_secrets`, `bids`, `bid_revisions`, `bid_lines`, `opening_records`, `awards`.
//!
//! Lock order: project → tender → bid → award → contract.

mod doctor;
mod http;
mod jobs;
mod model;
mod module;
mod repo;
mod rotation;
mod schema;
mod seal;
mod service;
mod settings;

pub use doctor::{Finding, overdue, seals};
pub use http::routes;
pub use jobs::{Close, FallAward, FinishStandstill};
pub use model::merkle::{root_of_record, verifies};
pub use module::MODULE;
pub use rotation::{Rotation, Wrapping, rotate, wrappings};
pub use seal::{NotAKey, SealKey};
pub use service::{Dependencies, Service};
pub use settings::Settings;
