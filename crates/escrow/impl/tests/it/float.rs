//! The platform's own money, once per source, closed to tenants.

use escrow::{FloatError, Own};
use escrow_api::BalanceMovement;
use futures::future::join_all;
use kernel::{Currency, Money, rfc3339};

use crate::world::{World, eur};

fn said(refused: Result<escrow::FloatPosted, FloatError>) -> String {
    refused.expect_err("refused").to_string()
}

const ROWS: &str = "select concat_ws(' ', source_provider, source_object, amount, currency, operator, reason, provider_status, balance_transaction)
    from platform_float order by source_object";

#[tokio::test]
async fn a_float_is_posted_as_the_provider_shows_it_once_and_never_otherwise() {
    let world = World::new().await;
    let posted = world.float("5000.00", "tu_1").await.expect("posts");
    let entries: Vec<_> = posted.entries.iter().map(|entry| (entry.account, entry.name.as_str(), entry.amount)).collect();
    assert_eq!(entries, [(1010, "stripe_available", eur(500_000)), (3000, "float", eur(-500_000))]);
    assert_eq!((posted.surplus, posted.resumed, posted.status.as_str()), (eur(500_000), 0, "succeeded"));

    let twice =
        format!("tu_1 was posted before, on {} by Ada Lovelace, as 5000.00 EUR: nothing is posted twice", rfc3339(posted.at));
    assert_eq!(said(world.post(Own::ComesIn, "tu_1", None).await), twice);
    let other = world.float("5000.01", "tu_1").await;
    assert_eq!(said(other), "tu_1 is over 5000.00 EUR at the provider, not 5000.01 EUR: nothing was posted");
    let other = world.post(Own::ComesIn, "tu_1", Some(("5000.00", "USD"))).await;
    assert_eq!(said(other), "tu_1 is over 5000.00 EUR at the provider, not 5000.00 USD: nothing was posted");

    let yen = Money::from_minor(7, "JPY".parse::<Currency>().expect("known"));
    world.provider.tops_up("tu_2", yen);
    let posted = world.post(Own::ComesIn, "tu_2", None).await.expect("posts");
    assert_eq!(posted.surplus, yen, "each currency by itself");
    let by = "Ada Lovelace seen at the provider succeeded";
    assert_eq!(
        world.db.query(ROWS).await,
        [format!("stripe tu_1 500000 EUR {by} txn_tu_1"), format!("stripe tu_2 7 JPY {by} txn_tu_2")]
    );
    let kept = "select concat_ws(' ', currency, surplus) from platform_coverage order by currency";
    assert_eq!(world.db.query(kept).await, ["EUR 500000", "JPY 7"]);
    world.assert_healthy().await;
}

#[tokio::test]
async fn what_the_provider_does_not_show_as_done_is_not_posted() {
    let world = World::new().await;
    assert!(said(world.post(Own::ComesIn, "tu_1", None).await).contains("no such top-up"), "invented");
    world.provider.tops_up("tu_1", eur(500));
    for status in ["pending", "failed", "canceled", "reversed", "a_new_word"] {
        world.provider.change_own("tu_1", |own| own.status = status.to_owned());
        let told = format!("tu_1 is {status} at the provider: nothing was posted. ");
        let said = said(world.post(Own::ComesIn, "tu_1", None).await);
        assert!(said.starts_with(&told), "{said}");
    }
    world.provider.change_own("tu_1", |own| {
        own.status = "succeeded".to_owned();
        own.movement.as_mut().expect("booked").available = false;
    });
    let pending = "tu_1 is pending at the provider: nothing was posted. It can be posted once it is available";
    assert_eq!(said(world.post(Own::ComesIn, "tu_1", None).await), pending);

    // Whatever its id says, it is what the provider booked it as.
    let booked_as = |kind: &'static str| {
        world.provider.change_own("tu_1", |own| own.movement.as_mut().expect("booked").kind = kind.to_owned());
    };
    booked_as("adjustment");
    let told = "tu_1 is of the kind adjustment: nothing was posted. That is no topup: ask the provider what txn_tu_1 is";
    assert_eq!(said(world.post(Own::ComesIn, "tu_1", None).await), told);
    booked_as("topup");

    world.provider.pays_out("po_1", eur(200));
    for status in ["failed", "canceled"] {
        world.provider.change_own("po_1", |own| own.status = status.to_owned());
        let told = format!("po_1 is {status} at the provider: nothing was posted. What did not arrive is on the balance again");
        assert_eq!(said(world.post(Own::IsPaidOut, "po_1", None).await), told);
    }
    assert!(world.db.query(ROWS).await.is_empty());

    world.provider.change_own("tu_1", |own| own.movement.as_mut().expect("booked").available = true);
    world.provider.change_own("po_1", |own| own.status = "in_transit".to_owned());
    world.post(Own::ComesIn, "tu_1", None).await.expect("posts");
    assert_eq!(world.post(Own::IsPaidOut, "po_1", None).await.expect("it left the balance").status, "in_transit");
}

