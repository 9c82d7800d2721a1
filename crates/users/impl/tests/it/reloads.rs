//! What the reload of a session reads of somebody who is in ten thousand teams.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use auth_api::{Sessions as _, Teams};
use futures::future::join_all;
use kernel::{Fault, OrgId, OrgRole, ProjectId, ProjectRole, UserId};
use testkit::{Database, Party};
use uow::{ReadTx, Tx};

use crate::replicas::warmed;
use crate::scenery::Replica;

const MANY: usize = 10_000;

/// The door to the teams of everybody: counts how often it is asked, and for how many roles.
struct Counting {
    roles: Mutex<Vec<(ProjectId, ProjectRole)>>,
    asked: AtomicUsize,
    read: AtomicUsize,
}

impl Counting {
    fn new() -> Arc<Self> {
        let roles = (0..MANY).map(|_| (ProjectId::new(), ProjectRole::InHouseUser)).collect();
        Arc::new(Self { roles: Mutex::new(roles), asked: AtomicUsize::new(0), read: AtomicUsize::new(0) })
    }

    fn counted(&self) -> (usize, usize) {
        (self.asked.load(Ordering::SeqCst), self.read.load(Ordering::SeqCst))
    }

    fn count(&self, rows: usize) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.read.fetch_add(rows, Ordering::SeqCst);
    }
}

#[async_trait]
impl Teams for Counting {
    async fn roles(&self, _: &ReadTx<'_>, _: OrgId, _: UserId) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
        let roles = self.roles.lock().unwrap().clone();
        self.count(roles.len());
        Ok(roles)
    }

    async fn roles_among(
        &self,
        _: &ReadTx<'_>,
        _: OrgId,
        _: UserId,
        projects: &[ProjectId],
    ) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
        self.count(projects.len());
        Ok(self.roles.lock().unwrap().iter().filter(|(project, _)| projects.contains(project)).copied().collect())
    }

    async fn leave_in(&self, _: &mut Tx, _: OrgId, _: UserId) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
        Ok(Vec::new())
    }
}

fn token(n: usize) -> String {
    format!("{n:0>43}")
}

/// A replica that hears notifications, and a member of an organisation with so many sessions.
async fn scene(sessions: usize) -> (Database, Replica, Arc<Counting>, Party) {
    let (db, teams) = (Database::fresh().await, Counting::new());
    let settings = auth::Settings { cache_life: Duration::from_secs(3600), ..auth::Settings::default() };
    let replica = Replica::with_teams(&db, settings, teams.clone()).await;
    replica.auth.listen(db.app_url().await);
    let ada = replica.register("ada").await;
    warmed(&db, &replica, &ada.token).await;
    let bob = db.person(ada.org.parse().unwrap(), OrgRole::Member).await;
    db.run_sql(&format!(
        "insert into sessions (token_hash, id, user_id, org_id, expires_at)
         select sha256(convert_to(lpad(n::text, 43, '0'), 'UTF8')), gen_random_uuid(), '{}', '{}', now() + interval '1 day'
         from generate_series(1, {sessions}) n",
        bob.user, bob.org
    ))
    .await;
    (db, replica, teams, bob)
}

#[actix_web::test]
async fn after_a_change_of_one_role_one_role_is_read() {
    let (db, replica, teams, bob) = scene(1).await;
    let roles = async || Arc::clone(&replica.auth.resolve(&token(1)).await.unwrap().projects);
    let change = async |project: ProjectId| {
        db.system_uow().write(async |tx| replica.auth.forget_role_in(tx, bob.user, bob.org, project).await).await.unwrap();
    };
    assert_eq!((roles().await.len(), teams.counted()), (MANY, (1, MANY)), "nothing was known");
    roles().await;
    assert_eq!(teams.counted(), (1, MANY), "from the cache");

    // Two statements: a lock is held to the end of its own.
    let first = teams.roles.lock().unwrap()[0].0;
    let second = teams.roles.lock().unwrap()[1].0;
    teams.roles.lock().unwrap()[0].1 = ProjectRole::ProjectOwner;
    change(first).await;
    let changed = roles().await;
    assert_eq!((changed.len(), changed[&first], teams.counted()), (MANY, ProjectRole::ProjectOwner, (2, MANY + 1)));
    teams.roles.lock().unwrap().remove(1);
    change(second).await;
    let left = roles().await;
    assert_eq!((left.len(), left.get(&second)), (MANY - 1, None), "taken away");
    // The first one once more, if the notification of its change came after it was read.
    let (asked, read) = teams.counted();
    assert!(asked == 3 && (MANY + 2..=MANY + 3).contains(&read), "asked {asked} times for {read} roles");
}

#[actix_web::test]
async fn what_is_looked_up_while_a_role_changes_is_forgotten_with_the_commit() {
    let (db, replica, teams, bob) = scene(1).await;
    let project = teams.roles.lock().unwrap()[0].0;
    for _ in 0..5 {
        db.system_uow()
            .write(async |tx| {
                replica.auth.forget_role_in(tx, bob.user, bob.org, project).await?;
                // Before the commit the role is still there, and another request of theirs finds it.
                let auth = Arc::clone(&replica.auth);
                let roles = actix_web::rt::spawn(async move { Arc::clone(&auth.resolve(&token(1)).await.unwrap().projects) });
                assert_eq!(roles.await.unwrap().get(&project), Some(&ProjectRole::InHouseUser));
                teams.roles.lock().unwrap().remove(0);
                Ok::<_, Fault>(())
            })
            .await
            .unwrap();
        let left = replica.auth.resolve(&token(1)).await.unwrap();
        assert_eq!(left.projects.get(&project), None, "whoever is told that it is done finds it so");
        teams.roles.lock().unwrap().insert(0, (project, ProjectRole::InHouseUser));
        db.system_uow().write(async |tx| replica.auth.forget_role_in(tx, bob.user, bob.org, project).await).await.unwrap();
    }
}

#[actix_web::test]
async fn the_sessions_of_one_person_that_are_loaded_together_ask_once() {
    let (_db, replica, teams, _) = scene(50).await;
    let tokens: Vec<_> = (1..=50).map(token).collect();
    let loaded = join_all(tokens.iter().map(|token| replica.auth.resolve(token))).await;
    let loaded: Vec<_> = loaded.into_iter().map(|session| session.unwrap().projects.len()).collect();
    assert_eq!(loaded, [MANY; 50]);
    assert_eq!(teams.counted(), (1, MANY));
}
