//! How the inbox offers itself to the server.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Data, ServiceConfig};
use jobs::Registry;
use module::{Checkup, Finding, Module, Wired};
use uow::SystemUow;

use crate::tasks::{FormerRoute, Hear, TASKS};
use crate::{Service, http, repo};

/// How often what hangs is handed out again.
const SWEEP: Duration = Duration::from_secs(60);

/// How often what is old is forgotten.
const PRUNE: Duration = Duration::from_secs(3_600);

/// The inbox of the payment provider's events.
pub const MODULE: Module =
    Module { tasks: TASKS, routes: http::routes, rules: &["PROVIDER_EVENT_STUCK"], doctor, ..Module::named("inbox") };

impl Wired for Service {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self));
    }

    fn register(self: Arc<Self>, registry: &mut Registry) {
        registry.on_job(&self, |inbox, _, task: Hear| async move { inbox.hear(task).await });
        registry.on_job(&self, |inbox, _, task: FormerRoute| async move { inbox.hand_out(&task.event).await });
        registry.every("inbox.sweep", SWEEP, &self, |inbox| async move { inbox.sweep().await });
        registry.every("inbox.prune", PRUNE, &self, |inbox| async move { inbox.prune().await });
    }
}

fn doctor(system: &SystemUow) -> Checkup<'_> {
    Box::pin(async {
        let stuck = system.read(async |tx| repo::stuck(tx).await).await?;
        Ok(stuck.into_iter().map(|event| Finding::new("PROVIDER_EVENT_STUCK", event.id, event.detail)).collect())
    })
}
