//! `Cache`: sessions in memory, coherent with the database by notifications.

mod state;

use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Instant;

use db::Voucher;
use kernel::{OrgId, ProjectId, UserId};

use crate::Settings;
use crate::flood::Flood;
use crate::held::Held;
use crate::repo::CHANNEL;
use crate::roles::Roles;
use crate::token::TokenHash;

pub(crate) use state::Generation;
use state::{Forgotten, State};

/// Sessions by the hash of their token.
///
/// A look-up takes the generation before it asks the database and stores what it found only if nothing of that was forgotten meanwhile;
/// storing and forgetting exclude each other, so a session that ended cannot come back. A hit takes no lock of ours.
///
/// Every session leans on the mark of its person in its organisation, and on the organisation's: with one of them dropped all of them are forgotten
/// at once, however many others there are.
///
/// Of roles in teams that changed [`Roles`] knows before the sessions are forgotten: a look-up that begins after that reads them.
pub(crate) struct Cache {
    sessions: moka::sync::Cache<TokenHash, Entry>,
    roles: Roles,
    state: RwLock<State>,
    flood: Flood,
    most_marks: usize,
}

#[derive(Clone)]
struct Entry {
    held: Arc<Held>,
    mark: Weak<()>,
    of_org: Weak<()>,
}

impl Cache {
    /// An empty cache that stores nothing until it is [`Cache::connected`].
    pub(crate) fn new(settings: &Settings) -> Self {
        let sessions =
            moka::sync::Cache::builder().max_capacity(settings.cached_sessions).time_to_live(settings.cache_life).build();
        // Twice the sessions: a sweep then frees at least half, so that it costs next to nothing on average.
        let most_marks = usize::try_from(settings.cached_sessions).unwrap_or(usize::MAX).saturating_mul(2).max(16);
        Self { sessions, roles: Roles::new(settings), state: RwLock::default(), flood: Flood::default(), most_marks }
    }

    /// What is kept of roles in teams.
    pub(crate) fn roles(&self) -> &Roles {
        &self.roles
    }

    pub(crate) fn get(&self, hash: &TokenHash) -> Option<Arc<Held>> {
        let entry = self.sessions.get(hash)?;
        (entry.mark.strong_count() > 0 && entry.of_org.strong_count() > 0).then_some(entry.held)
    }

    /// To be taken before the database is asked.
    pub(crate) fn generation(&self) -> Generation {
        Generation(self.state.read().unwrap_or_else(PoisonError::into_inner).generation)
    }

    /// Stores what a look-up found, unless it was forgotten since that began.
    pub(crate) fn store(&self, began: Generation, hash: TokenHash, held: Arc<Held>) {
        self.calm_down(Instant::now());
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let (user, org) = (held.session.user, held.session.org);
        if state.listening && !state.flooded && !state.forgot(began, &hash, user, org) {
            let mark = state.mark(user, org, self.most_marks);
            let of_org = state.mark_of(org, self.most_marks);
            self.sessions.insert(hash, Entry { held, mark, of_org });
        }
    }

    /// Whether what a look-up that began then found of a hash and of a person in an organisation still holds; as of when it does.
    pub(crate) fn still(&self, began: Generation, hash: &TokenHash, user: UserId, org: OrgId) -> Option<Generation> {
        self.calm_down(Instant::now());
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        (state.listening && !state.flooded && !state.forgot(began, hash, user, org)).then_some(Generation(state.generation))
    }

    /// Forgets one session.
    pub(crate) fn forget(&self, hash: &TokenHash) {
        self.change(|state| state.forget(Forgotten::Session(*hash)), || self.sessions.invalidate(hash));
    }

    /// Forgets every session of a person, and all roles.
    pub(crate) fn forget_user(&self, user: UserId) {
        self.roles.forget(user);
        let drop_marks = |state: &mut State| {
            state.forget(Forgotten::Person(user));
            state.marks.remove(&user);
        };
        self.change(drop_marks, || {});
    }

    /// Forgets a person's sessions and roles in one organisation.
    pub(crate) fn forget_member(&self, user: UserId, org: OrgId) {
        self.roles.forget_in(user, org);
        self.forget_sessions_in(user, org);
    }

    /// Forgets a person's sessions in one organisation, and the role in one team.
    pub(crate) fn forget_role(&self, user: UserId, org: OrgId, project: ProjectId) {
        self.roles.changed(user, org, project);
        self.forget_sessions_in(user, org);
    }

