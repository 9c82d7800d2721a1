//! Triggers cost what is written, not its square.

use testkit::Database;

/// Row triggers that add something up all the same, by themselves or by a function of ours that they call, and why that is no square.
const ALLOWED: &[(&str, &str)] = &[
    ("ledger_transactions app.ledger_sums_to_zero", "the entries of the row itself, once"),
    (
        "ledger_transactions app.suspense_is_bounded",
        "adds up what left of one payment in suspense: a refund or a withdrawal, rare, and one of its transaction",
    ),
    (
        "platform_float app.payout_is_own",
        "asks `app.coverage`, which adds up all balances: a payout of the platform's own money is rare, and one of its statement",
    ),
    (
        "platform_float app.recovery_within_loss",
        "adds up what came back of one loss: a recovery is rare, and one of its statement",
    ),
    (
        "releases app.release_fees_add_up",
        "one release of a milestone is under way at a time (releases_live), so a transaction makes one",
    ),
];

#[tokio::test]
async fn no_trigger_adds_up_all_the_siblings_of_each_row() {
    let db = Database::fresh().await;
    let found = db
        .query(
            "with adding as (
                 select oid, proname from pg_proc where pronamespace = 'app'::regnamespace
                   and prosrc ~* '\\m(sum|count|avg|min|max|array_agg|string_agg|jsonb?_agg|bool_and|bool_or)\\s*\\(')
             select distinct format('%s %s', t.tgrelid::regclass, p.oid::regproc) from pg_trigger t join pg_proc p on p.oid = t.tgfoid
             where not t.tgisinternal and t.tgtype & 1 = 1 and p.pronamespace = 'app'::regnamespace
               and exists (select from adding a where a.oid = p.oid or p.prosrc ~* format('\\mapp\\.%s\\s*\\(', a.proname)) order by 1",
        )
        .await;
    let allowed: Vec<&str> = ALLOWED.iter().map(|(trigger, _)| *trigger).collect();
    assert_eq!(
        found, allowed,
        "keep a running sum per statement (`referencing new table`), and compare one row per parent at commit"
    );
}
