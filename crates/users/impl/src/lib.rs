//! People: oneself, the members of an organisation, and the routes of sign-in.
//!
//! A person belongs to no tenant; memberships (in `tenants`) do. Row-level security shows each organisation its own members, and each
//! person themself. Sign-in itself is `auth`'s: this crate tells it who people are ([`Directory`]) and gives it its routes, since their
//! answers show people and organisations.
//!
//! Invariants:
//! - An email is one person, whatever its case.
//! - Only who may manage owners makes, demotes or removes one; the last owner stays (409 `LAST_OWNER`), also under concurrency.
//! - A person who was added by email has no password until they register with that email (docs/decisions/0003-members-before-mail.md).
//! - Nobody gets a role that manages before they have registered: an email that nobody claimed may be anybody's.
//! - What was permitted to a manager is done only while they still are one: looked at again under the organisation's lock.
//! - The last member of an organisation with obligations ([`users_api::Obligations`]) cannot remove the account.
//! - A removed account leaves an anonymous row behind, so that trails still name the same id.
//! - Answers of register, login and switch hold a secret: they are never stored under an idempotency key.
//!
//! Tables owned: `users`.
//!
//! App data that [`routes`] expect: `web::Data<dyn Users>`, `web::Data<dyn SignIn>`, `web::Data<dyn Authorizer>`, `web::Data<CookieSettings>`.

mod directory;
mod http;
mod model;
mod repo;
mod schema;
mod service;

pub use directory::Directory;
pub use http::{CookieSettings, routes};
pub use service::Service;
