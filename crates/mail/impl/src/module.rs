//! How this domain offers itself to the server.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Data, ServiceConfig};
use jobs::Registry;
use module::{Checkup, Finding, Module, Wired};
use uow::SystemUow;

use crate::service::Service;
use crate::settings::Settings;
use crate::tasks::{SendMail, TASKS};
use crate::{http, pages, repo};

/// How often what is old is forgotten.
const PRUNE: Duration = Duration::from_secs(3_600);

/// Mail.
pub const MODULE: Module = Module {
    tasks: TASKS,
    settings: |reader| {
        Settings::read(reader);
    },
    routes: http::routes,
    rules: &["MAIL_STUCK"],
    doctor,
    ..Module::named("mail")
};

impl Wired for Service {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        if self.development {
            pages::configure(config);
        }
        config.app_data(Data::from(self));
    }

    fn register(self: Arc<Self>, registry: &mut Registry) {
        registry.on_job(&self, |mail, job, task: SendMail| async move { mail.send(&job, task).await });
        registry.every("mail.prune", PRUNE, &self, |mail| async move { mail.prune().await });
    }
}

fn doctor(system: &SystemUow) -> Checkup<'_> {
    Box::pin(async {
        let stuck = system.read(async |tx| repo::stuck(tx).await).await?;
        Ok(stuck.into_iter().map(|(mail, detail)| Finding::new("MAIL_STUCK", mail, detail)).collect())
    })
}
