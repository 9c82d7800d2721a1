//! Two different persons for the very same thing.

use std::sync::Arc;

use kernel::{Currency, Fault, FaultKind, Money, OrgRole, RequestId};
use tenants::Service;
use tenants_api::{ApprovalRequest, Memberships as _, Tenants, Verdict};
use testkit::Party;
use uow::Uow;
use uuid::Uuid;

use crate::scenery::Scene;

async fn scene() -> (Scene, Party, Party) {
    let scene = Scene::new().await;
    let ada = scene.db.party("Ada").await;
    let bob = scene.db.person(ada.org, OrgRole::Admin).await;
    threshold(&scene, ada, "1000").await;
    (scene, ada, bob)
}

async fn threshold(scene: &Scene, party: Party, minor: &str) {
    let currency = if minor == "null" { "null" } else { "'EUR'" };
    let set = format!("approval_threshold_minor = {minor}, approval_threshold_currency = {currency}");
    scene.db.run_sql(&format!("update organizations set {set} where org_id = '{}'", party.org)).await;
}

fn request(minor: i64) -> ApprovalRequest {
    ApprovalRequest {
        action: "tenders.award",
        subject: Uuid::nil(),
        detail: "bid 1".into(),
        amount: Money::from_minor(minor, Currency::EUR),
    }
}

async fn ask(tenants: &Service, uow: &Uow, who: Party, request: &ApprovalRequest) -> Verdict {
    let ctx = who.ctx();
    uow.write(&ctx, async |tx| tenants.approve_in(tx, &ctx, request).await).await.unwrap()
}

#[tokio::test]
async fn below_the_threshold_one_is_enough() {
    let (scene, ada, _) = scene().await;
    let verdict = ask(&scene.tenants, &scene.db.uow(), ada, &request(999)).await;
    assert_eq!(verdict, Verdict::Complete { first: ada.user, second: None });
}

#[tokio::test]
async fn at_the_threshold_it_takes_two_and_both_are_used_up() {
    let (scene, ada, bob) = scene().await;
    let (uow, request) = (scene.db.uow(), request(1000));
    let waiting = Verdict::Waiting { first: ada.user };
    assert_eq!(ask(&scene.tenants, &uow, ada, &request).await, waiting);
    assert_eq!(ask(&scene.tenants, &uow, ada, &request).await, waiting, "the same person twice is one person");
    assert_eq!(ask(&scene.tenants, &uow, bob, &request).await, Verdict::Complete { first: ada.user, second: Some(bob.user) });
    assert_eq!(ask(&scene.tenants, &uow, bob, &request).await, Verdict::Waiting { first: bob.user }, "the next time starts anew");
}

#[tokio::test]
async fn only_the_very_same_thing_counts() {
    let (scene, ada, bob) = scene().await;
    let (uow, asked) = (scene.db.uow(), request(5000));
    ask(&scene.tenants, &uow, ada, &asked).await;
    let waiting = Verdict::Waiting { first: bob.user };
    for other in [
        ApprovalRequest { detail: "bid 2".into(), ..asked.clone() },
        ApprovalRequest { amount: Money::from_minor(5001, Currency::EUR), ..asked.clone() },
        ApprovalRequest { subject: Uuid::max(), ..asked.clone() },
        ApprovalRequest { action: "tenders.publish", ..asked.clone() },
    ] {
        assert_eq!(ask(&scene.tenants, &uow, bob, &other).await, waiting, "{other:?}");
    }
}

#[tokio::test]
async fn a_raised_threshold_does_not_release_what_waits() {
    let (scene, ada, bob) = scene().await;
    let (uow, request) = (scene.db.uow(), request(5000));
    ask(&scene.tenants, &uow, ada, &request).await;
    threshold(&scene, ada, "null").await;
    assert_eq!(ask(&scene.tenants, &uow, ada, &request).await, Verdict::Waiting { first: ada.user });
    assert_eq!(ask(&scene.tenants, &uow, bob, &request).await, Verdict::Complete { first: ada.user, second: Some(bob.user) });
}

#[tokio::test]
async fn an_approval_dies_with_the_membership() {
    let (scene, ada, bob) = scene().await;
    let (uow, request) = (scene.db.uow(), request(5000));
    ask(&scene.tenants, &uow, bob, &request).await;
    scene.db.run_sql(&format!("delete from memberships where user_id = '{}'", bob.user)).await;
    assert_eq!(ask(&scene.tenants, &uow, ada, &request).await, Verdict::Waiting { first: ada.user });
    let carol = scene.db.person(ada.org, OrgRole::Admin).await;
    assert_eq!(ask(&scene.tenants, &uow, carol, &request).await, Verdict::Complete { first: ada.user, second: Some(carol.user) });
}

