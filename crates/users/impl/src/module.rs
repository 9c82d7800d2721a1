//! How this domain offers itself to the server.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use module::{Module, Wired};
use users_api::{InvitationLinks, Ownership, Users};

use crate::{Service, http};

/// People, and the endpoints of sign-in.
pub const MODULE: Module = Module { routes: http::routes, ..Module::named("users") };

impl Wired for Service {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config
            .app_data(Data::new(self.cookies().clone()))
            .app_data(Data::from(self.clone() as Arc<dyn InvitationLinks>))
            .app_data(Data::from(self.clone() as Arc<dyn Ownership>))
            .app_data(Data::from(self as Arc<dyn Users>));
        http::pages(config);
    }
}
