//! Founding, finding and changing organisations.

use std::sync::Arc;

use kernel::{Currency, Money, OrgId, OrgRole, PageRequest};
use tenants_api::{
    Error, Memberships as _, NewOrganization, OrgKind, Organization, OrganizationChange, Organizations, Tenants, perm,
};
use testkit::until;
use tokio::sync::Notify;

use crate::scenery::Scene;

fn new(name: &str) -> NewOrganization {
    NewOrganization { name: name.into(), kind: OrgKind::Contractor }
}

fn change(o: &Organization) -> OrganizationChange {
    let o = o.clone();
    OrganizationChange {
        name: o.name,
        kind: o.kind,
        categories: o.categories,
        approval_threshold: o.approval_threshold,
        timezone: o.timezone,
        session_rules: o.session_rules,
        logo_url: o.logo_url,
    }
}

#[tokio::test]
async fn whoever_founds_an_organisation_owns_it() {
    let scene = Scene::new().await;
    let ada = scene.db.party("Ada Works").await;
    let made = scene.tenants.create(&ada.ctx(), new("  Ada Roofing ")).await.unwrap();
    assert_eq!((made.name.as_str(), made.slug.as_str(), made.kind), ("Ada Roofing", "ada-roofing", OrgKind::Contractor));
    let all = Organizations::of_person(&*scene.tenants, &ada.ctx(), PageRequest::first(10)).await.unwrap();
    assert_eq!(
        all.items.iter().map(|(o, role)| (o.id, *role)).collect::<Vec<_>>(),
        [(made.id, OrgRole::Owner), (ada.org, OrgRole::Owner)]
    );
    let first = Organizations::of_person(&*scene.tenants, &ada.ctx(), PageRequest::first(1)).await.unwrap();
    let rest = PageRequest { limit: 1, after: first.next };
    let second = Organizations::of_person(&*scene.tenants, &ada.ctx(), rest).await.unwrap();
    assert_eq!([&first, &second].map(|page| page.items[0].0.id), [made.id, ada.org], "page by page");
    assert!(first.next.is_some() && second.next.is_none());
    assert_eq!(scene.actions(), ["organizations.create"]);
}

#[tokio::test]
async fn a_taken_slug_gets_a_suffix() {
    let scene = Scene::new().await;
    let ada = scene.db.party("Ada").await;
    let first = scene.tenants.create(&ada.ctx(), new("Same Name")).await.unwrap();
    let second = scene.tenants.create(&ada.ctx(), new("same name")).await.unwrap();
    assert_eq!(first.slug, "same-name");
    assert!(second.slug.starts_with("same-name-") && second.slug.len() == "same-name-".len() + 12, "{}", second.slug);
}

#[tokio::test]
async fn a_blank_name_is_refused() {
    let scene = Scene::new().await;
    let ada = scene.db.party("Ada").await;
    let Err(Error::Invalid(faults)) = scene.tenants.create(&ada.ctx(), new(" ")).await else { panic!("taken") };
    assert_eq!(faults[0].pointer, "/name");
}

#[tokio::test]
async fn settings_change_and_the_threshold_is_for_owners() {
    let scene = Scene::new().await;
    let owner = scene.db.party("Ada").await;
    let admin = scene.db.person(owner.org, OrgRole::Admin).await;
    let before = scene.tenants.current(&owner.ctx()).await.unwrap();
    let threshold = Some(Money::from_minor(1_000_000, Currency::EUR));

    let wanted = OrganizationChange { timezone: "Europe/Berlin".into(), categories: vec!["roofing".into()], ..change(&before) };
    let after = scene.tenants.update(&admin.ctx(), wanted, Some(before.updated_at)).await.unwrap();
    assert_eq!((after.timezone.as_str(), after.categories.as_slice()), ("Europe/Berlin", ["roofing".to_owned()].as_slice()));
    assert_eq!(after.slug, before.slug);

    let wanted = OrganizationChange { approval_threshold: threshold, ..change(&after) };
    assert!(matches!(scene.tenants.update(&admin.ctx(), wanted.clone(), None).await, Err(Error::Denied(_))));
    let last = scene.tenants.update(&owner.ctx(), wanted, None).await.unwrap();
    assert_eq!(last.approval_threshold, threshold);

    let stale = scene.tenants.update(&owner.ctx(), change(&last), Some(before.updated_at)).await;
    assert!(matches!(stale, Err(Error::Stale)));
    let wanted = OrganizationChange { timezone: "Mars/Olympus".into(), ..change(&last) };
    let Err(Error::Invalid(faults)) = scene.tenants.update(&owner.ctx(), wanted, None).await else { panic!("taken") };
    assert_eq!(faults[0].pointer, "/timezone");
    let member = scene.db.person(owner.org, OrgRole::Member).await;
    assert!(matches!(scene.tenants.update(&member.ctx(), change(&last), None).await, Err(Error::Denied(_))));
    assert_eq!(scene.actions(), ["organization.update", "organization.update"]);
}

