//! Where something stands that is served as it is.

use std::future::ready;
use std::ops::Deref;

use actix_web::HttpRequest;
use actix_web::web::{self, ServiceConfig};

use super::kept::Kept;
use crate::routes::only_get;

/// Serves it at `path`.
pub fn serve(config: &mut ServiceConfig, path: &str, kept: impl Deref<Target = Kept> + Clone + 'static) {
    let get = web::get().to(move |request: HttpRequest| ready(kept.answer(&request)));
    config.service(web::resource(path).route(get).default_service(web::to(only_get)));
}
