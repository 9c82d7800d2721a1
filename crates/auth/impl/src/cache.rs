//! `Cache`: sessions in memory, coherent with the database by notifications.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use auth_api::Session;
use kernel::{OrgId, ProjectId, UserId};

use crate::Settings;
use crate::roles::Roles;
use crate::token::TokenHash;

/// Sessions by the hash of their token.
///
/// A look-up takes the generation before it asks the database and stores what it found only if nothing of that was forgotten meanwhile;
/// storing and forgetting exclude each other, so a session that ended cannot come back. A hit takes no lock of ours.
///
/// Every session leans on the mark of its person: with the mark dropped all of them are forgotten at once, however many others there are.
///
/// Of roles in teams that changed [`Roles`] knows before the sessions are forgotten: a look-up that begins after that reads them.
pub(crate) struct Cache {
    sessions: moka::sync::Cache<TokenHash, Entry>,
    roles: Roles,
    state: RwLock<State>,
    most_marks: usize,
}

#[derive(Clone)]
struct Entry {
    session: Arc<Session>,
    mark: Weak<()>,
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Forgotten {
    Session(TokenHash),
    Person(UserId),
    Everything,
}

/// So many of the last are remembered: look-ups take milliseconds.
const REMEMBERED: usize = 1024;

struct State {
    generation: u64,
    /// What was forgotten last, one for each generation, the newest at the end.
    recent: VecDeque<Forgotten>,
    listening: bool,
    marks: HashMap<UserId, Arc<()>>,
}

impl State {
    fn forget(&mut self, what: Forgotten) {
        self.generation += 1;
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(what);
    }

    /// Whether a session was forgotten since a look-up began, or may have been.
    fn forgot(&self, began: Generation, hash: &TokenHash, user: UserId) -> bool {
        let Ok(since) = usize::try_from(self.generation - began.0) else { return true };
        since > self.recent.len()
            || self.recent.iter().rev().take(since).any(|what| match what {
                Forgotten::Session(forgotten) => forgotten == hash,
                Forgotten::Person(forgotten) => *forgotten == user,
                Forgotten::Everything => true,
            })
    }

    /// The mark of a person. Marks on which nothing leans any more are dropped before there are too many.
    fn mark(&mut self, user: UserId, most: usize) -> Weak<()> {
        if self.marks.len() >= most {
            self.marks.retain(|_, mark| Arc::weak_count(mark) > 0);
        }
        Arc::downgrade(self.marks.entry(user).or_default())
    }
}

/// When a look-up began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u64);

impl Cache {
    /// An empty cache that stores nothing until it is [`Cache::connected`].
    pub(crate) fn new(settings: &Settings) -> Self {
        let sessions =
            moka::sync::Cache::builder().max_capacity(settings.cached_sessions).time_to_live(settings.cache_life).build();
        let state = RwLock::new(State { generation: 0, recent: VecDeque::new(), listening: false, marks: HashMap::new() });
        // Twice the sessions: a sweep then frees at least half, so that it costs next to nothing on average.
        let most_marks = usize::try_from(settings.cached_sessions).unwrap_or(usize::MAX).saturating_mul(2).max(16);
        Self { sessions, roles: Roles::new(settings), state, most_marks }
    }

    /// What is kept of roles in teams.
    pub(crate) fn roles(&self) -> &Roles {
        &self.roles
    }

    pub(crate) fn get(&self, hash: &TokenHash) -> Option<Arc<Session>> {
        let entry = self.sessions.get(hash)?;
        (entry.mark.strong_count() > 0).then_some(entry.session)
    }

    /// To be taken before the database is asked.
    pub(crate) fn generation(&self) -> Generation {
        Generation(self.state.read().unwrap_or_else(PoisonError::into_inner).generation)
    }

    /// Stores what a look-up found, unless it was forgotten since that began.
    pub(crate) fn store(&self, began: Generation, hash: TokenHash, session: Arc<Session>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.listening && !state.forgot(began, &hash, session.user) {
            let mark = state.mark(session.user, self.most_marks);
            self.sessions.insert(hash, Entry { session, mark });
        }
    }