#[tokio::test]
async fn settings_that_are_so_already_are_not_changed() {
    let scene = Scene::new().await;
    let owner = scene.db.party("Ada").await;
    let before = scene.tenants.current(&owner.ctx()).await.unwrap();
    let same = OrganizationChange { name: format!(" {} ", before.name), ..change(&before) };
    assert_eq!(scene.tenants.update(&owner.ctx(), same, Some(before.updated_at)).await.unwrap(), before);
    assert_eq!(scene.tenants.current(&owner.ctx()).await.unwrap(), before);
    assert!(scene.actions().is_empty(), "nothing happened");
}

#[tokio::test]
async fn who_was_demoted_meanwhile_changes_nothing() {
    let scene = Scene::new().await;
    let owner = scene.db.party("Ada").await;
    let demoted = scene.db.person(owner.org, OrgRole::Owner).await;
    let before = scene.tenants.current(&owner.ctx()).await.unwrap();
    let (held, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    // The demotion goes first and is not committed yet when the demoted owner's request, permitted before, waits for the lock.
    let demotion = tokio::spawn({
        let (tenants, uow, held, release) = (Arc::clone(&scene.tenants), scene.db.uow(), Arc::clone(&held), Arc::clone(&release));
        let ctx = owner.ctx();
        async move {
            uow.write(&ctx, async |tx| {
                tenants.lock_organization_in(tx, ctx.org).await?;
                tenants.set_role_in(tx, &ctx, demoted.user, OrgRole::Admin).await?;
                held.notify_one();
                release.notified().await;
                Ok::<_, Error>(())
            })
            .await
        }
    });
    held.notified().await;
    let threshold = Some(Money::from_minor(1, Currency::EUR));
    let wanted = OrganizationChange { approval_threshold: threshold, ..change(&before) };
    let update = tokio::spawn({
        let (tenants, ctx) = (Arc::clone(&scene.tenants), demoted.ctx());
        async move { tenants.update(&ctx, wanted, None).await }
    });
    let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    until("the update waits", async || (scene.db.query(waiting).await == ["1"]).then_some(())).await;
    release.notify_one();
    demotion.await.unwrap().unwrap();
    let refused = update.await.unwrap();
    assert!(matches!(&refused, Err(Error::Denied(denied)) if denied.permission == perm::UPDATE), "{refused:?}");
    assert_eq!(scene.tenants.current(&owner.ctx()).await.unwrap().approval_threshold, None);
}

#[tokio::test]
async fn of_another_organisation_only_the_card_is_seen() {
    let scene = Scene::new().await;
    let (ours, theirs) = (scene.db.party("Ours").await, scene.db.party("Theirs").await);
    scene
        .db
        .run_sql(&format!("update organizations set categories = '{{secret}}', timezone = 'Asia/Tokyo', approval_threshold_minor = 5, approval_threshold_currency = 'EUR' where org_id = '{}'", theirs.org))
        .await;
    let uow = scene.db.uow();
    let zone = uow.write(&theirs.ctx(), async |tx| scene.tenants.time_zone_in(tx, theirs.org).await).await.unwrap();
    assert_eq!(zone, "Asia/Tokyo");
    assert!(uow.write(&ours.ctx(), async |tx| scene.tenants.time_zone_in(tx, theirs.org).await).await.is_err(), "its own alone");
    let (card, own, unknown, exists) = uow
        .write(&ours.ctx(), async |tx| {
            let card = scene.tenants.organization_in(tx, theirs.org).await?;
            let own = scene.tenants.organization_in(tx, ours.org).await?;
            let unknown = scene.tenants.organization_in(tx, OrgId::new()).await;
            let exists = (scene.tenants.exists_in(tx, theirs.org).await?, scene.tenants.exists_in(tx, OrgId::new()).await?);
            Ok::<_, Error>((card, own, unknown, exists))
        })
        .await
        .unwrap();
    assert_eq!(
        (card.name.as_str(), card.categories.len(), card.timezone.as_str(), card.approval_threshold),
        ("Theirs", 0, "UTC", None)
    );
    assert_eq!(own.name, "Ours");
    assert!(matches!(unknown, Err(Error::NotFound(_))));
    assert_eq!(exists, (true, false));
}
