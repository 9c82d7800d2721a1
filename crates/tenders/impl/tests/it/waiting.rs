//! Nothing that an owner does waits for a bid that is being stored, so that waiting tells nobody that somebody bids.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use kernel::{Ctx, PageRequest, RequestId, TenderId};
use secrecy::ExposeSecret;
use tenders_api::*;
use testkit::until;
use tokio::sync::Semaphore;
use tokio_postgres::{Client, NoTls};

use crate::world::{World, code, faults};

/// A session that holds `table` in `mode`, against whatever comes, until it is dropped.
async fn locked(w: &World, table: &str, mode: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(w.db.superuser_url().await.expose_secret(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("begin; lock table {table} in {mode} mode")).await.unwrap();
    client
}

const OURS: &str = "database = (select oid from pg_database where datname = current_database())";

/// Until a session waits for a lock of this kind.
async fn until_somebody_waits(w: &World, kind: &str) {
    let sql = format!("select 1 from pg_locks where not granted and locktype = '{kind}' and {OURS}");
    until("somebody waits for the lock", async || (!w.db.query(&sql).await.is_empty()).then_some(())).await;
}

/// Until so many bids and drafts are written, and only their commit is missing.
async fn written(w: &World, count: usize) {
    until("it is written", async || (w.audit.arrived.load(Ordering::SeqCst) == count).then_some(())).await;
    let held = w.db.query(&format!("select 1 from pg_locks where granted and locktype = 'advisory' and {OURS}")).await;
    assert_eq!(held.len(), 1, "the gate is held");
}

/// What an owner may do to a published tender but end it; each fails if it waits.
async fn owner_goes_on(w: &World, tender: TenderId, stage: &str) {
    let (service, ctx) = (w.impatient().await, w.owner.ctx());
    let seen = service.get(&ctx, tender).await.unwrap().tender;
    let past = seen.submission_deadline - TimeDelta::minutes(30);
    assert_eq!(faults(service.extend(&ctx, tender, past).await), ["/submissionDeadline NOT_LATER"], "{stage}");
    service.extend(&ctx, tender, seen.submission_deadline + TimeDelta::seconds(1)).await.unwrap();
    let invited = w.db.party("Invited").await;
    w.tenants.known.lock().unwrap().push(invited.org);
    service.invite(&ctx, tender, Invitee::Organization(invited.org)).await.unwrap();
    assert!(service.list_bids(&ctx, tender, PageRequest::first(5)).await.unwrap().page.items.is_empty(), "{stage}");
    assert!(!service.list(&ctx, Filter { side: None, status: None }, PageRequest::first(5)).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn nothing_that_an_owner_does_waits_for_a_bid_held_open_at_any_stage() {
    let w = World::new().await;
    // While it is priced and sealed; when the tender is held; when the bid's row is there.
    for (table, mode) in
        [("tender_keys", "access exclusive"), ("bids", "share row exclusive"), ("bid_revisions", "share row exclusive")]
    {
        let tender = w.published().await;
        let lock = locked(&w, table, mode).await;
        let (service, offer, ctx) = (w.service.clone(), w.offer("10"), w.acme.ctx());
        let bidding = tokio::spawn(async move { service.submit(&ctx, tender, offer).await });
        until_somebody_waits(&w, "relation").await;
        if table == "tender_keys" {
            let held = w.db.query(&format!("select 1 from pg_locks where locktype in ('advisory', 'tuple') and {OURS}")).await;
            assert!(held.is_empty(), "it is priced and sealed before anything is held");
        }
        owner_goes_on(&w, tender, table).await;
        drop(lock);
        assert_eq!(bidding.await.unwrap().unwrap().status, BidStatus::Submitted);
    }
}

#[tokio::test]
async fn nothing_that_an_owner_does_waits_for_a_bid_or_draft_about_to_be_committed() {
    let w = World::new().await;
    for draft in [false, true] {
        let tender = w.published().await;
        let gate = Arc::new(Semaphore::new(0));
        *w.audit.gate.lock().unwrap() = Some(Arc::clone(&gate));
        let (service, offer, ctx) = (w.service.clone(), w.offer("10"), w.acme.ctx());
        let bidding = tokio::spawn(async move {
            if draft { service.save_draft(&ctx, tender, offer).await } else { service.submit(&ctx, tender, offer).await }
        });
        written(&w, 1 + usize::from(draft)).await;
        owner_goes_on(&w, tender, "written").await;
        let step = w.impatient().await.cancel(&w.owner.ctx(), tender, "No money".into()).await.unwrap();
        assert_eq!(step.tender.tender.status, TenderStatus::Cancelled, "not even the end of the tender waits");
        gate.add_permits(100);
        // As if it had come just before.
        assert!(bidding.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn at_the_deadline_only_the_job_waits_and_what_came_in_time_counts() {
    let w = World::new().await;
    let tender = w.published().await;
    let gate = Arc::new(Semaphore::new(0));
    *w.audit.gate.lock().unwrap() = Some(Arc::clone(&gate));
    let (service, offer, ctx) = (w.service.clone(), w.offer("10"), w.acme.ctx());
    let bidding = tokio::spawn(async move { service.submit(&ctx, tender, offer).await });
    written(&w, 1).await;
    w.after_deadline().await;
    let (impatient, owner) = (w.impatient().await, w.owner.ctx());
    let looks = async || {
        assert_eq!(impatient.get(&owner, tender).await.unwrap().tender.status, TenderStatus::Published, "as it was");
        assert_eq!(code(impatient.open(&owner, tender).await), "STATE_CONFLICT");
        let later = chrono::Utc::now() + TimeDelta::days(9);
        assert_eq!(code(impatient.extend(&owner, tender, later).await), "TENDER_CLOSED");
    };
    looks().await;
    let (service, platform) = (w.service.clone(), Ctx::system(w.owner.org, RequestId::generate()));
    let closing = tokio::spawn(async move { service.close_due(&platform, tenders::Close { tender }).await });
    until_somebody_waits(&w, "advisory").await;
    looks().await;
    gate.add_permits(100);
    assert_eq!(bidding.await.unwrap().unwrap().status, BidStatus::Submitted);
    closing.await.unwrap().unwrap();
    assert_eq!(w.db.query("select submitted from tender_seal_secrets").await, ["1"]);
    assert_eq!(w.service.open(&owner, tender).await.unwrap().tender.tender.status, TenderStatus::Evaluation);
}

#[tokio::test]
async fn of_two_changes_of_one_bid_at_once_both_are_sealed_in_their_place() {
    let w = World::new().await;
    let tender = w.published().await;
    let (bid, ctx) = (w.bid(&w.acme, tender, "10").await, w.acme.ctx());
    let lock = locked(&w, "tender_keys", "access exclusive").await;
    let changes = ["11", "12"].map(|rate| {
        let (service, offer, ctx) = (w.service.clone(), w.offer(rate), ctx.clone());
        tokio::spawn(async move { service.replace_bid(&ctx, bid.id, None, offer).await })
    });
    let waiting = format!("select 1 from pg_locks where not granted and locktype = 'relation' and {OURS}");
    until("both have seen revision 1", async || (w.db.query(&waiting).await.len() == 2).then_some(())).await;
    drop(lock);
    let mut revisions = Vec::new();
    for change in changes {
        let changed = change.await.unwrap().unwrap();
        let (content, _) = w.service.own_revision(&ctx, bid.id, changed.revision).await.unwrap();
        assert_eq!(Some(content), changed.content, "it opens where it stands");
        revisions.push(changed.revision);
    }
    revisions.sort_unstable();
    assert_eq!(revisions, [2, 3]);
}

#[tokio::test]
async fn the_sweep_does_what_a_lost_job_would_have_done() {
    let settings = tenders::Settings {
        minimum_submission_period: crate::world::HOUR / 2,
        standstill: crate::world::HOUR,
        ..tenders::Settings::default()
    };
    let w = World::with(settings).await;
    let tender = w.published().await;
    let bid = w.bid(&w.acme, tender, "10").await;
    let system = w.db.system_uow();
    assert_eq!(w.service.sweep().await.unwrap(), 0, "nothing is due");
    w.after_deadline().await;
    assert_eq!(w.service.sweep().await.unwrap(), 1);
    assert_eq!(w.db.query("select status from tenders").await, ["closed"]);
    w.service.open(&w.owner.ctx(), tender).await.unwrap();
    w.service.award(&w.owner.ctx(), tender, Award { bid: bid.id, reason: None }).await.unwrap();
    assert_eq!(w.service.sweep().await.unwrap(), 0, "the stand-still has begun");
    w.after_deadline().await;
    let overdue = tenders::overdue(&system).await.unwrap();
    assert_eq!(overdue.iter().map(|finding| (finding.tender, finding.org)).collect::<Vec<_>>(), [(tender, w.owner.org)]);
    assert_eq!(w.service.sweep().await.unwrap(), 1);
    assert_eq!(w.db.query("select contract_id is not null from awards").await, ["t"]);
    assert_eq!((w.service.sweep().await.unwrap(), tenders::overdue(&system).await.unwrap()), (0, vec![]));
}
