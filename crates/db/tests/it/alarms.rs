//! Alarms: rows raised in the transaction of what happened, closed to tenants, settled once.

use db::{Settled, alarming, alarms, open_alarms_by_kind, settle_alarm};
use kernel::{Fault, OrgId};
use testkit::Database;
use uow::Alarm;

use crate::scenery::{ctx, run};

fn alarm(kind: &'static str, id: &str, org: Option<OrgId>, detail: &str) -> Alarm {
    Alarm { kind, about: ("thing", id.to_owned()), org, detail: detail.to_owned() }
}

#[tokio::test]
async fn an_alarm_is_raised_with_the_transaction_it_happens_in_by_tenants_and_by_the_platform() {
    let db = Database::fresh().await;
    let tenant = ctx();
    let rolled_back: Result<(), Fault> = db
        .uow()
        .write(&tenant, async |tx| {
            tx.alarm(alarm("lost", "1", None, "never happened")).await?;
            Err(Fault::internal("changed our mind"))
        })
        .await;
    assert!(rolled_back.is_err());
    assert_eq!(alarms(&db.system_uow(), true).await.expect("lists"), []);

    // What a tenant's transaction raises is that tenant's, whatever it says.
    let other = OrgId::new();
    for detail in ["first", "again,\nin two lines\0"] {
        let raised = alarm("tenants", "1", Some(other), detail);
        db.uow().write(&tenant, async |tx| tx.alarm(raised).await).await.expect("raises");
    }
    db.system_uow()
        .write(async |tx| tx.alarm(alarm("platforms", "1", Some(other), "whose it is said to be")).await)
        .await
        .expect("raises");
    db.system_uow().write(async |tx| tx.alarm(alarm("platforms", "2", None, "nobody's")).await).await.expect("raises");
    let rows = alarms(&db.system_uow(), false).await.expect("lists");
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            (row.kind.as_str(), row.object_type.as_str(), row.object_id.as_str(), row.org_id, row.times, row.detail.as_str())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("tenants", "thing", "1", Some(tenant.org.0), 2, "again, in two lines "),
            ("platforms", "thing", "1", Some(other.0), 1, "whose it is said to be"),
            ("platforms", "thing", "2", None, 1, "nobody's"),
        ]
    );
    assert!(rows[0].raised_at < rows[0].last_seen_at);
    let open = open_alarms_by_kind(&db.system_uow()).await.expect("counts");
    assert_eq!(open, [("platforms".to_owned(), 2), ("tenants".to_owned(), 1)]);
}

#[tokio::test]
async fn a_tenant_can_raise_alarms_and_nothing_else() {
    let db = Database::fresh().await;
    let tenant = ctx();
    db.uow().write(&tenant, async |tx| tx.alarm(alarm("mine", "1", None, "x")).await).await.expect("raises");
    for sql in [
        "select * from alarms",
        "insert into alarms (id, kind, object_type, object_id, detail, raised_at, last_seen_at) values (gen_random_uuid(), 'a_', 'b_', 'c', 'd', now(), now())",
        "update alarms set settled_at = now(), settled_by = 'me', note = 'x'",
        "delete from alarms",
    ] {
        let refused = db.uow().write(&tenant, async |tx| run(tx, sql).await).await.expect_err("is refused");
        assert!(refused.to_string().contains("permission denied for table alarms"), "{sql}: {refused}");
    }
    let ending = db.uow().write(&tenant, async |tx| tx.end_alarms("mine", &["1".to_owned()]).await).await;
    assert!(ending.expect_err("is refused").to_string().contains("use `SystemUow`"));
}

