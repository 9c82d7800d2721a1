//! Money that was taken back, or may be: the milestone stops, a person is told, and no transfer leaves, whichever way and whenever we learn of it.

use escrow::{HoldPlace, jobs as tasks, unfreeze};
use escrow_api::fake::InjectedFault;
use escrow_api::{Contract, DisputeStage, Error, Funding, Payments};
use kernel::Decision;
use serde_json::json;

use crate::webhooks::{deliver, event};
use crate::world::{World, eur};

impl World {
    /// The open alarms, `kind object`.
    async fn open_alarms(&self) -> Vec<String> {
        self.db.query("select kind || ' ' || object_id from alarms where settled_at is null order by kind, object_id").await
    }

    /// `scope kind object` of the open holds.
    async fn open_holds(&self) -> Vec<String> {
        self.db
            .query(
                "select case when milestone_id is null then 'contract' else 'milestone' end || ' ' || kind || ' ' || object
                    from holds where lifted_at is null order by 1",
            )
            .await
    }

    async fn tell(&self, id: &str, kind: &str, dispute: &str, intent: &str) {
        let object = json!({ "id": dispute, "charge": format!("ch_{intent}"), "payment_intent": intent });
        deliver(self, &event(id, kind, object)).await.expect("is taken");
        self.work().await;
    }

    async fn look(&self, funding: &Funding) {
        let job = tasks::SyncCharge { org: self.owner.org, payment: funding.payment.id };
        self.service.sync_charge(job).await.expect("looks");
    }

    async fn release(&self, funding: &Funding) -> Result<(), Error> {
        self.service.release(&self.owner.ctx(), funding.payment.id).await.map(|_| ())
    }
}

fn said(reason: &str) -> Decision {
    Decision { operator: "Ada".parse().expect("a name"), reason: Some(reason.parse().expect("a reason")) }
}

fn on_hold(result: Result<impl Sized, Error>, expected: &str) {
    match result {
        Err(Error::OnHold { kind, .. }) => assert_eq!(kind, expected),
        Err(other) => panic!("refused otherwise: {other}"),
        Ok(_) => panic!("not refused"),
    }
}

/// A milestone that is paid, not available yet.
async fn paid(world: &World) -> (Contract, Funding) {
    let contract = world.contract(&[1_000_000]).await;
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    world.pay(&funding, false);
    world.sync(&funding).await.expect("syncs");
    (contract, funding)
}

#[tokio::test]
async fn a_charge_disputed_before_its_money_is_available_is_neither_approved_nor_released() {
    let world = World::new().await;
    let (contract, funding) = paid(&world).await;
    let milestone = contract.milestones[0].id;
    let dispute = world.provider.dispute(&funding.intent, DisputeStage::Open);
    world.tell("evt_1", "charge.dispute.created", &dispute, &funding.intent).await;
    assert_eq!(world.open_holds().await, [format!("milestone dispute {dispute}")]);
    assert_eq!(world.open_alarms().await, [format!("dispute {dispute}")]);
    world.provider.make_available(&funding.intent);
    world.sync(&funding).await.expect("syncs");
    world.submit(milestone).await.expect("work may be submitted");
    on_hold(world.approve(milestone, None).await, "dispute");
    let seen = world.milestone(milestone).await;
    assert!(seen.frozen && seen.holds.len() == 1 && seen.holds[0].kind == "dispute");
    world.provider.dispute(&funding.intent, DisputeStage::Lost);
    world.tell("evt_2", "charge.dispute.closed", &dispute, &funding.intent).await;
    on_hold(world.approve(milestone, None).await, "dispute");
    assert_eq!(world.provider.transfers(), []);
}

