//! Opening by two persons, the ranks, the proof.

use std::sync::atomic::{AtomicUsize, Ordering};

use kernel::PageRequest;
use tenders::{root_of_record, verifies};
use tenders_api::*;

use crate::world::{World, code, decimal, faults};

#[tokio::test]
async fn at_or_above_the_threshold_two_persons_open() {
    let w = World::new().await;
    *w.tenants.threshold.lock().unwrap() = Some(811_665);
    let id = w.service.create(&w.owner.ctx(), w.draft()).await.unwrap().tender.id;
    let first = w.service.publish(&w.owner.ctx(), id).await.unwrap();
    assert_eq!(
        (first.tender.tender.status, first.approval),
        (TenderStatus::Draft, Some(Approval::Waiting { first: w.owner.user }))
    );
    w.service.publish(&w.second.ctx(), id).await.unwrap();
    w.bid(&w.acme, id, "10").await;
    assert_eq!(code(w.service.open(&w.owner.ctx(), id).await), "STATE_CONFLICT", "before the deadline");
    w.after_deadline().await;
    for _ in 0..2 {
        let step = w.service.open(&w.owner.ctx(), id).await.unwrap();
        assert_eq!(
            (step.tender.tender.status, step.approval),
            (TenderStatus::Closed, Some(Approval::Waiting { first: w.owner.user }))
        );
        assert_eq!(w.db.query("select status from bids").await, ["submitted"]);
    }
    let step = w.service.open(&w.second.ctx(), id).await.unwrap();
    assert_eq!(step.approval, Some(Approval::Complete { first: w.owner.user, second: Some(w.second.user) }));
    assert_eq!(step.tender.tender.status, TenderStatus::Evaluation);
    let record = w.service.opening_record(&w.owner.ctx(), id).await.unwrap();
    assert_eq!(record.opened_by, [w.owner.user, w.second.user]);
}

#[tokio::test]
async fn bids_are_ranked_and_the_owner_reads_every_line() {
    let w = World::new().await;
    let tender = w.published().await;
    let a = w.bid(&w.acme, tender, "12").await;
    let b = w.bid(&w.stone, tender, "10").await;
    // Replacing costs the place in time: of equal totals the earlier last submission wins.
    let a = w.service.replace_bid(&w.acme.ctx(), a.id, None, w.offer("10")).await.unwrap();
    w.after_deadline().await;
    w.service.open(&w.owner.ctx(), tender).await.unwrap();
    let list = w.service.list_bids(&w.owner.ctx(), tender, PageRequest::first(20)).await.unwrap();
    let ranks: Vec<_> = list.page.items.iter().map(|bid| (bid.id, bid.rank, bid.status)).collect();
    assert_eq!(ranks, [(b.id, Some(1), BidStatus::Opened), (a.id, Some(2), BidStatus::Opened)]);
    assert!(!list.sealed);
    let read = w.service.get_bid(&w.owner.ctx(), a.id).await.unwrap();
    assert_eq!((read.content, read.document, read.proof), (a.content, None, None));
    assert_eq!(code(w.service.open(&w.owner.ctx(), tender).await), "STATE_CONFLICT");
    w.authorizer.forbidden.lock().unwrap().push(perm::BIDS_READ_OPENED);
    assert_eq!(code(w.service.get_bid(&w.second.ctx(), a.id).await), "PERMISSION_DENIED");
}