#[tokio::test]
async fn a_settled_alarm_keeps_who_settled_it_and_its_cause_raises_another() {
    let db = Database::fresh().await;
    let system = db.system_uow();
    let raise =
        async || db.uow().write(&ctx(), async |tx| tx.alarm(alarm("broken", "1", None, "x")).await).await.expect("raises");
    raise().await;
    let id = alarms(&system, false).await.expect("lists")[0].id;
    let (ada, bob) = ("Ada".parse().expect("a name"), "Bob".parse().expect("a name"));
    let (mended, again) = ("mended".parse().expect("a reason"), "again".parse().expect("a reason"));
    let Settled::Now(row) = settle_alarm(&system, id, &ada, &mended).await.expect("settles") else { panic!("settled now") };
    assert_eq!((row.settled_by.as_deref(), row.note.as_deref()), (Some("Ada"), Some("mended")));
    assert_eq!(settle_alarm(&system, id, &bob, &again).await.expect("is told"), Settled::Before(row.clone()));
    assert_eq!(settle_alarm(&system, uuid::Uuid::nil(), &bob, &again).await.expect("is told"), Settled::Unknown);
    assert_eq!(alarms(&system, false).await.expect("lists"), []);
    assert_eq!(open_alarms_by_kind(&system).await.expect("counts"), [("broken".to_owned(), 0)]);
    raise().await;
    let all = alarms(&system, true).await.expect("lists");
    assert_eq!(all.len(), 2);
    assert_eq!((&all[0], all[1].times, all[1].settled_at), (&row, 1, None));
    for sql in [
        format!("update alarms set note = 'other' where id = '{id}'"),
        "delete from alarms".to_owned(),
        "update alarms set kind = 'other_kind' where settled_at is null".to_owned(),
    ] {
        let said = tampered(&db, &sql).await;
        assert!(said.contains("append-only") || said.contains("never changes"), "{sql}: {said}");
    }
}

/// What even the superuser is told.
async fn tampered(db: &Database, sql: &str) -> String {
    let sql = sql.replace('\'', "''");
    let asked = format!(
        "do $t$ begin execute '{sql}'; exception when others then perform set_config('test.said', sqlerrm, false); end $t$;
         select current_setting('test.said')"
    );
    db.query(&asked).await.remove(0)
}

#[tokio::test]
async fn nobody_takes_the_place_of_anothers_alarm() {
    let db = Database::fresh().await;
    let (system, stranger, victim) = (db.system_uow(), ctx(), ctx());
    for _ in 0..3 {
        db.uow().write(&stranger, async |tx| tx.alarm(alarm("broken", "1", None, "nothing to see")).await).await.expect("raises");
    }
    db.uow().write(&victim, async |tx| tx.alarm(alarm("broken", "1", None, "it broke")).await).await.expect("raises");
    for owner in [Some(victim.org), None] {
        system.write(async |tx| tx.alarm(alarm("broken", "1", owner, "seen by a sweep")).await).await.expect("raises");
    }
    let rows = alarms(&system, false).await.expect("lists");
    let told: Vec<_> = rows.iter().map(|row| (row.org_id, row.times, row.detail.as_str())).collect();
    assert_eq!(
        told,
        [(Some(stranger.org.0), 3, "nothing to see"), (Some(victim.org.0), 2, "seen by a sweep"), (None, 1, "seen by a sweep")]
    );
    system.write(async |tx| tx.end_alarms("broken", &["1".to_owned()]).await).await.expect("ends");
    assert_eq!(alarms(&system, false).await.expect("lists"), [], "over is over, whoever said it");
}

#[tokio::test]
async fn a_sweep_ends_what_is_over_and_leaves_the_rest() {
    let db = Database::fresh().await;
    let system = db.system_uow();
    for (kind, id) in [("state", "1"), ("state", "2"), ("other", "1")] {
        db.uow().write(&ctx(), async |tx| tx.alarm(alarm(kind, id, None, "x")).await).await.expect("raises");
    }
    let mut open: Vec<String> =
        system.read(async |tx| alarming(tx, "state").await).await.expect("lists").into_iter().map(|seen| seen.about).collect();
    open.sort();
    assert_eq!(open, ["1", "2"]);
    system.write(async |tx| tx.end_alarms("state", &["1".to_owned(), "3".to_owned()]).await).await.expect("ends");
    let all = alarms(&system, true).await.expect("lists");
    let told: Vec<_> = all.iter().map(|row| (row.kind.as_str(), row.object_id.as_str(), row.settled_by.as_deref())).collect();
    assert_eq!(told, [("state", "1", Some("sweep")), ("state", "2", None), ("other", "1", None)]);
}