#[tokio::test]
async fn a_payout_is_never_of_more_than_the_platforms_own() {
    let world = World::new().await;
    world.float("10.00", "tu_1").await.expect("posts");
    world.provider.pays_out("po_1", eur(1_001));
    let told = "po_1 paid out 10.01 EUR, but of the platform's own there are 10.00 EUR: 0.01 EUR of it are owed to tenants. Nothing was posted, \
                and EUR is stopped. Top up 0.01 EUR at the provider, post that with `build14 float`, then this payout";
    assert_eq!(said(world.post(Own::IsPaidOut, "po_1", None).await), told);
    // Nor does the database take it, whoever writes.
    let row = |object: &str, amount: i64| {
        format!(
            "insert into platform_float values (gen_random_uuid(), 'stripe', '{object}', {amount}, 'EUR', now(), 'Ada', null, 'paid', 'txn_{object}', null, {amount}, 0)"
        )
    };
    let refused = world.tamper(&row("po_1", -1_001)).await;
    assert_eq!(refused, "payout po_1 leaves 1 of EUR less than is owed");
    for (object, amount) in [("po_2", 1), ("tu_2", -1)] {
        let refused = world.tamper(&row(object, amount)).await;
        assert!(refused.contains("platform_float_direction"), "{refused}");
    }
    world.float("0.01", "tu_2").await.expect("posts");
    assert_eq!(world.post(Own::IsPaidOut, "po_1", Some(("10.01", "EUR"))).await.expect("posts").surplus, eur(0));

    // Two at once never both find the same surplus.
    world.float("1.00", "tu_3").await.expect("posts");
    for n in 0..8 {
        world.provider.pays_out(&format!("po_at_once_{n}"), eur(100));
    }
    let sources: Vec<_> = (0..8).map(|n| format!("po_at_once_{n}")).collect();
    let paid = join_all(sources.iter().map(|source| world.post(Own::IsPaidOut, source, None))).await;
    assert_eq!(paid.iter().filter(|paid| paid.is_ok()).count(), 1);
    assert!(paid.iter().all(|paid| matches!(paid, Ok(_) | Err(FloatError::NotOwn { .. }))));
}

#[tokio::test]
async fn a_payout_that_comes_back_is_undone_by_its_booking() {
    let world = World::new().await;
    world.float("10.00", "tu_1").await.expect("posts");
    world.provider.pays_out("po_1", eur(400));
    let back = |id: &str| BalanceMovement {
        id: id.to_owned(),
        kind: "payout_failure".to_owned(),
        source: Some("po_1".to_owned()),
        amount: eur(400),
        fee: eur(0),
        available: true,
    };
    world.provider.books(back("txn_back"));
    let told = "txn_back is of the kind payout_failure: nothing was posted. po_1, which it undoes, was never posted: the books are right without both";
    assert_eq!(said(world.post(Own::ComesIn, "txn_back", None).await), told);
    world.post(Own::IsPaidOut, "po_1", None).await.expect("posts");
    world.db.run_sql("select app.raise_alarm('own_money_undone', 'provider_object', 'po_1', null, 'payout.failed')").await;
    let posted = world.post(Own::ComesIn, "txn_back", None).await.expect("posts");
    let entries: Vec<_> = posted.entries.iter().map(|entry| (entry.name.as_str(), entry.amount)).collect();
    assert_eq!(entries, [("bank", eur(-400)), ("stripe_available", eur(400))]);
    assert_eq!(posted.surplus, eur(1_000));
    assert_eq!(world.db.query("select settled_by from alarms").await, ["Ada Lovelace"]);
    // The booking of a payout that was posted is no cost either.
    let told =
        "txn_po_1 is of the kind payout: nothing was posted. A payout is posted by its own id: `build14 payout --source po_1`";
    assert_eq!(said(world.post(Own::IsTaken, "txn_po_1", None).await), told);
    world.assert_healthy().await;
}

