//! The composition: every service made over the ones it stands on, ports joined with their implementations.

pub mod alarms;
mod breaches;
mod denials;
mod doctor;
pub(crate) mod factor_resets;
mod float;
pub(crate) mod foundation;
mod holds;
pub mod keys;
mod leaks;
pub(crate) mod mails;
mod of_command;
mod openapi;
mod providers;
mod readiness;
mod sandbox;
mod seed;
mod spent_limits;
pub mod support;
pub(crate) mod suspensions;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use actix_web::web::ServiceConfig;
use escrow_api::{PaymentId, ReleaseId};
use kernel::{Clock, Decision, SystemClock};
use module::Wired;
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinHandle;
use uow::SystemUow;

use crate::config::{Profile, Settings};
use crate::database::Urls;
use crate::modules::{self, Builder, Domains};

pub use doctor::{Checked, doctor, examine};
pub use escrow::{HoldPlace, Resolution, Settlement};
pub use float::{post_float, post_loss, post_recovery};
pub use foundation::identity;
use foundation::{Foundation, pool};
pub use holds::{freeze, unfreeze};
pub use openapi::openapi_json;
pub use sandbox::{forget_sandbox, reopen_sandbox, running_sandbox, start_sandbox};
pub use seed::{demo_logins, seed};

/// Connections of the platform's own pool.
pub const SYSTEM_POOL: usize = 8;

/// Connections of the pools on which the handlers of jobs and events stand: one as the tenants' role, one as the platform's.
#[must_use]
pub fn job_connections(settings: &Settings) -> usize {
    2 * settings.jobs.concurrency
}

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

/// All services of a process.
pub struct Services {
    door: Arc<db::Postgres>,
    system: SystemUow,
    policy: Arc<auth::Policy>,
    audit: Arc<audit::Service>,
    auth: Arc<auth::Service>,
    escrow: Arc<escrow::Service>,
    /// What the endpoints call.
    serving: Vec<Arc<dyn Wired>>,
    /// What does jobs, hears events and sweeps, over pools of its own: what it holds, no request waits for.
    working: Vec<Arc<dyn Wired>>,
    listener: JoinHandle<()>,
    /// Sets the gauge of open alarms, if this process shows metrics.
    counting: OnceLock<JoinHandle<()>>,
    worker: Arc<OnceLock<jobs::Monitor>>,
    demo_logins_missing: Arc<AtomicBool>,
    drain: web::Drain,
}

