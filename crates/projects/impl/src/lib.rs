//! Projects with their teams, units with their floors, and schedules of quantities (SOQ) in versions.
//!
//! Tables owned: `projects`, `project_members`, `units`, `unit_floors`, `unit_sums`, `soqs`, `soq_lines`.
//!
//! Invariants, each behind a rule of `model`, a constraint or trigger of the migration, and a test:
//! - Changes of a team keep a project owner in it; they are made one after another under the project's lock, by who may make them then.
//!   Leaving the organisation leaves its teams too, also as the last project owner: the organisation's owners and admins run the project
//!   on and can name another. The trail tells which roles in teams were lost (`users` records it with the removal). No reference leads from
//!   a team to memberships (decision 34): who removes a member calls [`Teams`], who gives a role holds the membership, `doctor` looks.
//! - Once a tender of it was published, a project is never deleted and never goes back to planning.
//! - A project's currency cannot change under a schedule of quantities (foreign key with the currency).
//! - A unit has as many floors as it says, and their areas add up to its own, give or take 0.01.
//! - A frozen schedule never changes. The next version is a draft with the same lines; a line's id is its identity through all versions.
//! - A line's amount is round_half_up(quantity × rate); the total is the sum of the rounded amounts that count.
//!
//! [`Service`] is every service trait of `projects-api`; [`Teams`] tells sign-in the roles in teams, before there is a tenant, and takes them away;
//! [`routes`] are the endpoints, which expect `Data<dyn Projects>`, `Data<dyn Units>` and `Data<dyn Soqs>`.

mod http;
mod model;
mod module;
mod repo;
mod schema;
mod service;
mod teams;

pub use http::routes;
pub use module::MODULE;
pub use service::{Dependencies, Service};
pub use teams::Teams;
