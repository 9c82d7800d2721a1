//! `Roles`: people's roles in teams, kept between the look-ups of their sessions, so that a change of one role costs the reading of one row.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kernel::{OrgId, ProjectId, ProjectRole, ProjectRoles, UserId};

use crate::Settings;

/// Of more changes than this nobody keeps account: everything is read anew.
const MOST_STALE: usize = 1000;

/// The roles of people in the teams of an organisation, as of the last look.
///
/// A look begins before the database is asked; what it found is kept only if nothing else was kept, and not all forgotten, since then. A role
/// that changes meanwhile stays marked and is read again by the next look. Nothing is kept while no notifications arrive, nor for longer than
/// a session is cached.
pub(crate) struct Roles {
    of: moka::sync::Cache<UserId, Arc<Places>>,
    listening: AtomicBool,
    /// How often everything was forgotten.
    flushes: AtomicU64,
}

/// A person's organisations.
type Places = Mutex<HashMap<OrgId, Kept>>;

#[derive(Default)]
struct Kept {
    roles: Option<ProjectRoles>,
    /// The projects in which the role may be another by now, each with the number of its mark.
    stale: HashMap<ProjectId, u64>,
    marks: u64,
    /// Another one after everything that was kept or forgotten.
    version: u64,
    flush: u64,
}

impl Kept {
    fn forget(&mut self) {
        self.roles = None;
        self.stale.clear();
        self.version += 1;
    }
}

/// A look at somebody's roles, under way.
pub(crate) struct Look {
    places: Option<Arc<Places>>,
    org: OrgId,
    version: u64,
    flush: u64,
    base: Option<ProjectRoles>,
    /// The projects to be read, with the numbers of their marks.
    marked: HashMap<ProjectId, u64>,
}

impl Look {
    /// The projects in which the role is to be read; `None` for all of them.
    pub(crate) fn projects(&self) -> Option<Vec<ProjectId>> {
        self.base.as_ref().map(|_| self.marked.keys().copied().collect())
    }
}

impl Roles {
    pub(crate) fn new(settings: &Settings) -> Self {
        let of = moka::sync::Cache::builder().max_capacity(settings.cached_sessions).time_to_live(settings.cache_life).build();
        Self { of, listening: AtomicBool::new(false), flushes: AtomicU64::new(0) }
    }

    /// To be called before the database is asked, and before a transaction is opened for that.
    pub(crate) fn look(&self, user: UserId, org: OrgId) -> Look {
        let flush = self.flushes.load(Ordering::SeqCst);
        let mut look = Look { places: None, org, version: 0, flush, base: None, marked: HashMap::new() };
        if !self.listening.load(Ordering::SeqCst) {
            return look;
        }
        let places = self.of.get_with(user, Arc::default);
        let mut all = places.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.entry(org).or_default();
        if kept.flush != flush {
            kept.forget();
            kept.flush = flush;
        }
        (look.version, look.base, look.marked) = (kept.version, kept.roles.clone(), kept.stale.clone());
        drop(all);
        look.places = Some(places);
        look
    }

    /// The roles, from what was kept and what was read: the roles in the projects of the look.
    pub(crate) fn found(&self, look: Look, read: Vec<(ProjectId, ProjectRole)>) -> ProjectRoles {
        let roles = match look.base {
            Some(base) if look.marked.is_empty() => return base,
            Some(base) => {
                let mut roles = (*base).clone();
                roles.retain(|project, _| !look.marked.contains_key(project));
                roles.extend(read);
                Arc::new(roles)
            }
            None => Arc::new(read.into_iter().collect::<HashMap<_, _>>()),
        };
        let Some(places) = &look.places else { return roles };
        let mut all = places.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.entry(look.org).or_default();
        if kept.version == look.version && kept.flush == look.flush && self.flushes.load(Ordering::SeqCst) == look.flush {
            kept.stale.retain(|project, mark| look.marked.get(project) != Some(&*mark));
            kept.roles = Some(Arc::clone(&roles));
            kept.version += 1;
        }
        roles
    }

    /// A person's role in one team is another, or is gone.
    pub(crate) fn changed(&self, user: UserId, org: OrgId, project: ProjectId) {
        let Some(places) = self.of.get(&user) else { return };
        let mut all = places.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(kept) = all.get_mut(&org) else { return };
        if kept.stale.len() >= MOST_STALE {
            kept.forget();
        } else {
            kept.marks += 1;
            kept.stale.insert(project, kept.marks);
        }
    }

    /// Any of a person's roles may be another.
    pub(crate) fn forget(&self, user: UserId) {
        let Some(places) = self.of.get(&user) else { return };
        let mut all = places.lock().unwrap_or_else(PoisonError::into_inner);
        all.values_mut().for_each(Kept::forget);
    }

