//! Scenes to start from, by domain: a signed-in party, a published tender, an active contract, a funded milestone.

mod escrow;
mod projects;
mod tenders;
mod users;

pub use escrow::Contract;
pub use projects::schedule;
pub use users::{PASSWORD, Party};