#[tokio::test]
async fn one_disputed_after_approval_is_not_released_and_a_lost_one_stays_so_until_a_person_settled_it() {
    let world = World::new().await;
    let (contract, funding) = world.approved().await;
    let dispute = world.provider.dispute(&funding.intent, DisputeStage::Open);
    world.tell("evt_1", "charge.dispute.funds_withdrawn", &dispute, &funding.intent).await;
    on_hold(world.release(&funding).await, "dispute");
    world.provider.dispute(&funding.intent, DisputeStage::Lost);
    world.tell("evt_2", "charge.dispute.closed", &dispute, &funding.intent).await;
    on_hold(world.release(&funding).await, "dispute");
    // A person settled it otherwise, say with a bank transfer: what was seen already does not stop it again.
    let said = said("the owner paid again by bank");
    let place = HoldPlace::Milestone(contract.milestones[0].id);
    unfreeze(&world.db.system_uow(), place, "dispute", &said).await.expect("unfreezes");
    world.tell("evt_3", "charge.dispute.updated", &dispute, &funding.intent).await;
    world.release(&funding).await.expect("releases");
    world.work().await;
    assert_eq!(world.provider.transfers().len(), 1);
}

#[tokio::test]
async fn no_transfer_leaves_for_a_charge_whose_dispute_nobody_told_of() {
    for stage in [DisputeStage::Inquiry, DisputeStage::Open, DisputeStage::WonUnpaid, DisputeStage::Lost] {
        let world = World::new().await;
        let (_, funding) = world.approved().await;
        world.release(&funding).await.expect("nobody knows yet");
        let dispute = world.provider.dispute(&funding.intent, stage);
        let ran = world.work().await;
        assert!(ran.iter().all(|ran| ran.error().is_none()), "it waits for the hold");
        assert_eq!(world.provider.transfers(), []);
        assert_eq!(world.open_holds().await, [format!("milestone dispute {dispute}")]);
        assert_eq!(world.open_alarms().await, [format!("dispute {dispute}")]);
        assert_eq!(world.db.query("select status || ' ' || (maybe_sent_at is null) from releases").await, ["sending true"]);
        on_hold(world.release(&funding).await, "dispute");
        assert_eq!(world.broken().await, [] as [&str; 0], "the books agree");
    }
}

