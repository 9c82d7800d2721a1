//! The last owner stays, also when several go at once.

use std::sync::Arc;

use kernel::{Ctx, FaultKind, OrgId, OrgRole, RequestId, UserId};
use tenants::Service;
use tenants_api::{Error, Memberships, NewOrganization, OrgKind, Organizations, Tenants};
use testkit::Party;
use uow::Uow;

use crate::scenery::Scene;

async fn demote(tenants: &Service, uow: &Uow, by: Party, user: UserId) -> Result<(), Error> {
    let ctx = by.ctx();
    uow.write(&ctx, async |tx| tenants.set_role_in(tx, &ctx, user, OrgRole::Member).await.map(drop)).await
}

async fn remove(tenants: &Service, uow: &Uow, by: Party, user: UserId) -> Result<(), Error> {
    let ctx = by.ctx();
    uow.write(&ctx, async |tx| tenants.remove_in(tx, &ctx, user).await).await
}

async fn owners(scene: &Scene, org: OrgId) -> usize {
    scene.db.query(&format!("select user_id from memberships where org_id = '{org}' and role = 'owner'")).await.len()
}

#[tokio::test]
async fn the_last_owner_can_neither_be_demoted_nor_leave() {
    let scene = Scene::new().await;
    let owner = scene.db.party("Ada").await;
    let uow = scene.db.uow();
    assert!(matches!(remove(&scene.tenants, &uow, owner, owner.user).await, Err(Error::LastOwner)), "alone");
    let member = scene.db.person(owner.org, OrgRole::Member).await;
    assert!(matches!(demote(&scene.tenants, &uow, owner, owner.user).await, Err(Error::LastOwner)));
    assert!(matches!(remove(&scene.tenants, &uow, owner, owner.user).await, Err(Error::LastOwner)));
    remove(&scene.tenants, &uow, owner, member.user).await.unwrap();
    assert!(matches!(remove(&scene.tenants, &uow, owner, member.user).await, Err(Error::NotFound(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_owners_who_demote_each_other_at_once_one_stays() {
    let scene = Scene::new().await;
    for _ in 0..10 {
        let first = scene.db.party("Ada").await;
        let second = scene.db.person(first.org, OrgRole::Owner).await;
        let (tenants, uow) = (Arc::clone(&scene.tenants), scene.db.uow());
        let one = tokio::spawn({
            let (tenants, uow) = (Arc::clone(&tenants), uow.clone());
            async move { demote(&tenants, &uow, first, second.user).await }
        });
        let other = tokio::spawn(async move { remove(&tenants, &uow, second, first.user).await });
        let outcomes = [one.await.unwrap(), other.await.unwrap()];
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        assert!(outcomes.iter().any(|outcome| matches!(outcome, Err(Error::LastOwner))), "{outcomes:?}");
        assert_eq!(owners(&scene, first.org).await, 1);
    }
}

#[tokio::test]
async fn leaving_everything_frees_ones_own_organisations_but_not_those_of_others() {
    let scene = Scene::new().await;
    let ada = scene.db.party("Ada").await;
    let shared = scene.db.party("Shared").await;
    scene.db.run_sql(&format!("insert into memberships values ('{}', '{}', 'owner')", shared.org, ada.user)).await;
    let system = scene.db.system_uow();
    for (org, others) in [(ada.org, false), (shared.org, true)] {
        let found = system.write(async |tx| scene.tenants.has_others_in(tx, org, ada.user).await).await.unwrap();
        assert_eq!(found, others);
        let there = Ctx::system(org, RequestId::generate());
        system.write(async |tx| scene.tenants.leave_in(tx, &there, ada.user).await).await.unwrap();
    }
    let bob = shared;
    let other = scene.db.person(bob.org, OrgRole::Member).await;
    let refused = system.write(async |tx| scene.tenants.leave_in(tx, &bob.ctx(), bob.user).await).await;
    assert!(matches!(refused, Err(Error::LastOwner)));
    let role = scene.db.uow().write(&other.ctx(), async |tx| scene.tenants.role_in(tx, bob.org, bob.user).await).await.unwrap();
    assert_eq!(role, Some(OrgRole::Owner));
}

#[tokio::test]
async fn the_members_of_another_organisation_are_no_question_for_a_tenant() {
    let scene = Scene::new().await;
    let (ada, bob) = (scene.db.party("Ada").await, scene.db.party("Bob").await);
    let uow = scene.db.uow();
    let fault = uow.write(&ada.ctx(), async |tx| scene.tenants.role_in(tx, bob.org, bob.user).await).await.expect_err("not seen");
    assert!(fault.to_string().contains("are not seen from here"), "{fault}");
}

#[tokio::test]
async fn a_member_is_added_once() {
    let scene = Scene::new().await;
    let owner = scene.db.party("Ada").await;
    let stranger = scene.db.party("Bob").await;
    let add = async || {
        let system = scene.db.system_uow();
        system.write(async |tx| scene.tenants.join_in(tx, owner.org, stranger.user, owner.user).await).await
    };
    assert_eq!(add().await.unwrap().role, OrgRole::Member);
    assert!(matches!(add().await, Err(Error::AlreadyMember)));
}

#[tokio::test]
async fn nobody_joins_by_the_word_of_who_may_not_invite() {
    let scene = Scene::new().await;
    let (owner, stranger, other) = (scene.db.party("Ada").await, scene.db.party("Bob").await, scene.db.party("Eve").await);
    let system = scene.db.system_uow();
    let join = async |who: UserId, by: UserId| {
        system.write(async |tx| scene.tenants.join_in(tx, owner.org, who, by).await).await.map(|member| member.role)
    };
    assert!(matches!(join(other.user, stranger.user).await, Err(Error::NotFound("invitation"))), "by a stranger");
    assert_eq!(join(stranger.user, owner.user).await.unwrap(), OrgRole::Member);
    assert!(matches!(join(other.user, stranger.user).await, Err(Error::NotFound("invitation"))), "by a member");
}

#[tokio::test]
async fn a_removed_account_joins_nothing() {
    let scene = Scene::new().await;
    let (owner, gone) = (scene.db.party("Ada").await, scene.db.party("Bob").await);
    scene.db.run_sql(&format!("update users set removed_at = now() where id = '{}'", gone.user)).await;
    let lost = |error: &Error| matches!(error, Error::Fault(fault) if *fault.kind() == FaultKind::Unavailable);
    let system = scene.db.system_uow();
    let added = system.write(async |tx| scene.tenants.join_in(tx, owner.org, gone.user, owner.user).await).await;
    assert!(added.as_ref().is_err_and(lost), "{added:?}");
    let new = NewOrganization { name: "After".into(), kind: OrgKind::Both };
    let founded = scene.tenants.create(&gone.ctx(), new.clone()).await;
    assert!(founded.as_ref().is_err_and(lost), "{founded:?}");
    let founded = scene.db.system_uow().write(async |tx| scene.tenants.found_in(tx, &new, gone.user).await).await;
    assert!(founded.as_ref().is_err_and(lost), "{founded:?}");
}
