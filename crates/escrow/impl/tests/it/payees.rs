//! Payee accounts and their trail.

use chrono::TimeDelta;
use escrow::Resolution;
use escrow::jobs::SyncAccount;
use escrow_api::fake::InjectedFault;
use escrow_api::{Contract, Contracts, Error, Payees, Payments};
use kernel::OrgRole;
use serde_json::{Value, json};

use crate::fakes::Person;
use crate::webhooks::{deliver, event};
use crate::world::{World, ada, eur};

fn changes(world: &World) -> Vec<(Option<Value>, Option<Value>)> {
    let entries = world.trail.entries().into_iter().map(|(_, entry)| entry);
    entries.filter(|entry| entry.action == "payee_account.changed").map(|entry| (entry.before, entry.after)).collect()
}

#[tokio::test]
async fn an_account_is_on_record_from_the_moment_it_is_kept_and_so_is_every_change() {
    let world = World::new().await;
    world.provider.inject("onboarding_link", [InjectedFault::Unavailable]);
    world.service.onboard(&world.contractor.ctx()).await.expect_err("no link");
    let account = world.db.query("select account from payee_accounts").await.remove(0);
    let made = (
        Some(json!({ "status": "onboarding", "account": null })),
        Some(json!({ "status": "onboarding", "account": account, "disabledReason": null })),
    );
    assert_eq!(changes(&world), [made]);

    world.service.onboard(&world.contractor.ctx()).await.expect("onboards");
    assert_eq!(changes(&world).len(), 1, "nothing changed");
    world.db.run_sql("update payee_accounts set status = 'restricted'").await;
    world.provider.complete_onboarding(&account);
    world.service.onboard(&world.contractor.ctx()).await.expect("is told");
    let active = (
        Some(json!({ "status": "restricted", "account": account })),
        Some(json!({ "status": "active", "account": account, "disabledReason": null })),
    );
    assert_eq!(changes(&world)[1..], [active]);
}

/// A contract in force whose contractor's account has just been closed.
async fn closed(world: &World) -> (Contract, String) {
    let contract = world.contract(&[1_000_000, 500_000]).await;
    let account = world.db.query("select account from payee_accounts").await.remove(0);
    world.provider.deauthorize(&account);
    world.service.sync_account(SyncAccount { org: world.contractor.org }).await.expect("is told");
    assert_eq!(world.db.query("select status from payee_accounts").await, ["closed"]);
    (contract, account)
}

async fn replace(world: &World) -> String {
    let onboarding = world.service.onboard(&world.contractor.ctx()).await.expect("an owner may");
    assert_eq!(onboarding.payee.status.name(), "onboarding");
    onboarding.payee.account.expect("made")
}

async fn activate(world: &World, account: &str) {
    world.provider.complete_onboarding(account);
    world.service.sync_account(SyncAccount { org: world.contractor.org }).await.expect("is told");
}

async fn status(world: &World, contract: &Contract) -> &'static str {
    Contracts::get(&*world.service, &world.owner.ctx(), contract.id).await.expect("reads").status.name()
}

#[tokio::test]
async fn a_closed_account_is_replaced_on_the_word_of_an_owner_and_nobody_elses() {
    let world = World::new().await;
    let (_, old) = closed(&world).await;
    let admin = Person::new(world.contractor.org, OrgRole::Admin);
    let denied = world.service.onboard(&admin.ctx()).await.expect_err("an admin may not");
    assert!(matches!(&denied, Error::Denied(denied) if denied.permission.name() == "payee_account.replace"), "{denied}");
    assert_eq!(world.db.query("select account from payee_accounts").await, std::slice::from_ref(&old));

    let new = replace(&world).await;
    assert_ne!(new, old);
    let org = world.contractor.org;
    assert_eq!(world.provider.keys(), [format!("acct_{org}"), format!("acct_{org}_1")], "a fresh key");
    assert_eq!(world.db.query("select account from payee_accounts_retired").await, std::slice::from_ref(&old));
    let entries = world.trail.entries();
    let (_, replaced) = entries.iter().find(|(_, entry)| entry.action == "payee_account.replace").expect("on record");
    assert_eq!(replaced.before.as_ref().expect("before")["account"], old);
    // Asked again, by an admin too, it is the same account.
    let again = world.service.onboard(&admin.ctx()).await.expect("goes on");
    assert_eq!((again.payee.account.as_ref(), world.provider.accounts().len()), (Some(&new), 1));
    activate(&world, &new).await;
    assert_eq!(world.db.query("select status || ' ' || account from payee_accounts").await, [format!("active {new}")]);
    let back = world.refusal(&world.contractor.ctx(), &format!("update payee_accounts set account = '{old}'")).await;
    assert!(back.contains("was retired"), "{back}");
}

#[tokio::test]
async fn an_account_found_closed_while_onboarding_is_replaced_in_the_same_call() {
    let world = World::new().await;
    world.onboard().await;
    let old = world.db.query("select account from payee_accounts").await.remove(0);
    world.provider.deauthorize(&old);
    assert_ne!(replace(&world).await, old, "the event that it was closed never came");
}

