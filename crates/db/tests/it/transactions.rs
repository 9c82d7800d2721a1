//! The rules of a writing transaction.

use std::time::Duration;

use db::prelude::*;
use futures::FutureExt;
use kernel::{Actor, Ctx, Fault, FaultKind, RequestId, SupportSessionId};
use serde::{Deserialize, Serialize};
use testkit::until;
use uow::{Job, Task, forbid_in_transaction};

use crate::scenery::{ctx, database, ids, note, run};

/// A task that nobody does.
#[derive(Serialize, Deserialize)]
struct Nothing;

impl Task for Nothing {
    const NAME: &'static str = "nothing.at_all";
}

#[tokio::test]
async fn what_is_committed_stays_and_what_fails_leaves_nothing() {
    let db = database().await;
    let (uow, ctx) = (db.uow(), ctx());
    uow.write(&ctx, async |tx| note(tx, 1).await).await.expect("commits");
    let error = uow
        .write(&ctx, async |tx| {
            note(tx, 2).await?;
            tx.enqueue(Job::of(&Nothing)).await?;
            Err::<(), _>(Fault::internal("changed my mind"))
        })
        .await
        .expect_err("rolls back");
    assert!(error.to_string().starts_with("changed my mind"));
    assert_eq!(uow.read(&ctx, async |tx| ids(tx).await).await.expect("reads"), [1]);
    assert_eq!(db.query("select count(*) from graphile_worker.jobs").await, ["0"]);
}

#[tokio::test]
async fn support_is_given_no_transaction_that_could_write() {
    let db = database().await;
    let (uow, ctx) = (db.uow(), ctx());
    uow.write(&ctx, async |tx| note(tx, 1).await).await.expect("commits");
    let support = Ctx { actor: Actor::Support(SupportSessionId::new()), ..Ctx::system(ctx.org, RequestId::generate()) };
    let refused = uow.write(&support, async |tx| note(tx, 2).await).await.expect_err("it only reads");
    assert!(refused.to_string().contains("only reads"), "{refused}");
    assert_eq!(uow.read(&support, async |tx| ids(tx).await).await.expect("reads"), [1]);
}

#[tokio::test]
async fn a_dropped_transaction_frees_its_locks_at_once() {
    let db = database().await;
    let (uow, ctx) = (db.uow(), ctx());
    uow.write(&ctx, async |tx| note(tx, 1).await).await.expect("commits");

    let (locked, is_locked) = tokio::sync::oneshot::channel();
    let mut held = Box::pin(uow.write(&ctx, async |tx| {
        run(tx, "update notes set text = 'mine'").await?;
        locked.send(()).expect("somebody waits");
        std::future::pending::<()>().await;
        Ok::<_, Fault>(())
    }));
    tokio::select! {
        _ = &mut held => unreachable!("it never ends by itself"),
        got = is_locked => got.expect("the row is locked"),
    }
    drop(held);

    // Were it not, the statement would end with lock_timeout.
    uow.write(&ctx, async |tx| run(tx, "update notes set text = 'yours'").await).await.expect("the lock is free");
    let open = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'";
    until("the dropped transaction is gone", async || (db.query(open).await == ["0"]).then_some(())).await;
}

#[tokio::test]
async fn a_transaction_inside_a_transaction_is_refused() {
    let db = database().await;
    let (uow, ctx) = (db.uow(), ctx());
    let system = db.system_uow();
    uow.write(&ctx, async |_| {
        let nested = uow.write(&ctx, async |_| Ok::<_, Fault>(())).await.expect_err("refused");
        assert!(nested.to_string().contains("inside a transaction"), "{nested}");
        uow.read(&ctx, async |_| Ok::<_, Fault>(())).await.expect_err("refused");
        system.write(async |_| Ok::<_, Fault>(())).await.expect_err("refused");
        Ok::<_, Fault>(())
    })
    .await
    .expect("the outer one goes on");
    uow.read(&ctx, async |_| {
        uow.read(&ctx, async |_| Ok::<_, Fault>(())).await.expect_err("refused");
        Ok::<_, Fault>(())
    })
    .await
    .expect("the outer one goes on");
}

