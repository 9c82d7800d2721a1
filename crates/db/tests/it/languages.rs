//! A server may speak any language: errors are told apart by their SQLSTATE.

use std::time::Duration;

use db::{PoolSettings, Postgres};
use kernel::{Fault, FaultKind};
use testkit::{Database, Proxy, ProxyFault, until};
use uow::Uow;

use crate::scenery::{ctx, database, note, run};

struct Abroad {
    db: Database,
    uow: Uow,
    _proxy: Proxy,
}

/// The tenants' door of a server that speaks German.
async fn abroad(change: impl FnOnce(&mut PoolSettings)) -> Abroad {
    let db = database().await;
    let url = db.app_url().await;
    let proxy = Proxy::before(&url, ProxyFault::WithLanguage).await;
    let mut settings = PoolSettings { wait: Duration::from_secs(60), ..PoolSettings::app(proxy.url(&url)) };
    change(&mut settings);
    let uow = Uow::new(Postgres::new(settings).expect("settings that hold"));
    Abroad { db, uow, _proxy: proxy }
}

#[track_caller]
fn is(fault: &Fault, kind: FaultKind) {
    assert_eq!(*fault.kind(), kind, "{fault}");
    assert!(fault.to_string().contains("etwas ging schief"), "{fault}");
}

#[tokio::test]
async fn a_lock_timeout_is_unavailable_in_every_language() {
    let abroad = abroad(|settings| settings.lock_timeout = Duration::from_millis(50)).await;
    let (uow, ctx) = (&abroad.uow, ctx());
    uow.write(&ctx, async |tx| note(tx, 1).await).await.expect("commits");
    let fault = uow
        .write(&ctx, async |tx| {
            run(tx, "update notes set text = 'mine'").await?;
            let theirs = tokio::spawn({
                let (uow, ctx) = (uow.clone(), ctx.clone());
                async move { uow.write(&ctx, async |tx| run(tx, "update notes set text = 'yours'").await).await }
            });
            Ok::<_, Fault>(theirs.await.expect("runs").expect_err("it is locked"))
        })
        .await
        .expect("commits");
    is(&fault, FaultKind::Unavailable);
}

#[tokio::test]
async fn a_statement_timeout_is_unavailable_in_every_language() {
    let abroad = abroad(|settings| settings.statement_timeout = Duration::from_millis(200)).await;
    let fault = abroad.uow.write(&ctx(), async |tx| run(tx, "select pg_sleep(60)").await).await.expect_err("too long");
    is(&fault, FaultKind::Unavailable);
}

#[tokio::test]
async fn a_deadlock_is_unavailable_in_every_language() {
    let abroad = abroad(|settings| settings.lock_timeout = Duration::from_secs(60)).await;
    let (uow, ctx) = (abroad.uow.clone(), ctx());
    uow.write(&ctx, async |tx| {
        note(tx, 1).await?;
        note(tx, 2).await
    })
    .await
    .expect("commits");
    let both = std::sync::Arc::new(tokio::sync::Barrier::new(2));
    let one = |first: i32, second: i32| {
        let (uow, ctx, both) = (uow.clone(), ctx.clone(), both.clone());
        tokio::spawn(async move {
            uow.write(&ctx, async |tx| {
                run(tx, &format!("update notes set text = 'a' where id = {first}")).await?;
                both.wait().await;
                run(tx, &format!("update notes set text = 'b' where id = {second}")).await
            })
            .await
        })
    };
    let (a, b) = (one(1, 2), one(2, 1));
    let outcomes = [a.await.expect("runs"), b.await.expect("runs")];
    let fault = outcomes.into_iter().find_map(Result::err).expect("one is the victim");
    is(&fault, FaultKind::Unavailable);
}

#[tokio::test]
async fn a_terminated_session_is_unavailable_in_every_language() {
    let abroad = abroad(|_| ()).await;
    let (uow, ctx) = (abroad.uow.clone(), ctx());
    let sleeping = tokio::spawn(async move { uow.write(&ctx, async |tx| run(tx, "select pg_sleep(60)").await).await });
    let end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query = 'select pg_sleep(60)'";
    until("it sleeps, and is woken", async || (abroad.db.query(end).await == ["t"]).then_some(())).await;
    let fault = sleeping.await.expect("runs").expect_err("terminated");
    assert_eq!(*fault.kind(), FaultKind::Unavailable, "{fault}");
}

#[tokio::test]
async fn a_bug_stays_a_bug_in_every_language() {
    let abroad = abroad(|_| ()).await;
    for sql in ["select * from nowhere", "select 1/0", "insert into notes (id, text) values (1, null)"] {
        let fault = abroad.uow.write(&ctx(), async |tx| run(tx, sql).await).await.expect_err("wrong");
        is(&fault, FaultKind::Internal);
    }
}