    /// Forgets one session.
    pub(crate) fn forget(&self, hash: &TokenHash) {
        self.change(|state| state.forget(Forgotten::Session(*hash)), || self.sessions.invalidate(hash));
    }

    /// Forgets every session of a person, and all roles.
    pub(crate) fn forget_user(&self, user: UserId) {
        self.roles.forget(user);
        self.forget_sessions(user);
    }

    /// Forgets every session of a person, and the role in one team.
    pub(crate) fn forget_role(&self, user: UserId, org: OrgId, project: ProjectId) {
        self.roles.changed(user, org, project);
        self.forget_sessions(user);
    }

    fn forget_sessions(&self, user: UserId) {
        let drop_mark = |state: &mut State| {
            state.forget(Forgotten::Person(user));
            state.marks.remove(&user);
        };
        self.change(drop_mark, || {});
    }

    /// Notifications arrive from now on. What happened before is not known.
    pub(crate) fn connected(&self) {
        self.flush(true);
    }

    /// Notifications may be missed from now on.
    pub(crate) fn lost(&self) {
        self.flush(false);
    }

    /// Understands a notification: the hash of a token, the id of a person, or a [`role_payload`].
    pub(crate) fn notified(&self, payload: &str) {
        let mut hash = TokenHash::default();
        if let Some((user, org, project)) = role_of(payload) {
            self.forget_role(user, org, project);
        } else if hex::decode_to_slice(payload, &mut hash).is_ok() {
            self.forget(&hash);
        } else if let Ok(user) = payload.parse() {
            self.forget_user(user);
        } else {
            tracing::warn!(payload, "a notification about sessions is not understood: everything is forgotten");
            self.roles.forget_all();
            let drop_marks = |state: &mut State| {
                state.forget(Forgotten::Everything);
                state.marks.clear();
            };
            self.change(drop_marks, || self.sessions.invalidate_all());
        }
    }

    fn flush(&self, listening: bool) {
        self.roles.flush(listening);
        let note = |state: &mut State| {
            state.forget(Forgotten::Everything);
            state.listening = listening;
            state.marks.clear();
        };
        self.change(note, || self.sessions.invalidate_all());
    }

    fn change(&self, note: impl FnOnce(&mut State), forget: impl FnOnce()) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        note(&mut state);
        forget();
    }
}

/// What is notified of a person's role in one project's team.
pub(crate) fn role_payload(user: UserId, org: OrgId, project: ProjectId) -> String {
    format!("role:{user}:{org}:{project}")
}

