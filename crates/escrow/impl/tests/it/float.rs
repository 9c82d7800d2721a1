//! E0: the platform's own money, once per source, closed to tenants.

use escrow::{Float, FloatError, post_float};
use futures::future::join_all;
use kernel::{Currency, Money};

use crate::world::{World, ada, eur};

#[tokio::test]
async fn a_float_is_posted_once_per_source_and_never_otherwise() {
    let world = World::new().await;
    let posted = world.float("5000.00", "tu_1").await.expect("posts");
    let entries: Vec<_> = posted.entries.iter().map(|entry| (entry.account, entry.name.as_str(), entry.amount)).collect();
    assert_eq!(entries, [(1010, "stripe_available", eur(500_000)), (3000, "float", eur(-500_000))]);
    assert_eq!((posted.fresh, posted.surplus, posted.resumed), (true, eur(500_000), 0));

    let again = world.float("5000", "tu_1").await.expect("is told");
    assert_eq!((again.fresh, again.at, again.entries, again.surplus), (false, posted.at, posted.entries, eur(500_000)));
    let Err(FloatError::Differs { source_object, posted: stands, asked, at }) = world.float("5000.01", "tu_1").await else {
        panic!("refused")
    };
    assert_eq!((source_object.as_str(), stands, asked, at), ("tu_1", eur(500_000), eur(500_001), posted.at));
    let dollars = Float::parse("5000.00", "USD", "tu_1").expect("fine in itself");
    let other = post_float(&world.db.system_uow(), &dollars, &ada()).await.expect_err("another currency");
    let expected = format!("tu_1 was posted on {} over 5000.00 EUR, not 5000.00 USD: nothing was posted", posted.at);
    assert_eq!(other.to_string(), expected);

    let yen = Float::parse("7", "JPY", "tu_2").expect("fine");
    let posted = post_float(&world.db.system_uow(), &yen, &ada()).await.expect("posts");
    assert_eq!(posted.surplus, Money::from_minor(7, "JPY".parse::<Currency>().expect("known")), "each currency by itself");
    let rows = "select concat_ws(' ', source_provider, source_object, amount, currency, operator, reason) from platform_float order by source_object";
    assert_eq!(
        world.db.query(rows).await,
        ["stripe tu_1 500000 EUR Ada Lovelace seen at the provider", "stripe tu_2 7 JPY Ada Lovelace seen at the provider"]
    );
    let kept = "select concat_ws(' ', currency, surplus) from platform_coverage order by currency";
    assert_eq!(world.db.query(kept).await, ["EUR 500000", "JPY 7"]);
    world.assert_healthy().await;
}

#[tokio::test]
async fn eight_operators_at_once_post_one_float() {
    let world = World::new().await;
    let posted = join_all((0..8).map(|_| world.float("12.34", "tu_same"))).await;
    let fresh = posted.iter().filter(|posted| posted.as_ref().expect("posts").fresh).count();
    assert_eq!(fresh, 1);
    assert!(posted.into_iter().all(|posted| posted.expect("posts").surplus == eur(1_234)));
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
        let sql =
            format!("insert into platform_float values (gen_random_uuid(), 'stripe', '{source}', {amount}, 'EUR', now(), 'Ada')");
        let said = world.tamper(&sql).await;
        assert!(said.contains("violates"), "{sql}: {said}");
    }
    let nameless = "insert into platform_float values (gen_random_uuid(), 'stripe', 'tu_3', 1, 'EUR')";
    assert!(world.tamper(nameless).await.contains("platform_float_operator"), "no float without an operator");
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
