//! The composition: every service made over the ones it stands on, ports joined with their implementations.

pub mod alarms;
mod doctor;
mod documents;
mod float;
mod holds;
pub mod keys;
mod obligations;
mod platform;
mod registry;
mod sandbox;
mod seed;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::web::{Data, ServiceConfig};
use kernel::{Clock, Decision, Permission, ReleaseId, SystemClock};
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinHandle;
use uow::{SystemUow, Uow};

use crate::config::{Profile, Settings};
use crate::database::Urls;

pub use doctor::{Finding, doctor, doctor_of, exposed};
pub use documents::{openapi_json, routes};
pub use escrow::{HoldPlace, Resolution, Settlement};
pub use float::post_float;
pub use holds::{freeze, unfreeze};
pub use registry::TASKS;
pub use sandbox::{reopen_sandbox, running_sandbox, start_sandbox};
pub use seed::seed;

/// Connections of the platform's own pool.
pub const SYSTEM_POOL: usize = 8;

/// Connections of the pools on which the handlers of jobs and events stand: one as the tenants' role, one as the platform's.
#[must_use]
pub fn job_connections(settings: &Settings) -> usize {
    2 * settings.jobs.concurrency
}

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
            livemode: settings.stripe.livemode,
        }
    }

    /// The sandbox at this address, for a command: it takes no webhooks.
    #[must_use]
    pub fn sandbox(api_base: String) -> Self {
        Self { api_base, secret_key: SANDBOX_KEY.to_owned().into(), webhook_secrets: Vec::new(), livemode: false }
    }
}

/// What the sandbox takes as a secret key.
pub const SANDBOX_KEY: &str = "sk_test_sandbox";

/// The payment provider at `stripe`.
fn provider(settings: &Settings, stripe: &StripeAccess) -> anyhow::Result<stripe_adapter::StripeProvider> {
    let mut provider = stripe_adapter::Settings::new(stripe.secret_key.clone());
    provider.api_base.clone_from(&stripe.api_base);
    provider.timeout = settings.stripe.timeout;
    Ok(stripe_adapter::StripeProvider::new(&provider)?)
}

/// The domains that requests and jobs share, over one pair of doors.
struct Domains {
    projects: Arc<projects::Service>,
    escrow: Arc<escrow::Service>,
    tenders: Arc<tenders::Service>,
}

/// All services of a process.
pub struct Services {
    door: Arc<db::Postgres>,
    system: SystemUow,
    policy: Arc<auth::Policy>,
    audit: Arc<audit::Service>,
    tenants: Arc<tenants::Service>,
    auth: Arc<auth::Service>,
    users: Arc<users::Service>,
    domains: Domains,
    /// The same once more for handlers of jobs and events, over pools of their own: what they hold, no request waits for.
    for_jobs: Domains,
    cookies: users::CookieSettings,
    listener: JoinHandle<()>,
    /// Sets the gauge of open alarms, if this process shows metrics.
    counting: OnceLock<JoinHandle<()>>,
    worker: Arc<OnceLock<jobs::Monitor>>,
    demo_logins_missing: Arc<AtomicBool>,
    drain: web::Drain,
    signer: Arc<audit::Signer>,
    sign_every: Duration,
}

