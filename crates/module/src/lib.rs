//! How a domain offers itself to the server: [`Module`] is what it is without a database (permissions, tasks, settings, routes, checks), [`Wired`] is
//! its service once it is built. `bin/server/src/modules.rs` has the only list; whatever goes over all domains goes over that list.
//!
//! A domain's `impl` crate has one file `module.rs` with both. Nothing here knows any domain.

mod finding;
mod settings;

use std::sync::Arc;

use actix_web::web::ServiceConfig;
use futures::future::BoxFuture;
use kernel::{Fault, Permission};
use uow::SystemUow;

pub use finding::Finding;
pub use settings::{Faults, Reader, Values, variable};

/// The answer of a [`Module::doctor`].
pub type Checkup<'a> = BoxFuture<'a, Result<Vec<Finding>, Fault>>;

/// What a domain is, before any service of it exists.
pub struct Module {
    /// Its name, which its crates, its tables' owner in the documentation and its settings' section share.
    pub name: &'static str,
    /// The permissions that it defines; `config/authz/matrix.txt` says who holds them.
    pub permissions: &'static [Permission],
    /// The names of the tasks that its service does: its [`Wired::register`] registers exactly these.
    pub tasks: &'static [&'static str],
    /// Reads its settings and reports every fault; the service reads them again when it is built.
    pub settings: fn(&mut Reader),
    /// Adds its endpoints.
    pub routes: fn(&mut web::Routes),
    /// The rules that its `doctor` checks: the names of what it may find.
    pub rules: &'static [&'static str],
    /// Checks every invariant of its own that data can break, across all tenants, for `build14 doctor`.
    pub doctor: for<'a> fn(&'a SystemUow) -> Checkup<'a>,
}

impl Module {
    /// A domain of this name that has nothing yet.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            permissions: &[],
            tasks: &[],
            settings: |_| {},
            routes: |_| {},
            rules: &[],
            doctor: |_| Box::pin(async { Ok(Vec::new()) }),
        }
    }
}

/// A domain's service, built: what it gives the endpoints, what it does by itself, and what it hears.
pub trait Wired: Send + Sync + 'static {
    /// Gives the endpoints of [`Module::routes`] what they call.
    fn data(self: Arc<Self>, config: &mut ServiceConfig);

    /// Registers what does the domain's tasks, hears events and sweeps.
    fn register(self: Arc<Self>, _registry: &mut jobs::Registry) {}

    /// Says which events of the payment provider the domain hears.
    fn hears(self: Arc<Self>, _subscriptions: &mut provider_events::Subscriptions) {}
}
