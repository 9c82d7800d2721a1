//! Row-level security and grants of the trail's tables, as the serving role.

use audit_api::{Audit, Filter};
use db::fault_of;
use db::prelude::*;
use diesel_async::SimpleAsyncConnection;
use kernel::{Ctx, Fault, OrgRole, PageRequest};

use crate::scenery::{Scene, ctx};

async fn attempt(scene: &Scene, ctx: &Ctx, sql: &str) -> Result<(), Fault> {
    scene.db.uow().write(ctx, async |tx| tx.pg().batch_execute(sql).await.map_err(fault_of)).await
}

#[tokio::test]
async fn another_tenant_sees_and_forges_nothing() {
    let scene = Scene::new().await;
    let (ours, theirs) = (ctx(OrgRole::Owner), ctx(OrgRole::Owner));
    scene.record(&ours, 2).await;
    assert!(scene.audit.list(&theirs, &Filter::default(), PageRequest::first(10)).await.unwrap().items.is_empty());
    assert_eq!(scene.verify(&theirs).await.entries, 0);
    let forged = format!(
        "insert into audit_entries (org_id, id, action, entity_type, entity_id, request_id)
         values ('{}', gen_random_uuid(), 'x', 'x', gen_random_uuid(), 'x')",
        ours.org
    );
    assert!(attempt(&scene, &theirs, &forged).await.is_err());
    assert_eq!(scene.verify(&ours).await.entries, 2);
}

#[tokio::test]
async fn the_serving_role_cannot_rewrite_the_trail() {
    let scene = Scene::new().await;
    let ours = ctx(OrgRole::Owner);
    scene.record(&ours, 1).await;
    for sql in [
        "update audit_entries set action = 'x'",
        "delete from audit_entries",
        "truncate audit_entries",
        "insert into audit_links select org_id, 2, entry_id, hash, hash from audit_links",
        "update audit_links set sequence = 2",
        "delete from audit_links",
        "update audit_heads set sequence = 0",
        "insert into audit_heads values (gen_random_uuid(), 1, sha256(''), sha256(''))",
        "delete from audit_heads",
        "set constraints all immediate; delete from audit_heads",
    ] {
        assert!(attempt(&scene, &ours, sql).await.is_err(), "{sql}");
    }
    assert!(scene.verify(&ours).await.valid);
}

#[tokio::test]
async fn not_even_the_owner_changes_entries() {
    let scene = Scene::new().await;
    scene.record(&ctx(OrgRole::Owner), 1).await;
    let answer = scene
        .db
        .query(
            "create function pg_temp.attempt(sql text) returns text language plpgsql as $$
             begin execute sql; return 'done'; exception when others then return sqlstate; end $$;
             select pg_temp.attempt(sql) from unnest(array['update audit_entries set action = ''x''', 'delete from audit_entries',
                 'truncate audit_entries', 'delete from audit_links', 'truncate audit_links']) sql",
        )
        .await;
    assert_eq!(answer, ["23000"; 5]);
}
