//! The domains of this server, and what of the platform offers itself as they do: the only list of them. What goes over all goes over it.

use kernel::Permission;
use module::Module;

/// Every domain, in the order in which the documentation shows them.
pub const MODULES: &[Module] =
    &[users::MODULE, auth::MODULE, tenants::MODULE, projects::MODULE, tenders::MODULE, escrow::MODULE, audit::MODULE];

/// What several domains stand on and what is yet none of them.
pub const PLATFORM: &[Module] = &[inbox::MODULE];

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Module> {
    MODULES.iter().chain(PLATFORM)
}

/// Every permission that exists, by domain.
#[must_use]
pub fn permissions() -> Vec<&'static [Permission]> {
    all().map(|module| module.permissions).collect()
}

/// Every route.
#[must_use]
pub fn routes() -> web::Routes {
    let mut routes = web::Routes::new();
    for module in all() {
        (module.routes)(&mut routes);
    }
    routes
}

/// Whether anything here does this task.
#[must_use]
pub fn does(task: &str) -> bool {
    all().any(|module| module.tasks.contains(&task))
}
