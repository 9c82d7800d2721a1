//! How this domain offers itself to the server.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use module::{Module, Wired};
use tenants_api::{Organizations, perm};

use crate::{Service, Settings, http};

/// Organisations, members, second approvals.
pub const MODULE: Module = Module {
    permissions: perm::ALL,
    settings: |reader| {
        Settings::read(reader);
    },
    routes: http::routes,
    ..Module::named("tenants")
};

impl Wired for Service {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self as Arc<dyn Organizations>));
    }
}