impl Services {
    /// Makes them all.
    ///
    /// # Errors
    /// If the policy, a key or a setting cannot be used.
    pub async fn build(settings: &Settings, urls: &Urls, stripe: StripeAccess, public_url: &str) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let policy = Arc::new(auth::Policy::embedded(PERMISSIONS).await?);
        let signer = Arc::new(keys::signer(settings)?);
        let Ground { app, uow, system, audit, tenants } = Ground::new(
            pool(settings, &urls.app, db::Role::App, settings.database.pool_size, db::Sharing::PerThread),
            pool(settings, &urls.system, db::Role::System, SYSTEM_POOL, db::Sharing::Shared),
            (&policy, &signer),
            settings.approver_wait,
        )?;
        let door = Arc::clone(&app);
        let directory = Arc::new(users::Directory::new(tenants.clone(), audit.clone()));
        // The limit of attempts per account is no rate limit that could be switched off: it is what keeps passwords from being guessed.
        let sign_in = sign_in_settings(settings)?;
        let auth = Arc::new(auth::Service::new(
            &sign_in,
            system.clone(),
            directory,
            Arc::new(projects::Teams),
            audit.clone(),
            clock.clone(),
        )?);
        let listener = auth.listen(urls.system.clone());
        let builder = Builder {
            settings,
            policy: &policy,
            auth: &auth,
            provider: Arc::new(provider(settings, &stripe)?),
            clock,
            escrow: escrow_settings(settings, stripe.webhook_secrets, stripe.livemode, public_url),
        };
        let serving = Ground { app, uow, system, audit, tenants };
        let working = Ground::new(
            pool(settings, &urls.app, db::Role::App, settings.jobs.concurrency, db::Sharing::Shared),
            pool(settings, &urls.system, db::Role::System, settings.jobs.concurrency, db::Sharing::Shared),
            (&policy, &signer),
            settings.approver_wait,
        )?;
        let (domains, for_jobs) = (builder.domains(&serving)?, builder.domains(&working)?);
        let Ground { uow, system, audit, tenants, .. } = serving;
        let users =
            users::Service::new(uow, system.clone(), tenants.clone(), auth.clone(), auth.clone(), policy.clone(), audit.clone());
        let bonds = obligations::LiveBusiness { contracts: domains.escrow.clone(), tenders: domains.tenders.clone() };
        let users = Arc::new(users.with_obligations(Arc::new(bonds)));
        let cookies = users::CookieSettings { secure: settings.secure_cookie };
        Ok(Self {
            door,
            system,
            policy,
            audit,
            tenants,
            auth,
            users,
            domains,
            for_jobs,
            cookies,
            listener,
            counting: OnceLock::new(),
            worker: Arc::default(),
            demo_logins_missing: Arc::default(),
            drain: web::Drain::default(),
            signer,
            sign_every: settings.audit.sign_every,
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
        let worker = settings.jobs.in_process.then(|| Arc::clone(&self.worker));
        let ready = platform::Ready::new(self.door.clone(), self.system.clone(), worker);
        let ready = ready.in_production(settings.profile == Profile::Production);
        let ready = ready.unless_demo_logins_are_missing(Arc::clone(&self.demo_logins_missing));
        let idempotency = web::IdempotencySecret::derived(keys::seal_secret(settings)?.expose_secret().trim().as_bytes());
        let audit: Data<dyn audit_api::Audit> = Data::from(self.audit.clone() as Arc<_>);
        let proof: Data<dyn audit_api::Proof> = Data::from(self.audit.clone() as Arc<_>);
        let organizations: Data<dyn tenants_api::Organizations> = Data::from(self.tenants.clone() as Arc<_>);
        let sign_in: Data<dyn auth_api::SignIn> = Data::from(self.auth.clone() as Arc<_>);
        let authorizer: Data<dyn auth_api::Authorizer> = Data::from(self.policy.clone() as Arc<_>);
        let users: Data<dyn users_api::Users> = Data::from(self.users.clone() as Arc<_>);
        let cookies = Data::new(self.cookies.clone());
        let projects: Data<dyn projects_api::Projects> = Data::from(self.domains.projects.clone() as Arc<_>);
        let units: Data<dyn projects_api::Units> = Data::from(self.domains.projects.clone() as Arc<_>);
        let soqs: Data<dyn projects_api::Soqs> = Data::from(self.domains.projects.clone() as Arc<_>);
        let (escrow, tenders) = (self.domains.escrow.clone(), self.domains.tenders.clone());
        let deps = web::AppDeps::new(Arc::new(routes), self.auth.clone(), web_settings(settings));
        let deps = if settings.server.docs { deps.openapi(document) } else { deps };
        Ok(deps
            .drain(self.drain.clone())
            .idempotency_secret(idempotency)
            .authorizer(self.policy.clone())
            .denial_log(Arc::new(platform::Denials(self.audit.clone())))
            .readiness(Arc::new(ready))
            .data(move |config: &mut ServiceConfig| {
                config.app_data(audit.clone()).app_data(proof.clone()).app_data(organizations.clone()).app_data(sign_in.clone());
                config.app_data(authorizer.clone()).app_data(users.clone()).app_data(cookies.clone());
                config.app_data(projects.clone()).app_data(units.clone()).app_data(soqs.clone());
                escrow::app_data(config, &escrow);
                tenders::app_data(config, &tenders);
            }))
    }

    /// Settles a release that stays unknown, as a person found it.
    ///
    /// # Errors
    /// Why not, in words for that person.
    pub async fn resolve_release(
        &self,
        release: ReleaseId,
        what: &escrow::Resolution,
        by: &Decision,
    ) -> Result<escrow_api::Release, escrow_api::Error> {
        self.domains.escrow.resolve_release(release, what, by).await
    }

    /// Settles what came back of a release, as a person decides.
    ///
    /// # Errors
    /// Why not, in words for that person.
    pub async fn settle_reversal(
        &self,
        release: ReleaseId,
        what: &escrow::Settlement,
        by: &Decision,
    ) -> Result<escrow_api::Release, escrow::Unsettled> {
        self.domains.escrow.settle_reversal(release, what, by).await
    }

    /// The handlers of jobs, events and sweeps.
    #[must_use]
    pub fn registry(&self) -> jobs::Registry {
        registry::registry(&registry::Hands {
            escrow: &self.for_jobs.escrow,
            tenders: &self.for_jobs.tenders,
            auth: &self.auth,
            system: &self.system,
            signer: &self.signer,
            sign_every: self.sign_every,
        })
    }

    /// Tells readiness about the worker of this process.
    pub fn watch_worker(&self, monitor: jobs::Monitor) {
        let _set_once = self.worker.set(monitor);
    }

    /// Tells readiness whether the demo logins are still to be made.
    pub fn miss_demo_logins(&self, missing: bool) {
        self.demo_logins_missing.store(missing, Ordering::Relaxed);
    }

    /// Keeps the gauge of open alarms true from now on.
    pub fn count_alarms(&self) {
        self.counting.get_or_init(|| alarms::watch_alarms(self.system.clone()));
    }

    /// The switch that turns clients away.
    #[must_use]
    pub fn drain(&self) -> web::Drain {
        self.drain.clone()
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
        if let Some(counting) = self.counting.get() {
            counting.abort();
        }
    }
}

/// The doors through pools of their own, and what stands right on them.
struct Ground {
    app: Arc<db::Postgres>,
    uow: Uow,
    system: SystemUow,
    audit: Arc<audit::Service>,
    tenants: Arc<tenants::Service>,
}

impl Ground {
    fn new(
        app: db::PoolSettings,
        platform: db::PoolSettings,
        (policy, signer): (&Arc<auth::Policy>, &Arc<audit::Signer>),
        approver_wait: std::time::Duration,
    ) -> anyhow::Result<Self> {
        let app = db::Postgres::new(app)?;
        let (uow, system) = (Uow::new(app.clone()), SystemUow::new(db::Postgres::new(platform)?));
        let audit = Arc::new(audit::Service::new(uow.clone(), policy.clone()).with_signer(Arc::clone(signer)));
        let tenants = tenants::Service::new(uow.clone(), system.clone(), policy.clone(), audit.clone());
        let tenants = Arc::new(tenants.with_approver_wait(chrono::TimeDelta::from_std(approver_wait)?));
        Ok(Self { app, uow, system, audit, tenants })
    }
}

fn pool(settings: &Settings, url: &SecretString, role: db::Role, size: usize, sharing: db::Sharing) -> db::PoolSettings {
    let database = &settings.database;
    db::PoolSettings {
        url: url.clone(),
        identity: identity(settings, role),
        size,
        sharing,
        wait: database.wait,
        statement_timeout: database.statement_timeout,
        lock_timeout: database.lock_timeout,
    }
}

/// Who connections must be. Where roles are configured one by one, the logins count too; a developer's one URL may lead anywhere.
#[must_use]
pub fn identity(settings: &Settings, role: db::Role) -> db::Identity {
    db::Identity { role, login: settings.profile == Profile::Production }
}

/// Makes the domains, which keep nothing in memory, as often as there are grounds to stand on.
struct Builder<'a> {
    settings: &'a Settings,
    policy: &'a Arc<auth::Policy>,
    auth: &'a Arc<auth::Service>,
    provider: Arc<stripe_adapter::StripeProvider>,
    clock: Arc<dyn Clock>,
    escrow: escrow::Settings,
}