    /// Any of a person's roles in one organisation may be another.
    pub(crate) fn forget_in(&self, user: UserId, org: OrgId) {
        let Some(places) = self.of.get(&user) else { return };
        let mut all = places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = all.get_mut(&org) {
            kept.forget();
        }
    }

    /// Forgets everything; from now on notifications arrive, or may be missed.
    pub(crate) fn flush(&self, listening: bool) {
        self.listening.store(listening, Ordering::SeqCst);
        self.forget_all();
    }

    /// Forgets everything.
    pub(crate) fn forget_all(&self) {
        self.flushes.fetch_add(1, Ordering::SeqCst);
        self.of.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProjectRole::{InHouseUser, ProjectOwner};

    struct Scene {
        roles: Roles,
        user: UserId,
        org: OrgId,
    }

    impl Scene {
        fn new() -> Self {
            let scene = Self { roles: Roles::new(&Settings::default()), user: UserId::new(), org: OrgId::new() };
            scene.roles.flush(true);
            scene
        }

        fn look(&self) -> Look {
            self.roles.look(self.user, self.org)
        }

        fn changed(&self, project: ProjectId) {
            self.roles.changed(self.user, self.org, project);
        }
    }

    #[test]
    fn after_a_change_of_one_role_that_one_is_read() {
        let (scene, [a, b]) = (Scene::new(), [ProjectId::new(), ProjectId::new()]);
        let look = scene.look();
        assert_eq!(look.projects(), None, "nothing is known yet");
        scene.roles.found(look, vec![(a, InHouseUser), (b, InHouseUser)]);
        let look = scene.look();
        assert_eq!(look.projects(), Some(vec![]), "nothing changed");
        assert_eq!(*scene.roles.found(look, vec![]), HashMap::from([(a, InHouseUser), (b, InHouseUser)]));
        scene.changed(a);
        scene.roles.changed(scene.user, OrgId::new(), b);
        let look = scene.look();
        assert_eq!(look.projects(), Some(vec![a]));
        assert_eq!(*scene.roles.found(look, vec![(a, ProjectOwner)]), HashMap::from([(a, ProjectOwner), (b, InHouseUser)]));
        scene.changed(b);
        let gone = scene.look();
        assert_eq!(*scene.roles.found(gone, vec![]), HashMap::from([(a, ProjectOwner)]), "taken away");
        assert_eq!(scene.look().projects(), Some(vec![]));
    }

    #[test]
    fn what_changes_during_a_look_is_read_by_the_next() {
        let (scene, [a, b]) = (Scene::new(), [ProjectId::new(), ProjectId::new()]);
        let look = scene.look();
        scene.changed(a);
        scene.roles.found(look, vec![(a, InHouseUser)]);
        let look = scene.look();
        assert_eq!(look.projects(), Some(vec![a]));
        scene.changed(a);
        scene.roles.found(look, vec![(a, InHouseUser)]);
        assert_eq!(scene.look().projects(), Some(vec![a]), "changed again");
        // Of two looks at a time the one that began with less does not undo what the other kept.
        let slow = scene.look();
        scene.changed(b);
        let quick = scene.look();
        scene.roles.found(quick, vec![(a, InHouseUser), (b, ProjectOwner)]);
        scene.roles.found(slow, vec![(a, InHouseUser)]);
        let look = scene.look();
        assert_eq!(*scene.roles.found(look, vec![]), HashMap::from([(a, InHouseUser), (b, ProjectOwner)]));
    }

    #[test]
    fn a_look_that_was_given_up_leaves_the_marks() {
        let (scene, a) = (Scene::new(), ProjectId::new());
        let look = scene.look();
        scene.roles.found(look, vec![(a, InHouseUser)]);
        scene.changed(a);
        drop(scene.look());
        assert_eq!(scene.look().projects(), Some(vec![a]));
    }

    #[test]
    fn whoever_is_forgotten_is_read_whole() {
        let (scene, a) = (Scene::new(), ProjectId::new());
        let keep = || {
            let look = scene.look();
            scene.roles.found(look, vec![(a, InHouseUser)]);
            assert_eq!(scene.look().projects(), Some(vec![]));
        };
        keep();
        scene.roles.forget(scene.user);
        assert_eq!(scene.look().projects(), None);
        let began = scene.look();
        scene.roles.forget(scene.user);
        scene.roles.found(began, vec![(a, InHouseUser)]);
        assert_eq!(scene.look().projects(), None, "what was read before is not kept");
        keep();
        for _ in 0..=MOST_STALE {
            scene.changed(ProjectId::new());
        }
        assert_eq!(scene.look().projects(), None, "too many changes");
        keep();
        scene.roles.flush(false);
        let look = scene.look();
        scene.roles.found(look, vec![(a, InHouseUser)]);
        assert_eq!(scene.look().projects(), None, "nobody would tell of a change");
    }
}
