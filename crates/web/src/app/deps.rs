//! `AppDeps`: what the App is made of.

use std::sync::Arc;

use actix_web::web::ServiceConfig;
use auth_api::{Authorizer, Sessions};
use utoipa::openapi::OpenApi;

use super::{AlwaysReady, DenialLog, Drain, Limits, NoDenialLog, Readiness, Settings, SpentLog};
use crate::extract::Authority;
use crate::{Development, IdempotencySecret, Routes};

type Configure = dyn Fn(&mut ServiceConfig) + Send + Sync;

/// What the App is made of. Made once, cloned into every worker: limits and caches are shared.
#[derive(Clone)]
pub struct AppDeps {
    pub(crate) routes: Arc<Routes>,
    pub(crate) sessions: Arc<dyn Sessions>,
    pub(crate) denials: Arc<dyn DenialLog>,
    pub(crate) readiness: Arc<dyn Readiness>,
    pub(crate) drain: Drain,
    pub(crate) settings: Arc<Settings>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) idempotency: IdempotencySecret,
    pub(crate) authority: Option<Authority>,
    pub(crate) openapi: Option<Arc<OpenApi>>,
    pub(crate) development: Option<Arc<Development>>,
    pub(crate) data: Vec<Arc<Configure>>,
}

impl AppDeps {
    /// Routes behind sessions; always ready, denials not recorded, no documents, idempotency keys under a secret of this process.
    pub fn new(routes: Arc<Routes>, sessions: Arc<dyn Sessions>, settings: Settings) -> Self {
        Self {
            routes,
            sessions,
            denials: Arc::new(NoDenialLog),
            readiness: Arc::new(AlwaysReady),
            drain: Drain::default(),
            limits: Arc::new(Limits::new(&settings.rate_limits)),
            settings: Arc::new(settings),
            idempotency: IdempotencySecret::random(),
            authority: None,
            openapi: None,
            development: None,
            data: Vec::new(),
        }
    }

    /// The limiters, to look at.
    #[must_use]
    pub fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    /// The secret of idempotency keys, which every process of a deployment must share: else a repetition that reaches another one, or this
    /// one after its restart, is taken for another request.
    #[must_use]
    pub fn idempotency_secret(mut self, secret: IdempotencySecret) -> Self {
        self.idempotency = secret;
        self
    }

    /// Who tells whether the repetition of a request is still allowed. Without one no answer is given again.
    #[must_use]
    pub fn authorizer(mut self, authorizer: Arc<dyn Authorizer>) -> Self {
        self.authority = Some(Authority(authorizer));
        self
    }

    /// Where spent limits are noted; the first one given counts.
    #[must_use]
    pub fn spent_log(self, log: Arc<dyn SpentLog>) -> Self {
        self.limits.note_in(log);
        self
    }

    /// Where denials are recorded.
    #[must_use]
    pub fn denial_log(mut self, denials: Arc<dyn DenialLog>) -> Self {
        self.denials = denials;
        self
    }

    /// What `GET /health/ready` asks.
    #[must_use]
    pub fn readiness(mut self, readiness: Arc<dyn Readiness>) -> Self {
        self.readiness = readiness;
        self
    }

    /// The switch that turns clients away before the server stops.
    #[must_use]
    pub fn drain(mut self, drain: Drain) -> Self {
        self.drain = drain;
        self
    }

    /// What the page at `/` tells on a developer's own server.
    #[must_use]
    pub fn development(mut self, development: Development) -> Self {
        self.development = Some(Arc::new(development));
        self
    }

    /// Serves `GET /api/openapi.json`, and `/docs/` that shows it.
    #[must_use]
    pub fn openapi(mut self, document: OpenApi) -> Self {
        self.openapi = Some(Arc::new(document));
        self
    }

    /// Adds application data: `deps.data(move |c| { c.app_data(Data::from(service.clone())); })`.
    #[must_use]
    pub fn data(mut self, configure: impl Fn(&mut ServiceConfig) + Send + Sync + 'static) -> Self {
        self.data.push(Arc::new(configure));
        self
    }
}
