//! The composition: every service made over the ones it stands on, ports joined with their implementations.

mod doctor;
mod documents;
mod platform;
mod registry;
mod sandbox;
mod seed;

use std::sync::{Arc, OnceLock};

use actix_web::web::{Data, ServiceConfig};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::{Clock, Permission, SystemClock};
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinHandle;
use uow::{SystemUow, Uow};

use crate::config::{Profile, Settings};
use crate::database::Urls;
use crate::secrets;

pub use doctor::doctor;
pub use documents::{openapi_json, routes};
pub use sandbox::start_sandbox;
pub use seed::seed;

/// Connections of the platform's own pool.
pub const SYSTEM_POOL: usize = 8;

/// Every permission that exists.
pub const PERMISSIONS: &[&[Permission]] =
    &[audit_api::perm::ALL, tenants_api::perm::ALL, projects_api::perm::ALL, tenders_api::perm::ALL, escrow_api::perm::ALL];

/// How to speak to Stripe, or to the sandbox.
#[derive(Debug, Clone)]
pub struct StripeAccess {
    /// Base URL.
    pub api_base: String,
    /// Secret key.
    pub secret_key: SecretString,
    /// Secrets of the webhook endpoints.
    pub webhook_secrets: Vec<SecretString>,
    /// Whether it is real money.
    pub livemode: bool,
}

impl StripeAccess {
    /// As configured.
    #[must_use]
    pub fn configured(settings: &Settings) -> Self {
        Self {
            api_base: settings.stripe.api_base.clone().unwrap_or_default(),
            secret_key: settings.stripe.secret_key.clone(),
            webhook_secrets: settings.stripe.webhook_secrets.clone(),
            livemode: settings.stripe.secret_key.expose_secret().starts_with("sk_live_"),
        }
    }
}

/// All services of a process.
pub struct Services {
    system: SystemUow,
    policy: Arc<auth::Policy>,
    audit: Arc<audit::Service>,
    tenants: Arc<tenants::Service>,
    auth: Arc<auth::Service>,
    users: Arc<users::Service>,
    projects: Arc<projects::Service>,
    escrow: Arc<escrow::Service>,
    tenders: Arc<tenders::Service>,
    cookies: users::CookieSettings,
    listener: JoinHandle<()>,
    worker: Arc<OnceLock<jobs::Monitor>>,
}

impl Services {
    /// Makes them all.
    ///
    /// # Errors
    /// If the policy, a key or a setting cannot be used.
    pub async fn build(settings: &Settings, urls: &Urls, stripe: StripeAccess, public_url: &str) -> anyhow::Result<Self> {
        let app = db::Postgres::new(db::PoolSettings {
            size: settings.database.pool_size,
            wait: settings.database.wait,
            statement_timeout: settings.database.statement_timeout,
            lock_timeout: settings.database.lock_timeout,
            ..db::PoolSettings::new(urls.app.clone())
        })?;
        let platform = db::Postgres::new(db::PoolSettings {
            size: SYSTEM_POOL,
            sharing: db::Sharing::Shared,
            wait: settings.database.wait,
            ..db::PoolSettings::new(urls.system.clone())
        })?;
        let (uow, system) = (Uow::new(app), SystemUow::new(platform));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);

        let policy = Arc::new(auth::Policy::embedded(PERMISSIONS).await?);
        let audit = Arc::new(audit::Service::new(uow.clone(), policy.clone()));
        let tenants = Arc::new(tenants::Service::new(uow.clone(), system.clone(), policy.clone(), audit.clone()));
        let directory = Arc::new(users::Directory::new(tenants.clone(), audit.clone()));
        let sign_in = auth::Settings { session_life: settings.session_lifetime, ..auth::Settings::default() };
        let auth = Arc::new(auth::Service::new(
            &sign_in,
            system.clone(),
            directory,
            Arc::new(projects::Teams),
            audit.clone(),
            clock.clone(),
        )?);
        let listener = auth.listen(urls.system.clone());
        let users = Arc::new(users::Service::new(
            uow.clone(),
            system.clone(),
            tenants.clone(),
            auth.clone(),
            auth.clone(),
            policy.clone(),
            audit.clone(),
        ));
        let projects =
            Arc::new(projects::Service::new(uow.clone(), policy.clone(), auth.clone(), tenants.clone(), audit.clone()));

