//! What is recorded, in which order, by how many at a time.

use audit::verify_all;
use audit_api::{Audit, Error, Filter, NewEntry, Place, Proof};
use db::prelude::*;
use kernel::{ApiKeyId, Ctx, Denied, Fault, KeyUse, OrgId, OrgRole, PageRequest, Permission};
use serde_json::json;
use testkit::until;
use uuid::Uuid;

use crate::scenery::{Scene, ctx, record};

#[tokio::test]
async fn an_organisation_has_no_empty_trail_and_nobody_has_none() {
    let scene = Scene::new().await;
    let nobody = scene.verify(&ctx(OrgRole::Owner)).await;
    assert_eq!((nobody.valid, nobody.entries, nobody.head_hash, nobody.broken_at), (true, 0, [0; 32], None));
    let founded = scene.db.party("Without a founding entry").await.ctx();
    let found = scene.verify(&founded).await;
    assert_eq!((found.valid, found.entries, found.broken_at, found.next), (false, 0, Some(1), None));
    let all = verify_all(&scene.db.system_uow()).await.unwrap();
    assert_eq!(all.iter().map(|chain| (chain.org, chain.verification.broken_at)).collect::<Vec<_>>(), [(founded.org, Some(1))]);
    scene.record(&founded, 1).await;
    assert!(scene.verify(&founded).await.valid);
}

#[tokio::test]
async fn a_chain_is_verified_page_by_page_and_from_a_head_that_was_kept() {
    let scene = Scene::new().await;
    let ctx = ctx(OrgRole::Owner);
    scene.record(&ctx, 5).await;
    let kept = scene.audit.head(&ctx).await.unwrap();
    scene.record(&ctx, 2).await;
    let (mut from, mut looked) = (Place::BEGINNING, Vec::new());
    loop {
        let found = scene.audit.verify(&ctx, from, 3).await.unwrap();
        assert_eq!((found.valid, found.entries), (true, 7));
        looked.push(found.looked);
        let Some(next) = found.next else { break };
        from = next;
    }
    assert_eq!(looked, [3, 3, 3, 3, 2], "seven links, then seven entries");
    let since = Place::Links { after: kept.sequence, hash: kept.hash };
    let found = scene.audit.verify(&ctx, since, 100).await.unwrap();
    assert_eq!((found.valid, found.looked, found.next), (true, 2 + 7, None));
    for (after, hash) in [(5, [1; 32]), (4, kept.hash), (99, kept.hash)] {
        let found = scene.audit.verify(&ctx, Place::Links { after, hash }, 100).await.unwrap();
        assert_eq!((found.valid, found.broken_at), (false, Some(after)), "the chain holds no such head");
    }
}

