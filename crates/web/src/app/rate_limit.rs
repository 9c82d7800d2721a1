//! Rate limits: keyed GCRA (governor) per address, person and organisation.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::future::{Ready, ready};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev};
use governor::RateLimiter;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use kernel::{ApiKeyId, OrgId, Spent, UserId};

use super::settings::{Quota, RateLimits};
use super::spent::{Noted, Room, SpentLimit, SpentLog};
use crate::Problem;
use crate::client::network_of;
use crate::extract::{Caller, Credential, with_caller};

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// How often keys that are fresh again are forgotten.
const SWEEP: Duration = Duration::from_secs(60);

/// The limiters of the process, shared by its workers. Replicas count for themselves.
pub struct Limits {
    limiters: Option<Arc<Limiters>>,
    log: OnceLock<Arc<dyn SpentLog>>,
}

struct Limiters {
    address: Limiter<IpAddr>,
    user: Limiter<UserId>,
    /// Of API keys, each as much as a person.
    key: Limiter<ApiKeyId>,
    organization: Limiter<OrgId>,
    auth: Limiter<IpAddr>,
    /// Until when addresses that have spent their quota are refused unseen.
    barred: RwLock<HashMap<IpAddr, Instant>>,
    room: Room,
    started: Instant,
    swept: AtomicU64,
}

/// Where a caller stands with one limit.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    name: &'static str,
    quota: Quota,
    remaining: u32,
    reset: u64,
}

impl Limits {
    /// Fresh limiters.
    #[must_use]
    pub fn new(settings: &RateLimits) -> Self {
        let limiters = || Limiters {
            address: Limiter::new("address", settings.address),
            user: Limiter::new("user", settings.user),
            key: Limiter::new("key", settings.user),
            organization: Limiter::new("organization", settings.organization),
            auth: Limiter::new("auth", settings.auth),
            barred: RwLock::default(),
            room: Room::default(),
            started: Instant::now(),
            swept: AtomicU64::new(0),
        };
        Self { limiters: settings.enabled.then(|| Arc::new(limiters())), log: OnceLock::new() }
    }

    /// Has what is spent noted there; the first log counts.
    pub(crate) fn note_in(&self, log: Arc<dyn SpentLog>) {
        // A second one is not needed by anybody.
        let _ = self.log.set(log);
    }

    /// Refuses an address that has just spent its quota on requests that nobody was signed in for: guessing tokens costs no look-ups.
    pub(crate) fn admit(&self, caller: &Caller) -> Result<(), Problem> {
        let Some(limiters) = &self.limiters else { return Ok(()) };
        sweep(limiters);
        let network = network_of(caller.address);
        let until = limiters.barred.read().unwrap_or_else(PoisonError::into_inner).get(&network).copied();
        match until.map(|until| until.saturating_duration_since(Instant::now())) {
            Some(wait) if !wait.is_zero() => Err(self.refused(&limiters.address, &network, SpentLimit::Address, caller, wait)),
            _ => Ok(()),
        }
    }

    /// Counts a request that nobody is signed in for. Those of a session count for its person and organisation alone: a whole office, or a
    /// front end that asks for all its users, may share one address.
    pub(crate) fn address(&self, caller: &Caller) -> Result<Option<Standing>, Problem> {
        let Some(limiters) = &self.limiters else { return Ok(None) };
        let network = network_of(caller.address);
        limiters.address.ask(&network).map(Some).map_err(|wait| {
            limiters.barred.write().unwrap_or_else(PoisonError::into_inner).insert(network, Instant::now() + wait);
            self.refused(&limiters.address, &network, SpentLimit::Address, caller, wait)
        })
    }

    /// Counts a request of a person, or of an API key, in an organisation. What a key spends is noted with who made it. Whoever is neither counts for nobody
    /// here.
    pub(crate) fn caller(&self, caller: &Caller, known: &Credential) -> Result<Option<[Standing; 2]>, Problem> {
        let (Some(limiters), Some(user)) = (&self.limiters, known.user()) else { return Ok(None) };
        let org = known.org();
        let (person, organization) = (SpentLimit::Person(user, org), SpentLimit::Organization(org));
        let of_person = match known.key() {
            Some(key) => {
                let asked = limiters.key.ask(&key);
                asked.map_err(|wait| self.refused(&limiters.key, &key, person, caller, wait))?
            }
            None => {
                let asked = limiters.user.ask(&user);
                asked.map_err(|wait| self.refused(&limiters.user, &user, person, caller, wait))?
            }
        };
        let of_organization = limiters.organization.ask(&org);
        let of_organization =
            of_organization.map_err(|wait| self.refused(&limiters.organization, &org, organization, caller, wait))?;
        Ok(Some([of_person, of_organization]))
    }

    /// Counts a try to sign in or register.
    fn sign_in(&self, caller: &Caller) -> Result<Option<Standing>, Problem> {
        let Some(limiters) = &self.limiters else { return Ok(None) };
        let network = network_of(caller.address);
        let asked = limiters.auth.ask(&network).map(Some);
        asked.map_err(|wait| self.refused(&limiters.auth, &network, SpentLimit::SignIns, caller, wait))
    }

    /// The refusal; noted beside the request if it is due: who is refused waits for nothing.
    fn refused<K: Hash + Eq + Clone>(
        &self,
        limiter: &Limiter<K>,
        key: &K,
        limit: SpentLimit,
        caller: &Caller,
        wait: Duration,
    ) -> Problem {
        let room = self.limiters.as_ref().map(|limiters| &limiters.room);
        if let Some(log) = self.log.get()
            && room.is_some_and(|room| limiter.noted.is_due(key, room))
        {
            let (log, request, address) = (Arc::clone(log), caller.request.clone(), caller.address);
            drop(actix_web::rt::spawn(async move { log.spent(limit, &request, address).await }));
        }
        limiter.refusal(wait)
    }

