//! The App: the same layers around the same routes for the server and for every test.

mod access_log;
mod compress;
mod cors;
mod denial;
mod deps;
mod drain;
mod head;
mod health;
mod instruments;
pub(crate) mod rate_limit;
mod request_id;
mod root;
mod security_headers;
mod settings;
mod spent;
mod support;
mod trace;

use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::{App, Error, web};

pub use denial::DenialLog;
use denial::NoDenialLog;
pub use deps::AppDeps;
pub use drain::Drain;
use health::AlwaysReady;
pub(crate) use health::{LIVE, READY};
pub use health::{Readiness, describe_health};
pub use instruments::describe_metrics;
pub use rate_limit::{AuthRateLimit, Limits};
pub use settings::{Quota, RateLimits, Settings};
pub use spent::{SpentLimit, SpentLog};

use crate::extract::{BodyLimits, PublicOrigin};
use crate::routes::fallback;

/// The App of one worker.
pub fn app(
    deps: &AppDeps,
) -> App<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<BoxBody>, Error = Error, InitError = ()> + use<>,
> {
    let deps = deps.clone();
    App::new()
        .app_data(Arc::clone(&deps.routes))
        .app_data(Arc::clone(&deps.limits))
        .app_data(BodyLimits {
            bytes: deps.settings.body_limit,
            idle: deps.settings.body_idle_timeout,
            total: deps.settings.body_timeout,
        })
        .app_data(deps.idempotency.clone())
        .app_data(PublicOrigin(deps.settings.public_origin.clone()))
        .configure(|config| {
            if let Some(authority) = &deps.authority {
                config.app_data(authority.clone());
            }
            for data in &deps.data {
                data(config);
            }
            health::configure(config, &deps.readiness, &deps.drain);
            if let Some(openapi) = &deps.openapi {
                crate::docs::configure(config, openapi);
            }
            crate::pages::configure(config, deps.development.as_deref(), deps.openapi.is_some());
            deps.routes.configure(config);
        })
        .default_service(web::to(fallback))
        .wrap(root::Root::new(&deps))
}
