//! `[sign_in]` and `[sessions]`: what a deployment decides about sign-in.

use std::time::Duration;

use auth_api::MfaPolicy;
use module::Reader;
use secrecy::SecretString;

/// What a deployment decides about sign-in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a session lives, whatever is done with it.
    pub session_life: Duration,
    /// How many sessions are kept in memory.
    pub cached_sessions: u64,
    /// How long one is kept without asking the database: a backstop, should a notification be lost.
    pub cache_life: Duration,
    /// How many sessions a person may have; the oldest end for a newer one.
    pub sessions_per_person: u32,
    /// How many threads hash passwords: half the number of cores, so that whoever is signed in keeps the others.
    pub hash_threads: usize,
    /// How many more may wait for that; beyond it the answer is 503.
    pub hash_queue: usize,
    /// From what the token of a switched session is derived, so that a repetition gets it again though nobody stored it. The same in every
    /// process of a deployment, and not in the database.
    pub switch_secret: SecretString,
    /// How long one may wait; who would have to wait longer is answered 503 at once.
    pub hash_wait: Duration,
    /// Where ranges of hashes of breached passwords are; `None`: nobody is asked.
    pub breached_passwords_url: Option<String>,
    /// How a replica makes sure that it hears what others end.
    pub hearing: db::Hearing,
    /// How long security events are kept.
    pub events_kept: Duration,
    /// How long a device, or a network, on which a person signed in is known as theirs after the last time.
    pub device_kept: Duration,
    /// How many wrong passwords may be tried within an hour on one replica for one email, from one network or on one known device, and five times as
    /// many by all strangers; beyond it the answer is 429 for a pause that grows.
    pub wrong_per_email: u32,
    /// How many wrong passwords strangers may try from one network within a minute on one replica, for whatever emails.
    pub wrong_per_network: u32,
    /// For whom an organisation that does not say asks for a second factor.
    pub mfa_policy: MfaPolicy,
    /// What `switch_secret` was before: secrets of authenticators that it sealed still open.
    pub previous_secrets: Vec<SecretString>,
}

/// One page shows them all, and each sign-in counts them.
const MOST_SESSIONS: u32 = 1000;

/// Bounds of `[sign_in]`.
const MOST_HASH_THREADS: usize = 256;
const MOST_HASH_QUEUE: usize = 100_000;

impl Settings {
    /// As configured. The secret of switches is random: the server gives the one that its processes share.
    pub fn read(r: &mut Reader) -> Self {
        let mut settings = Self {
            session_life: r.duration_within("sessions.lifetime", "1m", "400d"),
            sessions_per_person: r.number("sessions.per_person", "50"),
            hash_queue: r.number("sign_in.hash_queue", "1000"),
            hash_wait: r.duration_within("sign_in.hash_wait", "1ms", "60s"),
            events_kept: r.duration_within("sign_in.security_events_kept", "1d", "365d"),
            device_kept: r.duration_within("sign_in.device_kept", "1d", "400d"),
            ..Self::default()
        };
        let policy = r.text("sign_in.mfa_policy");
        match MfaPolicy::from_name(&policy) {
            Some(policy) => settings.mfa_policy = policy,
            None => r.fault("sign_in.mfa_policy", format!("must be {}", <MfaPolicy as kernel::Named>::NAMES.join(", "))),
        }
        let url = r.text("sign_in.breached_passwords_url");
        let local = ["http://127.0.0.1:", "http://localhost:"].iter().any(|start| url.starts_with(start));
        if !(url.is_empty() || (url.ends_with('/') && (url.starts_with("https://") || (local && !r.production())))) {
            r.fault(
                "sign_in.breached_passwords_url",
                "must begin with https:// and end with /, or be empty: then nobody is asked",
            );
        }
        settings.breached_passwords_url = Some(url).filter(|url| !url.is_empty());
        let threads: usize = r.number("sign_in.hash_threads", "2, or 0 for half the cores");
        if threads > 0 {
            settings.hash_threads = threads;
        }
        if !(1..=MOST_SESSIONS).contains(&settings.sessions_per_person) && !r.has_fault("sessions.per_person") {
            r.fault("sessions.per_person", format!("must be 1 to {MOST_SESSIONS}"));
        }
        if threads > MOST_HASH_THREADS {
            r.fault("sign_in.hash_threads", format!("must be at most {MOST_HASH_THREADS}"));
        }
        if settings.hash_queue > MOST_HASH_QUEUE {
            r.fault("sign_in.hash_queue", format!("must be at most {MOST_HASH_QUEUE}"));
        }
        settings
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            session_life: Duration::from_secs(30 * 24 * 3600),
            cached_sessions: 100_000,
            cache_life: Duration::from_secs(60),
            sessions_per_person: 50,
            hash_threads: (std::thread::available_parallelism().map_or(2, std::num::NonZero::get) / 2).max(1),
            hash_queue: 1000,
            hash_wait: Duration::from_secs(20),
            breached_passwords_url: None,
            hearing: db::Hearing::default(),
            events_kept: Duration::from_secs(90 * 24 * 3600),
            switch_secret: crate::token::random_secret(),
            device_kept: Duration::from_secs(180 * 24 * 3600),
            wrong_per_email: 10,
            wrong_per_network: 60,
            mfa_policy: MfaPolicy::Off,
            previous_secrets: Vec::new(),
        }
    }
}
