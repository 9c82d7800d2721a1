//! A loss is what nothing else posts, and what turns up again takes it back (docs/decisions/0052).

use escrow::{FloatPosted, LossError, Own, RecoveryError, post_loss, post_recovery};
use escrow_api::fake::InjectedFault;
use escrow_api::{BalanceMovement, PaymentProvider, Payments, TransferOrder};
use futures::future::join_all;
use kernel::Decision;
use uuid::Uuid;

use crate::world::{World, ada, eur};

async fn lose(world: &World, amount: &str) -> Result<FloatPosted, LossError> {
    post_loss(&world.db.system_uow(), &*world.provider, amount, "EUR", &ada()).await
}

async fn recover(world: &World, loss: Uuid, amount: &str) -> Result<FloatPosted, RecoveryError> {
    post_recovery(&world.db.system_uow(), &*world.provider, loss, (amount, "EUR"), &ada()).await
}

async fn sweep(world: &World) {
    world.service.sweep().await.expect("sweeps");
    assert!(world.work().await.iter().all(|ran| ran.error().is_none()));
}

async fn open_alarms(world: &World) -> Vec<String> {
    db::alarms(&world.db.system_uow(), false).await.expect("lists").into_iter().map(|row| row.kind).collect()
}

fn booking(id: &str, kind: &str, source: &str, amount: i64, fee: i64) -> BalanceMovement {
    let source = (!source.is_empty()).then(|| source.to_owned());
    BalanceMovement { id: id.to_owned(), kind: kind.to_owned(), source, amount: eur(amount), fee: eur(fee), available: true }
}

const LOST: &str = "select concat_ws(' ', amount, provider_status, operator, reason, takes_back is not null) from platform_float
    where source_provider = '14build' order by created_at";

fn first(what: &str, command: &str) -> String {
    format!("first post what is no loss: {what} (`{command}`). See then what is missing besides. Nothing was posted")
}

#[tokio::test]
async fn what_another_command_posts_is_no_loss_and_is_named_with_its_command() {
    let world = World::new().await;
    world.float("100.00", "tu_own").await.expect("posts");
    let refused = async |amount: &str| lose(&world, amount).await.expect_err("is told what it is").to_string();

    // No event told of the payout, so that there is no alarm.
    world.provider.pays_out("po_1", eur(1_000));
    sweep(&world).await;
    assert_eq!(refused("10.00").await, first("payout po_1 over 10.00 EUR", "build14 payout --source po_1"));
    world.post(Own::IsPaidOut, "po_1", None).await.expect("posts");

    // Of the booking of a dispute the fee is a cost; the rest is its contract's.
    world.provider.books(booking("txn_dispute", "adjustment", "dp_1", -500, 1_500));
    assert_eq!(refused("20.00").await, first("txn_dispute, fee of dp_1, over 15.00 EUR", "build14 cost --source txn_dispute"));
    world.post(Own::IsTaken, "txn_dispute", None).await.expect("posts");

    world.provider.books(booking("txn_taken", "adjustment", "", -300, 0));
    assert_eq!(refused("8.00").await, first("txn_taken, adjustment, over 3.00 EUR", "build14 cost --source txn_taken"));
    world.post(Own::IsTaken, "txn_taken", None).await.expect("posts");

    world.provider.books(booking("txn_back", "topup_reversal", "tu_own", -700, 0));
    let taken_back = first("txn_back over 7.00 EUR, which took back tu_own", "build14 payout --source txn_back");
    assert_eq!(refused("12.00").await, taken_back);
    world.post(Own::IsPaidOut, "txn_back", None).await.expect("posts");

    world.provider.books(booking("txn_fee", "network_cost", "", -100, 0));
    assert!(refused("6.00").await.starts_with("txn_fee is a fee of the provider's that the sweep posts within a minute or two"));
    sweep(&world).await;

    assert_eq!(world.db.query(LOST).await, [""; 0]);
    // What is left of the dispute no other command posts.
    lose(&world, "5.00").await.expect("posts");
    assert_eq!(world.db.query(LOST).await, ["-500 missing Ada Lovelace seen at the provider f"]);
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, ["provider_fee"]);
}

#[tokio::test]
async fn what_the_provider_undid_explains_nothing() {
    let world = World::new().await;
    world.float("100.00", "tu_own").await.expect("posts");
    world.provider.pays_out("po_1", eur(1_000));
    world.provider.books(booking("txn_came_back", "payout_failure", "po_1", 1_000, 0));
    // Nobody posted the top-up that was taken back: the books are right without both.
    world.provider.tops_up("tu_2", eur(2_000));
    world.provider.books(booking("txn_taken_back", "topup_reversal", "tu_2", -2_000, 0));
    world.provider.move_money(eur(-250));
    lose(&world, "2.50").await.expect("posts");
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, [""; 0]);
}

