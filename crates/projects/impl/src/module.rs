//! How this domain offers itself to the server.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use module::{Module, Wired};
use projects_api::{Projects, Soqs, Units, perm};

use crate::{Service, http};

/// Projects, units, schedules of quantities.
pub const MODULE: Module = Module { permissions: perm::ALL, routes: http::routes, ..Module::named("projects") };

impl Wired for Service {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config
            .app_data(Data::from(self.clone() as Arc<dyn Projects>))
            .app_data(Data::from(self.clone() as Arc<dyn Units>))
            .app_data(Data::from(self as Arc<dyn Soqs>));
    }
}
