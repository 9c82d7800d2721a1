//! What the database itself refuses, whatever the program does.

use escrow_api::ContractId;
use kernel::{Ctx, RequestId};

use crate::world::World;

/// A posting of a charge's money into suspense, as the program would vouch for it.
async fn vouched(world: &World, contract: ContractId, kind: &str, object: &str, entries: &str) -> String {
    let posting = format!(
        r#"{{"org": "{}", "id": "{}", "contract": "{contract}", "kind": "{kind}", "provider": "stripe", "object": "{object}",
            "sourceKind": "test", "currency": "EUR", "reverses": null, "entries": {entries}}}"#,
        world.owner.org,
        uuid::Uuid::now_v7()
    );
    let proof = world.db.query(&format!("select app.ledger_proof('{posting}')")).await.remove(0);
    format!("select app.post_ledger('{}', '{posting}', '{proof}')", world.owner.org)
}

/// A contract one of whose payments brought other money than was asked for: its charge.
async fn in_suspense(world: &World) -> (ContractId, String) {
    let contract = world.contract(&[100_000]).await;
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    world.pay(&funding, true);
    world.provider.change_intent(&funding.intent, |intent| intent.livemode = !intent.livemode);
    world.sync(&funding).await.expect("syncs");
    (contract.id, world.db.query("select charge from payments where status = 'suspense'").await.remove(0))
}

