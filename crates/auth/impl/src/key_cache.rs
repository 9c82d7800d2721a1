//! `KeyCache`: API keys in memory. Whether what is kept of one still holds is [`Cache`]'s to say, which hears what servers forget.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use auth_api::LiveKey;
use kernel::Timestamp;

use crate::Settings;
use crate::cache::{Cache, Generation};
use crate::token::TokenHash;

/// So many hashes of no key are remembered. One is written once and dies once, so what is none now never will be.
const UNKNOWN: u64 = 10_000;
/// That a key is used is written down once in so many seconds.
pub(crate) const NOTED_EVERY: i64 = 60;

/// Keys by the hash of their text.
pub(crate) struct KeyCache {
    keys: moka::sync::Cache<TokenHash, Arc<Kept>>,
    unknown: moka::sync::Cache<TokenHash, ()>,
}

/// A key that was found.
pub(crate) struct Kept {
    pub(crate) key: Arc<LiveKey>,
    /// Whether its organisation is suspended.
    pub(crate) is_suspended: bool,
    /// As of when it is known to hold.
    since: AtomicU64,
    /// When it was last noted that it is used, in seconds.
    noted: AtomicI64,
}

impl Kept {
    /// A key that a look-up found which began then.
    pub(crate) fn new(key: LiveKey, began: Generation, last_used_at: Option<Timestamp>) -> Self {
        let noted = last_used_at.map_or(i64::MIN, |at| at.timestamp());
        Self { key: Arc::new(key), is_suspended: false, since: AtomicU64::new(began.0), noted: AtomicI64::new(noted) }
    }

    /// The same, of an organisation that is suspended or not.
    pub(crate) fn suspended(self, is_suspended: bool) -> Self {
        Self { is_suspended, ..self }
    }

    /// Whether this use is to be written down, which one of all that are at a time does.
    pub(crate) fn is_to_be_noted(&self, now: Timestamp) -> bool {
        let (now, noted) = (now.timestamp(), self.noted.load(Ordering::Relaxed));
        now.saturating_sub(noted) >= NOTED_EVERY
            && self.noted.compare_exchange(noted, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl KeyCache {
    pub(crate) fn new(settings: &Settings) -> Self {
        let kept = |most: u64| moka::sync::Cache::builder().max_capacity(most).time_to_live(settings.cache_life);
        let unknown = moka::sync::Cache::builder().max_capacity(UNKNOWN).time_to_live(settings.cache_life).build();
        Self { keys: kept(settings.cached_sessions).build(), unknown }
    }

    /// What is kept of a key, if nothing of it was forgotten since.
    pub(crate) fn get(&self, hash: &TokenHash, cache: &Cache) -> Option<Arc<Kept>> {
        let kept = self.keys.get(hash)?;
        let since = Generation(kept.since.load(Ordering::Acquire));
        let now = cache.still(since, hash, kept.key.creator, kept.key.org)?;
        kept.since.fetch_max(now.0, Ordering::AcqRel);
        Some(kept)
    }

    pub(crate) fn store(&self, hash: TokenHash, kept: Arc<Kept>) {
        self.keys.insert(hash, kept);
    }

    /// Whether nobody has a key of this hash, as far as is remembered.
    pub(crate) fn is_unknown(&self, hash: &TokenHash) -> bool {
        self.unknown.contains_key(hash)
    }

    pub(crate) fn note_unknown(&self, hash: TokenHash) {
        self.unknown.insert(hash, ());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::TimeDelta;
    use kernel::{AddedPermissions, ApiKeyId, KeyUse, OrgId, OrgRole, ProjectRoles, UserId};

    use super::*;

    fn key(creator: UserId, org: OrgId) -> LiveKey {
        let by = Arc::new(KeyUse { id: ApiKeyId::new(), scopes: Vec::new(), of_leaver: false });
        let (role, projects, until) = (OrgRole::Owner, ProjectRoles::default(), Timestamp::MAX_UTC);
        let (added, factor) = (AddedPermissions::default(), auth_api::FactorStanding::default());
        LiveKey { by, org, creator, role, projects, added, networks: Vec::new(), until, factor }
    }

    #[test]
    fn a_key_is_kept_until_something_of_its_creator_there_is_forgotten() {
        let settings = Settings { cache_life: Duration::from_secs(3600), ..Settings::default() };
        let (keys, cache, hash) = (KeyCache::new(&settings), Cache::new(&settings), [1; 32]);
        let (creator, org) = (UserId::new(), OrgId::new());
        let store = |began: Generation| keys.store(hash, Arc::new(Kept::new(key(creator, org), began, None)));
        let is_kept = || keys.get(&hash, &cache).is_some();
        store(cache.generation());
        assert!(!is_kept(), "nothing is kept by whom nobody tells");
        cache.connected();
        store(cache.generation());
        assert!(is_kept());
        cache.forget_member(creator, OrgId::new());
        cache.forget_user(UserId::new());
        assert!(is_kept(), "of others");
        for forget in [
            &(|| cache.forget_user(creator)) as &dyn Fn(),
            &|| cache.forget_member(creator, org),
            &|| cache.forget_org(org),
            &|| cache.forget(&hash),
            &|| cache.connected(),
        ] {
            let began = cache.generation();
            forget();
            assert!(!is_kept());
            store(began);
            assert!(!is_kept(), "what was found by a look-up that began before");
            store(cache.generation());
            assert!(is_kept());
        }
        cache.lost();
        assert!(!is_kept());
    }

    #[test]
    fn a_use_is_noted_once_a_minute() {
        let at = |seconds: i64| chrono::DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        let (creator, org) = (UserId::new(), OrgId::new());
        let fresh = Kept::new(key(creator, org), Generation(0), None);
        assert_eq!([0, 1, 59, 60, 61].map(|second| fresh.is_to_be_noted(at(second))), [true, false, false, true, false]);
        let known = Kept::new(key(creator, org), Generation(0), Some(at(30)));
        assert_eq!([31, 90].map(|second| known.is_to_be_noted(at(second))), [false, true]);
    }
}