#[tokio::test]
async fn nor_for_one_that_was_refunded_warned_of_reviewed_failed_or_is_gone() {
    type Befall = fn(&World, &str);
    let troubles: [(&str, Befall); 6] = [
        ("refund", |world, intent| world.provider.change_charge(intent, |charge| charge.amount_refunded = 1)),
        ("fraud_warning", |world, intent| drop(world.provider.warn(intent))),
        ("review", |world, intent| world.provider.change_charge(intent, |charge| charge.review = Some("prv_1".to_owned()))),
        ("charge", |world, intent| world.provider.change_charge(intent, |charge| charge.status = "failed".to_owned())),
        ("charge", |world, intent| world.provider.change_charge(intent, |charge| charge.captured = false)),
        ("charge", |world, _| world.provider.inject("charge", [InjectedFault::Refuse("resource_missing".to_owned())])),
    ];
    for (kind, befall) in troubles {
        let world = World::new().await;
        let (_, funding) = world.approved().await;
        world.release(&funding).await.expect("nobody knows yet");
        befall(&world, &funding.intent);
        world.work().await;
        assert_eq!(world.provider.transfers(), [], "{kind}");
        on_hold(world.release(&funding).await, kind);
        assert_eq!(world.open_alarms().await.len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn while_the_provider_does_not_show_the_charge_nothing_leaves() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    world.release(&funding).await.expect("releases");
    for operation in ["charge", "disputes_of_intent", "fraud_warnings_of_intent"] {
        world.provider.inject(operation, [InjectedFault::Unavailable]);
        assert!(world.work_ahead().await.iter().any(|ran| ran.error().is_some()), "{operation}");
        assert_eq!(world.provider.transfers(), []);
    }
    world.work_ahead().await;
    assert_eq!(world.provider.transfers().len(), 1);
    let calls = world.provider.calls();
    let sent = calls.iter().rposition(|call| *call == "create_transfer").expect("sent");
    assert_eq!(calls[sent - 3..sent], ["charge", "disputes_of_intent", "fraud_warnings_of_intent"], "right before");
    world.assert_healthy().await;
}

#[tokio::test]
async fn a_dispute_lets_go_of_its_own_hold_only_when_it_is_won_and_the_money_is_back() {
    let world = World::new().await;
    let (contract, funding) = world.approved().await;
    let dispute = world.provider.dispute(&funding.intent, DisputeStage::Open);
    let warning = world.provider.warn(&funding.intent);
    world.look(&funding).await;
    assert_eq!(world.open_holds().await, [format!("milestone dispute {dispute}"), format!("milestone fraud_warning {warning}")]);
    world.provider.dispute(&funding.intent, DisputeStage::WonUnpaid);
    world.look(&funding).await;
    assert_eq!(world.open_holds().await.len(), 2, "won, but the money is not back");
    world.provider.dispute(&funding.intent, DisputeStage::Won);
    world.look(&funding).await;
    assert_eq!(world.open_holds().await, [format!("milestone fraud_warning {warning}")], "the other is not its own");
    on_hold(world.release(&funding).await, "fraud_warning");
    let said = said("the payer confirmed it");
    let place = HoldPlace::Milestone(contract.milestones[0].id);
    unfreeze(&world.db.system_uow(), place, "fraud_warning", &said).await.expect("unfreezes");
    world.release(&funding).await.expect("releases");
    world.work().await;
    assert_eq!(world.provider.transfers().len(), 1);
    assert_eq!(world.open_alarms().await.len(), 2, "until a person settles them");
}

#[tokio::test]
async fn news_that_come_late_doubled_or_out_of_order_change_nothing() {
    use DisputeStage as S;
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    let dispute = world.provider.dispute(&funding.intent, S::Inquiry);
    // What was fetched when: an old look may be applied after a newer one.
    for (stage, held) in [
        (S::Inquiry, true),
        (S::InquiryClosed, false),
        (S::Inquiry, false),
        (S::Open, true),
        (S::Open, true),
        (S::InquiryClosed, true),
        (S::Won, false),
        (S::Open, false),
        (S::Lost, true),
        (S::Won, true),
    ] {
        world.provider.dispute(&funding.intent, stage);
        world.look(&funding).await;
        assert_eq!(!world.open_holds().await.is_empty(), held, "{stage:?}");
    }
    let placed = world.db.query("select count(*) from holds").await;
    assert_eq!((placed, world.open_alarms().await), (vec!["3".to_owned()], vec![format!("dispute {dispute}")]));
}

#[tokio::test]
async fn money_that_left_before_the_dispute_stops_the_whole_contract() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000, 500_000]).await;
    let [first, second] = [contract.milestones[0].id, contract.milestones[1].id];
    let funding = world.fund(first).await.expect("funds");
    world.pay(&funding, true);
    world.sync(&funding).await.expect("syncs");
    world.submit(first).await.expect("submits");
    world.approve(first, None).await.expect("approves");
    world.release(&funding).await.expect("releases");
    world.work().await;
    assert_eq!(world.provider.transfers().len(), 1);
    let dispute = world.provider.dispute(&funding.intent, DisputeStage::Open);
    world.tell("evt_1", "charge.dispute.created", &dispute, &funding.intent).await;
    assert_eq!(world.open_holds().await, [format!("contract dispute {dispute}")]);
    on_hold(world.fund(second).await, "dispute");
    assert_eq!(world.open_alarms().await, [format!("dispute {dispute}")]);
}

#[tokio::test]
async fn a_transfer_that_arrived_after_all_widens_the_hold() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    world.release(&funding).await.expect("releases");
    world.provider.inject("create_transfer", [InjectedFault::LoseAnswer]);
    world.work().await;
    // Before it was known to have left: noted as 'may have'.
    let dispute = world.provider.dispute(&funding.intent, DisputeStage::Open);
    world.look(&funding).await;
    assert_eq!(world.open_holds().await, [format!("contract dispute {dispute}")], "it may have left");

    let other = World::new().await;
    let (_, funding) = other.approved().await;
    let dispute = other.provider.dispute(&funding.intent, DisputeStage::Open);
    other.look(&funding).await;
    // Somebody sent it past the hold; the event tells.
    other.db.run_sql("set session_replication_role = replica; update releases set status = 'unknown', sending_since = now(), maybe_sent_at = now(), destination = (select account from payee_accounts)").await;
    let release = other.db.query("select id from releases").await.remove(0);
    let order = escrow_api::TransferOrder {
        amount: crate::world::eur(975_000),
        destination: other.db.query("select account from payee_accounts").await.remove(0),
        transfer_group: "ms".to_owned(),
        source_charge: None,
        metadata: vec![("release_id".to_owned(), release.clone())],
        idempotency_key: "by hand".to_owned(),
    };
    let transfer = escrow_api::PaymentProvider::create_transfer(&*other.provider, &order).await.expect("made").id;
    let job =
        tasks::SyncTransfer { org: other.owner.org, release: release.parse::<uuid::Uuid>().expect("an id").into(), transfer };
    other.service.sync_transfer(job).await.expect("syncs");
    let mut holds = other.open_holds().await;
    holds.sort();
    assert_eq!(holds, [format!("contract dispute {dispute}"), format!("milestone dispute {dispute}")]);
}

