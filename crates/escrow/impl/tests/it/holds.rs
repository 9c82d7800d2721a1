//! While a hold is open no money moves there, whoever asks; both parties see that there is one, and nobody but the platform lifts it.

use escrow::jobs::SendRelease;
use escrow::{HoldError, HoldPlace, freeze, unfreeze};
use escrow_api::fake::InjectedFault;
use escrow_api::{Contracts, Error, Hold, MilestoneId, Payments};
use kernel::{Decision, DomainError};

use crate::world::World;

fn said() -> Decision {
    Decision { operator: "Ada".parse().expect("a name"), reason: Some("the card was stolen".parse().expect("a reason")) }
}

impl World {
    async fn freeze(&self, place: HoldPlace) -> Result<usize, HoldError> {
        freeze(&self.db.system_uow(), place, &said()).await
    }

    async fn unfreeze(&self, place: HoldPlace) -> Result<escrow::Lifted, HoldError> {
        unfreeze(&self.db.system_uow(), place, "operator", &said()).await
    }
}

fn held(result: Result<impl Sized, Error>) -> (&'static str, String) {
    match result {
        Err(error @ Error::OnHold { .. }) => {
            assert_eq!(error.kind(), kernel::Kind::Conflict);
            let Error::OnHold { what, kind, .. } = error else { unreachable!("matched") };
            (what, kind)
        }
        Err(other) => panic!("refused otherwise: {other}"),
        Ok(_) => panic!("not refused"),
    }
}

#[tokio::test]
async fn a_frozen_milestone_is_neither_funded_nor_approved_nor_released() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000, 500_000]).await;
    let [first, second] = [contract.milestones[0].id, contract.milestones[1].id];
    let on = |id: MilestoneId| HoldPlace::Milestone(id);

    world.freeze(on(first)).await.expect("freezes");
    assert_eq!(held(world.fund(first).await), ("milestone", "operator".to_owned()));
    let other = world.fund(second).await.expect("the other milestone is free");
    world.unfreeze(on(first)).await.expect("unfreezes");
    let funding = world.fund(first).await.expect("funds");
    world.freeze(on(first)).await.expect("freezes");
    assert_eq!(held(world.fund(first).await), ("milestone", "operator".to_owned()), "nor is a started payment taken up");
    world.pay(&funding, true);
    world.sync(&funding).await.expect("what the payer did is learnt");
    world.submit(first).await.expect("work may be submitted");
    assert_eq!(held(world.approve(first, None).await), ("milestone", "operator".to_owned()));
    world.unfreeze(on(first)).await.expect("unfreezes");
    world.approve(first, None).await.expect("approves");

    world.freeze(HoldPlace::Contract(contract.id)).await.expect("freezes");
    assert_eq!(held(world.service.release(&world.owner.ctx(), funding.payment.id).await), ("contract", "operator".to_owned()));
    assert_eq!(held(world.fund(second).await), ("contract", "operator".to_owned()));
    let seen = Contracts::get(&*world.service, &world.contractor.ctx(), contract.id).await.expect("reads");
    let holds: Vec<_> = seen.holds.iter().map(|Hold { kind, whole_contract, .. }| (kind.as_str(), *whole_contract)).collect();
    assert_eq!(holds, [("operator", true)]);
    assert!(seen.milestones.iter().all(|milestone| milestone.frozen && milestone.holds == seen.holds));
    world.unfreeze(HoldPlace::Contract(contract.id)).await.expect("unfreezes");
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    assert_eq!(world.fund(second).await.expect("is taken up").payment.id, other.payment.id);
    world.work().await;
    assert_eq!(world.provider.transfers().len(), 1);
    world.assert_healthy().await;
}

#[tokio::test]
async fn what_stays_frozen_for_more_than_a_day_is_a_finding() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let place = HoldPlace::Milestone(contract.milestones[0].id);
    world.freeze(place).await.expect("freezes");
    assert_eq!(world.broken().await, [] as [&str; 0], "a person knows of it");
    world.db.run_sql("alter table holds disable trigger user; update holds set placed_at = now() - interval '25 hours'; alter table holds enable trigger user").await;
    assert_eq!(world.broken().await, ["HOLD_LEFT"]);
    world.unfreeze(place).await.expect("unfreezes");
    assert_eq!(world.broken().await, [] as [&str; 0]);
}

#[tokio::test]
async fn a_release_on_its_way_waits_for_the_hold_and_goes_when_it_is_lifted() {
    let world = World::new().await;
    let (contract, funding) = world.approved().await;
    let milestone = HoldPlace::Milestone(contract.milestones[0].id);
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    assert_eq!(world.freeze(milestone).await.expect("freezes"), 0, "none has left");
    assert_eq!(world.work().await[0].error(), None, "it waits: the job does not die of it");
    assert_eq!(held(world.service.release(&world.owner.ctx(), funding.payment.id).await), ("milestone", "operator".to_owned()));
    world.clock.advance(chrono::TimeDelta::days(3));
    world
        .db
        .run_sql(
            "update releases set sending_since = sending_since - interval '61 minutes', updated_at = now() - interval '1 hour'",
        )
        .await;
    world.service.sweep().await.expect("sweeps");
    assert!(world.work().await.is_empty(), "the sweep does not take up what waits");
    assert_eq!((world.broken().await, world.provider.transfers().len()), (vec![], 0));
    let lifted = world.unfreeze(milestone).await.expect("unfreezes");
    assert_eq!((lifted.kinds.as_slice(), lifted.remaining.len(), lifted.resumed), (["operator".to_owned()].as_slice(), 0, 1));
    world.work().await;
    assert_eq!(world.provider.transfers().len(), 1);
    assert_eq!(world.milestone(contract.milestones[0].id).await.status.name(), "released");
}