#[tokio::test]
async fn calling_out_inside_a_transaction_is_refused() {
    let db = database().await;
    forbid_in_transaction("a call to Stripe").expect("outside it is fine");
    db.uow()
        .write(&ctx(), async |_| {
            let refused = forbid_in_transaction("a call to Stripe").expect_err("refused");
            assert!(refused.to_string().starts_with("a call to Stripe inside a transaction"), "{refused}");
            Ok::<_, Fault>(())
        })
        .await
        .expect("commits");
}

#[tokio::test]
async fn a_swallowed_error_refuses_to_commit() {
    let db = database().await;
    let (uow, ctx) = (db.uow(), ctx());
    let error = uow
        .write(&ctx, async |tx| {
            note(tx, 1).await?;
            let _swallowed = run(tx, "select 1 / 0").await;
            Ok::<_, Fault>(())
        })
        .await
        .expect_err("it must not look like success");
    assert!(error.to_string().contains("its error was swallowed"), "{error}");
    assert_eq!(uow.read(&ctx, async |tx| ids(tx).await).await.expect("reads"), [] as [i32; 0]);
}

#[tokio::test]
async fn a_savepoint_recovers_from_a_failed_statement() {
    let db = database().await;
    let (uow, ctx) = (db.uow(), ctx());
    uow.write(&ctx, async |tx| {
        note(tx, 1).await?;
        let inner = tx
            .savepoint(async |tx| {
                note(tx, 2).await?;
                tx.savepoint(async |tx| note(tx, 3).await).await?;
                note(tx, 1).await
            })
            .await;
        assert!(inner.is_err(), "a duplicate key");
        note(tx, 4).await
    })
    .await
    .expect("commits");
    assert_eq!(uow.read(&ctx, async |tx| ids(tx).await).await.expect("reads"), [1, 4]);
}

#[tokio::test]
async fn an_exhausted_pool_answers_unavailable_within_its_timeout() {
    let db = database().await;
    let uow = db
        .uow_with(|settings| {
            settings.size = 1;
            settings.wait = Duration::from_millis(200);
        })
        .await;
    let ctx = ctx();
    // Connecting is bounded by the same wait.
    until("it is connected", async || uow.read(&ctx, async |tx| ids(tx).await).await.ok()).await;
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let holder = uow.write(&ctx, async |_| {
        begun.send(()).expect("somebody waits");
        released.await.expect("released");
        Ok::<_, Fault>(())
    });
    let other = async {
        has_begun.await.expect("the only connection is taken");
        let read = uow.read(&ctx, async |tx| ids(tx).await);
        let fault =
            tokio::time::timeout(Duration::from_secs(60), read).await.expect("in time").expect_err("no connection is free");
        assert_eq!(*fault.kind(), FaultKind::Unavailable);
        assert!(fault.to_string().contains("no database connection within 200ms"), "{fault}");
        release.send(()).expect("the holder waits");
    };
    let (held, ()) = futures::join!(holder.boxed_local(), other);
    held.expect("the holder commits");
    uow.read(&ctx, async |tx| ids(tx).await).await.expect("the connection is free again");
}

#[tokio::test]
async fn deadlock_and_lock_timeout_are_unavailable_not_internal() {
    let db = database().await;
    let ctx = ctx();
    let uow = db.uow_with(|settings| settings.lock_timeout = Duration::from_millis(50)).await;
    uow.write(&ctx, async |tx| note(tx, 1).await).await.expect("commits");
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let holder = uow.write(&ctx, async |tx| {
        run(tx, "update notes set text = 'mine'").await?;
        begun.send(()).expect("somebody waits");
        released.await.expect("released");
        Ok::<_, Fault>(())
    });
    let other = async {
        has_begun.await.expect("locked");
        let fault = uow.write(&ctx, async |tx| run(tx, "update notes set text = 'yours'").await).await.expect_err("locked");
        assert_eq!(*fault.kind(), FaultKind::Unavailable, "{fault}");
        release.send(()).expect("the holder waits");
    };
    let (held, ()) = futures::join!(holder, other);
    held.expect("commits");
}

