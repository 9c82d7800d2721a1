//! A release that stays unknown for a day is a person's to settle, and the provider's own transfers are never overruled.

use escrow::Resolution;
use escrow_api::fake::InjectedFault;
use escrow_api::{Error, Funding, PaymentProvider, Payments, Release, ReleaseId, TransferOrder, TransferState};
use serde_json::{Value, json};

use crate::webhooks::{deliver, event};
use crate::world::{World, ada, eur};

/// A release whose answer was lost, after or before its transfer was made.
async fn unknown(world: &World, made: bool) -> (Funding, Release) {
    let (_, funding) = world.approved().await;
    let release = world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases").release;
    if made {
        world.provider.inject("create_transfer", [InjectedFault::LoseAnswer]);
        world.work().await;
    } else {
        world.db.run_sql("update releases set maybe_sent_at = now() - interval '25 hours', attempts = 1, destination = (select account from payee_accounts)").await;
        world.work().await;
    }
    assert_eq!(world.db.query("select status from releases").await, ["unknown"]);
    (funding, release)
}

fn hint(refusal: Result<Release, Error>) -> String {
    match refusal.expect_err("refused") {
        Error::State { what: "release", hint, .. } => hint.into_owned(),
        other => panic!("{other}"),
    }
}

fn sent(transfer: &str) -> Resolution {
    Resolution::Sent(transfer.to_owned())
}

fn trail(world: &World) -> Vec<(String, Option<Value>)> {
    world.trail.entries().into_iter().rev().take(2).map(|(_, entry)| (entry.action, entry.after)).collect()
}

#[tokio::test]
async fn one_that_was_not_sent_is_void_after_a_day_and_can_be_released_anew() {
    let world = World::new().await;
    let (funding, release) = unknown(&world, false).await;
    let settle = async || world.service.resolve_release(release.id, &Resolution::NotSent, &ada()).await;
    world.db.run_sql("update releases set maybe_sent_at = now() - interval '24 hours'").await;
    assert!(hint(settle().await).starts_with("it may still be sent by itself until "));
    world.db.run_sql("update releases set maybe_sent_at = now() - interval '25 hours'").await;
    assert_eq!(settle().await.expect("settles").status.name(), "failed");
    let resolved = json!({ "status": "failed", "transfer": null, "operator": "Ada Lovelace", "reason": "seen at the provider" });
    let failed = json!({ "status": "failed", "error": "a person found that it was not sent" });
    let expected = [("escrow.release_settled", resolved), ("escrow.release_failed", failed)];
    assert_eq!(trail(&world), expected.map(|(action, after)| (action.to_owned(), Some(after))));
    assert_eq!(hint(settle().await), "only one that is unknown is for a person to resolve");
    let by = world.db.query("select concat_ws(': ', resolved_by, resolved_reason) from releases").await;
    assert_eq!(by, ["Ada Lovelace: seen at the provider"]);
    world.assert_healthy().await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases anew");
    world.work().await;
    assert_eq!(world.provider.transfers().len(), 1);
    world.assert_healthy().await;
}

#[tokio::test]
async fn one_that_was_sent_is_confirmed_by_the_very_transfer_that_was_ordered() {
    let world = World::new().await;
    let (_, release) = unknown(&world, true).await;
    world.db.run_sql("update releases set maybe_sent_at = now() - interval '25 hours'").await;
    let settle = async |resolution: Resolution| world.service.resolve_release(release.id, &resolution, &ada()).await;
    let transfer = world.provider.transfers()[0].clone();
    let there = format!("the provider has {} over 9750.00 EUR to {}", transfer.id, transfer.destination);
    assert_eq!(hint(settle(Resolution::NotSent).await), there);
    assert_eq!(hint(settle(sent("tr_other")).await), format!("the provider has another transfer of it, {}", transfer.id));
    let nobodys = world.service.resolve_release(ReleaseId::new(), &Resolution::NotSent, &ada()).await;
    assert!(matches!(nobodys, Err(Error::NotFound("release"))));

    world.provider.change_transfer(&transfer.id, |changed| {
        changed.amount = eur(1);
        changed.destination = "acct_other".to_owned();
        changed.metadata.clear();
        changed.reversed = eur(1);
    });
    let wrong = [
        "its metadata do not name this release_id",
        "it is over 0.01 EUR, not 9750.00 EUR",
        &format!("it went to acct_other, not to {}", transfer.destination),
        "0.01 EUR of it was reversed",
    ];
    let said = hint(settle(sent(&transfer.id)).await);
    assert_eq!(said, format!("{} is not what was ordered: {}", transfer.id, wrong.join("; ")));
    assert!(matches!(settle(sent("tr_none")).await, Err(Error::ProviderRefused { .. })));
    assert_eq!(world.db.query("select status from releases").await, ["unknown"]);

    world.provider.change_transfer(&transfer.id, |changed| *changed = transfer.clone());
    for _ in 0..2 {
        let settled = settle(sent(&transfer.id)).await.expect("settles");
        assert_eq!((settled.status.name(), settled.transfer.as_ref()), ("sent", Some(&transfer.id)));
    }
    let resolved =
        json!({ "status": "sent", "transfer": transfer.id, "operator": "Ada Lovelace", "reason": "seen at the provider" });
    assert_eq!(trail(&world)[0], ("escrow.release_settled".to_owned(), Some(resolved)));
    assert_eq!(trail(&world)[1].0, "escrow.release_sent");
    assert!(hint(settle(Resolution::NotSent).await).starts_with("only one that is unknown"));
    assert_eq!(world.provider.transfers().len(), 1);
    world.assert_healthy().await;
}

