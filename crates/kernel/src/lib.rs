//! The words every crate of 14Build shares: ids, money, time, pages, who is asking, and the two kinds of error.
//!
//! Invariants: no I/O, no SQL, no HTTP, under 1,350 lines. Everything here is plain data that a test can make by hand.

mod clock;
mod ctx;
mod currency;
mod error;
mod ids;
mod money;
mod money_error;
mod named;
mod operator;
mod page;
mod permission;
mod refusals;
pub mod text;

pub use clock::{Clock, ManualClock, SystemClock};
pub use ctx::{Actor, AddedPermissions, Answer, Ctx, IdempotencyKey, KeyUse, Missing, Once, ProjectRoles, RequestId};
pub use currency::{Currency, NotOffered};
pub use error::{Denied, DomainError, Fault, FaultKind, FieldFault, Kind, MOST_FAULTS, Spent};
pub use ids::*;
pub use money::{Money, amount_of};
pub use money_error::MoneyError;
pub use named::{Named, deserialize_named, one_named};
pub use operator::{Decision, NotAReason, NotAnOperator, Operator, Reason};
pub use page::{Page, PageRequest, Position};
pub use permission::{OrgRole, Permission, ProjectRole, Scope};
#[doc(hidden)]
pub use {serde, uuid};

/// UTC instants, the only kind of time that crosses a crate boundary.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

/// A number of things: `1 release`, `2 releases`.
#[must_use]
pub fn counted<N: std::fmt::Display + PartialEq + From<u8>>(n: N, one: &str, many: &str) -> String {
    if n == N::from(1) { format!("{n} {one}") } else { format!("{n} {many}") }
}

/// An instant as people are told it on the command line: RFC 3339, UTC, to the second.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