    fn forget_sessions_in(&self, user: UserId, org: OrgId) {
        let drop_mark = |state: &mut State| {
            state.forget(Forgotten::Member(user, org));
            if let Some(places) = state.marks.get_mut(&user) {
                places.retain(|(place, _)| *place != org);
            }
        };
        self.change(drop_mark, || {});
    }

    /// Forgets every session in an organisation: how long they live there changed.
    pub(crate) fn forget_org(&self, org: OrgId) {
        let drop_mark = |state: &mut State| {
            state.forget(Forgotten::Organization(org));
            state.orgs.remove(&org);
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

    /// Whether a notification comes in such a flood that looking at each would make this deaf to all of them. Then everything is forgotten, once, and
    /// nothing is kept before the flood has ended: to forget more than is told is always right.
    fn is_flooded(&self, now: Instant) -> bool {
        self.calm_down(now);
        if !self.flood.rises(now) {
            return false;
        }
        if !self.state.read().unwrap_or_else(PoisonError::into_inner).flooded {
            metrics::counter!("session_notices_floods_total").increment(1);
            tracing::warn!(
                "notifications about sessions come in a flood: everything is forgotten, and nothing kept until it ends"
            );
            self.turn(|state| state.flooded = true);
        }
        true
    }

    /// Keeps again what is found, if a flood has ended. What was found while none was looked at is not believed.
    fn calm_down(&self, now: Instant) {
        if self.state.read().unwrap_or_else(PoisonError::into_inner).flooded && self.flood.is_over(now) {
            self.turn(|state| state.flooded = false);
        }
    }

    /// Obeys a notification, if the database vouches for it: nobody else says what servers forget, and whoever can send statements can notify.
    pub(crate) fn heard(&self, notice: &str, voucher: &Voucher) {
        if self.is_flooded(Instant::now()) {
            return;
        }
        let vouched = notice
            .rsplit_once(' ')
            .filter(|(payload, proof)| hex::decode(proof).is_ok_and(|proof| voucher.knows(CHANNEL, payload, &proof)));
        match vouched {
            Some((payload, _)) => self.notified(payload),
            None => {
                metrics::counter!("session_notices_refused_total").increment(1);
                tracing::debug!("a notification about sessions that nobody vouches for is not obeyed");
            }
        }
    }

    /// Understands a notification: the hash of a token, the id of a person, a person in an organisation, a role in a team, or an organisation. One of a
    /// newer program, which is not understood, may mean anything.
    fn notified(&self, payload: &str) {
        let mut hash = TokenHash::default();
        if let Some((user, org, project)) = role_of(payload) {
            self.forget_role(user, org, project);
        } else if let Some((user, org)) = member_of(payload) {
            self.forget_member(user, org);
        } else if let Some(org) = payload.strip_prefix("org:").and_then(|org| org.parse().ok()) {
            self.forget_org(org);
        } else if hex::decode_to_slice(payload, &mut hash).is_ok() {
            self.forget(&hash);
        } else if let Ok(user) = payload.parse() {
            self.forget_user(user);
        } else {
            tracing::warn!(payload, "a notification about sessions is not understood: everything is forgotten");
            self.roles.forget_all();
            let drop_marks = |state: &mut State| {
                state.forget(Forgotten::Everything);
                state.drop_marks();
            };
            self.change(drop_marks, || self.sessions.invalidate_all());
        }
    }

    fn flush(&self, listening: bool) {
        self.turn(|state| state.listening = listening);
    }

    /// Forgets everything as what is known of notifications changes.
    fn turn(&self, turn: impl FnOnce(&mut State)) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        turn(&mut state);
        state.forget(Forgotten::Everything);
        state.drop_marks();
        self.roles.flush(state.listening && !state.flooded);
        self.sessions.invalidate_all();
    }

    fn change(&self, note: impl FnOnce(&mut State), forget: impl FnOnce()) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        note(&mut state);
        forget();
    }
}

/// What `app.tell_sessions` says of a person in an organisation.
fn member_of(payload: &str) -> Option<(UserId, OrgId)> {
    let (user, org) = payload.strip_prefix("member:")?.split_once(':')?;
    Some((user.parse().ok()?, org.parse().ok()?))
}