#[tokio::test]
async fn a_wrong_transfer_that_was_taken_back_whole_paid_nobody() {
    let world = World::new().await;
    let (_, release) = unknown(&world, true).await;
    world.db.run_sql("update releases set maybe_sent_at = now() - interval '25 hours'").await;
    let transfer = world.provider.transfers()[0].id.clone();
    world.provider.change_transfer(&transfer, |changed| changed.reversed = changed.amount);
    let settled = world.service.resolve_release(release.id, &Resolution::NotSent, &ada()).await.expect("settles");
    assert_eq!(settled.status.name(), "failed");
    world.assert_healthy().await;
}

/// A transfer made at the provider's dashboard in the milestone's group, with the metadata that somebody typed.
async fn by_hand(world: &World, key: &str, metadata: Vec<(String, String)>) -> TransferState {
    let text = async |sql: &str| world.db.query(sql).await.remove(0);
    let order = TransferOrder {
        amount: eur(975_000),
        destination: text("select account from payee_accounts").await,
        transfer_group: text("select 'ms_' || id from milestones").await,
        source_charge: None,
        metadata,
        idempotency_key: key.to_owned(),
    };
    world.provider.create_transfer(&order).await.expect("is made")
}

/// A release that the provider refused.
async fn refused_once(world: &World) -> (Funding, Release) {
    let (_, funding) = world.approved().await;
    world.provider.inject("create_transfer", [InjectedFault::Refuse("account_closed".to_owned())]);
    let release = world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases").release;
    world.work().await;
    assert_eq!(world.db.query("select status from releases").await, ["failed"]);
    (funding, release)
}

#[tokio::test]
async fn what_was_paid_by_hand_after_a_refusal_is_not_paid_again_and_settles_the_next_release() {
    for names_the_failed in [true, false] {
        let world = World::new().await;
        let (funding, failed) = refused_once(&world).await;
        let metadata = if names_the_failed { vec![("release_id".to_owned(), failed.id.to_string())] } else { Vec::new() };
        let hand = by_hand(&world, "hand", metadata.clone()).await;
        let again = world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases anew").release;
        for _ in 0..2 {
            assert!(world.work().await.iter().all(|ran| ran.error().is_none()));
            world
                .service
                .send_release(escrow::jobs::SendRelease { org: world.owner.org, release: again.id })
                .await
                .expect("looks");
        }
        assert_eq!(world.provider.transfers().len(), 1, "nobody is paid twice");
        assert_eq!(world.db.query("select status from releases order by seq").await, ["failed", "unknown"]);
        let why =
            format!("transfer {} over 9750.00 EUR to {} is in its transfer group and in no ledger", hand.id, hand.destination);
        assert_eq!(world.db.query("select last_error from releases where seq = 2").await, [why]);
        let open = "select object_id from alarms where kind = 'unexpected_transfer' and settled_at is null";
        assert_eq!(world.db.query(open).await, std::slice::from_ref(&hand.id));

        let settled = world.service.resolve_release(again.id, &sent(&hand.id), &ada()).await.expect("settles");
        assert_eq!((settled.status.name(), settled.transfer.as_ref()), ("sent", Some(&hand.id)));
        assert_eq!(world.db.query(open).await, [""; 0]);
        world.assert_healthy().await;

        // It is looked at as any other: what comes back of it is seen, whatever it names.
        world.provider.change_transfer(&hand.id, |changed| changed.reversed = eur(1));
        let metadata: serde_json::Map<String, Value> = metadata.into_iter().map(|(name, id)| (name, json!(id))).collect();
        let back = event("evt_back", "transfer.reversed", json!({ "id": hand.id, "metadata": metadata }));
        deliver(&world, &back).await.expect("is taken");
        world.work().await;
        assert_eq!(world.db.query("select status from releases order by seq").await, ["failed", "part_reversed"]);
        let kinds = "select kind from alarms where settled_at is null and kind <> 'release_refused'";
        assert_eq!(world.db.query(kinds).await, ["transfer_reversed"]);
    }
}

#[tokio::test]
async fn a_payment_by_hand_that_was_taken_back_whole_or_names_another_release_settles_nothing() {
    let world = World::new().await;
    let (funding, _) = refused_once(&world).await;
    let hand = by_hand(&world, "hand", vec![("release_id".to_owned(), ReleaseId::new().to_string())]).await;
    let again = world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases anew").release;
    world.work().await;
    assert_eq!(world.provider.transfers().len(), 1);
    let said = hint(world.service.resolve_release(again.id, &sent(&hand.id), &ada()).await);
    assert_eq!(said, format!("{} is not what was ordered: its metadata do not name this release_id", hand.id));
    world.provider.change_transfer(&hand.id, |changed| changed.reversed = changed.amount);
    world.service.send_release(escrow::jobs::SendRelease { org: world.owner.org, release: again.id }).await.expect("is sent");
    assert_eq!(world.db.query("select status from releases order by seq").await, ["failed", "sent"]);
    assert_eq!(world.provider.transfers().len(), 2);
    world.assert_healthy().await;
}

#[tokio::test]
async fn nothing_is_noted_as_sent_after_a_refusal_while_the_group_cannot_be_read() {
    let world = World::new().await;
    let (funding, _) = refused_once(&world).await;
    world.provider.inject("transfers_of_group", [InjectedFault::Unavailable]);
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases anew");
    assert!(world.work().await.iter().any(|ran| ran.error().is_some()));
    let state = "select status || ' ' || (maybe_sent_at is null) from releases where seq = 2";
    assert_eq!(world.db.query(state).await, ["sending true"]);
    assert_eq!(world.provider.transfers(), []);
    world.work_ahead().await;
    assert_eq!(world.db.query("select status from releases where seq = 2").await, ["sent"]);
    world.assert_healthy().await;
}