#[tokio::test]
async fn a_refund_of_what_waits_in_suspense_is_no_loss() {
    let world = World::new().await;
    world.float("500.00", "tu_own").await.expect("posts");
    let contract = world.contract(&[1_000_000]).await;
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    world.pay(&funding, true);
    world.provider.change_intent(&funding.intent, |intent| intent.metadata.clear());
    world.sync(&funding).await.expect("syncs");
    world.work().await;
    let refund = world.provider.refund_by_hand(&funding.intent, eur(100_000)).expect("is made").id;
    let payment = funding.payment.id;
    let said = lose(&world, "1000.00").await.expect_err("it is posted by a look").to_string();
    let what = format!("refund {refund} of payment {payment}, which waits in suspense");
    assert_eq!(said, first(&what, &format!("build14 suspense-refund --payment {payment}")));
    sweep(&world).await;
    assert!(matches!(lose(&world, "1000.00").await, Err(LossError::NothingMissing(_))));
}

/// A transfer that somebody makes at the provider's dashboard.
async fn by_hand(world: &World, amount: i64) -> String {
    let order = TransferOrder {
        amount: eur(amount),
        destination: world.db.query("select account from payee_accounts").await.remove(0),
        transfer_group: "by hand".to_owned(),
        source_charge: None,
        metadata: Vec::new(),
        idempotency_key: format!("by hand {amount}"),
    };
    world.provider.create_transfer(&order).await.expect("is made").id
}

#[tokio::test]
async fn a_transfer_in_no_ledger_is_lost_only_once_a_person_looked_at_it_and_no_ledger_takes_it_afterwards() {
    let world = World::new().await;
    world.float("100.00", "tu_own").await.expect("posts");
    let (_, funding) = world.approved().await;
    // What may have left is allowed for: it is not missing, and explains nothing.
    world.provider.inject("create_transfer", [InjectedFault::LoseAnswer]);
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("is asked for");
    world.work().await;
    world.provider.move_money(eur(-1));
    lose(&world, "0.01").await.expect("posts");

    let reversed = by_hand(&world, 900).await;
    world.provider.change_transfer(&reversed, |transfer| transfer.reversed = transfer.amount);
    let transfer = by_hand(&world, 1_000).await;
    let said = lose(&world, "10.00").await.expect_err("a person must look").to_string();
    assert!(said.contains(&format!("the open alarm foreign_transfer about {transfer}")), "{said}");
    let alarms = db::alarms(&world.db.system_uow(), false).await.expect("lists");
    let alarm = alarms.iter().find(|one| one.kind == "foreign_transfer").expect("is there now, whom no event told");
    assert_eq!(alarm.object_id, transfer);
    assert!(lose(&world, "10.00").await.is_err(), "while it is open");
    let by = ada();
    let settled = db::settle_alarm(&world.db.system_uow(), alarm.id, &by.operator, by.reason.as_ref().expect("one")).await;
    settled.expect("settles");
    lose(&world, "10.00").await.expect("posts");
    let taken = format!("select object || ' ' || kind from posted_objects where object = '{transfer}'");
    assert_eq!(world.db.query(&taken).await, [format!("{transfer} transfer")], "no release, no settlement takes it");
    assert_eq!(world.db.query(&format!("select count(*) from posted_objects where object = '{reversed}'")).await, ["0"]);
    world.provider.move_money(eur(-2));
    lose(&world, "0.02").await.expect("it was given up before, and explains nothing more");
}

