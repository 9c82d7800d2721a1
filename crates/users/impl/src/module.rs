//! How this domain offers itself to the server.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use jobs::Registry;
use module::{Checkup, Finding, Module, Wired};
use uow::SystemUow;
use users_api::{Exports, InvitationLinks, Leaving, Ownership, Users};

use crate::{DomainSettings, Service, Settings, http, jobs as tasks, repo};

/// What should be gone for so long and is not, is a finding.
const OVERDUE: chrono::TimeDelta = chrono::TimeDelta::days(1);

/// People, and the endpoints of sign-in.
pub const MODULE: Module = Module {
    tasks: tasks::TASKS,
    settings: |reader| {
        Settings::read(reader);
        DomainSettings::read(reader);
    },
    routes: http::routes,
    rules: &["DEPARTURE_OVERDUE"],
    doctor,
    ..Module::named("users")
};

impl Wired for Service {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        let leaving: Arc<dyn Leaving> = self.clone();
        config
            .app_data(Data::new(self.cookies().clone()))
            .app_data(Data::from(leaving))
            .app_data(Data::from(self.clone() as Arc<dyn Exports>))
            .app_data(Data::from(self.clone() as Arc<dyn InvitationLinks>))
            .app_data(Data::from(self.clone() as Arc<dyn Ownership>))
            .app_data(Data::from(self as Arc<dyn Users>));
        http::pages(config);
    }

    fn register(self: Arc<Self>, registry: &mut Registry) {
        tasks::register(&self, registry);
    }
}

fn doctor(system: &SystemUow) -> Checkup<'_> {
    Box::pin(async {
        let before = chrono::Utc::now() - OVERDUE;
        let overdue = system.read(async |tx| repo::departures::due(tx, before).await).await?;
        let told = |departure| {
            Finding::new("DEPARTURE_OVERDUE", departure, "should be gone for a day: an alarm, or `build14 jobs list`, says why")
        };
        Ok(overdue.into_iter().map(told).collect())
    })
}
