//! Two different persons for the very same thing.

use std::sync::Arc;

use kernel::{
    Actor, ApiKeyId, Ctx, Currency, Fault, FaultKind, KeyUse, Missing, Money, OrgRole, Permission, RequestId, SupportSessionId,
};
use tenants::Service;
use tenants_api::{ApprovalRequest, Memberships as _, NotYet, Tenants, Verdict};
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
        project: None,
        detail: "bid 1".into(),
        amount: Money::from_minor(minor, Currency::EUR),
    }
}

async fn ask(tenants: &Service, uow: &Uow, who: Party, request: &ApprovalRequest) -> Verdict {
    let ctx = who.ctx();
    uow.write(&ctx, async |tx| tenants.approve_in(tx, &ctx, request).await).await.unwrap()
}

fn voided(scene: &Scene) -> usize {
    scene.actions().iter().filter(|action| *action == "approvals.void").count()
}

/// An account that `by` makes an admin of their organisation: invited, joined, promoted.
async fn promoted(scene: &Scene, by: Party) -> Party {
    let other = scene.db.party("Second account").await;
    let system = scene.db.system_uow();
    system.write(async |tx| scene.tenants.join_in(tx, by.org, other.user, by.user).await).await.unwrap();
    let ctx = by.ctx();
    let uow = scene.db.uow();
    uow.write(&ctx, async |tx| scene.tenants.set_role_in(tx, &ctx, other.user, OrgRole::Admin).await).await.unwrap();
    Party { org: by.org, user: other.user, role: OrgRole::Admin }
}

#[tokio::test]
async fn an_admin_does_not_agree_with_a_second_account_of_their_own_making() {
    let (scene, ada, bob) = scene().await;
    let (uow, request) = (scene.db.uow(), request(5000));
    let second = promoted(&scene, bob).await;
    assert_eq!(ask(&scene.tenants, &uow, bob, &request).await, Verdict::Waiting { first: bob.user }, "whom an owner made one");
    let Verdict::NotYet(NotYet::Granted { by, until }) = ask(&scene.tenants, &uow, second, &request).await else {
        panic!("one person twice")
    };
    assert_eq!(by, Some(bob.user));
    let wait = "select (granted_at + interval '24 hours')::text from memberships where granter_role = 'admin' and role = 'admin'";
    let told = scene.db.query(&format!("select '{}'::timestamptz::text", until.to_rfc3339())).await;
    assert_eq!(scene.db.query(wait).await, told);
    // Nor as the first of two.
    let other = ApprovalRequest { detail: "bid 2".into(), ..request.clone() };
    assert!(matches!(ask(&scene.tenants, &uow, second, &other).await, Verdict::NotYet(NotYet::Granted { .. })));
    assert_eq!(scene.db.query("select count(*) from approvals").await, ["1"]);
    // The same role given again by who gave it changes nothing; by an owner it counts.
    let again = async |by: Party| {
        let ctx = by.ctx();
        uow.write(&ctx, async |tx| scene.tenants.set_role_in(tx, &ctx, second.user, OrgRole::Admin).await).await.unwrap();
    };
    again(bob).await;
    assert!(matches!(ask(&scene.tenants, &uow, second, &request).await, Verdict::NotYet(_)));
    again(ada).await;
    let complete = Verdict::Complete { first: bob.user, second: Some(second.user) };
    assert_eq!(ask(&scene.tenants, &uow, second, &request).await, complete);
    let entries: Vec<_> = scene.actions().into_iter().filter(|action| action.starts_with("approvals.")).collect();
    assert_eq!(entries, ["approvals.first", "approvals.second"]);
    let last = scene.notes.last.lock().unwrap().clone();
    assert_eq!((&last["madeApproverBy"], &last["madeApproverAs"]), (&serde_json::json!(ada.user), &serde_json::json!("owner")));
}

#[tokio::test]
async fn whom_an_admin_made_an_approver_counts_after_the_wait() {
    let (scene, _, bob) = scene().await;
    let (uow, request) = (scene.db.uow(), request(5000));
    let second = promoted(&scene, bob).await;
    ask(&scene.tenants, &uow, bob, &request).await;
    scene.db.run_sql("update app.clock set advance = interval '23 hours 59 minutes'").await;
    assert!(matches!(ask(&scene.tenants, &uow, second, &request).await, Verdict::NotYet(_)));
    scene.db.run_sql("update app.clock set advance = interval '24 hours'").await;
    let complete = Verdict::Complete { first: bob.user, second: Some(second.user) };
    assert_eq!(ask(&scene.tenants, &uow, second, &request).await, complete);
}

