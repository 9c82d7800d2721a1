//! Contracts that end by agreement, and money that comes all the same.

use escrow_api::fake::InjectedFault;
use escrow_api::{ContractId, Contracts, Error, Terminate};

use crate::fakes::Person;
use crate::world::{World, eur};

impl World {
    async fn terminate(&self, who: &Person, contract: ContractId) -> Result<escrow_api::Terminating, Error> {
        let cmd = Terminate { contract, reason: Some("The site is lost".to_owned()) };
        self.service.terminate(&who.ctx(), cmd).await
    }
}

#[tokio::test]
async fn money_that_comes_for_a_contract_that_ended_waits_in_suspense() {
    let world = World::new().await;
    let contract = world.contract(&[100_000, 50_000]).await;
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    assert!(world.terminate(&world.contractor, contract.id).await.expect("proposes").waiting);
    let over = world.terminate(&world.owner, contract.id).await.expect("agrees");
    assert_eq!((over.waiting, over.contract.status.name()), (false, "terminated"));
    assert_eq!(world.payment(&funding).await.status.name(), "canceled");
    assert_eq!(world.db.query("select status from escrow_accounts").await, ["closed"]);
    world.assert_healthy().await;

    world.pay(&funding, true);
    world.sync(&funding).await.expect("syncs");
    assert_eq!(world.payment(&funding).await.status.name(), "suspense");
    assert_eq!(world.milestone(contract.milestones[0].id).await.status.name(), "cancelled");
    let charged = funding.payment.charged.minor();
    assert!(world.balances().await.contains(&format!("2090 -{charged}")), "{:?}", world.balances().await);
}

#[tokio::test]
async fn what_may_be_at_the_provider_is_cancelled_there_before_the_contract_ends() {
    let world = World::new().await;
    let contract = world.contract(&[100_000, 50_000]).await;
    world.provider.inject("create_payment_intent", [InjectedFault::LoseAnswer]);
    world.fund(contract.milestones[0].id).await.expect_err("the answer is lost");
    let declined = world.fund(contract.milestones[1].id).await.expect("funds");
    world.provider.change_intent(&declined.intent, |intent| intent.last_error = Some("declined".to_owned()));
    world.sync(&declined).await.expect("syncs");
    assert!(world.terminate(&world.owner, contract.id).await.expect("proposes").waiting);
    world.provider.inject("cancel_payment_intent", [InjectedFault::Unavailable]);
    world.terminate(&world.contractor, contract.id).await.expect_err("the provider does not answer");
    let now = Contracts::get(&*world.service, &world.owner.ctx(), contract.id).await.expect("reads");
    assert_eq!(now.status.name(), "active", "nothing has ended");
    let over = world.terminate(&world.contractor, contract.id).await.expect("agrees");
    assert_eq!(over.contract.status.name(), "terminated");
    assert!(world.provider.intents().iter().all(|intent| intent.status == escrow_api::IntentStatus::Canceled));
    assert_eq!(world.provider.intents().len(), 2);
    world.assert_healthy().await;
}

/// What the payer could still pay, and whether anything was done to it.
fn untouched(world: &World) -> bool {
    let open = world.provider.intents().iter().all(|intent| intent.status == escrow_api::IntentStatus::Created);
    open && !world.provider.calls().contains(&"cancel_payment_intent")
}

#[tokio::test]
async fn who_may_not_end_a_contract_or_not_now_changes_nothing_at_the_provider() {
    let world = World::new().await;
    let contract = world.contract(&[100_000, 50_000]).await;
    world.fund(contract.milestones[0].id).await.expect("funds");
    let second = world.fund(contract.milestones[1].id).await.expect("funds");
    assert!(world.terminate(&world.contractor, contract.id).await.expect("proposes").waiting);
    // Whoever signed for one side agrees for no other one, whoever made them a member there.
    let twin = Person { org: world.owner.org, ..world.contractor.clone() };
    assert!(matches!(world.terminate(&twin, contract.id).await, Err(Error::SamePerson)));
    assert!(untouched(&world), "{:?}", world.provider.calls());
    // Nor does somebody who acts for the other side.
    let tied = Person::new(world.owner.org, kernel::OrgRole::Owner);
    let both = format!(
        "set session_replication_role = replica;
         insert into memberships (org_id, user_id, role, taken_up_at) values ('{}', '{}', 'owner', now())",
        world.contractor.org, tied.user
    );
    world.db.run_sql(&both).await;
    assert!(matches!(world.terminate(&tied, contract.id).await, Err(Error::SamePerson)));
    assert!(untouched(&world), "{:?}", world.provider.calls());
    // And money that is held, or a hold, stands against it.
    world.provider.change_intent(&second.intent, |intent| intent.status = escrow_api::IntentStatus::Processing);
    world.sync(&second).await.expect("syncs");
    world.provider.change_intent(&second.intent, |intent| intent.status = escrow_api::IntentStatus::Created);
    assert!(matches!(world.terminate(&world.owner, contract.id).await, Err(Error::MoneyHeld(_))));
    assert!(untouched(&world), "{:?}", world.provider.calls());
    world.sync(&second).await.expect("syncs");
    let hold = format!(
        "set role build14_system; select app.place_hold('{}', gen_random_uuid(), '{}', null, 'operator', '', 'stolen', 'Ada', 'r')",
        world.owner.org, contract.id
    );
    world.db.run_sql(&hold).await;
    assert!(matches!(world.terminate(&world.owner, contract.id).await, Err(Error::MoneyHeld(_))));
    assert!(untouched(&world), "{:?}", world.provider.calls());
}

