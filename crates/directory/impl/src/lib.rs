//! What an organisation's directory (Entra, Okta) says of its people, taken in by SCIM 2.0 (RFC 7643, 7644) below `/scim/v2`.
//!
//! A record is the organisation's word about somebody, and no account. It decides who is let into the organisation, and nothing else: it never makes, renames
//! or finds an account (docs/decisions/0065-a-directory-lets-in-and-takes-over-nobody.md).
//!
//! Invariants:
//! - Whoever is new is invited, and comes when they accept; what is answered is the same whether somebody has an account of the address or not.
//! - Whom the directory deactivated is a member no more, and joins in no other way (trigger `memberships_let_in`) until it lets them in again. Then they
//!   are a member as `member`, and only whose membership it ended comes back unasked (`app.restore_directory_member`).
//! - The last owner stays; an owner goes in the name of an owner alone.
//! - Groups are sets of names. They give nobody any right.
//! - Filters are read into trees of bounded size, and every value of them is a bind.
//!
//! Tables owned: `directory_users`, `directory_groups`, `directory_group_members`.
//!
//! App data that the routes expect: `web::Data<dyn DirectoryUsers>`, `web::Data<dyn DirectoryGroups>`, and where SCIM is spoken.

mod http;
mod module;
mod repo;
mod schema;
mod scim;
mod service;

pub use module::MODULE;
pub use service::{Dependencies, Records, Service};
