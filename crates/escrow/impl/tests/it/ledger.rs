//! What the database itself refuses, whatever the program does.

use kernel::{Ctx, RequestId};

use crate::world::World;

fn post(contract: kernel::ContractId, kind: &str, object: &str, entries: &str) -> String {
    format!(
        "select app.post_ledger(gen_random_uuid(), '{contract}', '{kind}', 'stripe', '{object}', 'charge', 'EUR', null, '{entries}')"
    )
}

#[tokio::test]
async fn a_transaction_that_does_not_sum_to_zero_is_refused_at_commit() {
    let world = World::new().await;
    let contract = world.contract(&[100_000]).await.id;
    let ctx = world.owner.ctx();
    for entries in
        [r#"[{"account": 1000, "amount": 100}, {"account": 2090, "amount": -99}]"#, r#"[{"account": 1000, "amount": 100}]"#, "[]"]
    {
        let said = world.refusal(&ctx, &post(contract, "E13", "ch_x", entries)).await;
        assert!(said.contains("entries that sum to"), "{said}");
    }
    assert_eq!(world.balances().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_owed_never_turns_into_what_is_due() {
    let world = World::new().await;
    let contract = world.contract(&[100_000]).await.id;
    let overdraw =
        r#"[{"account": 2000, "subject": "00000000-0000-0000-0000-000000000001", "amount": 1}, {"account": 1010, "amount": -1}]"#;
    let said = world.refusal(&world.owner.ctx(), &post(contract, "E4", "tr_x", overdraw)).await;
    assert!(said.contains("ledger_balances_liability"), "{said}");
}

#[tokio::test]
async fn nobody_writes_it_but_its_function_and_nobody_changes_it() {
    let world = World::new().await;
    let (contract, _) = world.funded().await;
    let fine = r#"[{"account": 1000, "amount": 1}, {"account": 2090, "amount": -1}]"#;
    let theirs = world.refusal(&world.contractor.ctx(), &post(contract.id, "E13", "ch_x", fine)).await;
    assert!(theirs.contains("is not the tenant's to write"), "{theirs}");
    for table in ["ledger_transactions", "ledger_entries", "ledger_balances"] {
        for sql in [
            format!("insert into {table} select * from {table}"),
            format!("update {table} set currency = 'USD'"),
            format!("delete from {table}"),
            format!("truncate {table}"),
        ] {
            let said = world.refusal(&world.owner.ctx(), &sql).await;
            assert!(said.contains("permission denied"), "{sql}: {said}");
        }
    }
    // Not even the owner of the tables, past row-level security.
    for sql in ["update ledger_entries set amount = 1", "delete from ledger_transactions", "truncate ledger_entries"] {
        let tampered = world.tamper(sql).await;
        assert!(tampered.contains("append-only"), "{sql}: {tampered}");
    }
}

#[tokio::test]
async fn a_source_is_posted_once() {
    let world = World::new().await;
    let contract = world.contract(&[100_000]).await.id;
    let ctx = Ctx::system(world.owner.org, RequestId::generate());
    let fine = r#"[{"account": 1000, "amount": 7}, {"account": 2090, "amount": -7}]"#;
    for _ in 0..3 {
        world.accept(&ctx, &post(contract, "E13", "ch_same", fine)).await;
    }
    assert_eq!(world.balances().await, ["1000 7", "2090 -7"]);
    assert_eq!(world.kinds().await, ["E13"]);
}

#[tokio::test]
async fn both_parties_read_one_ledger_and_strangers_none() {
    let world = World::new().await;
    world.funded().await;
    let stranger = crate::fakes::Person::new(kernel::OrgId::new(), kernel::OrgRole::Owner);
    for (who, rows) in [(&world.owner, 7), (&world.contractor, 7), (&stranger, 0)] {
        let seen = world.count(&who.ctx(), "select count(*) as n from ledger_entries").await;
        assert_eq!(seen, rows);
    }
}

#[tokio::test]
async fn the_doctor_finds_what_was_tampered_with() {
    let world = World::new().await;
    world.approved().await;
    world.assert_healthy().await;
    world
        .db
        .run_sql(
            "alter table ledger_entries disable trigger user; update ledger_entries set amount = amount + 1 where account = 5000;
             update releases set status = 'sent', transfer = 'tr_forged', sent_at = now();",
        )
        .await;
    let mut rules: Vec<_> =
        escrow::doctor(&world.db.system_uow()).await.expect("comes").into_iter().map(|finding| finding.rule).collect();
    rules.dedup();
    assert_eq!(rules, ["I1", "I3", "I4", "I6"]);
}