#[tokio::test]
async fn contracts_of_a_closed_account_are_suspended_until_the_new_one_is_active() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000, 500_000, 500_000]).await;
    let [submitted, funded, milestone] = [0, 1, 2].map(|at| contract.milestones[at].id);
    for id in [submitted, funded] {
        let funding = world.fund(id).await.expect("funds");
        world.pay(&funding, true);
        world.sync(&funding).await.expect("syncs");
    }
    world.submit(submitted).await.expect("submits");
    let account = world.db.query("select account from payee_accounts").await.remove(0);
    world.provider.deauthorize(&account);
    world.service.sync_account(SyncAccount { org: world.contractor.org }).await.expect("is told");
    let refused = |result: Result<(), Error>| {
        let Err(Error::State { what: "contract", state, hint }) = result else { panic!("stopped") };
        assert_eq!(state, "suspended");
        assert!(hint.contains("account at the payment provider is closed"), "{hint}");
    };
    refused(world.submit(funded).await.map(drop));
    refused(world.approve(submitted, None).await.map(drop));
    let stopped = async |world: &World| {
        let Err(Error::State { what: "contract", state, hint }) = world.fund(milestone).await else { panic!("stopped") };
        assert_eq!(state, "suspended");
        assert!(hint.contains("account at the payment provider is closed"), "{hint}");
        assert_eq!(status(world, &contract).await, "suspended");
    };
    stopped(&world).await;
    let new = replace(&world).await;
    stopped(&world).await;
    activate(&world, &new).await;
    assert_eq!(status(&world, &contract).await, "active");
    world.fund(milestone).await.expect("goes on");
}

#[tokio::test]
async fn what_was_not_sent_goes_to_the_new_account() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    let old = world.db.query("select account from payee_accounts").await.remove(0);
    // On its way, but it certainly never left.
    world.provider.inject("create_transfer", [InjectedFault::Unavailable]);
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("sends");
    world.work().await;
    world.provider.deauthorize(&old);
    world.service.sync_account(SyncAccount { org: world.contractor.org }).await.expect("is told");
    world.work_ahead().await;
    let waits = world.db.query("select concat_ws(' ', status, last_error) from releases").await.remove(0);
    assert!(waits.starts_with("sending the contract is suspended"), "{waits}");
    let again = world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("is told");
    assert_eq!(again.release.status.name(), "sending");
    let new = replace(&world).await;
    activate(&world, &new).await;
    world.work_ahead().await;
    let transfers = world.provider.transfers();
    assert_eq!(transfers.iter().map(|t| (&t.destination, t.amount)).collect::<Vec<_>>(), [(&new, eur(975_000))]);
    world.assert_healthy().await;
}

#[tokio::test]
async fn what_may_have_been_sent_to_the_old_account_is_never_sent_to_the_new_one() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    let old = world.db.query("select account from payee_accounts").await.remove(0);
    // It left, and the answer was lost.
    world.provider.inject("create_transfer", [InjectedFault::LoseAnswer]);
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("sends");
    world.work().await;
    assert_eq!(world.db.query("select status from releases").await, ["unknown"]);
    world.provider.deauthorize(&old);
    world.service.sync_account(SyncAccount { org: world.contractor.org }).await.expect("is told");
    let new = replace(&world).await;
    activate(&world, &new).await;
    let moved = world.refusal(&world.owner.ctx(), &format!("update releases set destination = '{new}'")).await;
    assert!(moved.contains("may have been sent"), "{moved}");
    world.work_ahead().await;
    assert_eq!(world.db.query("select status from releases").await, ["sent"]);
    let transfers = world.provider.transfers();
    assert_eq!(transfers.iter().map(|t| &t.destination).collect::<Vec<_>>(), [&old], "found, and nothing else was sent");
    world.assert_healthy().await;
}

#[tokio::test]
async fn what_was_lost_on_its_way_to_the_old_account_is_asked_for_there_and_only_once_refused_anew() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    let old = world.db.query("select account from payee_accounts").await.remove(0);
    world.provider.inject("create_transfer", [InjectedFault::Fail]);
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("sends");
    world.work().await;
    world.provider.deauthorize(&old);
    world.service.sync_account(SyncAccount { org: world.contractor.org }).await.expect("is told");
    let new = replace(&world).await;
    activate(&world, &new).await;
    for _ in 0..3 {
        world.work_ahead().await;
    }
    assert_eq!(world.db.query("select status || ' ' || destination from releases").await, [format!("unknown {old}")]);
    assert_eq!(world.provider.transfers(), [], "nothing went to the new account");
    // Once the key is dead a person looks, and says that it was not sent: only then is it released anew, under a release of its own.
    world.clock.advance(TimeDelta::hours(25));
    let release = world.db.query("select id from releases").await.remove(0).parse().expect("an id");
    world.service.resolve_release(release, &Resolution::NotSent, &ada()).await.expect("settled");
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("again");
    world.work().await;
    assert_eq!(world.provider.transfers().iter().map(|t| &t.destination).collect::<Vec<_>>(), [&new]);
    world.assert_healthy().await;
}

#[tokio::test]
async fn a_500_while_a_closed_account_is_replaced_never_brings_the_old_one_back() {
    let world = World::new().await;
    let (_, old) = closed(&world).await;
    world.provider.inject("create_account", [InjectedFault::Fail]);
    let new = replace(&world).await;
    assert_ne!(new, old);
    let org = world.contractor.org;
    assert_eq!(world.provider.keys()[1..], [format!("acct_{org}_1"), format!("acct_{org}_2")]);
}

#[tokio::test]
async fn an_account_whose_holder_left_the_platform_is_closed_when_its_event_comes() {
    let world = World::new().await;
    world.onboard().await;
    let account = world.db.query("select account from payee_accounts").await.remove(0);
    world.provider.deauthorize(&account);
    let mut left = event("evt_1", "account.application.deauthorized", json!({ "id": "ca_123", "object": "application" }));
    left["account"] = json!(account);
    deliver(&world, &left).await.expect("kept");
    world.work().await;
    assert_eq!(world.db.query("select status from payee_accounts").await, ["closed"]);
    // Told again it is no news.
    left["id"] = json!("evt_2");
    deliver(&world, &left).await.expect("kept");
    world.work().await;
    assert_eq!(world.trail.entries().iter().filter(|(_, entry)| entry.action == "payee_account.closed").count(), 1);
}