#[tokio::test]
async fn entries_form_a_chain_from_zeros_to_the_head() {
    let scene = Scene::new().await;
    let ctx = ctx(OrgRole::Owner);
    scene.record(&ctx, 3).await;
    let page = scene.audit.list(&ctx, &Filter::default(), PageRequest::first(10)).await.unwrap();
    let chain: Vec<_> = page.items.iter().rev().collect();
    assert_eq!(chain.iter().map(|e| e.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(chain[0].previous_hash, [0; 32]);
    assert_eq!(chain[1].previous_hash, chain[0].hash);
    assert_eq!(chain[2].previous_hash, chain[1].hash);
    assert_eq!(chain[2].after, Some(json!({ "number": 2, "price": 1.50 })));
    assert_eq!(chain[2].actor_id, ctx.user_id());
    assert_eq!(chain[2].request_id, ctx.request.as_str());
    let found = scene.verify(&ctx).await;
    assert_eq!((found.valid, found.entries, found.head_hash), (true, 3, chain[2].hash));
}

#[tokio::test]
async fn what_a_program_does_is_chained_with_its_key() {
    let scene = Scene::new().await;
    let ctx = ctx(OrgRole::Owner);
    let key = KeyUse { id: ApiKeyId::new(), scopes: vec!["notes.write".into()], of_leaver: false };
    let by_key = Ctx { key: Some(std::sync::Arc::new(key.clone())), ..ctx.clone() };
    scene.record(&ctx, 1).await;
    scene.record(&by_key, 1).await;
    scene.record(&ctx, 1).await;
    let page = scene.audit.list(&ctx, &Filter::default(), PageRequest::first(10)).await.unwrap();
    assert_eq!(page.items.iter().map(|entry| entry.api_key).collect::<Vec<_>>(), [None, Some(key.id), None]);
    assert!(page.items.iter().all(|entry| entry.actor_id == ctx.user_id()));
    let found = scene.verify(&ctx).await;
    assert_eq!((found.valid, found.entries), (true, 3));
}

#[tokio::test]
async fn pages_and_filters() {
    let scene = Scene::new().await;
    let ctx = ctx(OrgRole::Owner);
    scene.record(&ctx, 5).await;
    let first = scene.audit.list(&ctx, &Filter::default(), PageRequest::first(2)).await.unwrap();
    let second = scene.audit.list(&ctx, &Filter::default(), PageRequest { limit: 2, after: first.next }).await.unwrap();
    let last = scene.audit.list(&ctx, &Filter::default(), PageRequest { limit: 2, after: second.next }).await.unwrap();
    let numbers: Vec<i64> = [&first, &second, &last].iter().flat_map(|page| &page.items).map(|e| e.sequence).collect();
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
    assert_eq!(last.next, None);
    let one = Filter {
        entity_id: Some(first.items[0].entity_id),
        entity_type: Some("note".into()),
        actor_id: ctx.user_id(),
        action: Some("notes.write".into()),
    };
    assert_eq!(scene.audit.list(&ctx, &one, PageRequest::first(10)).await.unwrap().items.len(), 1);
    let none = Filter { action: Some("notes.read".into()), ..Filter::default() };
    assert!(scene.audit.list(&ctx, &none, PageRequest::first(10)).await.unwrap().items.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_writers_make_one_chain() {
    let scene = Scene::new().await;
    let ctx = ctx(OrgRole::Owner);
    let uow = scene.db.uow_with(|settings| (settings.size, settings.wait) = (8, std::time::Duration::from_secs(30))).await;
    let writers: Vec<_> = (0..32)
        .map(|number| {
            let (audit, uow, ctx) = (std::sync::Arc::clone(&scene.audit), uow.clone(), ctx.clone());
            tokio::spawn(async move {
                for round in 0..4 {
                    record(&audit, &uow, &ctx, number * 10 + round).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let found = scene.verify(&ctx).await;
    assert_eq!((found.valid, found.entries, found.broken_at), (true, 128, None));
}

/// An entry in an organisation's trail, written as the platform's functions do.
fn entry(org: OrgId) -> String {
    format!(
        "insert into audit_entries (org_id, id, action, entity_type, entity_id, request_id)
         values ('{org}', gen_random_uuid(), 'x', 'x', gen_random_uuid(), 'r');"
    )
}

#[tokio::test]
async fn two_that_write_in_both_parties_trails_in_opposite_orders_both_commit() {
    let scene = Scene::new().await;
    let mut orgs = [OrgId::new(), OrgId::new()];
    orgs.sort_by_key(|org| org.0);
    let [contractor, owner] = orgs;
    // Each has its chain.
    scene.db.run_sql(&format!("{}{}", entry(contractor), entry(owner))).await;
    let waiting = async |how_many: &str| {
        let sql = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        let reached = async || (scene.db.query(sql).await == [how_many]).then_some(());
        until(&format!("{how_many} wait for a lock"), reached).await;
    };
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let system = scene.db.system_uow();
    let holder = system.write(async |tx| {
        let sql = format!("select from audit_heads where org_id = '{contractor}' for update");
        diesel::sql_query(sql).execute(tx.pg()).await.fault()?;
        begun.send(()).unwrap();
        released.await.unwrap();
        Ok::<_, Fault>(())
    });
    // Such as an award that falls, told to the bidder; and a transfer found reversed, told to the contractor first.
    let [ordered, reversed] = [[contractor, owner], [owner, contractor]]
        .map(|[first, second]| format!("begin; {}{} commit", entry(first), entry(second)));
    let writers = async {
        has_begun.await.unwrap();
        let first = scene.db.run_sql(&ordered);
        let others = async {
            waiting("1").await;
            let second = scene.db.run_sql(&reversed);
            let end = async {
                waiting("2").await;
                release.send(()).unwrap();
            };
            futures::join!(second, end);
        };
        futures::join!(first, others);
    };
    let (held, ()) = futures::join!(holder, writers);
    held.unwrap();
    for org in orgs {
        let linked = format!("select count(*) from audit_links where org_id = '{org}'");
        assert_eq!(scene.db.query(&linked).await, ["3"]);
    }
}

#[tokio::test]
async fn several_entries_of_one_transaction_keep_their_order_and_a_rollback_leaves_none() {
    let scene = Scene::new().await;
    let ctx = ctx(OrgRole::Owner);
    let uow = scene.db.uow();
    let both = uow.write(&ctx, async |tx| {
        for action in ["first", "second"] {
            scene.audit.record_in(tx, &ctx, NewEntry::named(action, "note", Uuid::now_v7())).await?;
        }
        Ok::<_, Fault>(())
    });
    both.await.unwrap();
    let undone = uow.write(&ctx, async |tx| {
        scene.audit.record_in(tx, &ctx, NewEntry::named("third", "note", Uuid::now_v7())).await?;
        Err::<(), _>(Fault::internal("no"))
    });
    assert!(undone.await.is_err());
    let page = scene.audit.list(&ctx, &Filter::default(), PageRequest::first(10)).await.unwrap();
    assert_eq!(page.items.iter().map(|e| (e.action.as_str(), e.sequence)).collect::<Vec<_>>(), [("second", 2), ("first", 1)]);
    assert!(scene.verify(&ctx).await.valid);
}

#[tokio::test]
async fn denials_are_recorded_and_reading_needs_the_permission() {
    let scene = Scene::new().await;
    let owner = ctx(OrgRole::Owner);
    let denied = Denied { permission: Permission("tenders.award"), project: None };
    scene.audit.record_denial(&owner, &denied, "POST /api/tenders/{id}/award").await.unwrap();
    let page = scene.audit.list(&owner, &Filter::default(), PageRequest::first(10)).await.unwrap();
    assert_eq!(page.items.iter().map(|e| (e.action.as_str(), e.denied)).collect::<Vec<_>>(), [("tenders.award", true)]);
    assert_eq!(page.items[0].after, Some(json!({ "route": "POST /api/tenders/{id}/award" })));
    let member = ctx(OrgRole::Member);
    assert!(matches!(scene.audit.list(&member, &Filter::default(), PageRequest::first(10)).await, Err(Error::Denied(_))));
    assert!(matches!(scene.audit.verify(&member, Place::BEGINNING, 1).await, Err(Error::Denied(_))));
    assert!(matches!(scene.audit.head(&member).await, Err(Error::Denied(_))));
}