#[tokio::test]
async fn eight_operators_at_once_post_one_float() {
    let world = World::new().await;
    let posted = join_all((0..8).map(|_| world.float("12.34", "tu_same"))).await;
    assert_eq!(posted.iter().filter(|posted| posted.is_ok()).count(), 1);
    assert!(posted.iter().all(|posted| matches!(posted, Ok(_) | Err(FloatError::PostedBefore { .. }))));
    assert_eq!(world.db.query("select sum(amount) from platform_float").await, ["1234"]);
}

#[tokio::test]
async fn the_database_keeps_it_and_tenants_learn_a_boolean() {
    let world = World::new().await;
    world.float("1.00", "tu_1").await.expect("posts");
    for sql in ["update platform_float set amount = 2", "delete from platform_float", "truncate platform_float"] {
        let said = world.tamper(sql).await;
        assert!(said.contains("append-only"), "{sql}: {said}");
    }
    for (amount, source) in [("0", "tu_2"), ("1", ""), ("1", "a b"), ("1", "tu_1")] {
        let sql = format!(
            "insert into platform_float values (gen_random_uuid(), 'stripe', '{source}', {amount}, 'EUR', now(), 'Ada', null, 'x', 'txn_x', null, {amount}, 0)"
        );
        let said = world.tamper(&sql).await;
        assert!(said.contains("violates"), "{sql}: {said}");
    }
    let nameless = "insert into platform_float values (gen_random_uuid(), 'stripe', 'tu_3', 1, 'EUR', now(), null, null, 'x', 'txn_3', null, 1, 0)";
    assert!(world.tamper(nameless).await.contains("platform_float_operator"), "no float without an operator");
    let unseen = "insert into platform_float values (gen_random_uuid(), 'stripe', 'tu_3', 1, 'EUR', now(), 'Ada', null, null, null, null, 1, 0)";
    assert!(world.tamper(unseen).await.contains("platform_float_seen"), "none that the provider was not asked for");
    let booked = "insert into platform_float values (gen_random_uuid(), 'stripe', 'txn_tu_1', 1, 'EUR', now(), 'Ada', null, 'x', 'txn_tu_1', null, 1, 0)";
    assert!(world.tamper(booked).await.contains("platform_float_by_booking"), "none by another name");
    // What is posted is what the booking did, or of a dispute's the fee: no more, no less, and nothing without one.
    for (amount, booking, taken) in [
        (-301, "-300, 0", false),
        (-299, "-300, 0", false),
        (-300, "-300, 0", true),
        (-1_500, "-10000, 1500", true),
        (-1_501, "-10000, 1500", false),
        (-11_500, "-10000, 1500", true),
        (1_500, "-10000, 1500", false),
        (-300, "null, 0", false),
        (-300, "-300, null", false),
    ] {
        let sql = format!(
            "insert into platform_float values (gen_random_uuid(), 'stripe', 'txn_4', {amount}, 'EUR', now(), 'the sweep', null, 'x', 'txn_4', null, {booking})"
        );
        let said = world.tamper(&sql).await;
        assert_eq!(said == "tampered", taken, "{amount} of {booking}: {said}");
        assert!(taken || said.contains("platform_float_as_booked"), "{said}");
    }
    let owner = world.owner.ctx();
    for sql in [
        "select * from platform_float",
        "insert into platform_float values (gen_random_uuid(), 'stripe', 'tu_x', 1, 'EUR')",
        "update platform_float set amount = 1",
        "delete from platform_float",
        "select surplus from platform_coverage",
        "insert into platform_coverage values ('EUR', 1)",
        "update platform_coverage set surplus = 1",
        "delete from platform_coverage",
        "select * from app.coverage()",
    ] {
        let said = world.refusal(&owner, sql).await;
        assert!(said.contains("permission denied"), "{sql}: {said}");
    }
    let short = "select app.coverage_is_short('EUR')::int::bigint as n";
    assert_eq!(world.count(&owner, short).await, 0);
    world.db.run_sql("update platform_coverage set surplus = -1, short_since = now()").await;
    assert_eq!(world.count(&owner, short).await, 1);
    assert_eq!(world.count(&owner, "select app.coverage_is_short('USD')::int::bigint as n").await, 0);
}
