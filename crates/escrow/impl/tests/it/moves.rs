//! What somebody's own statements in the owner's transaction do not make of releases, payments and milestones (docs/decisions/0029).

use escrow_api::Payments;
use escrow_api::fake::InjectedFault;

use crate::world::World;

/// What each statement of the owner's is refused with.
async fn are_refused(world: &World, all: &[(&str, &str)]) {
    for (sql, why) in all {
        let said = world.refusal(&world.owner.ctx(), sql).await;
        assert!(said.contains(why), "{sql}: {said}");
    }
}

async fn releases(world: &World) -> Vec<String> {
    world.db.query("select concat_ws(' ', status, destination, maybe_sent_at is not null) from releases").await
}

#[tokio::test]
async fn a_release_that_failed_is_never_put_on_its_way_to_somebody_else() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    are_refused(
        &world,
        &[
            ("update releases set status = 'failed', destination = 'acct_thief'", "never moves from approved to failed"),
            ("update releases set status = 'sent', transfer = 'tr_x', sent_at = now()", "never moves from approved to sent"),
        ],
    )
    .await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    are_refused(
        &world,
        &[
            ("update releases set status = 'failed', destination = 'acct_thief'", "the ledger does not say so"),
            ("update releases set status = 'sent', transfer = 'tr_x', sent_at = now()", "the ledger does not say so"),
            ("update releases set maybe_sent_at = now()", "is not its payee's account"),
            ("update releases set maybe_sent_at = now(), destination = 'acct_thief'", "is not its payee's account"),
        ],
    )
    .await;
    world.provider.inject("create_transfer", [InjectedFault::Refuse("no_such_account".to_owned())]);
    world.work().await;
    let before = releases(&world).await;
    let account = world.db.query("select account from payee_accounts").await.remove(0);
    assert_eq!(before, [format!("failed {account} t")]);
    are_refused(
        &world,
        &[
            ("update releases set status = 'sending'", "never moves from failed to sending"),
            ("update releases set destination = 'acct_thief'", "may have been sent"),
            ("update releases set maybe_sent_at = null", "releases.maybe_sent_at never changes"),
        ],
    )
    .await;
    assert_eq!(releases(&world).await, before);
    world.assert_healthy().await;
}

#[tokio::test]
async fn a_release_that_may_have_been_sent_or_was_keeps_where_and_since_when() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    world.provider.inject("create_transfer", [InjectedFault::LoseAnswer]);
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    world.work().await;
    assert_eq!(world.db.query("select status from releases").await, ["unknown"]);
    are_refused(
        &world,
        &[
            ("update releases set maybe_sent_at = null", "releases.maybe_sent_at never changes"),
            ("update releases set maybe_sent_at = maybe_sent_at + interval '1 day'", "releases.maybe_sent_at never changes"),
            ("update releases set maybe_sent_at = null, destination = 'acct_thief'", "may have been sent"),
            ("update releases set status = 'sending'", "never moves from unknown to sending"),
        ],
    )
    .await;
    world.work_ahead().await;
    assert_eq!(world.db.query("select status from releases").await, ["sent"]);
    are_refused(
        &world,
        &[
            ("update releases set maybe_sent_at = null, destination = 'acct_thief'", "may have been sent"),
            ("update releases set transfer = 'tr_other'", "releases.transfer never changes"),
            ("update milestones set status = 'funded'", "the ledger does not say so"),
        ],
    )
    .await;
    assert_eq!(world.provider.transfers().len(), 1);
    world.assert_healthy().await;
}

#[tokio::test]
async fn that_a_release_may_have_left_is_taken_back_by_the_program_alone() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    let marked = "update releases set maybe_sent_at = now(), attempts = 1, destination = (select account from payee_accounts)";
    world.db.run_sql(marked).await;
    let release = world.db.query("select id from releases").await.remove(0);
    let take_back = |org: kernel::OrgId, attempt: i32, proof: &str| {
        format!("select app.release_has_not_left('{org}', '{release}', {attempt}, {proof})")
    };
    let own = world.owner.org;
    are_refused(
        &world,
        &[
            ("update releases set maybe_sent_at = null", "releases.maybe_sent_at never changes"),
            (take_back(own, 1, "null").as_str(), "nobody vouches"),
            (take_back(own, 1, "sha256('x')").as_str(), "nobody vouches"),
        ],
    )
    .await;
    let made = format!("select encode(app.ledger_proof('not left {release}:1'), 'hex')");
    let proof = format!("'\\x{}'", world.db.query(&made).await.remove(0));
    are_refused(
        &world,
        &[
            (take_back(own, 2, &proof).as_str(), "nobody vouches"),
            (take_back(kernel::OrgId::new(), 1, &proof).as_str(), "nobody vouches"),
        ],
    )
    .await;
    let is_marked = "select maybe_sent_at is not null from releases";
    world.accept(&world.owner.ctx(), &take_back(own, 1, &proof)).await;
    assert_eq!(world.db.query(is_marked).await, ["f"]);
    world.db.run_sql("update releases set maybe_sent_at = now(), attempts = 2").await;
    world.accept(&world.owner.ctx(), &take_back(own, 1, &proof)).await;
    assert_eq!(world.db.query(is_marked).await, ["t"], "of another attempt");
    are_refused(&world, &[("update releases set attempts = 1", "only grow")]).await;
}

#[tokio::test]
async fn the_program_sends_nothing_to_an_account_that_never_was_the_payees() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    // Past every trigger.
    world
        .db
        .run_sql(
            "set session_replication_role = replica;
             update releases set maybe_sent_at = now(), attempts = 1, destination = 'acct_thief'",
        )
        .await;
    world.work().await;
    assert_eq!(world.provider.transfers(), []);
    assert_eq!(releases(&world).await, ["sending acct_thief t"]);
    assert_eq!(world.db.query("select kind from alarms where settled_at is null").await, ["wrong_payee"]);
}

#[tokio::test]
async fn a_payment_is_by_the_terms_and_a_milestone_is_funded_by_money() {
    let world = World::new().await;
    world.contract(&[1_000_000]).await;
    let payment = |amount: &str, fee: i64, charged: i64, currency: &str| {
        format!(
            "insert into payments (org_id, id, contract_id, contractor_org_id, milestone_id, amount, fee, charged, currency, created_by)
             select org_id, gen_random_uuid(), contract_id, contractor_org_id, id, {amount}, {fee}, {charged}, '{currency}', app.user_id()
             from milestones"
        )
    };
    for sql in [
        payment("amount", 0, 1_000_000, "EUR"),
        payment("amount", 25_000, 1_029_897, "EUR"),
        payment("amount", 24_999, 1_029_898, "EUR"),
        payment("amount - 1", 25_000, 1_029_898, "EUR"),
        payment("amount", 25_000, 1_029_898, "USD"),
    ] {
        let said = world.refusal(&world.owner.ctx(), &sql).await;
        assert!(said.contains("the terms say 1000000 with a fee of 25000, charged 1029898"), "{said}");
    }
    world.accept(&world.owner.ctx(), "update milestones set status = 'funding'").await;
    let funded = world.refusal(&world.owner.ctx(), "update milestones set status = 'funded'").await;
    assert!(funded.contains("the ledger does not say so"), "{funded}");
    world.accept(&world.owner.ctx(), &payment("amount", 25_000, 1_029_898, "EUR")).await;
}
