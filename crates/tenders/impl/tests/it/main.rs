//! Tenders and bids over a real PostgreSQL, as the serving role; the other domains are fakes.
#![allow(clippy::unwrap_used, missing_docs)]

mod award;
mod bid_drafts;
mod bidding;
mod drafts;
mod fakes;
mod falls;
mod held;
mod http;
mod invitations;
mod opening;
mod sealing;
mod shares;
mod tampering;
mod waiting;
mod world;
