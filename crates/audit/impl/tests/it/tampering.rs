//! What somebody with every power over the database does to the trail is found.

use audit::verify_all;
use kernel::OrgRole;

use crate::scenery::{Scene, ctx};

/// Tampers with a chain of five as the superuser, without triggers, and says where it is found broken.
async fn tampered(sql: &str) -> Option<i64> {
    let scene = Scene::new().await;
    let (ctx, other) = (ctx(OrgRole::Owner), ctx(OrgRole::Owner));
    scene.record(&ctx, 5).await;
    scene.record(&other, 2).await;
    let sql = sql.replace("$org", &format!("'{}'", ctx.org));
    scene.db.run_sql(&format!("set session_replication_role = replica; {sql}")).await;
    let found = scene.verify(&ctx).await;
    assert_eq!(found.valid, found.broken_at.is_none());
    assert!(scene.verify(&other).await.valid, "another organisation's chain is its own");
    let all = verify_all(&scene.db.system_uow()).await.unwrap();
    let broken: Vec<_> = all.iter().filter(|chain| !chain.verification.valid).map(|chain| chain.org).collect();
    assert_eq!(broken, if found.valid { vec![] } else { vec![ctx.org] });
    found.broken_at
}

#[tokio::test]
async fn nothing_done_nothing_found() {
    assert_eq!(tampered("select 1").await, None);
}

#[tokio::test]
async fn an_edited_entry() {
    let edit = |set: &str| {
        format!(
            "update audit_entries set {set} where (org_id, id) = (select org_id, entry_id from audit_links where org_id = $org and sequence = 3)"
        )
    };
    for set in [
        "after = '{\"number\": 99}'",
        "before = '{}'",
        "actor_id = gen_random_uuid()",
        "api_key_id = gen_random_uuid()",
        "action = 'notes.read'",
        "denied = true",
        "at = at + interval '1 microsecond'",
        "entity_id = gen_random_uuid()",
        "entity_type = 'other'",
        "request_id = 'other'",
    ] {
        assert_eq!(tampered(&edit(set)).await, Some(3), "{set}");
    }
}

#[tokio::test]
async fn a_removed_entry_at_any_place() {
    let entry = "delete from audit_entries where (org_id, id) = (select org_id, entry_id from audit_links where org_id = $org and sequence = ";
    let link = "delete from audit_links where org_id = $org and sequence = ";
    for place in [1, 3, 5] {
        assert_eq!(tampered(&format!("{entry}{place})")).await, Some(place), "entry {place}");
        assert_eq!(tampered(&format!("{entry}{place}); {link}{place}")).await, Some(place), "entry and link {place}");
        assert!(tampered(&format!("{link}{place}")).await.is_some(), "link {place}");
    }
}

#[tokio::test]
async fn everything_removed_but_the_head() {
    assert_eq!(
        tampered("delete from audit_entries where org_id = $org; delete from audit_links where org_id = $org").await,
        Some(1)
    );
}

#[tokio::test]
async fn everything_removed_with_the_head_of_an_organisation_that_exists() {
    let empty = "insert into organizations (org_id, name, slug) values ($org, 'Emptied', 'emptied');
        delete from audit_entries where org_id = $org; delete from audit_links where org_id = $org; delete from audit_heads where org_id = $org";
    assert_eq!(tampered(empty).await, Some(1));
}

#[tokio::test]
async fn a_removed_or_moved_head() {
    assert_eq!(tampered("delete from audit_heads where org_id = $org").await, Some(1));
    assert!(tampered("update audit_heads set sequence = 4 where org_id = $org").await.is_some());
    assert_eq!(tampered("update audit_heads set hash = sha256('x') where org_id = $org").await, Some(5));
}

#[tokio::test]
async fn swapped_entries() {
    let swap = "update audit_links set sequence = 99 where org_id = $org and sequence = 2;
                update audit_links set sequence = 2 where org_id = $org and sequence = 3;
                update audit_links set sequence = 3 where org_id = $org and sequence = 99";
    assert_eq!(tampered(swap).await, Some(2));
}

#[tokio::test]
async fn an_entry_slipped_in_beside_the_chain() {
    let slip = "insert into audit_entries (org_id, id, action, entity_type, entity_id, request_id)
                values ($org, gen_random_uuid(), 'x', 'x', gen_random_uuid(), 'x')";
    assert_eq!(tampered(slip).await, Some(6));
}

#[tokio::test]
async fn a_consistent_rewrite_of_the_past_breaks_the_next_link() {
    let rewrite = "update audit_entries set action = 'forged' where (org_id, id) = (select org_id, entry_id from audit_links where org_id = $org and sequence = 2);
                   update audit_links l set hash = app.audit_hash(e.org_id, e.id, e.at, e.actor_id, e.action, e.denied, e.entity_type, e.entity_id,
                     e.request_id, e.before, e.after, l.previous_hash) from audit_entries e
                   where l.org_id = $org and l.sequence = 2 and e.org_id = l.org_id and e.id = l.entry_id";
    assert_eq!(tampered(rewrite).await, Some(3));
}