#[tokio::test]
async fn a_dispute_that_comes_before_its_payment_is_known_is_not_lost() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    // Paid, disputed, and told in this order: first the dispute.
    world.pay(&funding, true);
    let dispute = world.provider.dispute(&funding.intent, DisputeStage::Open);
    world.tell("evt_1", "charge.dispute.created", &dispute, &funding.intent).await;
    assert_eq!(world.open_holds().await, [format!("milestone dispute {dispute}")]);
    assert_eq!(world.payment(&funding).await.status.name(), "available", "the payment was learnt on the way");
}

#[tokio::test]
async fn a_dispute_without_a_webhook_is_found_by_the_sweep() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    let dispute = world.provider.dispute(&funding.intent, DisputeStage::Open);
    world.service.sweep().await.expect("sweeps");
    world.work().await;
    assert_eq!(world.open_holds().await, [format!("milestone dispute {dispute}")]);
    // What goes on is looked at again, though nobody tells of its end.
    world.provider.dispute(&funding.intent, DisputeStage::Won);
    world.db.run_sql("update charge_incidents set seen_at = now() - interval '2 hours'").await;
    world.service.sweep().await.expect("sweeps");
    world.work().await;
    assert_eq!(world.open_holds().await, [] as [&str; 0]);
    world.provider.inject("charge_news_since", [InjectedFault::Unavailable]);
    world.clock.advance(chrono::TimeDelta::hours(1));
    world.service.sweep().await.expect("a provider that is away stops no sweep");
}

#[tokio::test]
async fn lists_that_cannot_be_read_for_half_an_hour_are_an_alarm_until_they_can() {
    let world = World::new().await;
    world.service.sweep().await.expect("sweeps");
    for (minutes, alarms) in [(10, vec![]), (19, vec![]), (1, vec!["charges_unread stripe".to_owned()])] {
        world.provider.inject("charge_news_since", [InjectedFault::Unavailable]);
        world.clock.advance(chrono::TimeDelta::minutes(minutes));
        world.service.sweep().await.expect("a provider that is away stops no sweep");
        assert_eq!(world.open_alarms().await, alarms, "after {minutes} minutes more");
    }
    world.service.sweep().await.expect("sweeps");
    assert_eq!(world.open_alarms().await, [] as [&str; 0]);
}

#[tokio::test]
async fn a_dispute_of_nobodys_charge_is_an_alarm() {
    let world = World::new().await;
    let dispute = world.provider.dispute("pi_foreign", DisputeStage::Open);
    world.tell("evt_1", "charge.dispute.created", &dispute, "pi_foreign").await;
    assert_eq!(world.open_alarms().await, [format!("dispute_unmatched {dispute}")]);
    assert_eq!(world.db.query("select count(*) from webhook_events where processed_at is null").await, ["0"]);
}

#[tokio::test]
async fn one_that_a_person_settled_stays_settled_however_often_the_lists_are_read() {
    let world = World::new().await;
    let dispute = world.provider.dispute("pi_foreign", DisputeStage::Open);
    world.service.sweep().await.expect("sweeps");
    assert_eq!(world.open_alarms().await, [format!("dispute_unmatched {dispute}")]);
    let system = world.db.system_uow();
    let alarm = db::alarms(&system, false).await.expect("lists").remove(0).id;
    let said = said("it is of our other shop");
    db::settle_alarm(&system, alarm, &said.operator, said.reason.as_ref().expect("a reason")).await.expect("settles");
    for _ in 0..3 {
        world.clock.advance(chrono::TimeDelta::minutes(6));
        world.service.sweep().await.expect("sweeps");
        assert_eq!(world.open_alarms().await, [] as [&str; 0]);
    }
    let other = world.provider.dispute("pi_other", DisputeStage::Open);
    world.clock.advance(chrono::TimeDelta::minutes(6));
    world.service.sweep().await.expect("sweeps");
    assert_eq!(world.open_alarms().await, [format!("dispute_unmatched {other}")], "that is another one");
}