    /// How many keys are remembered.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.limiters
            .as_ref()
            .map_or(0, |all| all.address.keys() + all.user.keys() + all.key.keys() + all.organization.keys() + all.auth.keys())
    }

    /// Forgets every key whose quota is whole again.
    pub fn forget_idle(&self) {
        if let Some(limiters) = &self.limiters {
            limiters.forget_idle();
        }
    }
}

impl Limiters {
    fn forget_idle(&self) {
        self.address.forget_idle();
        self.user.forget_idle();
        self.key.forget_idle();
        self.organization.forget_idle();
        self.auth.forget_idle();
        let now = Instant::now();
        self.barred.write().unwrap_or_else(PoisonError::into_inner).retain(|_, until| *until > now);
    }
}

/// Once a minute, beside the request: forgets idle keys.
fn sweep(limiters: &Arc<Limiters>) {
    let now = limiters.started.elapsed().as_secs();
    let last = limiters.swept.load(Ordering::Relaxed);
    if now < last + SWEEP.as_secs() || limiters.swept.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
        return;
    }
    let limiters = Arc::clone(limiters);
    actix_web::rt::task::spawn_blocking(move || limiters.forget_idle());
}

struct Limiter<K: Hash + Eq + Clone> {
    name: &'static str,
    quota: Quota,
    clock: DefaultClock,
    /// Of whom it was noted lately that it is spent.
    noted: Noted<K>,
    limiter: RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    fn new(name: &'static str, quota: Quota) -> Self {
        let burst = NonZeroU32::new(quota.requests).unwrap_or(NonZeroU32::MIN);
        let period = Duration::from_secs(u64::from(quota.seconds.max(1))) / burst.get();
        let gcra =
            governor::Quota::with_period(period.max(Duration::from_nanos(1))).unwrap_or(governor::Quota::per_second(burst));
        let limiter = RateLimiter::dashmap(gcra.allow_burst(burst)).with_middleware();
        let noted = Noted::new(Duration::from_secs(u64::from(quota.seconds.max(1))));
        Self { name, quota, clock: DefaultClock::default(), noted, limiter }
    }

    /// Counts a request, or tells how long to wait.
    fn ask(&self, key: &K) -> Result<Standing, Duration> {
        match self.limiter.check_key(key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = u64::from(self.quota.requests.saturating_sub(remaining));
                let reset = (used * u64::from(self.quota.seconds)).div_ceil(u64::from(self.quota.requests.max(1)));
                Ok(Standing { name: self.name, quota: self.quota, remaining, reset })
            }
            Err(until) => Err(until.wait_time_from(self.clock.now())),
        }
    }

    fn refusal(&self, wait: Duration) -> Problem {
        let Quota { requests, seconds } = self.quota;
        let detail = format!(
            "too many requests: the limit {:?} allows {requests} in {seconds} seconds; try again after Retry-After seconds",
            self.name
        );
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", detail);
        spent(problem, &Spent { limit: self.name, requests, seconds, wait })
    }

    fn keys(&self) -> usize {
        self.limiter.len()
    }

    fn forget_idle(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
        self.noted.forget_old();
    }
}

/// Tells in `problem` which limit was spent and when it is whole enough to ask again: in the body and in every header that speaks of it.
pub fn spent(problem: Problem, spent: &Spent) -> Problem {
    // A spent limit is a security event: counted, and in the log of the request, which names it; for the first time in its window it is noted,
    // too (`SpentLog`), that of passwords by whoever counts it.
    metrics::counter!("rate_limits_spent_total", "limit" => spent.limit).increment(1);
    tracing::info!(target: "security", limit = spent.limit, requests = spent.requests, seconds = spent.seconds, "a limit is spent");
    let reset = whole_seconds(spent.wait);
    let quota = Quota { requests: spent.requests, seconds: spent.seconds };
    let mut headers = HeaderMap::new();
    add(&mut headers, &[Standing { name: spent.limit, quota, remaining: 0, reset }]);
    let problem = problem.with("limit", spent.limit).retry_after(reset);
    headers.into_iter().fold(problem, |problem, (name, value)| problem.header(name, value))
}

/// Not before then, in the unit of `Retry-After`.
pub fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// `RateLimit-Policy: "user";q=600;w=60` and `RateLimit: "user";r=599;t=1` (draft-ietf-httpapi-ratelimit-headers-10).
pub fn add(headers: &mut HeaderMap, standings: &[Standing]) {
    if standings.is_empty() || headers.contains_key(RATELIMIT) {
        return;
    }
    let (mut policy, mut state) = (String::with_capacity(64), String::with_capacity(64));
    for s in standings {
        let comma = if state.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(policy, "{comma}\"{}\";q={};w={}", s.name, s.quota.requests, s.quota.seconds);
        let _ = write!(state, "{comma}\"{}\";r={};t={}", s.name, s.remaining, s.reset);
    }
    if let (Ok(policy), Ok(state)) = (HeaderValue::try_from(policy), HeaderValue::try_from(state)) {
        headers.insert(RATELIMIT_POLICY, policy);
        headers.insert(RATELIMIT, state);
    }
}

/// An extractor that counts register and login against their own, stricter limit per address. List it first.
#[derive(Debug, Clone, Copy)]
pub struct AuthRateLimit;

impl FromRequest for AuthRateLimit {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let Some(limits) = request.app_data::<Arc<Limits>>() else { return ready(Ok(Self)) };
        let counted = with_caller(request, |caller| limits.sign_in(caller));
        ready(counted.map(|standing| {
            if let Some(standing) = standing {
                request.extensions_mut().insert(standing);
            }
            Self
        }))
    }
}
