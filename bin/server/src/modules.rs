//! The domains of this server, and what of the platform offers itself as they do: the only list of them, and how their services are made.
//! What goes over all goes over it.

use std::sync::Arc;

use kernel::{Clock, Permission};
use module::{Module, Wired};

use crate::config::Settings;
use crate::services::foundation::Foundation;
use crate::services::keys;

/// Every domain, in the order in which the documentation shows them.
pub const MODULES: &[Module] = &[
    users::MODULE,
    auth::MODULE,
    tenants::MODULE,
    directory::MODULE,
    projects::MODULE,
    tenders::MODULE,
    escrow::MODULE,
    audit::MODULE,
    mail::MODULE,
];

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

/// The domains over one pair of doors, which requests and jobs have each.
pub(crate) struct Domains {
    /// All of them.
    pub wired: Vec<Arc<dyn Wired>>,
    // Those that something else here asks for by name.
    pub escrow: Arc<escrow::Service>,
    pub tenders: Arc<tenders::Service>,
    pub projects: Arc<projects::Service>,
}

/// Makes the domains, which keep nothing in memory, as often as there are grounds to stand on.
pub(crate) struct Builder<'a> {
    pub settings: &'a Settings,
    pub policy: &'a Arc<auth::Policy>,
    pub auth: &'a Arc<auth::Service>,
    pub provider: Arc<stripe_adapter::StripeProvider>,
    pub clock: Arc<dyn Clock>,
    pub escrow: escrow::Settings,
}

impl Builder<'_> {
    /// One service of each domain, on these grounds.
    pub fn domains(&self, foundation: &Foundation) -> anyhow::Result<Domains> {
        let Foundation { uow, system, audit, tenants, mails, .. } = foundation;
        let projects = Arc::new(projects::Service::new(projects::Dependencies {
            uow: uow.clone(),
            authorizer: self.policy.clone(),
            sessions: self.auth.clone(),
            tenants: tenants.clone(),
            audit: audit.clone(),
            currencies: Some(self.escrow.currencies.clone()),
        }));
        let escrow = Arc::new(escrow::Service::new(escrow::Dependencies {
            uow: uow.clone(),
            system: system.clone(),
            authorizer: self.policy.clone(),
            audit: audit.clone(),
            tenants: tenants.clone(),
            provider: self.provider.clone(),
            clock: self.clock.clone(),
            settings: self.escrow.clone(),
        }));
        let tenders = Arc::new(tenders::Service::new(tenders::Dependencies {
            uow: uow.clone(),
            system: system.clone(),
            authorizer: self.policy.clone(),
            audit: audit.clone(),
            tenants: tenants.clone(),
            projects: projects.clone(),
            contracts: escrow.clone(),
            key: tenders::SealKey::from_base64(&keys::seal_secret(self.settings)?)?,
            previous_keys: keys::previous_seal_keys(self.settings)?,
            settings: tenders::Settings::read(&mut self.settings.reader()),
        }));
        let users::DomainSettings { resolvers, timeout } = users::DomainSettings::read(&mut self.settings.reader());
        let proven = Arc::new(users::Domains::new(users::DomainDependencies {
            uow: uow.clone(),
            system: system.clone(),
            memberships: tenants.clone(),
            authorizer: self.policy.clone(),
            audit: audit.clone(),
            mails: mails.clone(),
            records: Arc::new(dns_resolver::Resolver::new(resolvers, timeout)),
        }));
        let wired: Vec<Arc<dyn Wired>> =
            vec![audit.clone(), tenants.clone(), projects.clone(), escrow.clone(), tenders.clone(), mails.clone(), proven];
        Ok(Domains { wired, escrow, tenders, projects })
    }
}