#[tokio::test]
async fn an_owner_who_asked_first_does_not_make_the_second_person_afterwards() {
    let (scene, ada, bob) = scene().await;
    let (uow, request) = (scene.db.uow(), request(5000));
    let before = promoted(&scene, ada).await;
    ask(&scene.tenants, &uow, ada, &request).await;
    let after = promoted(&scene, ada).await;
    let verdict = ask(&scene.tenants, &uow, after, &request).await;
    assert!(matches!(verdict, Verdict::NotYet(NotYet::GrantedByTheFirst { by, .. }) if by == ada.user), "{verdict:?}");
    assert_eq!(
        ask(&scene.tenants, &uow, before, &request).await,
        Verdict::Complete { first: ada.user, second: Some(before.user) }
    );
    // With another first person they count.
    ask(&scene.tenants, &uow, bob, &request).await;
    assert_eq!(ask(&scene.tenants, &uow, after, &request).await, Verdict::Complete { first: bob.user, second: Some(after.user) });
}

#[tokio::test]
async fn a_role_in_a_team_counts_like_one_in_the_organisation() {
    let (scene, ada, bob) = scene().await;
    let project = kernel::ProjectId::new();
    scene
        .db
        .run_sql(&format!(
            "insert into projects (org_id, id, owner_id, name, currency) values ('{}', '{project}', '{}', 'Villa', 'EUR')",
            ada.org, ada.user
        ))
        .await;
    let (uow, request) = (scene.db.uow(), ApprovalRequest { project: Some(project), ..request(5000) });
    let joins = async |by: Party, who: Party| {
        let sql = format!(
            "insert into project_members (org_id, project_id, user_id, role) values ('{}', '{project}', '{}', 'project_owner')",
            by.org, who.user
        );
        let ctx = by.ctx();
        uow.write(&ctx, async |tx| {
            use db::prelude::*;
            diesel::sql_query(sql).execute(tx.pg()).await.fault()
        })
        .await
        .unwrap();
    };
    let member = async || scene.db.person(ada.org, OrgRole::Member).await;
    let (by_owner, by_admin) = (member().await, member().await);
    joins(ada, by_owner).await;
    joins(bob, by_admin).await;
    assert!(
        matches!(ask(&scene.tenants, &uow, by_admin, &request).await, Verdict::NotYet(NotYet::Granted { by, .. }) if by == Some(bob.user))
    );
    assert_eq!(ask(&scene.tenants, &uow, by_owner, &request).await, Verdict::Waiting { first: by_owner.user });
}

