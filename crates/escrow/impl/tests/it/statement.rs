//! The statement while the ledger is written.

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use escrow_api::Contracts;
use secrecy::ExposeSecret;

use crate::world::{World, eur};

#[tokio::test]
async fn what_is_posted_while_it_is_read_is_in_it_whole_or_not_at_all() {
    let world = World::new().await;
    let (contract, _) = world.funded().await;
    let milestone = contract.milestones[0].id;
    let url = world.db.superuser_url().await;
    let mut other = AsyncPgConnection::establish(url.expose_secret()).await.expect("connects");
    other.batch_execute("begin; lock table ledger_entries in access exclusive mode").await.expect("locks");
    let ctx = world.owner.ctx();
    let read = world.service.statement(&ctx, contract.id);
    let post = async {
        let waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        testkit::until("the statement waits", async || (!world.db.query(waiting).await.is_empty()).then_some(())).await;
        let posting = format!(
            "with posted as (
                 insert into ledger_transactions (org_id, id, contract_id, contractor_org_id, kind, source_provider, source_object, source_kind, currency)
                 select org_id, gen_random_uuid(), id, contractor_org_id, 'payment_received', 'stripe', 'ch_late', 'charge', currency from contracts
                 returning *)
             insert into ledger_entries (org_id, transaction_id, position, contract_id, contractor_org_id, account, subject, amount, currency)
             select org_id, id, 1, contract_id, contractor_org_id, 1000, null, 7, currency from posted
             union all
             select org_id, id, 2, contract_id, contractor_org_id, 2000, '{milestone}'::uuid, -7, currency from posted;
             commit"
        );
        other.batch_execute(&posting).await.expect("posts");
    };
    let (statement, ()) = futures::join!(read, post);
    let statement = statement.expect("reads");
    let late = if statement.transactions.iter().any(|transaction| transaction.object == "ch_late") { 7 } else { 0 };
    let summary = &statement.milestones[0];
    assert_eq!((summary.funded, summary.held), (eur(1_000_000 + late), eur(1_000_000 + late)));
    let held = statement.balances.iter().find(|balance| balance.account == 2000).expect("held").balance;
    assert_eq!(held, eur(-1_000_000 - late));
    let entries: i64 = statement.transactions.iter().flat_map(|t| &t.entries).map(|entry| entry.amount.minor()).sum();
    assert_eq!((entries, statement.sum), (0, eur(0)));
}