#[tokio::test]
async fn every_bidder_can_prove_its_bid_and_anyone_can_recompute_the_root() {
    let w = World::new().await;
    let tender = w.published().await;
    let acme = w.bid(&w.acme, tender, "10").await;
    let stone = w.bid(&w.stone, tender, "11").await;
    let gone = w.db.party("Gone").await;
    let withdrawn = w.bid(&gone, tender, "9").await;
    w.service.withdraw(&gone.ctx(), withdrawn.id, None).await.unwrap();
    w.after_deadline().await;
    let root = w.service.get(&w.acme.ctx(), tender).await.unwrap().tender.seal_root.unwrap();
    let proof = w.service.get_bid(&w.acme.ctx(), acme.id).await.unwrap().proof.unwrap();
    assert_eq!((proof.root, proof.path.len()), (root, 6), "the length of a proof does not tell how many bids there are");
    assert!(verifies(&proof, &acme.receipt.unwrap().sha256) && !verifies(&proof, &stone.receipt.unwrap().sha256));
    assert_eq!(w.service.get_bid(&gone.ctx(), withdrawn.id).await.unwrap().proof, None);
    w.service.open(&w.owner.ctx(), tender).await.unwrap();
    let record = w.service.opening_record(&w.stone.ctx(), tender).await.unwrap();
    let mut receipts = vec![acme.receipt.unwrap().sha256, stone.receipt.unwrap().sha256];
    receipts.sort_unstable();
    assert_eq!((record.root, &record.receipts, record.leaves), (root, &receipts, 64));
    assert_eq!(
        root_of_record(&record.receipts, &record.decoy_seed, record.leaves),
        Some(root),
        "built in SQL, recomputed in Rust"
    );
    assert!(verifies(&record.own_proof.unwrap(), &stone.receipt.unwrap().sha256));
    assert_eq!((record.ranking.len(), record.opened_by.len()), (0, 0), "a bidder learns neither the others nor who opened");
    let whole = w.service.opening_record(&w.owner.ctx(), tender).await.unwrap();
    assert_eq!(whole.ranking.iter().map(|(bid, _, rank, _)| (*bid, *rank)).collect::<Vec<_>>(), [(acme.id, 1), (stone.id, 2)]);
    let seen = w.service.opening_record(&gone.ctx(), tender).await.unwrap();
    assert_eq!((seen.root, seen.receipts, seen.own_proof), (root, receipts, None), "whoever has a receipt, also of a withdrawal");
    let stranger = w.db.party("Stranger").await;
    assert_eq!(code(w.service.opening_record(&stranger.ctx(), tender).await), "NOT_FOUND", "nobody else");
}

#[tokio::test]
async fn of_simultaneous_openings_one_does_it() {
    let w = World::new().await;
    let tender = w.published().await;
    w.bid(&w.acme, tender, "10").await;
    w.after_deadline().await;
    let done = AtomicUsize::new(0);
    let race = (0..4).map(|_| async {
        match w.service.open(&w.owner.ctx(), tender).await {
            Ok(_) => drop(done.fetch_add(1, Ordering::Relaxed)),
            Err(error) => assert_eq!(code(Err::<(), _>(error)), "STATE_CONFLICT"),
        }
    });
    futures::future::join_all(race).await;
    assert_eq!(done.into_inner(), 1);
    assert_eq!(w.db.query("select count(*) from opening_records").await, ["1"]);
}

#[tokio::test]
async fn without_an_estimate_for_every_line_two_persons_are_needed_under_any_threshold() {
    let w = World::new().await;
    *w.tenants.threshold.lock().unwrap() = Some(100_000_000_000);
    w.projects.soqs.lock().unwrap()[0].lines[4].estimate_rate = Some(decimal("1"));
    let known = w.service.create(&w.owner.ctx(), w.draft()).await.unwrap().tender.id;
    let step = w.service.publish(&w.owner.ctx(), known).await.unwrap();
    assert_eq!(step.approval, Some(Approval::Complete { first: w.owner.user, second: None }), "known, and below");
    let waiting = Some(Approval::Waiting { first: w.owner.user });
    let mut id = known;
    for (rate, total) in [(Some("0"), 0), (None, 33_888)] {
        {
            let soq = &mut w.projects.soqs.lock().unwrap()[0];
            soq.lines[1].estimate_rate = rate.map(decimal);
            soq.estimate_total = kernel::Money::from_minor(total, kernel::Currency::EUR);
        }
        id = w.service.create(&w.owner.ctx(), w.draft()).await.unwrap().tender.id;
        assert_eq!(w.service.publish(&w.owner.ctx(), id).await.unwrap().approval, waiting, "{rate:?}");
    }
    w.service.publish(&w.second.ctx(), id).await.unwrap();
    w.bid(&w.acme, id, "10").await;
    w.after_deadline().await;
    assert_eq!(w.service.cancel(&w.owner.ctx(), id, "No money".into()).await.unwrap().approval, waiting);
    assert_eq!(w.service.open(&w.owner.ctx(), id).await.unwrap().approval, waiting);
    assert_eq!(w.service.open(&w.second.ctx(), id).await.unwrap().tender.tender.status, TenderStatus::Evaluation);
}

/// The alarms: kind, what about, how often.
async fn alarms(w: &World) -> Vec<String> {
    w.db.query(
        "select concat_ws(' ', kind, object_type, object_id, times) from alarms where settled_at is null order by raised_at",
    )
    .await
}

/// Changes a bit of what an organisation's bids hold.
async fn tamper(w: &World, bidder: &testkit::Party) {
    let sql = "alter table bid_revisions disable trigger written_once;
        update bid_revisions set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) where bidder_org_id =";
    w.db.run_sql(&format!("{sql} '{}'", bidder.org)).await;
}