#[tokio::test]
async fn a_tenant_notes_no_grant_of_its_own_and_makes_nobody_a_member() {
    let (scene, ada, bob) = scene().await;
    for sql in [
        format!("update memberships set granter_role = 'owner' where user_id = '{}'", bob.user),
        format!("update memberships set granted_at = now() - interval '1 year' where user_id = '{}'", bob.user),
        format!("insert into memberships (org_id, user_id, role) values ('{}', gen_random_uuid(), 'admin')", ada.org),
    ] {
        let (uow, ctx) = (scene.db.uow(), bob.ctx());
        let done = uow.write(&ctx, async |tx| {
            use db::prelude::*;
            diesel::sql_query(sql.clone()).execute(tx.pg()).await.fault()
        });
        let refused = done.await.unwrap_err().to_string();
        assert!(refused.contains("permission denied"), "{sql}: {refused}");
    }
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
    assert_eq!(voided(&scene), 1);
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
    let system = scene.db.system_uow();
    system.write(async |tx| scene.tenants.join_in(tx, ada.org, carol.user, ada.user).await).await.unwrap();
    uow.write(&ctx, async |tx| scene.tenants.set_role_in(tx, &ctx, carol.user, OrgRole::Admin).await).await.unwrap();
    assert_eq!(ask(&scene.tenants, &uow, ada, &request).await, waiting);
    assert_eq!(ask(&scene.tenants, &uow, carol, &request).await, Verdict::Complete { first: ada.user, second: Some(carol.user) });
    assert_eq!(voided(&scene), 3);
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

#[tokio::test]
async fn a_key_approves_what_one_person_may_alone_and_is_nobodys_second() {
    let (scene, ada, bob) = scene().await;
    let uow = scene.db.uow();
    let key = KeyUse { id: ApiKeyId::new(), scopes: vec!["tenders.award".into()], of_leaver: false };
    let by_key = Ctx { key: Some(Arc::new(key)), ..bob.ctx() };
    let asked = async |request: &ApprovalRequest| {
        let asked = uow.write(&by_key, async |tx| scene.tenants.approve_in(tx, &by_key, request).await).await;
        asked.map_err(|fault| fault.kind().clone())
    };
    let refused = Err(FaultKind::PersonRequired(Permission("tenders.award")));
    assert_eq!(asked(&request(999)).await, Ok(Verdict::Complete { first: bob.user, second: None }));
    assert_eq!(asked(&request(1000)).await, refused, "of what takes two persons it is not the first");
    let waiting = request(5000);
    assert_eq!(ask(&scene.tenants, &uow, ada, &waiting).await, Verdict::Waiting { first: ada.user });
    assert_eq!(asked(&waiting).await, refused, "nor the second");
    threshold(&scene, ada, "null").await;
    assert_eq!(asked(&waiting).await, refused, "by the threshold of the first");
    assert_eq!(asked(&request(1000)).await, Ok(Verdict::Complete { first: bob.user, second: None }));
}

#[tokio::test]
async fn what_takes_two_persons_takes_a_fresh_proof_of_each() {
    let (scene, ada, bob) = scene().await;
    let uow = scene.db.uow();
    let stale = Ctx { missing: Missing { fresh_proof: true, ..Missing::default() }, ..bob.ctx() };
    let asked = async |request: &ApprovalRequest| {
        let asked = uow.write(&stale, async |tx| scene.tenants.approve_in(tx, &stale, request).await).await;
        asked.map_err(|fault| fault.kind().clone())
    };
    let refused = Err(FaultKind::StepUpRequired);
    assert_eq!(asked(&request(999)).await, Ok(Verdict::Complete { first: bob.user, second: None }));
    assert_eq!(asked(&request(1000)).await, refused, "neither of the first");
    let waiting = request(5000);
    assert_eq!(ask(&scene.tenants, &uow, ada, &waiting).await, Verdict::Waiting { first: ada.user });
    assert_eq!(asked(&waiting).await, refused, "nor of the second");
    let second = Verdict::Complete { first: ada.user, second: Some(bob.user) };
    assert_eq!(ask(&scene.tenants, &uow, bob, &waiting).await, second);
}

#[tokio::test]
async fn what_one_person_releases_takes_a_fresh_proof_from_the_threshold_on() {
    let (scene, _, bob) = scene().await;
    let uow = scene.db.uow();
    let key = KeyUse { id: ApiKeyId::new(), scopes: vec!["escrow.release".into()], of_leaver: false };
    let stale = Ctx { missing: Missing { fresh_proof: true, ..Missing::default() }, ..bob.ctx() };
    let by_key = Ctx { key: Some(Arc::new(key)), ..bob.ctx() };
    let system = Ctx::system(bob.org, RequestId::generate());
    let release = Permission("escrow.release");
    let asked = async |ctx: &Ctx, minor: i64| {
        let amount = request(minor).amount;
        let asked = uow.write(ctx, async |tx| scene.tenants.step_up_in(tx, ctx, release, amount).await).await;
        asked.map_err(|fault| fault.kind().clone())
    };
    for ctx in [&stale, &by_key, &bob.ctx(), &system] {
        assert_eq!(asked(ctx, 999).await, Ok(()));
    }
    assert_eq!(asked(&stale, 1000).await, Err(FaultKind::StepUpRequired));
    assert_eq!(asked(&by_key, 1000).await, Err(FaultKind::PersonRequired(release)));
    for ctx in [&bob.ctx(), &system] {
        assert_eq!(asked(ctx, 1000).await, Ok(()));
    }
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

#[tokio::test]
async fn support_approves_nothing_and_proves_nothing_whatever_let_it_in() {
    let (scene, _, bob) = scene().await;
    let (uow, ctx) = (scene.db.uow(), bob.ctx());
    // In a transaction that it is never given.
    let support = Ctx { actor: Actor::Support(SupportSessionId::new()), ..Ctx::system(bob.org, RequestId::generate()) };
    let award = request(1);
    let approved = uow.write(&ctx, async |tx| scene.tenants.approve_in(tx, &support, &award).await).await;
    let refused = approved.expect_err("support is nobody");
    assert_eq!(*refused.kind(), FaultKind::PersonRequired(Permission("tenders.award")));
    let (release, weighty) = (Permission("escrow.release"), request(1000).amount);
    let proven = uow.write(&ctx, async |tx| scene.tenants.step_up_in(tx, &support, release, weighty).await).await;
    assert_eq!(*proven.expect_err("support is nobody").kind(), FaultKind::PersonRequired(release));
}
