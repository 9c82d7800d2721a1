//! How this domain offers itself to the server.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use escrow_api::{Contracts, Milestones, Payees, Payments, perm};
use jobs::Registry;
use module::{Checkup, Finding, Module, Wired};
use provider_events::Subscriptions;
use uow::SystemUow;

use crate::service::SUBJECTS;
use crate::{Service, Settings, http, jobs as tasks};

/// Contracts, milestones, protected payments, the ledger.
pub const MODULE: Module = Module {
    permissions: perm::ALL,
    tasks: tasks::TASKS,
    settings: |reader| {
        Settings::read(reader);
    },
    routes: http::routes,
    rules: crate::repo::doctor::RULES,
    doctor,
    ..Module::named("escrow")
};

impl Wired for Service {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config
            .app_data(Data::from(self.clone() as Arc<dyn Contracts>))
            .app_data(Data::from(self.clone() as Arc<dyn Milestones>))
            .app_data(Data::from(self.clone() as Arc<dyn Payments>))
            .app_data(Data::from(self as Arc<dyn Payees>));
    }

    fn register(self: Arc<Self>, registry: &mut Registry) {
        tasks::register(&self, registry);
    }

    fn hears(self: Arc<Self>, subscriptions: &mut Subscriptions) {
        subscriptions.hear("escrow", SUBJECTS, &self, |escrow, heard| async move { escrow.hear(heard).await });
    }
}

fn doctor(system: &SystemUow) -> Checkup<'_> {
    Box::pin(async {
        let found = crate::doctor(system).await?;
        Ok(found.into_iter().map(|finding| Finding::new(finding.rule, finding.subject, finding.detail)).collect())
    })
}