#[tokio::test]
async fn what_may_have_left_is_looked_for_under_a_hold_but_not_asked_for_again() {
    for arrived in [true, false] {
        let world = World::new().await;
        let (contract, funding) = world.approved().await;
        let milestone = HoldPlace::Milestone(contract.milestones[0].id);
        let release = world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases").release.id;
        let job = SendRelease { org: world.owner.org, release };
        if arrived {
            world.provider.inject("create_transfer", [InjectedFault::LoseAnswer]);
            world.work().await;
        } else {
            // It died between the mark and the call.
            world
                .db
                .run_sql(
                    "update releases set maybe_sent_at = now(), attempts = 1, destination = (select account from payee_accounts)",
                )
                .await;
        }
        assert_eq!(world.freeze(milestone).await.expect("freezes"), 1, "it may have left");
        world.service.send_release(job).await.expect("looks");
        assert_eq!(world.provider.transfers().len(), usize::from(arrived));
        let status = world.milestone(contract.milestones[0].id).await.status;
        assert_eq!(status.name(), if arrived { "released" } else { "approved" });
        world.unfreeze(milestone).await.expect("unfreezes");
        world.service.send_release(job).await.expect("sends");
        assert_eq!(world.provider.transfers().len(), 1);
        world.assert_healthy().await;
    }
}

#[tokio::test]
async fn freezing_twice_or_nothing_says_so() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let id = contract.milestones[0].id;
    let milestone = HoldPlace::Milestone(id);
    for nothing in [HoldPlace::Milestone(escrow_api::MilestoneId::new()), HoldPlace::Contract(escrow_api::ContractId::new())] {
        assert!(matches!(world.freeze(nothing).await, Err(HoldError::NotFound(_))));
        assert!(matches!(world.unfreeze(nothing).await, Err(HoldError::NotFound(_))));
    }
    assert!(matches!(world.unfreeze(milestone).await, Err(HoldError::NotFrozen { .. })));
    world.freeze(milestone).await.expect("freezes");
    let again = world.freeze(milestone).await.expect_err("refused").to_string();
    assert!(again.contains("is frozen already: Ada did so on"), "{again}");
    let contract = HoldPlace::Contract(contract.id);
    assert!(matches!(world.unfreeze(contract).await, Err(HoldError::NotFrozen { .. })), "the contract is not");
    world.freeze(contract).await.expect("both at once");
    let lifted = world.unfreeze(contract).await.expect("unfreezes");
    assert_eq!(lifted.remaining, [] as [String; 0]);
    assert!(world.milestone(id).await.frozen, "its own hold is still open");
}

#[tokio::test]
async fn both_trails_tell_who_froze_and_why() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let milestone = HoldPlace::Milestone(contract.milestones[0].id);
    world.freeze(milestone).await.expect("freezes");
    world.unfreeze(milestone).await.expect("unfreezes");
    let mut parties = [world.owner.org.to_string(), world.contractor.org.to_string()];
    parties.sort();
    for action in ["escrow.hold_placed", "escrow.hold_lifted"] {
        let told = world
            .db
            .query(&format!(
                "select org_id || ' ' || entity_type || ' ' || (after ->> 'operator') || ': ' || (after ->> 'reason')
                 from audit_entries where action = '{action}' and entity_id = '{}' order by org_id",
                contract.milestones[0].id
            ))
            .await;
        assert_eq!(told, parties.clone().map(|org| format!("{org} milestone Ada: the card was stolen")));
    }
}

#[tokio::test]
async fn tenants_read_that_there_is_a_hold_and_change_nothing_about_it() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let (id, org) = (contract.milestones[0].id, world.owner.org);
    world.freeze(HoldPlace::Milestone(id)).await.expect("freezes");
    let stranger = crate::fakes::Person::new(kernel::OrgId::new(), kernel::OrgRole::Owner);
    for (who, seen) in [(&world.owner, 1), (&world.contractor, 1), (&stranger, 0)] {
        let count = "select count(*) as n from (select kind, placed_at from holds) as h";
        assert_eq!(world.count(&who.ctx(), count).await, seen);
        let lift = format!("select app.lift_hold('{org}', (select id from holds), null, 'so', 'r')");
        for sql in [
            "select reason from holds",
            "select placed_by from holds",
            "update holds set lifted_at = now()",
            "insert into holds (org_id) values (gen_random_uuid())",
            lift.as_str(),
        ] {
            world.refusal(&who.ctx(), sql).await;
        }
    }
    let place =
        format!("select app.place_hold('{org}', gen_random_uuid(), '{}', null, 'operator', '', 'so', 'x', 'r')", contract.id);
    for who in [&world.owner, &world.contractor, &stranger] {
        let refused = world.refusal(&who.ctx(), &place).await;
        assert!(refused.contains("permission denied"), "{refused}");
    }
    assert_eq!(world.db.query("select count(*) from holds where lifted_at is null").await, ["1"]);
    for sql in ["update holds set reason = 'x'", "delete from holds", "truncate holds"] {
        let said = world.tamper(sql).await;
        assert!(said.contains("never changes") || said.contains("append-only"), "{sql}: {said}");
    }
    world
        .db
        .run_sql(&format!("set session_replication_role = replica; update milestones set frozen = false where id = '{id}'"))
        .await;
    assert_eq!(world.broken().await, ["HOLD"]);
}
