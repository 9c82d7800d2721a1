//! Isolation, generated (docs/QUALITY.md): every route is called by nobody, by another tenant and by a member without the permission, with
//! the real ids of a tenant. A route without a case in `tests/it/domains` fails the test.

use crate::domains::{Scene, calls};
use crate::world::World;

/// They end the session or the account of the member who calls the others.
const ENDING: &[&str] = &["DELETE /api/user", "POST /api/auth/logout", "POST /api/auth/logout-everywhere"];

/// Everything in the database that belongs to the tenant, save what any call may add: sessions, notes of denials.
pub async fn fingerprint(world: &World, org: &str) -> Vec<String> {
    let tables = world
        .db
        .query(
            "select c.oid::regclass from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
             where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
               and c.relname not in ('sessions', 'idempotency_keys', 'outbox', 'outbox_handled', 'audit_entries', 'audit_links', 'audit_heads',
                   'organization_events') order by 1",
        )
        .await;
    let mut prints = Vec::new();
    for table in tables {
        let sql = format!(
            "select '{table} ' || count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {table} t where org_id = '{org}'"
        );
        prints.extend(world.db.query(&sql).await);
    }
    prints
}

#[tokio::test]
async fn nobody_reaches_what_is_not_theirs() {
    let world = World::new().await;
    let scene = Scene::of(&world, "Tenant").await;
    let member = world.colleague(&scene.owner, "member").await;
    world.settle().await;
    let before = fingerprint(&world, &scene.owner.org).await;
    let mut wrong = Vec::new();

    for call in calls(&scene) {
        let (name, case) = (&call.name, &call.case);
        let nobody = world.anonymous().call(&call.method, &case.path, case.body.as_ref()).await;
        if nobody.status != 401 {
            wrong.push(format!("{name} answers nobody with {}", nobody.status));
        }
        // A stranger of its own for each route: some end their session, and none may be helped by what another did.
        let stranger = world.register("Stranger").await;
        // One who may do whatever can be done from outside.
        world.prove(&stranger).await;
        let answer = stranger.http.call(&call.method, &case.path, case.body.as_ref()).await;
        if !case.stranger.contains(&answer.status) {
            wrong.push(format!(
                "{name} answers a stranger with {} instead of {:?}: {}",
                answer.status, case.stranger, answer.body
            ));
        }
        let asked = format!("{} {}", case.path, case.body.clone().unwrap_or_default());
        for id in scene.ids().filter(|id| !asked.contains(id)) {
            if String::from_utf8_lossy(&answer.bytes).contains(id) {
                wrong.push(format!("{name} shows a stranger {id}: {}", answer.body));
            }
        }
        if ENDING.contains(&name.as_str()) {
            continue;
        }
        let answer = member.http.call(&call.method, &case.path, case.body.as_ref()).await;
        if !case.member.contains(&answer.status) {
            wrong.push(format!("{name} answers a member with {} instead of {:?}: {}", answer.status, case.member, answer.body));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(fingerprint(&world, &scene.owner.org).await, before, "nothing of the tenant changed");
    // What was refused to the member is told to their organisation; of strangers it is told nothing.
    let strangers = format!(
        "select e.kind from organization_events e where e.org_id = '{}' and e.user_id is not null
            and not exists (select from memberships m where m.org_id = e.org_id and m.user_id = e.user_id)",
        scene.owner.org
    );
    assert_eq!(world.db.query(&strangers).await, [] as [String; 0]);
    world.end().await;
}