#[tokio::test]
async fn what_was_raised_again_after_a_sweep_saw_it_stays_open() {
    let db = Database::fresh().await;
    let system = db.system_uow();
    let raise = async |id: &str| {
        db.uow().write(&ctx(), async |tx| tx.alarm(alarm("state", id, None, "x")).await).await.expect("raises");
    };
    let owner = ctx();
    let raise_same = async |id: &str| {
        db.uow().write(&owner, async |tx| tx.alarm(alarm("state", id, None, "x")).await).await.expect("raises");
    };
    raise("1").await;
    raise_same("2").await;
    let seen = system.read(async |tx| alarming(tx, "state").await).await.expect("lists");
    assert_eq!(seen.len(), 2);
    // Between the look and its end one happens again, and another one is settled and happens anew.
    raise_same("2").await;
    system.write(async |tx| tx.end_seen_alarms(&seen).await).await.expect("ends");
    let open: Vec<_> = alarms(&system, false).await.expect("lists").into_iter().map(|row| (row.object_id, row.times)).collect();
    assert_eq!(open, [("2".to_owned(), 2)]);
    let seen = system.read(async |tx| alarming(tx, "state").await).await.expect("lists");
    system.write(async |tx| tx.end_alarms("state", &["2".to_owned()]).await).await.expect("ends");
    raise_same("2").await;
    system.write(async |tx| tx.end_seen_alarms(&seen).await).await.expect("ends");
    assert_eq!(alarms(&system, false).await.expect("lists").len(), 1, "the one that was raised anew");
    let ending = db.uow().write(&owner, async |tx| tx.end_seen_alarms(&seen).await).await;
    assert!(ending.expect_err("is refused").to_string().contains("use `SystemUow`"));
}

#[tokio::test]
async fn a_tenant_has_so_many_open_alarms_and_one_that_counts_the_others() {
    let db = Database::fresh().await;
    let (tenant, other) = (ctx(), ctx());
    let flood = "select app.raise_alarm('flood', 'thing', n::text, null, 'x') from generate_series(1, 1005) n";
    db.uow().write(&tenant, async |tx| run(tx, flood).await).await.expect("raises");
    db.uow().write(&tenant, async |tx| tx.alarm(alarm("flood", "1", None, "again")).await).await.expect("raises");
    db.uow().write(&other, async |tx| tx.alarm(alarm("flood", "1", None, "another's")).await).await.expect("raises");
    let told = format!(
        "select concat_ws(' ', kind, count(*), sum(times)) from alarms where org_id = '{}' group by kind order by kind",
        tenant.org
    );
    assert_eq!(db.query(&told).await, ["alarms_flooded 1 5", "flood 1000 1001"], "what is open already is seen again");
    let others = format!("select concat_ws(' ', kind, count(*)) from alarms where org_id = '{}' group by kind", other.org);
    assert_eq!(db.query(&others).await, ["flood 1"]);
}

#[tokio::test]
async fn many_raising_the_same_at_once_are_one_alarm() {
    let db = Database::fresh().await;
    let tenant = ctx();
    let raise = async || db.uow().write(&tenant, async |tx| tx.alarm(alarm("crowd", "1", None, "x")).await).await;
    let raised = futures::future::join_all((0..16).map(|_| raise())).await;
    assert!(raised.iter().all(Result::is_ok));
    assert_eq!(db.query("select count(*) || ' ' || max(times) from alarms").await, ["1 16"]);
}