/// And of a person's role in one project's team.
fn role_of(payload: &str) -> Option<(UserId, OrgId, ProjectId)> {
    let mut ids = payload.strip_prefix("role:")?.splitn(3, ':');
    Some((ids.next()?.parse().ok()?, ids.next()?.parse().ok()?, ids.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::state::REMEMBERED;
    use super::*;
    use crate::flood::MOST;
    use auth_api::Session;
    use kernel::{AddedPermissions, OrgRole, ProjectRoles, SessionId};

    fn session(user: UserId) -> Arc<Held> {
        in_org(user, OrgId::new())
    }

    fn in_org(user: UserId, org: OrgId) -> Arc<Held> {
        let at = chrono::DateTime::UNIX_EPOCH;
        let (id, role, projects) = (SessionId::new(), OrgRole::Owner, ProjectRoles::default());
        let session = Session {
            id,
            user,
            org,
            role,
            projects,
            added: AddedPermissions::default(),
            expires_at: at,
            authenticated_at: at,
            factor: auth_api::FactorStanding::default(),
            bound: false,
        };
        Arc::new(Held::new(session, None, at))
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
        cache.store(cache.generation(), [2; 32], in_org(ada, org));
        cache.notified(&format!("role:{ada}:{org}:{project}"));
        assert_eq!([1, 2].map(|n| cache.get(&[n; 32]).is_some()), [true, false], "of that organisation");
        assert_eq!(cache.roles().look(ada, org).projects(), Some(vec![project]));
        cache.notified(&ada.to_string());
        assert_eq!(cache.roles().look(ada, org).projects(), None);
        cache.roles().found(cache.roles().look(ada, org), Vec::new());
        cache.notified("role:gibberish");
        assert_eq!(cache.roles().look(ada, org).projects(), None);
    }

    #[test]
    fn a_notification_of_a_member_leaves_other_organisations() {
        let (cache, ada, here, there) = (cache(), UserId::new(), OrgId::new(), OrgId::new());
        for org in [here, there] {
            cache.roles().found(cache.roles().look(ada, org), Vec::new());
        }
        cache.store(cache.generation(), [1; 32], in_org(ada, here));
        cache.store(cache.generation(), [2; 32], in_org(ada, there));
        let began = cache.generation();
        cache.notified(&format!("member:{ada}:{here}"));
        assert_eq!([1, 2].map(|n| cache.get(&[n; 32]).is_some()), [false, true]);
        assert_eq!([here, there].map(|org| cache.roles().look(ada, org).projects()), [None, Some(Vec::new())]);
        cache.store(began, [3; 32], in_org(ada, here));
        cache.store(began, [4; 32], in_org(ada, there));
        assert_eq!([3, 4].map(|n| cache.get(&[n; 32]).is_some()), [false, true], "nor is what was read before");
    }

    #[test]
    fn a_notification_of_an_organisation_leaves_the_others() {
        let (cache, ada, here, there) = (cache(), UserId::new(), OrgId::new(), OrgId::new());
        cache.store(cache.generation(), [1; 32], in_org(ada, here));
        cache.store(cache.generation(), [2; 32], in_org(ada, there));
        let began = cache.generation();
        cache.notified(&format!("org:{here}"));
        assert_eq!([1, 2].map(|n| cache.get(&[n; 32]).is_some()), [false, true]);
        cache.store(began, [3; 32], in_org(ada, here));
        cache.store(began, [4; 32], in_org(ada, there));
        assert_eq!([3, 4].map(|n| cache.get(&[n; 32]).is_some()), [false, true], "nor is what was read before");
        cache.store(cache.generation(), [5; 32], in_org(ada, here));
        assert!(cache.get(&[5; 32]).is_some() && cache.get(&[1; 32]).is_none(), "what came later lives");
        cache.notified("org:gibberish");
        assert!(cache.get(&[5; 32]).is_none(), "of a newer program: may mean anything");
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
        let marks = || {
            let state = cache.state.read().unwrap_or_else(PoisonError::into_inner);
            state.marks.len().max(state.orgs.len())
        };
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

    #[test]
    fn in_a_flood_everything_is_forgotten_and_nothing_kept_until_it_is_over() {
        // Of a clock that only this test moves.
        let (cache, ada, began) = (cache(), UserId::new(), Instant::now() + Duration::from_secs(3600));
        cache.store(cache.generation(), [1; 32], session(ada));
        assert!((0..MOST).all(|_| !cache.is_flooded(began)));
        assert!(cache.get(&[1; 32]).is_some());
        assert!(cache.is_flooded(began) && cache.get(&[1; 32]).is_none());
        let meanwhile = cache.generation();
        cache.store(meanwhile, [2; 32], session(ada));
        assert!(cache.get(&[2; 32]).is_none() && cache.still(meanwhile, &[2; 32], ada, OrgId::new()).is_none());
        cache.calm_down(began + Duration::from_secs(1));
        cache.store(meanwhile, [2; 32], session(ada));
        assert!(cache.get(&[2; 32]).is_none(), "found while nobody listened");
        cache.store(cache.generation(), [3; 32], session(ada));
        assert!(cache.get(&[3; 32]).is_some());
    }
}
