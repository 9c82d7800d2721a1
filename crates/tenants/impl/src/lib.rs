//! Organisations, who belongs to them, their settings, and second approvals.
//!
//! An organisation is a tenant. Its row is protected like all others (`org_id` is its id); what anybody may know of any organisation, to
//! name the other party of a tender, comes through the definer function `app.organization_card`.
//!
//! Invariants:
//! - An organisation with members has an owner. A trigger sees to it (constraint `memberships_last_owner`), locking the organisation, so
//!   that of two concurrent demotions the later one loses; so do demotion and leaving, and leaving and the removal of an account.
//! - A weighty verb at or above the approval threshold takes two different persons who ask for the very same thing: verb, subject, detail
//!   and amount. A waiting approval needs its second person even if the threshold is raised meanwhile; it is void as soon
//!   as the role of who asked first changes, in the organisation or in a project's team, or is taken away.
//! - Of two persons each counts whom an owner made an approver, or who has been one for `approver_wait`; who asked first does not make the
//!   second one afterwards. The database notes who gave a role, as what and when; the trail says so of each approval.
//! - A tenant makes nobody a member: whoever founds is, and whoever accepts an invitation.
//! - What was permitted to a role is done only while the actor still has that role: it is looked at again under the organisation's lock.
//! - A removed account joins nothing and owns nothing.
//! - A custom role is a set of permissions of one organisation, given to its members beside the built-in role. What stands in one allows nothing that the
//!   policy does not let custom roles hold. One that somebody has is not removed; who leaves, and who is made a plain member, keeps
//!   none; who loses a permission by it finds
//!   void what they asked for first by that. Where two persons are needed, the giving and what was put into the role both wait.
//! - Only an owner changes the threshold.
//! - Slugs are unique across tenants: they are addresses.
//!
//! Tables owned: `organizations`, `memberships`, `approvals`, `custom_roles`, `custom_role_permissions`, `member_custom_roles`.
//!
//! App data that [`routes`] expect: `web::Data<dyn Organizations>`.

mod http;
mod model;
mod module;
mod repo;
mod schema;
mod service;
mod settings;

pub use http::routes;
pub use module::MODULE;
pub use service::{Dependencies, Service};
pub use settings::Settings;