#[tokio::test]
async fn one_that_cannot_be_looked_at_lets_others_have_their_turn() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    world.provider.dispute(&funding.intent, DisputeStage::Open);
    world.look(&funding).await;
    world.db.run_sql("update charge_incidents set seen_at = now() - interval '2 hours'").await;
    world.provider.inject("charge", [InjectedFault::Unavailable]);
    world.service.sweep().await.expect("sweeps");
    assert!(world.work().await.iter().any(|ran| ran.error().is_some()), "the look fails");
    let due = "select count(*) from charge_incidents where seen_at < now() - interval '1 hour'";
    assert_eq!(world.db.query(due).await, ["0"]);
}

#[tokio::test]
async fn of_many_looks_at_once_one_places_the_hold() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    world.provider.dispute(&funding.intent, DisputeStage::Open);
    let job = tasks::SyncCharge { org: world.owner.org, payment: funding.payment.id };
    let looks = futures::future::join_all((0..16).map(|_| world.service.sync_charge(job))).await;
    assert!(looks.iter().all(Result::is_ok));
    assert_eq!(world.db.query("select count(*) from holds").await, ["1"]);
    assert_eq!(world.db.query("select count(*) from alarms").await, ["1"]);
    assert_eq!(world.db.query("select count(*) from audit_entries where action = 'escrow.hold_placed'").await, ["2"]);
}

#[tokio::test]
async fn parts_released_around_a_refund_pay_the_shown_fee_and_wait_until_the_money_is_made_up_for() {
    let world = World::new().await;
    let (contract, funding) = world.funded().await;
    let milestone = contract.milestones[0].id;
    let approve = async |amount: Option<i64>| {
        world.submit(milestone).await.expect("submits");
        world.approve(milestone, amount).await.map(|_| ())
    };
    let sweep = async || world.service.sweep().await.expect("sweeps");
    approve(Some(333_333)).await.expect("approves");
    world.release(&funding).await.expect("releases");
    world.work().await;
    assert_eq!(world.provider.transfers().len(), 1);

    // Somebody gives 100.00 back to the payer at the provider's dashboard.
    world.provider.change_charge(&funding.intent, |charge| charge.amount_refunded = 10_000);
    world.provider.move_money(eur(-10_000));
    let object = json!({ "id": format!("ch_{}", funding.intent), "payment_intent": funding.intent });
    deliver(&world, &event("evt_refund", "charge.refunded", object)).await.expect("is taken");
    world.work().await;
    let charge = format!("ch_{}", funding.intent);
    assert_eq!(world.open_holds().await, [format!("contract refund {charge}")], "money of it left: the whole contract");
    on_hold(approve(Some(333_333)).await, "refund");
    sweep().await;
    let alarms = "select kind from alarms where settled_at is null order by kind";
    assert_eq!(world.db.query(alarms).await, ["balance_short", "charge_refunded"]);

    let place = escrow::HoldPlace::Contract(contract.id);
    escrow::unfreeze(&world.db.system_uow(), place, "refund", &said("the platform stands for it")).await.expect("lifts");
    world.approve(milestone, Some(333_333)).await.expect("approves");
    world.release(&funding).await.expect("is asked for");
    world.work().await;
    assert_eq!(world.provider.transfers().len(), 1, "what was refunded is not there: others' money does not pay for it");
    world.provider.move_money(eur(10_000));
    sweep().await;
    world.work().await;
    assert_eq!(world.provider.transfers().len(), 2);
    approve(None).await.expect("approves the rest");
    world.release(&funding).await.expect("releases");
    world.work().await;

    let parts = "select concat_ws(' ', gross, fee, net, status) from releases order by seq";
    assert_eq!(
        world.db.query(parts).await,
        ["333333 8333 325000 sent", "333333 8334 324999 sent", "333334 8333 325001 sent"],
        "25000 in all"
    );
    assert_eq!(world.milestone(milestone).await.status.name(), "released");
    world.assert_healthy().await;
}
