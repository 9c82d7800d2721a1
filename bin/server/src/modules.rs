//! The domains of this server: the only list of them. What goes over all domains goes over it.

use kernel::Permission;
use module::Module;

/// Every domain, in the order in which the documentation shows them.
pub const MODULES: &[Module] =
    &[users::MODULE, auth::MODULE, tenants::MODULE, projects::MODULE, tenders::MODULE, escrow::MODULE, audit::MODULE];

/// Every permission that exists, by domain.
#[must_use]
pub fn permissions() -> Vec<&'static [Permission]> {
    MODULES.iter().map(|module| module.permissions).collect()
}

/// Every route of every domain.
#[must_use]
pub fn routes() -> web::Routes {
    let mut routes = web::Routes::new();
    for module in MODULES {
        (module.routes)(&mut routes);
    }
    routes
}

/// Whether anything here does this task.
#[must_use]
pub fn does(task: &str) -> bool {
    MODULES.iter().any(|module| module.tasks.contains(&task))
}