#[tokio::test]
async fn a_loss_is_taken_back_by_what_turns_up_again_and_by_no_more() {
    let world = World::new().await;
    world.float("100.00", "tu_own").await.expect("posts");
    world.provider.move_money(eur(-250));
    let loss: Uuid = lose(&world, "2.50").await.expect("posts").source.parse().expect("its id");
    let refused = async |loss: Uuid, amount: &str| recover(&world, loss, amount).await.expect_err("refused").to_string();
    let not_there = "the provider's balance has 0.00 EUR more than the books say, less than 2.50 EUR: nothing was posted";
    assert_eq!(refused(loss, "2.50").await, not_there);
    world.provider.move_money(eur(200));
    let too_little = "the provider's balance has 2.00 EUR more than the books say, less than 2.01 EUR: nothing was posted";
    assert_eq!(refused(loss, "2.01").await, too_little);
    let too_much = format!("of loss {loss} 2.50 EUR did not come back yet, less than 2.51 EUR: nothing was posted");
    assert_eq!(refused(loss, "2.51").await, too_much);
    let unknown = refused(Uuid::nil(), "1.00").await;
    assert!(unknown.contains(&format!("open are {loss} of ")) && unknown.contains("(2.50 EUR left)"), "{unknown}");
    let dollars = post_recovery(&world.db.system_uow(), &*world.provider, loss, ("1.00", "USD"), &ada()).await;
    assert!(matches!(dollars, Err(RecoveryError::NoLoss { .. })));
    let nameless = Decision { reason: None, ..ada() };
    let unsaid = post_recovery(&world.db.system_uow(), &*world.provider, loss, ("1.00", "EUR"), &nameless).await;
    assert!(matches!(unsaid, Err(RecoveryError::Reason)));
    world.provider.inject("balance", [InjectedFault::Unavailable]);
    assert!(matches!(recover(&world, loss, "1.00").await, Err(RecoveryError::Provider(_))), "nothing is known");

    let posted = recover(&world, loss, "1.50").await.expect("a part of it");
    let entries: Vec<_> = posted.entries.iter().map(|entry| (entry.account, entry.name.as_str(), entry.amount)).collect();
    assert_eq!(entries, [(1010, "stripe_available", eur(150)), (5010, "dispute_and_loss", eur(-150))]);
    assert_eq!((posted.surplus, posted.missing), (eur(9_900), eur(0)));
    let at_once = join_all((0..8).map(|_| recover(&world, loss, "0.50"))).await;
    assert_eq!(at_once.iter().filter(|one| one.is_ok()).count(), 1, "{at_once:?}");
    let rows = [
        "-250 missing Ada Lovelace seen at the provider f",
        "150 recovered Ada Lovelace seen at the provider t",
        "50 recovered Ada Lovelace seen at the provider t",
    ];
    assert_eq!(world.db.query(LOST).await, rows);
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, [""; 0]);
    world.assert_healthy().await;

    world.provider.move_money(eur(100));
    recover(&world, loss, "0.50").await.expect("the rest of the loss");
    assert!(refused(loss, "0.01").await.contains("no loss is open"), "what else is there too much is no recovery");
}

#[tokio::test]
async fn what_came_and_another_command_posts_is_no_recovery() {
    let world = World::new().await;
    world.float("100.00", "tu_own").await.expect("posts");
    world.provider.move_money(eur(-500));
    let loss: Uuid = lose(&world, "5.00").await.expect("posts").source.parse().expect("its id");
    world.provider.tops_up("tu_2", eur(500));
    let said = recover(&world, loss, "5.00").await.expect_err("it is a top-up").to_string();
    let first = "first post what is no recovery: top-up tu_2 over 5.00 EUR (`build14 float --source tu_2`). See then what is there besides. \
                 Nothing was posted";
    assert_eq!(said, first);
    world.post(Own::ComesIn, "tu_2", None).await.expect("posts");
    world.provider.pays_out("po_1", eur(400));
    world.post(Own::IsPaidOut, "po_1", None).await.expect("posts");
    world.provider.books(booking("txn_back", "payout_failure", "po_1", 400, 0));
    let said = recover(&world, loss, "4.00").await.expect_err("it is a payout that came back").to_string();
    assert!(said.contains("txn_back over 4.00 EUR, by which po_1 came back (`build14 float --source txn_back`)"), "{said}");
}

#[tokio::test]
async fn the_database_takes_back_no_more_than_was_lost() {
    let world = World::new().await;
    world.float("100.00", "tu_own").await.expect("posts");
    world.provider.move_money(eur(-250));
    lose(&world, "2.50").await.expect("posts");
    let row = async |of: &str, amount: i64, currency: &str, provider: &str| {
        let loss = world.db.query(&format!("select id from platform_float where {of}")).await.remove(0);
        let sql = format!(
            "insert into platform_float (id, source_provider, source_object, amount, currency, operator, provider_status, balance_transaction, takes_back, booked_amount, booked_fee)
             values (gen_random_uuid(), '{provider}', gen_random_uuid()::text, {amount}, '{currency}', 'Ada', 'recovered', gen_random_uuid()::text, '{loss}', {amount}, 0)"
        );
        world.tamper(&sql).await
    };
    assert_eq!(row("amount < 0", 251, "EUR", "14build").await, "251 of EUR came back of a loss of 250");
    assert_eq!(row("amount < 0", 1, "USD", "14build").await, "1 of USD came back of a loss of 0");
    assert_eq!(row("amount > 0", 1, "EUR", "14build").await, "1 of EUR came back of a loss of 0");
    assert!(row("amount < 0", -1, "EUR", "14build").await.contains("platform_float_recovery"));
    assert!(row("amount < 0", 1, "EUR", "stripe").await.contains("platform_float_recovery"));
    assert_eq!(row("amount < 0", 250, "EUR", "14build").await, "tampered", "what was lost may come back");
}
