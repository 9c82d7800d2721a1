//! `AppDeps`: what the App is made of.

use std::sync::Arc;

use actix_web::web::ServiceConfig;
use auth_api::Sessions;
use utoipa::openapi::OpenApi;

use super::{AlwaysReady, DenialLog, Limits, NoDenialLog, Readiness, Settings};
use crate::{FingerprintKey, Routes};

type Configure = dyn Fn(&mut ServiceConfig) + Send + Sync;

/// What the App is made of. Made once, cloned into every worker: limits and caches are shared.
#[derive(Clone)]
pub struct AppDeps {
    pub(crate) routes: Arc<Routes>,
    pub(crate) sessions: Arc<dyn Sessions>,
    pub(crate) denials: Arc<dyn DenialLog>,
    pub(crate) readiness: Arc<dyn Readiness>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) fingerprints: FingerprintKey,
    pub(crate) openapi: Option<Arc<OpenApi>>,
    pub(crate) data: Vec<Arc<Configure>>,
}

impl AppDeps {
    /// Routes behind sessions; always ready, denials not recorded, no documents, requests fingerprinted under a key of this process.
    pub fn new(routes: Arc<Routes>, sessions: Arc<dyn Sessions>, settings: Settings) -> Self {
        Self {
            routes,
            sessions,
            denials: Arc::new(NoDenialLog),
            readiness: Arc::new(AlwaysReady),
            limits: Arc::new(Limits::new(&settings.rate_limits)),
            settings: Arc::new(settings),
            fingerprints: FingerprintKey::random(),
            openapi: None,
            data: Vec::new(),
        }
    }

    /// The limiters, to look at.
    #[must_use]
    pub fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    /// The key of the fingerprints of requests, which every process of a deployment must share: else a repetition that reaches another
    /// one, or this one after its restart, is taken for another request.
    #[must_use]
    pub fn fingerprint_key(mut self, key: FingerprintKey) -> Self {
        self.fingerprints = key;
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

    /// Serves `GET /api/openapi.json` and `/docs`.
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
