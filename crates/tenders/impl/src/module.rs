//! How this domain offers itself to the server.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use jobs::Registry;
use module::{Checkup, Finding, Module, Wired};
use tenders_api::{Tenders, perm};
use uow::SystemUow;

use crate::{Service, Settings, http, jobs as tasks, overdue, seals};

/// Tenders and sealed bids.
pub const MODULE: Module = Module {
    permissions: perm::ALL,
    tasks: tasks::TASKS,
    settings: |reader| {
        Settings::read(reader);
    },
    routes: http::routes,
    rules: &["SEAL_BROKEN", "TENDER_OVERDUE"],
    doctor,
    ..Module::named("tenders")
};

impl Wired for Service {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self as Arc<dyn Tenders>));
    }

    fn register(self: Arc<Self>, registry: &mut Registry) {
        tasks::register(&self, registry);
    }
}

fn doctor(system: &SystemUow) -> Checkup<'_> {
    Box::pin(async {
        let told = |rule, finding: crate::Finding| {
            Finding::new(rule, finding.tender, format!("of organisation {}: {}", finding.org, finding.what))
        };
        let broken = seals(system).await?.into_iter().map(|finding| told("SEAL_BROKEN", finding));
        let waiting = overdue(system).await?.into_iter().map(|finding| told("TENDER_OVERDUE", finding));
        Ok(broken.chain(waiting).collect())
    })
}