#[tokio::test]
async fn money_on_its_way_holds_the_contract() {
    let world = World::new().await;
    let contract = world.contract(&[100_000]).await;
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    world.provider.change_intent(&funding.intent, |intent| intent.status = escrow_api::IntentStatus::Processing);
    world.sync(&funding).await.expect("syncs");
    let Err(Error::MoneyHeld(what)) = world.terminate(&world.owner, contract.id).await else { panic!("it is held") };
    assert_eq!(what, ["milestone 1 (Milestone 1) is being paid: wait until it is funded or the payment failed"]);
    world.pay(&funding, false);
    world.sync(&funding).await.expect("syncs");
    let Err(Error::MoneyHeld(_)) = world.terminate(&world.owner, contract.id).await else { panic!("it is held") };
    world.pay(&funding, true);
    world.sync(&funding).await.expect("syncs");
    let Err(Error::MoneyHeld(what)) = world.terminate(&world.owner, contract.id).await else { panic!("it is held") };
    assert_eq!(
        what,
        [format!("milestone 1 (Milestone 1) is funded and {} are held for it: release or refund them first", eur(100_000))]
    );
}

#[tokio::test]
async fn nobody_ends_a_contract_by_themselves_in_the_database_either() {
    let world = World::new().await;
    let contract = world.contract(&[100_000]).await;
    let propose = |who: &Person, party: &str| {
        format!(
            "insert into contract_terminations (org_id, id, contract_id, contractor_org_id, party, proposed_by, reason)
             values ('{}', gen_random_uuid(), '{}', '{}', '{party}', '{}', 'x')",
            world.owner.org, contract.id, world.contractor.org, who.user
        )
    };
    let said = world.refusal(&world.contractor.ctx(), &propose(&world.contractor, "owner")).await;
    assert!(said.contains("row-level security"), "{said}");
    let said = world.refusal(&world.contractor.ctx(), &propose(&world.owner, "contractor")).await;
    assert!(said.contains("row-level security"), "{said}");
    world.accept(&world.contractor.ctx(), &propose(&world.contractor, "contractor")).await;
    let end = format!("select app.end_contract('{}', '{}', gen_random_uuid(), 'r') as n", world.owner.org, contract.id);
    world.accept(&world.contractor.ctx(), &end).await;
    assert_eq!(world.db.query("select status from contracts").await, ["active"]);
    let stranger = Person::new(kernel::OrgId::new(), kernel::OrgRole::Owner);
    assert!(world.refusal(&stranger.ctx(), &end).await.contains("is not of this organisation"));
    let agree = "update contract_terminations set agreed_by = gen_random_uuid(), agreed_at = now()";
    assert!(world.refusal(&world.owner.ctx(), agree).await.contains("permission denied"));
    world.accept(&world.owner.ctx(), &end).await;
    assert_eq!(world.db.query("select status from contracts").await, ["terminated"]);
}

#[tokio::test]
async fn a_contract_on_which_a_hold_is_open_does_not_end() {
    let world = World::new().await;
    let contract = world.contract(&[100_000]).await;
    world.terminate(&world.contractor, contract.id).await.expect("proposes");
    let hold = format!(
        "set role build14_system; select app.place_hold('{}', gen_random_uuid(), '{}', null, 'operator', '', 'stolen', 'Ada', 'r')",
        world.owner.org, contract.id
    );
    world.db.run_sql(&hold).await;
    let Err(Error::MoneyHeld(what)) = world.terminate(&world.owner, contract.id).await else { panic!("it is held") };
    assert_eq!(what, ["a hold on the contract (operator) must be lifted first"]);
    let end = format!("select app.end_contract('{}', '{}', gen_random_uuid(), 'r') as n", world.owner.org, contract.id);
    world.accept(&world.owner.ctx(), &end).await;
    assert_eq!(world.db.query("select status from contracts").await, ["active"]);
}
