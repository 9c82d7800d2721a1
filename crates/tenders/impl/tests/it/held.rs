//! How long somebody can keep a tender from being closed by holding it as if for a bid.

use std::time::Duration;

use db::prelude::*;
use diesel::sql_types::Text;
use kernel::{Ctx, Fault, RequestId};
use testkit::until;

use crate::world::World;

#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = Text)]
    bounds: String,
}

/// What each connection of the serving role is told: no statement runs for longer, or waits for longer for a lock, and no transaction idles for longer.
#[tokio::test]
async fn every_transaction_of_the_serving_role_is_bounded() {
    let w = World::new().await;
    let told: Told =
        w.db.uow_with(|_| {})
            .await
            .read(&w.acme.ctx(), async |tx| {
                let sql = "select concat_ws(' ', current_setting('statement_timeout'), current_setting('lock_timeout'),
                current_setting('idle_in_transaction_session_timeout')) as bounds";
                diesel::sql_query(sql).get_result(&mut tx.pg()).await.fault()
            })
            .await
            .unwrap();
    assert_eq!(told.bounds, "15s 10s 1min");
}

#[tokio::test]
async fn a_tender_is_held_no_longer_than_a_statement_may_run_and_is_closed_then() {
    let w = World::new().await;
    let tender = w.published().await;
    let door = w.db.uow_with(|settings| settings.statement_timeout = Duration::from_secs(1)).await;
    let (ctx, owner) = (w.acme.ctx(), w.owner.org);
    // As whoever makes the program run statements of theirs could: hold the tender, and then let one take its time.
    let holding = tokio::spawn(async move {
        door.write(&ctx, async |tx| {
            let hold = format!("select * from app.hold_tender_for_bid('{owner}', '{tender}')");
            diesel::sql_query(hold).execute(tx.pg()).await.fault()?;
            diesel::sql_query("select pg_sleep(600)").execute(tx.pg()).await.fault()?;
            Ok::<_, Fault>(())
        })
        .await
    });
    let held = "select 1 from pg_locks where granted and locktype = 'advisory' and mode = 'ShareLock'
        and database = (select oid from pg_database where datname = current_database())";
    until("the tender is held", async || (!w.db.query(held).await.is_empty()).then_some(())).await;
    w.after_deadline().await;
    let platform = Ctx::system(owner, RequestId::generate());
    w.service.close_due(&platform, tenders::Close { tender }).await.unwrap();
    // Nobody bid on it.
    assert_eq!(w.db.query("select status from tenders").await, ["unsuccessful"], "it waited for no more than that");
    assert!(holding.await.unwrap().is_err(), "what was held was given back");
}