impl Builder<'_> {
    fn domains(&self, ground: &Ground) -> anyhow::Result<Domains> {
        let Ground { uow, system, audit, tenants, .. } = ground;
        let projects =
            projects::Service::new(uow.clone(), self.policy.clone(), self.auth.clone(), tenants.clone(), audit.clone());
        let projects = Arc::new(projects.offering(self.settings.escrow.currencies.clone()));
        let escrow = Arc::new(escrow::Service::new(escrow::Dependencies {
            uow: uow.clone(),
            system: system.clone(),
            authorizer: self.policy.clone(),
            audit: audit.clone(),
            tenants: tenants.clone(),
            provider: self.provider.clone(),
            clock: self.clock.clone(),
            settings: self.escrow.clone(),
        }));
        let tenders = Arc::new(tenders::Service::new(tenders::Dependencies {
            uow: uow.clone(),
            authorizer: self.policy.clone(),
            audit: audit.clone(),
            tenants: tenants.clone(),
            projects: projects.clone(),
            contracts: escrow.clone(),
            key: tenders::SealKey::from_base64(&keys::seal_secret(self.settings)?)?,
            previous_keys: keys::previous_seal_keys(self.settings)?,
            settings: tenders::Settings {
                minimum_submission_period: self.settings.tenders.minimum_submission_period,
                standstill: self.settings.tenders.standstill,
                signature_period: self.settings.tenders.signature_period,
            },
        }));
        Ok(Domains { projects, escrow, tenders })
    }
}