#[tokio::test]
async fn a_lost_server_is_unavailable_and_the_pool_recovers() {
    let db = database().await;
    let (uow, ctx) = (db.uow(), ctx());
    uow.read(&ctx, async |tx| ids(tx).await).await.expect("connects");
    db.run_sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'build14_app' and datname = current_database()",
    )
    .await;
    until("reads work again", async || match uow.read(&ctx, async |tx| ids(tx).await).await {
        Ok(_) => Some(()),
        Err(fault) => {
            assert_eq!(*fault.kind(), FaultKind::Unavailable, "{fault}");
            None
        }
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_the_commit_is_bounded_by_the_statement_timeout() {
    let db = database().await;
    db.run_sql(
        "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(20); return null; end $$;
         create constraint trigger slow after insert on notes deferrable initially deferred for each row execute function slow()",
    )
    .await;
    let uow = db.uow_with(|settings| settings.statement_timeout = Duration::from_secs(2)).await;
    let ctx = ctx();
    let fault = uow.write(&ctx, async |tx| note(tx, 1).await).await.expect_err("the check takes too long");
    assert_eq!(*fault.kind(), FaultKind::Unavailable, "{fault}");
    assert_eq!(uow.read(&ctx, async |tx| ids(tx).await).await.expect("reads"), [] as [i32; 0]);
}

/// What a session is like.
const LEFT: &str = "
    select concat_ws(' ', current_setting('search_path'), current_setting('statement_timeout'), current_setting('TimeZone'),
        current_setting('DateStyle'), current_setting('synchronous_commit'), current_setting('default_transaction_read_only'),
        current_setting('app.org_id', true) = app.org()::text, (select count(*) from pg_cursors where is_holdable),
        (select count(*) from pg_listening_channels()), pg_backend_pid()) as left";

#[derive(diesel::QueryableByName)]
struct Left {
    #[diesel(sql_type = diesel::sql_types::Text)]
    left: String,
}

mod functions {
    #[diesel::declare_sql_function]
    extern "SQL" {
        /// Does something to the session that outlives a commit, in a statement that diesel keeps prepared.
        fn poison() -> diesel::sql_types::Integer;
    }
}

#[tokio::test]
async fn nothing_that_a_transaction_did_to_its_session_reaches_the_next() {
    let db = database().await;
    db.run_sql(
        "create function public.poison() returns integer language plpgsql as $$ begin set search_path = pg_catalog; return 1; end $$;
         grant execute on function public.poison() to build14_app",
    )
    .await;
    let uow = db.uow_with(|settings| settings.size = 1).await;
    let (ours, theirs) = (ctx(), ctx());
    let seen = async || {
        let read = uow.read(&theirs, async |tx| diesel::sql_query(LEFT).get_result::<Left>(&mut tx.pg()).await.fault());
        read.await.expect("reads").left
    };
    let fresh = seen().await;
    assert!(fresh.starts_with("public, pg_temp 15s UTC ISO, MDY "), "{fresh}");
    let poison = format!(
        "set search_path = pg_catalog; set statement_timeout = '1h'; set time zone 'Asia/Tokyo'; set datestyle = 'German';
         set synchronous_commit = off; set default_transaction_read_only = on; set app.org_id = '{}';
         declare kept cursor with hold for select 1; listen strangers",
        ours.org
    );
    uow.write(&ours, async |tx| run(tx, &poison).await).await.expect("commits");
    assert_eq!(seen().await, fresh, "committed");
    let undone: Result<(), Fault> = uow
        .write(&ours, async |tx| {
            // Each by itself: what is sent together is taken back together.
            for sql in ["commit", poison.as_str(), "begin"] {
                run(tx, sql).await?;
            }
            Err(Fault::internal("changed my mind"))
        })
        .await;
    assert!(undone.is_err());
    assert_eq!(seen().await, fresh, "rolled back");
    uow.read(&ours, async |tx| diesel::sql_query("set search_path = pg_catalog").execute(&mut tx.pg()).await.fault())
        .await
        .expect("reads");
    assert_eq!(seen().await, fresh, "only read");
    uow.read_one(&ours, async |tx| diesel::sql_query("set search_path = pg_catalog").execute(&mut tx.pg()).await.fault())
        .await
        .expect("reads");
    assert_eq!(seen().await, fresh, "read by one statement");
    for _ in 0..3 {
        // Prepared and kept from the second time on: then the end travels with it.
        uow.read_one(&ours, async |tx| diesel::select(functions::poison()).get_result::<i32>(&mut tx.pg()).await.fault())
            .await
            .expect("reads");
        assert_eq!(seen().await, fresh, "read by one prepared statement");
    }
}