impl Services {
    /// Makes them all.
    ///
    /// # Errors
    /// If the policy, a key or a setting cannot be used.
    pub async fn build(settings: &Settings, urls: &Urls, stripe: StripeAccess, public_url: &str) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let policy = Arc::new(auth::Policy::embedded(&modules::permissions()).await?);
        let signer = Arc::new(keys::signer(settings)?);
        let post = mails::Post::new(settings, public_url, clock.clone())?;
        let Foundation { app, uow, system, audit, tenants, mails } = Foundation::new(
            pool(settings, &urls.app, db::Role::App, settings.database.pool_size, db::Sharing::PerThread),
            pool(settings, &urls.system, db::Role::System, SYSTEM_POOL, db::Sharing::Shared),
            (&policy, &signer),
            &post,
            settings,
        )?;
        let door = Arc::clone(&app);
        let directory = Arc::new(users::Directory::new(tenants.clone(), audit.clone(), mails.clone()));
        // The limit of attempts per account is no rate limit that could be switched off: it is what keeps passwords from being guessed.
        let sign_in = sign_in_settings(settings)?;
        let breaches = sign_in.breached_passwords_url.clone();
        let auth = auth::Service::new(auth::Dependencies {
            system: system.clone(),
            directory: directory.clone(),
            teams: Arc::new(projects::Teams),
            audit: audit.clone(),
            mails: mails.clone(),
            ceremonies: Arc::new(webauthn_adapter::Authenticators::of(public_url)?),
            clock: clock.clone(),
            settings: sign_in,
        })?;
        let auth = Arc::new(match breaches {
            Some(url) => auth.asking_of_breaches(Arc::new(breaches::Asked::at(url))),
            None => auth,
        });
        let listener = auth.listen(urls.system.clone());
        let builder = Builder {
            settings,
            policy: &policy,
            auth: &auth,
            provider: Arc::new(provider(settings, &stripe)?),
            clock,
            escrow: escrow_settings(settings, stripe.livemode, public_url),
        };
        let serving = Foundation { app, uow, system, audit, tenants, mails };
        let working = Foundation::new(
            pool(settings, &urls.app, db::Role::App, settings.jobs.concurrency, db::Sharing::Shared),
            pool(settings, &urls.system, db::Role::System, settings.jobs.concurrency, db::Sharing::Shared),
            (&policy, &signer),
            &post,
            settings,
        )?;
        let (domains, for_jobs) = (builder.domains(&serving)?, builder.domains(&working)?);
        let Foundation { uow, system, audit, tenants, .. } = &serving;
        let (uow, system, audit, tenants) = (uow.clone(), system.clone(), audit.clone(), tenants.clone());
        let key_settings = auth::KeySettings { live: stripe.livemode, ..auth::KeySettings::read(&mut settings.reader()) };
        let reporter = key_settings.leak_reporter_url.clone().map(|url| Arc::new(leaks::Fetched::from(url)));
        let key_mails = auth::KeyMails::new(system.clone(), directory.clone(), serving.mails.clone());
        let leaks = auth::LeakReports::new(auth::LeakDependencies {
            system: system.clone(),
            audit: audit.clone(),
            sessions: auth.clone(),
            mails: key_mails.clone(),
            keys: reporter.map(|reporter| reporter as Arc<dyn auth_api::ReporterKeys>),
        });
        let elsewhere = auth::Elsewhere::new(auth.clone(), Arc::new(providers::providers(settings, public_url)?));
        let issuers = Arc::new(providers::issuers(settings, public_url));
        let sign_on = auth::SignOn::new(auth.clone(), issuers, policy.clone());
        let api_keys = auth::Keys::new(auth::KeysDependencies {
            uow: uow.clone(),
            system: system.clone(),
            authorizer: policy.clone(),
            sessions: auth.clone(),
            audit: audit.clone(),
            mails: key_mails,
            clock: Arc::new(SystemClock),
            settings: key_settings,
        })?;
        let support = auth::Support::new(auth::SupportDependencies {
            uow: uow.clone(),
            system: system.clone(),
            authorizer: policy.clone(),
            audit: audit.clone(),
            clock: Arc::new(SystemClock),
        });
        let events = auth::OrganizationEvents::new(uow.clone(), policy.clone(), audit.clone());
        let roles = users::Roles::new(users::RolesDependencies {
            uow: uow.clone(),
            memberships: tenants.clone(),
            roles: tenants.clone(),
            teams: Arc::new(projects::Teams),
            sessions: auth.clone(),
            authorizer: policy.clone(),
            audit: audit.clone(),
        });
        let tokens = Arc::new(auth::ServiceTokens::new(auth::ServiceTokensDependencies {
            system: system.clone(),
            directory,
            authorizer: policy.clone(),
            clock: Arc::new(SystemClock),
            issuer: public_url.to_owned(),
            secret: keys::seal_secret(settings)?,
            previous_secrets: keys::previous_seal_secrets(settings)?,
            settings: auth::TokenSettings::read(&mut settings.reader()),
        })?);
        let people = |Foundation { uow, system, audit, tenants, mails, .. }: &Foundation, domains: &Domains| {
            Arc::new(users::Service::new(users::Dependencies {
                uow: uow.clone(),
                system: system.clone(),
                memberships: tenants.clone(),
                sessions: auth.clone(),
                accounts: auth.clone(),
                authorizer: policy.clone(),
                audit: audit.clone(),
                mails: mails.clone(),
                obligations: vec![domains.tenders.clone(), domains.escrow.clone()],
                belongings: vec![domains.projects.clone(), Arc::new(directory::Records::new(uow.clone()))],
                exported: vec![domains.projects.clone(), domains.tenders.clone(), domains.escrow.clone()],
                sign_in: auth.clone(),
                clock: Arc::new(SystemClock),
                settings: users::Settings::read(&mut settings.reader()),
                cookies: users::CookieSettings { secure: settings.secure_cookie },
            }))
        };
        let (users, users_at_work) = (people(&serving, &domains), people(&working, &for_jobs));
        let directory = directory::Service::new(directory::Dependencies {
            uow: serving.uow.clone(),
            staff: users.clone(),
            authorizer: policy.clone(),
            audit: serving.audit.clone(),
            public_url: public_url.to_owned(),
        });
        let Domains { wired: mut serving, escrow, .. } = domains;
        serving.extend([
            policy.clone() as Arc<dyn Wired>,
            auth.clone(),
            users,
            Arc::new(directory),
            Arc::new(roles),
            Arc::new(api_keys),
            Arc::new(leaks),
            Arc::new(elsewhere),
            Arc::new(sign_on),
            Arc::new(events),
            Arc::new(support),
            tokens.clone(),
        ]);
        let mut at_work = for_jobs.wired;
        at_work.push(auth.clone());
        at_work.push(tokens);
        at_work.push(users_at_work);
        let (takes_in, hands_out) = (inbox_of(&serving, &system, &stripe), inbox_of(&at_work, &working.system, &stripe));
        // What takes an event in says who has to hear it.
        let (told, hearing) = (takes_in.subscribers(), hands_out.subscribers());
        anyhow::ensure!(told == hearing, "events are kept for {told:?}, and jobs have {hearing:?} hear them");
        serving.push(takes_in);
        at_work.push(hands_out);
        Ok(Self {
            door,
            system,
            policy,
            audit,
            auth,
            escrow,
            serving,
            working: at_work,
            listener,
            counting: OnceLock::new(),
            worker: Arc::default(),
            demo_logins_missing: Arc::default(),
            drain: web::Drain::default(),
        })
    }

    /// What the HTTP application is made of.
    ///
    /// # Errors
    /// If routes or settings contradict each other.
    pub fn app_deps(&self, settings: &Settings) -> anyhow::Result<web::AppDeps> {
        let routes = modules::routes();
        let conflicts = routes.conflicts();
        anyhow::ensure!(conflicts.is_empty(), "schemas of the API contradict each other: {conflicts:?}");
        let document = openapi::document(&routes);
        let worker = settings.jobs.in_process.then(|| Arc::clone(&self.worker));
        let ready = readiness::Ready::new(self.door.clone(), self.system.clone(), worker);
        let ready = ready.in_production(settings.profile == Profile::Production);
        let ready = ready.unless_demo_logins_are_missing(Arc::clone(&self.demo_logins_missing));
        let idempotency = web::IdempotencySecret::derived(keys::seal_secret(settings)?.expose_secret().trim().as_bytes());
        let serving = self.serving.clone();
        let deps = web::AppDeps::new(Arc::new(routes), self.auth.clone(), web_settings(settings));
        let deps = if settings.server.docs { deps.openapi(document) } else { deps };
        Ok(deps
            .drain(self.drain.clone())
            .idempotency_secret(idempotency)
            .authorizer(self.policy.clone())
            .denial_log(Arc::new(denials::Denials { audit: self.audit.clone(), auth: self.auth.clone() }))
            .spent_log(Arc::new(spent_limits::SpentLimits(self.auth.clone())))
            .readiness(Arc::new(ready))
            .data(move |config: &mut ServiceConfig| {
                for service in &serving {
                    Arc::clone(service).data(config);
                }
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
        self.escrow.resolve_release(release, what, by).await
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
    ) -> Result<escrow::SettledReversal, escrow::Unsettled> {
        self.escrow.settle_reversal(release, what, by).await
    }

    /// Gives back at the provider what waits of a payment in suspense.
    ///
    /// # Errors
    /// Why not, in words for that person.
    pub async fn refund_suspense(&self, payment: PaymentId, by: &Decision) -> Result<escrow::GivenBack, escrow::NotGivenBack> {
        self.escrow.refund_suspense(payment, by).await
    }

    /// What does jobs, hears events and sweeps.
    #[must_use]
    pub fn registry(&self) -> jobs::Registry {
        let mut registry = jobs::Registry::new();
        for service in &self.working {
            Arc::clone(service).register(&mut registry);
        }
        registry
    }

    /// Tells the database which tasks this program does.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn announce_tasks(&self) -> Result<(), kernel::Fault> {
        jobs::announce(&self.system, &self.registry()).await
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

fn sign_in_settings(settings: &Settings) -> anyhow::Result<auth::Settings> {
    let (switch_secret, previous_secrets) = (keys::seal_secret(settings)?, keys::previous_seal_secrets(settings)?);
    Ok(auth::Settings { switch_secret, previous_secrets, ..auth::Settings::read(&mut settings.reader()) })
}

/// The inbox of what these services hear of the payment provider.
fn inbox_of(hearing: &[Arc<dyn Wired>], system: &SystemUow, stripe: &StripeAccess) -> Arc<inbox::Service> {
    let deliveries = Arc::new(stripe_webhooks::StripeWebhooks::new(stripe.webhook_secrets.clone()));
    let (system, clock) = (system.clone(), Arc::new(SystemClock));
    Arc::new(inbox::Service::new(inbox::Dependencies { system, deliveries, clock, livemode: stripe.livemode }, hearing))
}

fn escrow_settings(settings: &Settings, livemode: bool, public_url: &str) -> escrow::Settings {
    let mut escrow = escrow::Settings { livemode, ..escrow::Settings::read(&mut settings.reader()) };
    // There is no front end here: the page at `/` tells people what comes next.
    escrow.onboarding_return_url = format!("{public_url}/?onboarding=done");
    escrow.onboarding_refresh_url = format!("{public_url}/?onboarding=again");
    escrow
}

/// `https://api.example.com` of a URL below it; of none, none.
fn origin_of(public_url: &str) -> Option<String> {
    let origin = reqwest::Url::parse(public_url).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

fn web_settings(settings: &Settings) -> web::Settings {
    let limits = settings.rate_limits;
    let per_minute = |requests: u32| web::Quota { requests, seconds: 60 };
    web::Settings {
        allowed_origins: settings.server.allowed_origins.clone(),
        public_origin: origin_of(&settings.server.public_url),
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
