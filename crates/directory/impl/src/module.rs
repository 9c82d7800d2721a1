//! How this domain offers itself to the server.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use directory_api::{DirectoryGroups, DirectoryUsers, perm};
use module::{Module, Wired};

use crate::http::{self, Base};
use crate::service::Service;

/// What directories say of people.
pub const MODULE: Module = Module { permissions: perm::ALL, routes: http::routes, ..Module::named("directory") };

impl Wired for Service {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::new(Base::below(self.public_url())));
        config
            .app_data(Data::from(self.clone() as Arc<dyn DirectoryUsers>))
            .app_data(Data::from(self as Arc<dyn DirectoryGroups>));
    }
}