#[tokio::test]
async fn a_transaction_that_does_not_sum_to_zero_is_refused_at_commit() {
    let world = World::new().await;
    let (contract, charge) = in_suspense(&world).await;
    let before = world.balances().await;
    for entries in
        [r#"[{"account": 1000, "amount": 100}, {"account": 2090, "amount": -99}]"#, r#"[{"account": 1000, "amount": 100}]"#, "[]"]
    {
        let said =
            world.refusal(&world.owner.ctx(), &vouched(&world, contract, "payment_in_suspense", &charge, entries).await).await;
        assert!(said.contains("entries that sum to"), "{said}");
    }
    assert_eq!(world.balances().await, before);
}

#[tokio::test]
async fn what_is_owed_never_turns_into_what_is_due() {
    let world = World::new().await;
    let (contract, charge) = in_suspense(&world).await;
    let overdraw =
        r#"[{"account": 2000, "subject": "00000000-0000-0000-0000-000000000001", "amount": 1}, {"account": 1010, "amount": -1}]"#;
    let said =
        world.refusal(&world.owner.ctx(), &vouched(&world, contract, "payment_in_suspense", &charge, overdraw).await).await;
    assert!(said.contains("ledger_balances_liability"), "{said}");
}

#[tokio::test]
async fn nobody_writes_it_but_its_function_and_nobody_changes_it() {
    let world = World::new().await;
    let (contract, _) = world.funded().await;
    let fine = r#"[{"account": 1000, "amount": 1}, {"account": 2090, "amount": -1}]"#;
    let theirs =
        world.refusal(&world.contractor.ctx(), &vouched(&world, contract.id, "payment_in_suspense", "ch_x", fine).await).await;
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
async fn nobody_posts_but_the_program() {
    let world = World::new().await;
    let (contract, _) = world.approved().await;
    let before = (world.balances().await, world.kinds().await);
    let fine = r#"[{"account": 1000, "amount": 1}, {"account": 2090, "amount": -1}]"#;
    let honest = vouched(&world, contract.id, "payment_in_suspense", "ch_x", fine).await;
    for forged in
        [honest.replace(r#""amount": 1}"#, r#""amount": 2}"#), honest.replace("\\x", "\\x00"), honest.replace("ch_x", "ch_y")]
    {
        assert_ne!(forged, honest);
        let said = world.refusal(&world.owner.ctx(), &forged).await;
        assert!(said.contains("nobody vouches"), "{said}");
    }
    for closed in [
        "select key from app.ledger_key",
        "select app.ledger_proof('{}')",
        "select app.posting_agrees(null, null, null, null, null)",
    ] {
        let said = world.refusal(&world.owner.ctx(), closed).await;
        assert!(said.contains("permission denied"), "{closed}: {said}");
    }
    assert_eq!((world.balances().await, world.kinds().await), before);
}

#[tokio::test]
async fn a_posting_says_what_its_payment_or_release_says() {
    let world = World::new().await;
    let (contract, _) = world.approved().await;
    let (milestone, charge) = (contract.milestones[0].id, world.db.query("select charge from payments").await.remove(0));
    let release = world.db.query("select id from releases").await.remove(0);
    let (charge, release) = (charge.as_str(), release.as_str());
    let two = r#"[{"account": 1000, "amount": 7}, {"account": 2090, "amount": -7}]"#.to_owned();
    let more =
        format!(r#"[{{"account": 1000, "amount": 9000000}}, {{"account": 2000, "subject": "{milestone}", "amount": -9000000}}]"#);
    let back = format!(
        r#"[{{"account": 2000, "subject": "{milestone}", "amount": -1}}, {{"account": 2020, "subject": "{release}", "amount": 1}}]"#
    );
    let left = format!(r#"[{{"account": 2020, "subject": "{release}", "amount": 1}}, {{"account": 1010, "amount": -1}}]"#);
    let returned = format!(r#"[{{"account": 1010, "amount": 1}}, {{"account": 2090, "subject": "{release}", "amount": -1}}]"#);
    for (kind, object, entries) in [
        ("payment_in_suspense", charge, &two),
        ("payment_in_suspense", "ch_nobodys", &two),
        ("payment_received", charge, &more),
        ("processing_fee_kept", "txn_nobodys", &two),
        ("funds_available", "txn_nobodys", &two),
        ("release_reserved", release, &back),
        ("release_voided", release, &back),
        ("release_sent", "tr_x", &left),
        ("transfer_reversed", "tr_x", &returned),
        ("reversal_held_again", release, &returned),
        ("reversal_paid_again", "tr_x", &returned),
    ] {
        let said = world.refusal(&world.owner.ctx(), &vouched(&world, contract.id, kind, object, entries).await).await;
        assert!(said.contains("is not what its payment or release says"), "{kind}: {said}");
    }
    let said = world.refusal(&world.owner.ctx(), &vouched(&world, contract.id, "dispute_lost", "x", &two).await).await;
    assert!(said.contains("ledger_transactions_kind_check"), "{said}");
    let signing = world.open(&world.terms_of(&[100_000])).await.expect("opens");
    let said = world.refusal(&world.owner.ctx(), &vouched(&world, signing, "payment_in_suspense", charge, &two).await).await;
    assert!(said.contains("was never in force"), "{said}");
}

#[tokio::test]
async fn what_the_ledger_does_not_reserve_is_never_sent() {
    let world = World::new().await;
    let (_, funding) = world.funded().await;
    let forged = format!(
        "with forged as (
             insert into releases (org_id, id, contract_id, contractor_org_id, milestone_id, payment_id, seq, status, gross, fee, net, currency)
             select org_id, gen_random_uuid(), contract_id, contractor_org_id, milestone_id, id, 1, 'approved', amount, fee, amount - fee, currency
             from payments where id = '{}' returning id)
         select count(*) from forged",
        funding.payment.id
    );
    let said = world.refusal(&world.owner.ctx(), &forged).await;
    assert!(said.contains("the ledger reserves no"), "{said}");
}

#[tokio::test]
async fn money_on_its_way_goes_to_its_payee() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    let own = "update releases set destination = (select account from app.payee_of_contract(org_id, contract_id))";
    world.accept(&world.owner.ctx(), own).await;
    let elsewhere = "update releases set destination = 'acct_of_the_owner', maybe_sent_at = now()";
    let said = world.refusal(&world.owner.ctx(), elsewhere).await;
    assert!(said.contains("is not its payee's account"), "{said}");
    let charge = format!("update payments set charge = null where id = '{}'", funding.payment.id);
    let said = world.refusal(&world.owner.ctx(), &charge).await;
    assert!(said.contains("payments.charge never changes"), "{said}");
}

#[tokio::test]
async fn a_source_is_posted_once() {
    let world = World::new().await;
    let (contract, charge) = in_suspense(&world).await;
    let (before, kinds) = (world.balances().await, world.kinds().await);
    let ctx = Ctx::system(world.owner.org, RequestId::generate());
    let entries = r#"[{"account": 4010, "amount": 7}, {"account": 2090, "amount": -7}]"#;
    for _ in 0..3 {
        world.accept(&ctx, &vouched(&world, contract, "payment_in_suspense", &charge, entries).await).await;
    }
    assert_eq!(world.kinds().await.len(), kinds.len() + 1);
    assert_eq!(world.db.query("select balance from ledger_balances where account = 4010").await, ["7"]);
    assert_ne!(world.balances().await, before);
}

#[tokio::test]
async fn a_thing_of_the_providers_is_posted_in_one_ledger_of_all() {
    let world = World::new().await;
    world.funded().await;
    world.assert_healthy().await;
    let stranger = crate::fakes::Person::new(kernel::OrgId::new(), kernel::OrgRole::Owner);
    let take = |org: kernel::OrgId, posting: &str| format!("select app.take_posted_object('{org}', '{posting}')");
    // Past every door: the same charge in another organisation's ledger.
    let ours = world.db.query("select id from ledger_transactions where source_kind = 'charge'").await.remove(0);
    let theirs = uuid::Uuid::now_v7().to_string();
    world
        .db
        .run_sql(&format!(
            "set session_replication_role = replica;
             insert into ledger_transactions select (jsonb_populate_record(t, jsonb_build_object('org_id', '{}', 'id', '{theirs}'))).*
             from ledger_transactions t where t.id = '{ours}'",
            stranger.org
        ))
        .await;
    let said = world.refusal(&stranger.ctx(), &take(stranger.org, &theirs)).await;
    assert!(said.contains("is posted in another ledger already"), "{said}");
    let said = world.refusal(&stranger.ctx(), &take(world.owner.org, &ours)).await;
    assert!(said.contains("is not in the tenant's ledger"), "{said}");
    world.accept(&world.owner.ctx(), &take(world.owner.org, &ours)).await;
    let found = escrow::doctor(&world.db.system_uow()).await.expect("comes");
    assert!(
        found.iter().any(|finding| finding.subject == theirs && finding.detail.contains("was taken for another posting")),
        "{found:?}"
    );
    assert!(world.tamper("delete from posted_objects").await.contains("append-only"));
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
            "alter table ledger_entries disable trigger user; alter table releases disable trigger user;
             update ledger_entries set amount = amount + 1 where account = 5000;
             update releases set status = 'sent', transfer = 'tr_forged', sent_at = now();",
        )
        .await;
    let mut rules: Vec<_> =
        escrow::doctor(&world.db.system_uow()).await.expect("comes").into_iter().map(|finding| finding.rule).collect();
    rules.dedup();
    assert_eq!(rules, ["LEDGER_UNBALANCED", "LEDGER_BALANCE_WRONG", "MONEY_STATE_MISMATCH", "PROVIDER_OBJECT_UNPOSTED"]);
}