#[tokio::test]
async fn an_offer_that_cannot_be_read_does_not_keep_the_others_shut() {
    let w = World::new().await;
    let tender = w.published().await;
    let broken = w.bid(&w.acme, tender, "10").await;
    let whole = w.bid(&w.stone, tender, "11").await;
    w.after_deadline().await;
    tamper(&w, &w.acme).await;
    let step = w.service.open(&w.owner.ctx(), tender).await.unwrap();
    assert_eq!(step.tender.tender.status, TenderStatus::Evaluation);
    assert_eq!(alarms(&w).await, [format!("offer_unreadable bid {} 1", broken.id)], "a person looks at it");
    let list = w.service.list_bids(&w.owner.ctx(), tender, PageRequest::first(20)).await.unwrap().page.items;
    let seen: Vec<_> = list.iter().map(|bid| (bid.id, bid.status, bid.rank, bid.content.is_some())).collect();
    assert_eq!(seen, [(whole.id, BidStatus::Opened, Some(1), true), (broken.id, BidStatus::Disqualified, None, false)]);
    let told = w.service.get_bid(&w.acme.ctx(), broken.id).await.unwrap();
    assert_eq!((told.disqualification.unwrap().code.as_str(), told.receipt, told.content), (UNREADABLE, broken.receipt, None));
    assert!(verifies(&told.proof.unwrap(), &broken.receipt.unwrap().sha256), "it was received");
    let record = w.service.opening_record(&w.owner.ctx(), tender).await.unwrap();
    assert_eq!((record.unreadable, record.ranking.len()), (vec![(broken.id, w.acme.org)], 1));
    assert_eq!(root_of_record(&record.receipts, &record.decoy_seed, record.leaves), Some(record.root), "with its receipt");
    assert_eq!(w.service.opening_record(&w.stone.ctx(), tender).await.unwrap().unreadable, []);
    let opened = w.audit.after("tenders.open").remove(0);
    assert_eq!((&opened["bids"], &opened["unreadable"]), (&1.into(), &serde_json::json!([broken.id])));
    assert_eq!(w.audit.after("bids.unreadable")[0]["reasonCode"], UNREADABLE);
    let why = Disqualification { code: UNREADABLE.into(), reason: "Gone".into() };
    assert_eq!(faults(w.service.disqualify(&w.owner.ctx(), whole.id, why).await), ["/reasonCode NOT_ALLOWED"]);
    let award = |bid: &Bid| Award { bid: bid.id, reason: None };
    assert_eq!(code(w.service.award(&w.owner.ctx(), tender, award(&broken)).await), "STATE_CONFLICT");
    assert!(w.service.award(&w.owner.ctx(), tender, award(&whole)).await.unwrap().contract.is_some());
}

#[tokio::test]
async fn if_no_offer_can_be_read_nothing_is_opened() {
    let w = World::new().await;
    let tender = w.published().await;
    w.bid(&w.acme, tender, "10").await;
    w.after_deadline().await;
    tamper(&w, &w.acme).await;
    assert_eq!(code(w.service.open(&w.owner.ctx(), tender).await), "INTERNAL");
    assert_eq!(w.db.query("select status from tenders").await, ["closed"], "nothing of it happened");
    assert_eq!(alarms(&w).await, [format!("opening_unreadable tender {tender} 1")], "but a person is told, and not who bid");
    let said = w.db.query("select detail from alarms").await.remove(0);
    assert!(!said.contains(&w.acme.org.to_string()), "{said}");
    assert_eq!(code(w.service.open(&w.owner.ctx(), tender).await), "INTERNAL");
    assert_eq!(alarms(&w).await, [format!("opening_unreadable tender {tender} 2")], "once, however often it is tried");
}

#[tokio::test]
async fn the_job_closes_at_the_deadline_and_bears_repetition() {
    let w = World::new().await;
    let tender = w.published().await;
    w.bid(&w.acme, tender, "10").await;
    let platform = kernel::Ctx::system(w.owner.org, kernel::RequestId::generate());
    let job = tenders::Close { tender };
    w.service.close_due(&platform, job).await.unwrap();
    assert_eq!(w.db.query("select status from tenders").await, ["published"], "not before the deadline");
    w.after_deadline().await;
    w.service.close_due(&platform, job).await.unwrap();
    w.service.close_due(&platform, job).await.unwrap();
    assert_eq!(w.db.query("select status from tenders").await, ["closed"]);
    assert_eq!(w.db.query("select kind from outbox where kind = 'tenders.closed'").await.len(), 1);
    assert_eq!(w.db.query("select task_identifier from graphile_worker.jobs").await, ["tenders.close"]);
}