#[tokio::test]
async fn an_approval_is_void_once_the_role_of_who_asked_first_changes() {
    let (scene, ada, bob) = scene().await;
    let (uow, request, ctx) = (scene.db.uow(), request(5000), ada.ctx());
    let waiting = Verdict::Waiting { first: ada.user };
    ask(&scene.tenants, &uow, bob, &request).await;
    uow.write(&ctx, async |tx| scene.tenants.set_role_in(tx, &ctx, bob.user, OrgRole::Member).await).await.unwrap();
    assert_eq!(scene.actions(), ["approvals.void"]);
    assert_eq!(ask(&scene.tenants, &uow, ada, &request).await, waiting, "bob's no longer counts");

    // Permitted before the demotion, under way after it: worth another try, which is refused for the missing permission.
    let late = bob.ctx();
    let lost = uow.write(&late, async |tx| scene.tenants.approve_in(tx, &late, &request).await).await;
    assert!(lost.is_err_and(|fault| *fault.kind() == FaultKind::Unavailable));
    assert_eq!(ask(&scene.tenants, &uow, ada, &request).await, waiting, "nor is he the second");

    // A role in a project's team changed; and a membership that ended does not revive an approval when it begins anew.
    let carol = scene.db.person(ada.org, OrgRole::Admin).await;
    uow.write(&ctx, async |tx| scene.tenants.void_approvals_in(tx, &ctx, ada.user).await).await.unwrap();
    assert_eq!(ask(&scene.tenants, &uow, carol, &request).await, Verdict::Waiting { first: carol.user });
    uow.write(&ctx, async |tx| scene.tenants.remove_in(tx, &ctx, carol.user).await).await.unwrap();
    uow.write(&ctx, async |tx| scene.tenants.add_in(tx, ada.org, carol.user, OrgRole::Admin).await).await.unwrap();
    assert_eq!(ask(&scene.tenants, &uow, ada, &request).await, waiting);
    assert_eq!(ask(&scene.tenants, &uow, carol, &request).await, Verdict::Complete { first: ada.user, second: Some(carol.user) });
    assert_eq!(scene.actions(), ["approvals.void"; 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_first_and_losing_the_role_at_once_leaves_nothing_that_counts() {
    let (scene, ada, _) = scene().await;
    let request = Arc::new(request(5000));
    for _ in 0..10 {
        let person = scene.db.person(ada.org, OrgRole::Admin).await;
        let (tenants, uow, asked, late) = (Arc::clone(&scene.tenants), scene.db.uow(), Arc::clone(&request), person.ctx());
        let asking = tokio::spawn(async move { uow.write(&late, async |tx| tenants.approve_in(tx, &late, &asked).await).await });
        let (tenants, uow, ctx) = (Arc::clone(&scene.tenants), scene.db.uow(), ada.ctx());
        let demotion = tokio::spawn(async move {
            uow.write(&ctx, async |tx| {
                tenants.lock_in(tx, ctx.org, person.user).await?;
                tenants.set_role_in(tx, &ctx, person.user, OrgRole::Member).await
            })
            .await
        });
        let asked = asking.await.unwrap();
        demotion.await.unwrap().unwrap();
        let fine = match &asked {
            Ok(verdict) => *verdict == Verdict::Waiting { first: person.user },
            Err(fault) => *fault.kind() == FaultKind::Unavailable,
        };
        assert!(fine, "{asked:?}");
        let counting = "select count(*) from approvals where used_at is null and voided_at is null";
        assert_eq!(scene.db.query(counting).await, ["0"]);
    }
}

#[tokio::test]
async fn another_currency_cannot_be_compared_and_the_platform_needs_nobody() {
    let (scene, ada, _) = scene().await;
    let uow = scene.db.uow();
    let dollars = ApprovalRequest { amount: Money::from_minor(1, "USD".parse().unwrap()), ..request(0) };
    assert_eq!(ask(&scene.tenants, &uow, ada, &dollars).await, Verdict::Waiting { first: ada.user });
    let system = kernel::Ctx::system(ada.org, RequestId::generate());
    let verdict = uow.write(&system, async |tx| scene.tenants.approve_in(tx, &system, &request(5000)).await).await.unwrap();
    assert!(matches!(verdict, Verdict::Complete { second: None, .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_ask_at_once_each_pair_completes_once() {
    let (scene, ada, _) = scene().await;
    let uow = scene.db.uow_with(|settings| settings.size = 8).await;
    let request = Arc::new(request(5000));
    let mut asking = Vec::new();
    for _ in 0..8 {
        let person = scene.db.person(ada.org, OrgRole::Admin).await;
        let (tenants, uow, request) = (Arc::clone(&scene.tenants), uow.clone(), Arc::clone(&request));
        asking.push(tokio::spawn(async move { ask(&tenants, &uow, person, &request).await }));
    }
    let mut complete = 0;
    for verdict in asking {
        if let Verdict::Complete { first, second } = verdict.await.unwrap() {
            assert_ne!(Some(first), second);
            complete += 1;
        }
    }
    assert_eq!(complete, 4);
    assert_eq!(scene.db.query("select count(*) from approvals where used_at is null").await, ["0"]);
}

#[tokio::test]
async fn one_that_is_rolled_back_was_not_asked() {
    let (scene, ada, bob) = scene().await;
    let (uow, request, ctx) = (scene.db.uow(), request(5000), ada.ctx());
    let undone = uow.write(&ctx, async |tx| {
        scene.tenants.approve_in(tx, &ctx, &request).await?;
        Err::<(), _>(Fault::internal("no"))
    });
    assert!(undone.await.is_err());
    assert_eq!(ask(&scene.tenants, &uow, bob, &request).await, Verdict::Waiting { first: bob.user });
}
