//! `Flights`: one look-up of a thing at a time, shared by all who asked before it began.

use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kernel::{Fault, FaultKind};
use tokio::sync::Mutex;

/// Look-ups under way, by what is looked for: sessions by their token, places of people by person and organisation.
///
/// Whoever asks while one is under way waits for the next: what that one finds is never older than their question, so a session that has
/// ended is not shown to somebody who asked afterwards. However many ask, one look-up runs and one is to come.
pub(crate) struct Flights<K, V> {
    of: moka::sync::Cache<K, Arc<Flight<V>>>,
}

/// What was found, or why nothing was.
type Found<V> = Result<V, (FaultKind, String)>;

struct Flight<V> {
    /// How many have asked.
    asked: AtomicU64,
    /// The last look-up: how many had asked before it began, and what it found.
    last: Mutex<Option<(u64, Found<V>)>>,
}

impl<K: Copy + Eq + Hash + Send + Sync + 'static, V: Clone + Send + 'static> Flights<K, V> {
    /// For so many things; of more than that at a time some look themselves.
    pub(crate) fn new(most: u64) -> Self {
        Self { of: moka::sync::Cache::builder().max_capacity(most).time_to_idle(Duration::from_secs(10)).build() }
    }

    /// What `look_up` finds, or what somebody else's found that began after this call.
    ///
    /// # Errors
    /// Those of the look-up, which all who asked before it began share: a database that does not answer is waited for twice, not once by each.
    pub(crate) async fn share(&self, what: &K, look_up: impl Future<Output = Result<V, Fault>> + Send) -> Result<V, Fault> {
        let flight = self.of.get_with(*what, || Arc::new(Flight { asked: AtomicU64::new(0), last: Mutex::new(None) }));
        let mine = flight.asked.fetch_add(1, Ordering::SeqCst);
        let mut last = flight.last.lock().await;
        if let Some((covered, found)) = &*last
            && *covered > mine
        {
            return found.clone().map_err(|(kind, text)| Fault::new(kind, text));
        }
        let covered = flight.asked.load(Ordering::SeqCst);
        let found = look_up.await;
        let shared = found.as_ref().map(V::clone).map_err(|fault| (fault.kind().clone(), fault.to_string()));
        *last = Some((covered, shared));
        found
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;
    use auth_api::Session;
    use kernel::{AddedPermissions, OrgId, OrgRole, ProjectRoles, SessionId, UserId};
    use tokio::sync::Notify;

    type Sessions = Flights<[u8; 32], Option<Arc<Session>>>;

    fn session() -> Arc<Session> {
        let (id, user, org) = (SessionId::new(), UserId::new(), OrgId::new());
        let at = chrono::DateTime::UNIX_EPOCH;
        let (role, projects) = (OrgRole::Member, ProjectRoles::default());
        Arc::new(Session {
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
        })
    }

    /// One who asks, and 99 who do so while that look-up is under way: what each was told, and how many look-ups there were.
    async fn a_hundred(answer: fn() -> Result<Option<Arc<Session>>, Fault>) -> (Vec<Result<Option<Arc<Session>>, Fault>>, u64) {
        let (flights, looks, open) = (Arc::new(Sessions::new(10)), Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
        let ask = || {
            let (flights, looks, open) = (Arc::clone(&flights), Arc::clone(&looks), Arc::clone(&open));
            tokio::spawn(async move {
                let look_up = async {
                    if looks.fetch_add(1, Ordering::SeqCst) == 0 {
                        open.notified().await;
                    }
                    answer()
                };
                flights.share(&[1; 32], look_up).await
            })
        };
        let mut all = vec![ask()];
        while looks.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        all.extend((0..99).map(|_| ask()));
        let flight = flights.of.get(&[1; 32]).unwrap();
        while flight.asked.load(Ordering::SeqCst) < 100 {
            tokio::task::yield_now().await;
        }
        open.notify_one();
        let mut told = Vec::new();
        for one in all {
            told.push(one.await.unwrap());
        }
        (told, looks.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn a_hundred_who_ask_at_once_look_up_twice() {
        let (told, looks) = a_hundred(|| Ok(Some(session()))).await;
        let found: Vec<_> = told.into_iter().map(|one| one.unwrap().unwrap().id).collect();
        assert!(found[1..].iter().all(|id| *id == found[1] && *id != found[0]), "a look-up that began after they had asked");
        assert_eq!(looks, 2);
    }

    #[tokio::test]
    async fn what_was_found_before_the_question_is_no_answer() {
        let flights = Sessions::new(10);
        let old = flights.share(&[1; 32], async { Ok(Some(session())) }).await.unwrap();
        assert!(old.is_some());
        assert!(flights.share(&[1; 32], async { Ok(None) }).await.unwrap().is_none(), "ended meanwhile");
    }

    #[tokio::test]
    async fn a_failed_look_up_is_no_answer_to_who_asks_afterwards() {
        let flights = Sessions::new(10);
        assert!(flights.share(&[1; 32], async { Err(Fault::internal("lost")) }).await.is_err());
        assert!(flights.share(&[1; 32], async { Ok(Some(session())) }).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_hundred_who_ask_while_nothing_answers_wait_for_two_look_ups() {
        let (told, looks) = a_hundred(|| Err(Fault::unavailable("no connection"))).await;
        assert!(told.iter().all(|one| one.as_ref().is_err_and(|fault| *fault.kind() == FaultKind::Unavailable)));
        assert_eq!((told.len(), looks), (100, 2));
    }
}
