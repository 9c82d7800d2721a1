//! Pipelined reads: right from the first use of a statement on a fresh connection.

use db::prelude::*;
use kernel::Fault;

use crate::scenery::{ctx, database, ids, note, notes};

#[tokio::test]
async fn the_first_use_of_a_statement_on_a_fresh_connection_sees_the_tenant() {
    let db = database().await;
    let ours = ctx();
    db.uow().write(&ours, async |tx| note(tx, 1).await).await.expect("commits");
    for _ in 0..20 {
        // A pool of its own each time: its first connection has prepared nothing yet.
        let fresh = db.uow_with(|settings| settings.size = 1).await;
        assert_eq!(fresh.read_one(&ours, async |tx| ids(tx).await).await.expect("reads"), [1], "first use");
        assert_eq!(
            fresh.read_one(&ours, async |tx| ids(tx).await).await.expect("reads"),
            [1],
            "prepared: the end in the same flush"
        );
        assert_eq!(fresh.read(&ours, async |tx| ids(tx).await).await.expect("reads"), [1], "prepared, COMMIT behind");
    }
}

#[tokio::test]
async fn a_statement_that_is_never_kept_prepared_sees_the_tenant_too() {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        id: i32,
    }
    let db = database().await;
    let ours = ctx();
    let uow = db.uow_with(|settings| settings.size = 1).await;
    uow.write(&ours, async |tx| note(tx, 1).await).await.expect("commits");
    for _ in 0..5 {
        // diesel prepares `sql_query` anew each time and says nothing about it.
        let by_hand =
            uow.read_one(&ours, async |tx| diesel::sql_query("select id from notes").load::<Row>(&mut tx.pg()).await.fault());
        assert_eq!(by_hand.await.expect("reads").iter().map(|row| row.id).collect::<Vec<_>>(), [1]);
        let raw = uow.read_one(&ours, async |tx| {
            let now = diesel::dsl::sql::<diesel::sql_types::Bool>("true");
            notes::table.filter(now).select(notes::id).load::<i32>(&mut tx.pg()).await.fault()
        });
        assert_eq!(raw.await.expect("reads"), [1]);
    }
}

#[tokio::test]
async fn several_statements_of_one_read_see_one_tenant() {
    let db = database().await;
    let (uow, ours) = (db.uow(), ctx());
    uow.write(&ours, async |tx| note(tx, 1).await).await.expect("commits");
    for _ in 0..5 {
        let (first, count) = uow
            .read(&ours, async |tx| {
                let first = ids(tx).await?;
                let count: i64 = notes::table.count().get_result(&mut tx.pg()).await.fault()?;
                Ok::<_, Fault>((first, count))
            })
            .await
            .expect("reads");
        assert_eq!((first, count), (vec![1], 1));
    }
}

#[tokio::test]
async fn read_one_with_two_statements_is_noticed() {
    let db = database().await;
    let (uow, ours) = (db.uow_with(|settings| settings.size = 1).await, ctx());
    let twice = async |tx: &ReadTx<'_>| {
        ids(tx).await?;
        ids(tx).await
    };
    uow.read_one(&ours, async |tx| ids(tx).await).await.expect("prepares the statement");
    let fault = uow.read_one(&ours, twice).await.expect_err("the second would run outside the transaction");
    assert!(fault.to_string().contains("read_one is for one statement"), "{fault}");
}

#[tokio::test]
async fn a_reading_transaction_cannot_write() {
    let db = database().await;
    let ours = ctx();
    let fault = db
        .uow()
        .read(&ours, async |tx| {
            diesel::insert_into(notes::table)
                .values((notes::org_id.eq(ours.org.0), notes::id.eq(1), notes::text.eq("no")))
                .execute(&mut tx.pg())
                .await
                .fault()
        })
        .await
        .expect_err("read only");
    assert!(fault.to_string().contains("read-only transaction"), "{fault}");
}