        let mut provider = stripe_adapter::Settings::new(stripe.secret_key);
        provider.api_base = stripe.api_base;
        provider.timeout = settings.stripe.timeout;
        let escrow = Arc::new(escrow::Service::new(escrow::Dependencies {
            uow: uow.clone(),
            system: system.clone(),
            authorizer: policy.clone(),
            audit: audit.clone(),
            tenants: tenants.clone(),
            provider: Arc::new(stripe_adapter::StripeProvider::new(&provider)?),
            clock: clock.clone(),
            settings: escrow_settings(settings, stripe.webhook_secrets, stripe.livemode, public_url),
        }));
        let tenders = Arc::new(tenders::Service::new(tenders::Dependencies {
            uow: uow.clone(),
            authorizer: policy.clone(),
            audit: audit.clone(),
            tenants: tenants.clone(),
            projects: projects.clone(),
            contracts: escrow.clone(),
            key: tenders::SealKey::from_base64(&seal_key(settings)?)?,
            settings: tenders::Settings {
                minimum_submission_period: settings.tenders.minimum_submission_period,
                standstill: settings.tenders.standstill,
            },
        }));
        let cookies = users::CookieSettings { secure: settings.secure_cookie };
        Ok(Self {
            system,
            policy,
            audit,
            tenants,
            auth,
            users,
            projects,
            escrow,
            tenders,
            cookies,
            listener,
            worker: Arc::default(),
        })
    }

    /// What the HTTP application is made of.
    ///
    /// # Errors
    /// If routes or settings contradict each other.
    pub fn app_deps(&self, settings: &Settings) -> anyhow::Result<web::AppDeps> {
        let routes = routes();
        let conflicts = routes.conflicts();
        anyhow::ensure!(conflicts.is_empty(), "schemas of the API contradict each other: {conflicts:?}");
        let document = documents::document(&routes);
        let ready = platform::Ready {
            system: self.system.clone(),
            worker: Arc::clone(&self.worker),
            has_worker: settings.jobs.in_process,
        };
        let audit: Data<dyn audit_api::Audit> = Data::from(self.audit.clone() as Arc<_>);
        let organizations: Data<dyn tenants_api::Organizations> = Data::from(self.tenants.clone() as Arc<_>);
        let sign_in: Data<dyn auth_api::SignIn> = Data::from(self.auth.clone() as Arc<_>);
        let authorizer: Data<dyn auth_api::Authorizer> = Data::from(self.policy.clone() as Arc<_>);
        let users: Data<dyn users_api::Users> = Data::from(self.users.clone() as Arc<_>);
        let cookies = Data::new(self.cookies.clone());
        let projects: Data<dyn projects_api::Projects> = Data::from(self.projects.clone() as Arc<_>);
        let units: Data<dyn projects_api::Units> = Data::from(self.projects.clone() as Arc<_>);
        let soqs: Data<dyn projects_api::Soqs> = Data::from(self.projects.clone() as Arc<_>);
        let (escrow, tenders) = (self.escrow.clone(), self.tenders.clone());
        Ok(web::AppDeps::new(Arc::new(routes), self.auth.clone(), web_settings(settings)?)
            .denial_log(Arc::new(platform::Denials(self.audit.clone())))
            .readiness(Arc::new(ready))
            .openapi(document)
            .data(move |config: &mut ServiceConfig| {
                config.app_data(audit.clone()).app_data(organizations.clone()).app_data(sign_in.clone());
                config.app_data(authorizer.clone()).app_data(users.clone()).app_data(cookies.clone());
                config.app_data(projects.clone()).app_data(units.clone()).app_data(soqs.clone());
                escrow::app_data(config, &escrow);
                tenders::app_data(config, &tenders);
            }))
    }

    /// The handlers of jobs, events and sweeps.
    #[must_use]
    pub fn registry(&self) -> jobs::Registry {
        registry::registry(self)
    }

    /// Tells readiness about the worker of this process.
    pub fn watch_worker(&self, monitor: jobs::Monitor) {
        let _set_once = self.worker.set(monitor);
    }

    /// The compiled policy.
    #[must_use]
    pub fn policy(&self) -> &auth::Policy {
        &self.policy
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

fn seal_key(settings: &Settings) -> anyhow::Result<SecretString> {
    match &settings.tenders.seal_key {
        Some(key) => {
            let bytes = STANDARD.decode(key.expose_secret().trim()).map(|bytes| bytes.len());
            anyhow::ensure!(bytes == Ok(32), "tenders.seal_key must be 32 bytes, base64: `openssl rand -base64 32`");
            Ok(key.clone())
        }
        None => {
            anyhow::ensure!(settings.profile == Profile::Development, "tenders.seal_key must be given in production");
            secrets::kept(&settings.data_dir, "seal.key")
        }
    }
}

fn escrow_settings(
    settings: &Settings,
    webhook_secrets: Vec<SecretString>,
    livemode: bool,
    public_url: &str,
) -> escrow::Settings {
    let mut escrow = escrow::Settings { webhook_secrets, livemode, ..escrow::Settings::default() };
    escrow.terms.fee_bps = settings.escrow.fee_basis_points;
    escrow.terms.processing_bps = settings.escrow.processing_basis_points;
    escrow.terms.processing_fixed = i64::from(settings.escrow.processing_fixed_minor);
    escrow.onboarding_return_url = format!("{public_url}/docs/?onboarding=done");
    escrow.onboarding_refresh_url = format!("{public_url}/docs/?onboarding=again");
    escrow
}

fn web_settings(settings: &Settings) -> anyhow::Result<web::Settings> {
    let limits = settings.rate_limits;
    let per_minute = |requests: u32| web::Quota { requests, seconds: 60 };
    let proxies: Result<Vec<web::Network>, _> = settings.server.trusted_proxies.iter().map(|network| network.parse()).collect();
    Ok(web::Settings {
        allowed_origins: settings.server.allowed_origins.clone(),
        trusted_proxies: proxies.map_err(|error| anyhow::anyhow!("server.trusted_proxies: {error}"))?,
        body_limit: settings.server.max_body_bytes,
        hsts: settings.profile == Profile::Production,
        access_log: tracing::enabled!(tracing::Level::INFO),
        rate_limits: web::RateLimits {
            enabled: limits.enabled,
            address: per_minute(limits.per_address),
            user: per_minute(limits.per_user),
            organization: per_minute(limits.per_organization),
            auth: per_minute(limits.sign_in_per_address),
        },
        ..web::Settings::default()
    })
}