fn sign_in_settings(settings: &Settings) -> anyhow::Result<auth::Settings> {
    let mut sign_in = auth::Settings {
        session_life: settings.session_lifetime,
        switch_secret: keys::seal_secret(settings)?,
        ..auth::Settings::default()
    };
    let given = settings.sign_in;
    sign_in.sessions_per_person = given.sessions_per_person;
    if given.hash_threads > 0 {
        sign_in.hash_threads = given.hash_threads;
    }
    (sign_in.hash_queue, sign_in.hash_wait) = (given.hash_queue, given.hash_wait);
    sign_in.events_kept = given.security_events_kept;
    Ok(sign_in)
}

fn escrow_settings(
    settings: &Settings,
    webhook_secrets: Vec<SecretString>,
    livemode: bool,
    public_url: &str,
) -> escrow::Settings {
    let mut escrow = escrow::Settings { webhook_secrets, livemode, ..escrow::Settings::default() };
    let set = &settings.escrow;
    escrow.fee_bps = set.fee_basis_points;
    escrow.bearer = set.processing_cost_bearer;
    escrow.processing.clone_from(&set.terms);
    escrow.first_looks.clone_from(&set.look_again_after);
    escrow.payment_poll = set.look_again_every;
    escrow.read_debounce = set.look_when_read_after;
    // There is no front end here: people come back to the documentation, where that is served.
    let page = if settings.server.docs { "/docs/" } else { "/" };
    escrow.onboarding_return_url = format!("{public_url}{page}?onboarding=done");
    escrow.onboarding_refresh_url = format!("{public_url}{page}?onboarding=again");
    escrow
}

fn web_settings(settings: &Settings) -> web::Settings {
    let limits = settings.rate_limits;
    let per_minute = |requests: u32| web::Quota { requests, seconds: 60 };
    web::Settings {
        allowed_origins: settings.server.allowed_origins.clone(),
        trusted_proxies: settings.server.trusted_proxies.clone(),
        client_ip_header: settings.server.client_ip_header,
        body_limit: settings.server.max_body_bytes,
        body_idle_timeout: settings.server.body_idle_timeout,
        body_timeout: settings.server.body_timeout,
        hsts: settings.profile == Profile::Production,
        secure_cookie: settings.secure_cookie,
        access_log: tracing::enabled!(tracing::Level::INFO),
        rate_limits: web::RateLimits {
            enabled: limits.enabled,
            address: per_minute(limits.per_address),
            user: per_minute(limits.per_user),
            organization: per_minute(limits.per_organization),
            auth: per_minute(limits.sign_in_per_address),
        },
        ..web::Settings::default()
    }
}