fn role_of(payload: &str) -> Option<(UserId, OrgId, ProjectId)> {
    let mut ids = payload.strip_prefix("role:")?.splitn(3, ':');
    Some((ids.next()?.parse().ok()?, ids.next()?.parse().ok()?, ids.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{OrgRole, ProjectRoles, SessionId};

    fn session(user: UserId) -> Arc<Session> {
        let expires_at = chrono::DateTime::UNIX_EPOCH;
        let projects = ProjectRoles::default();
        Arc::new(Session { id: SessionId::new(), user, org: OrgId::new(), role: OrgRole::Owner, projects, expires_at })
    }

    fn cache() -> Cache {
        let cache = Cache::new(&Settings::default());
        cache.connected();
        cache
    }

    #[test]
    fn a_lookup_that_began_before_the_end_does_not_bring_a_session_back() {
        let (cache, hash) = (cache(), [7; 32]);
        let began = cache.generation();
        cache.forget(&hash);
        cache.store(began, hash, session(UserId::new()));
        assert!(cache.get(&hash).is_none());
        cache.store(cache.generation(), hash, session(UserId::new()));
        assert!(cache.get(&hash).is_some());
    }

    #[test]
    fn what_is_forgotten_of_others_hinders_nobody() {
        let (cache, ada, bob) = (cache(), UserId::new(), UserId::new());
        let began = cache.generation();
        for n in 0..10 {
            cache.forget(&[n; 32]);
            cache.forget_user(bob);
        }
        cache.store(began, [20; 32], session(ada));
        assert!(cache.get(&[20; 32]).is_some(), "others ended meanwhile");
        cache.store(began, [21; 32], session(bob));
        cache.store(began, [9; 32], session(ada));
        assert!(cache.get(&[21; 32]).is_none() && cache.get(&[9; 32]).is_none());
        let began = cache.generation();
        for _ in 0..=REMEMBERED {
            cache.forget_user(bob);
        }
        cache.store(began, [22; 32], session(ada));
        assert!(cache.get(&[22; 32]).is_none(), "nobody remembers so much");
    }

    #[test]
    fn notifications_name_a_token_or_a_person() {
        let (cache, ada, bob) = (cache(), UserId::new(), UserId::new());
        for (hash, user) in [([1; 32], ada), ([2; 32], ada), ([3; 32], bob)] {
            cache.store(cache.generation(), hash, session(user));
        }
        cache.notified(&hex::encode([1; 32]));
        assert_eq!([1, 2, 3].map(|n| cache.get(&[n; 32]).is_some()), [false, true, true]);
        cache.notified(&ada.to_string());
        assert_eq!([1, 2, 3].map(|n| cache.get(&[n; 32]).is_some()), [false, false, true]);
        cache.notified("gibberish");
        assert!(cache.get(&[3; 32]).is_none());
    }

    #[test]
    fn a_notification_of_one_role_leaves_the_others() {
        let (cache, ada, org, project) = (cache(), UserId::new(), OrgId::new(), ProjectId::new());
        cache.roles().found(cache.roles().look(ada, org), Vec::new());
        cache.store(cache.generation(), [1; 32], session(ada));
        cache.notified(&role_payload(ada, org, project));
        assert!(cache.get(&[1; 32]).is_none());
        assert_eq!(cache.roles().look(ada, org).projects(), Some(vec![project]));
        cache.notified(&ada.to_string());
        assert_eq!(cache.roles().look(ada, org).projects(), None);
        cache.roles().found(cache.roles().look(ada, org), Vec::new());
        cache.notified("role:gibberish");
        assert_eq!(cache.roles().look(ada, org).projects(), None);
    }

    #[test]
    fn to_forget_a_person_looks_at_nobody_else() {
        let (cache, ada, bob) = (cache(), UserId::new(), UserId::new());
        for (hash, user) in [([1; 32], ada), ([2; 32], bob)] {
            cache.store(cache.generation(), hash, session(user));
        }
        cache.sessions.run_pending_tasks();
        cache.forget_user(ada);
        cache.sessions.run_pending_tasks();
        assert_eq!(cache.sessions.entry_count(), 2, "the session is dead where it lies");
        assert_eq!([1, 2].map(|n| cache.get(&[n; 32]).is_some()), [false, true]);
        cache.store(cache.generation(), [3; 32], session(ada));
        assert_eq!(
            [1, 3].map(|n| cache.get(&[n; 32]).is_some()),
            [false, true],
            "what came later lives, what was forgotten does not"
        );
    }

    #[test]
    fn marks_do_not_pile_up() {
        let cache = Cache::new(&Settings { cached_sessions: 8, ..Settings::default() });
        cache.connected();
        let marks = || cache.state.read().unwrap_or_else(PoisonError::into_inner).marks.len();
        let store = |n: u32| {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&n.to_be_bytes());
            cache.store(cache.generation(), hash, session(UserId::new()));
            cache.sessions.run_pending_tasks();
        };
        (0..256).for_each(store);
        // What the cache has thrown out is freed a little later, when no thread looks at it any more.
        let shrunk = (256..100_000).any(|n| {
            store(n);
            std::thread::yield_now();
            marks() <= cache.most_marks
        });
        assert!(shrunk, "{}", marks());
    }

    #[test]
    fn without_notifications_nothing_is_kept() {
        let (cache, hash) = (cache(), [9; 32]);
        cache.store(cache.generation(), hash, session(UserId::new()));
        cache.lost();
        assert!(cache.get(&hash).is_none());
        cache.store(cache.generation(), hash, session(UserId::new()));
        assert!(cache.get(&hash).is_none());
    }
}
