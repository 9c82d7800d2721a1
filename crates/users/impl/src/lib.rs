//! People: oneself, the members of an organisation, and the routes of sign-in.
//!
//! A person belongs to no tenant; memberships (in `tenants`) do. Row-level security shows each organisation its own members, and each
//! person themself. Sign-in itself is `auth`'s: this crate tells it who people are ([`Directory`]) and gives it its routes, since their
//! answers show people and organisations.
//!
//! Invariants:
//! - An email is one person, however it is written ([`auth_api::email`]); names are visible text ([`kernel::text`]).
//! - Only who may manage owners makes, demotes or removes one; the last owner stays (409 `LAST_OWNER`), also under concurrency.
//! - Nothing happens to a person through an email before they, signed in with it, accept (docs/decisions/0011-invitations-before-mail.md), and
//!   what is answered about an email is the same whether anybody has it or not.
//! - Nobody gives what they do not hold by a built-in role: neither by making a role, nor by changing or giving one. What an owner alone holds, what wants a
//!   person's word and what leads to more than itself stands in no custom role.
//! - An invitation, by address or by link, gives membership alone; what manages is given to somebody who has come.
//! - A proven domain is one organisation's, and the platform's to note; by it joins who has proven an address of exactly it, and asks to.
//! - By a link joins who has proven an address, of its domains if it names any, and no more than it says; it is looked at under the organisation's lock.
//! - What was permitted to a manager is done only while they still are one: looked at again under the organisation's lock.
//! - An organisation with obligations ([`users_api::Obligations`]), or that is suspended, does not leave, nor does its last member; bound again when it is to
//!   be forgotten, it waits, with an alarm, and so does the account that leaves along: none leaves an organisation to nobody.
//! - Whoever leaves lets nobody in from the commit on; until `leaving.grace` is over that can be taken back, after it not.
//! - What is forgotten goes in steps, each a transaction that notes it. An account leaves an anonymous row behind and an organisation its id, so that
//!   trails, contracts and postings still name the same.
//! - Answers of register, login and switch hold a secret: they are never stored under an idempotency key.
//!
//! Tables owned: `users`, `member_invitations`, `invitation_links`, `ownership_offers`, `organization_domains`, `departures`, `exports`, `export_parts`.
//!
//! App data that [`routes`] and [`pages`] expect: `web::Data<dyn Users>`, `web::Data<dyn InvitationLinks>`, `web::Data<dyn Ownership>`,
//! `web::Data<dyn OrganizationDomains>`, `web::Data<dyn Leaving>`, `web::Data<dyn Exports>`, `web::Data<dyn SignIn>`, `web::Data<dyn SignInElsewhere>`,
//! `web::Data<dyn Proofs>`, `web::Data<dyn SecondFactors>`, `web::Data<dyn Passkeys>`,
//! `web::Data<dyn Tokens>`, `web::Data<dyn OrganizationEvents>`, `web::Data<dyn SupportAccess>`, `web::Data<dyn users_api::Roles>`, `web::Data<dyn Authorizer>`, `web::Data<CookieSettings>`.

mod csv;
mod directory;
mod domain_rules;
mod domain_settings;
mod domains;
mod files;
mod http;
mod jobs;
mod languages;
mod link_rules;
mod managers;
mod model;
mod module;
mod repo;
mod roles;
mod schema;
mod service;
mod settings;
mod suspensions;
mod token;
mod zip;

pub use directory::{Directory, is_registered};
pub use domain_settings::DomainSettings;
pub use domains::{DomainDependencies, Domains};
pub use http::{CookieSettings, pages, routes};
pub use languages::ChosenLanguages;
pub use module::MODULE;
pub use roles::{Roles, RolesDependencies};
pub use service::{Dependencies, Service};
pub use settings::Settings;
pub use suspensions::{SuspensionDependencies, SuspensionError, Suspensions};
