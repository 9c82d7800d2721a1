//! How this domain offers itself to the server.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use module::{Checkup, Finding, Module, Wired};
use projects_api::{Projects, Soqs, Units, perm};
use uow::SystemUow;

use crate::{Service, http, repo};

/// Projects, units, schedules of quantities.
pub const MODULE: Module =
    Module { permissions: perm::ALL, routes: http::routes, rules: &["TEAM_OF_NO_MEMBER"], doctor, ..Module::named("projects") };

impl Wired for Service {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config
            .app_data(Data::from(self.clone() as Arc<dyn Projects>))
            .app_data(Data::from(self.clone() as Arc<dyn Units>))
            .app_data(Data::from(self as Arc<dyn Soqs>));
    }
}

/// Memberships stand with people, teams with their projects: what no reference holds together is looked at here.
fn doctor(system: &SystemUow) -> Checkup<'_> {
    Box::pin(async {
        let left = system.read(async |tx| repo::team::strangers(tx).await).await?;
        let told = |(org, project, user): (kernel::OrgId, kernel::ProjectId, kernel::UserId)| {
            let what = "has a role in its team and is no member of the organisation any more: take them out of the team, else the role is \
                        theirs again if they come back";
            Finding::new("TEAM_OF_NO_MEMBER", project, format!("of organisation {org}: {user} {what}"))
        };
        Ok(left.into_iter().map(told).collect())
    })
}
