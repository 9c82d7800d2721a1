//! What somebody with every power over the database does to sealed bids: nothing opens, the doctor tells, receipts can still be checked.

use kernel::TenderId;
use tenders::verifies;
use tenders_api::*;

use crate::world::{World, code};

/// A closed tender with two bids.
async fn closed() -> (World, TenderId, Bid, Bid) {
    let w = World::new().await;
    let tender = w.published().await;
    let (cheap, dear) = (w.bid(&w.acme, tender, "10").await, w.bid(&w.stone, tender, "11").await);
    w.after_deadline().await;
    assert_eq!(w.service.get(&w.owner.ctx(), tender).await.unwrap().tender.status, TenderStatus::Closed);
    assert_eq!(tenders::seals(&w.db.system_uow()).await.unwrap(), []);
    (w, tender, cheap, dear)
}

async fn tamper(w: &World, sql: &str) {
    w.db.run_sql(&format!("set session_replication_role = replica; {sql}")).await;
}

async fn found(w: &World) -> Vec<String> {
    tenders::seals(&w.db.system_uow()).await.unwrap().into_iter().map(|finding| finding.what).collect()
}

#[tokio::test]
async fn nothing_opens_unless_number_receipts_and_root_are_those_fixed_at_closing() {
    let number = "not as many bids count as at closing";
    let receipts = "the receipts of the bids do not give the root fixed at closing";
    let offer = "a bid that counts has no sealed offer with its receipt";
    let root = "the root is not that of the leaves fixed at closing";
    let gone = "what was fixed at closing is gone";
    for (sql, faults) in [
        ("update bids set status = 'lapsed' where id = $cheap", vec![number, receipts]),
        ("update bids set status = 'withdrawn', withdrawal_document = '{}' where id = $cheap", vec![number, receipts]),
        ("delete from bids where id = $cheap", vec![number, receipts]),
        ("update bids set receipt_sha256 = sha256('x') where id = $cheap", vec![receipts, offer]),
        ("update bids set revision = 2 where id = $cheap", vec![offer]),
        ("delete from bid_revisions where bid_id = $cheap", vec![offer]),
        ("update bid_revisions set bidder_org_id = org_id where bid_id = $cheap", vec![offer]),
        ("update tenders set seal_root = sha256('x')", vec![root]),
        ("update tender_seals set leaves[1] = leaves[2]", vec![root, receipts]),
        ("update tender_seal_secrets set submitted = 1", vec![number]),
        ("update tender_seal_secrets set decoy_seed = sha256('x')", vec![receipts]),
        ("delete from tender_seal_secrets", vec![gone]),
        ("delete from tender_seals", vec![gone]),
        (
            "insert into bids (org_id, id, tender_id, bidder_org_id, status, revision, receipt_sha256, received_at, currency)
             select org_id, gen_random_uuid(), tender_id, gen_random_uuid(), 'submitted', 1, receipt_sha256, now(), 'EUR' from bids where id = $cheap",
            vec![number, receipts, offer],
        ),
    ] {
        let (w, tender, cheap, _) = closed().await;
        tamper(&w, &sql.replace("$cheap", &format!("'{}'", cheap.id))).await;
        assert_eq!(found(&w).await, faults, "{sql}");
        assert_eq!(code(w.service.open(&w.owner.ctx(), tender).await), "SEAL_BROKEN", "{sql}");
        assert_eq!(w.db.query("select status from tenders").await, ["closed"], "{sql}");
        assert_eq!(w.db.query("select count(*) from opening_records").await, ["0"], "{sql}");
        assert_eq!(w.audit.actions(w.owner.org).last().unwrap(), "tenders.seal_broken", "{sql}");
        let alarms = "select concat_ws(' ', kind, object_type, object_id) from alarms where settled_at is null";
        assert_eq!(w.db.query(alarms).await, [format!("seal_broken tender {tender}")], "{sql}");
    }
}

#[tokio::test]
async fn what_was_restored_opens() {
    let (w, tender, cheap, _) = closed().await;
    tamper(&w, &format!("update bids set status = 'lapsed' where id = '{}'", cheap.id)).await;
    assert_eq!(code(w.service.open(&w.owner.ctx(), tender).await), "SEAL_BROKEN");
    tamper(&w, &format!("update bids set status = 'submitted' where id = '{}'", cheap.id)).await;
    assert_eq!(found(&w).await, [] as [&str; 0]);
    assert_eq!(w.service.open(&w.owner.ctx(), tender).await.unwrap().tender.tender.status, TenderStatus::Evaluation);
}

#[tokio::test]
async fn whoever_has_a_receipt_reads_the_record_whatever_became_of_the_bid() {
    let record = "the opening record does not agree with what was fixed at closing";
    let number = "not as many bids count as at closing";
    let receipts = "the receipts of the bids do not give the root fixed at closing";
    for (sql, faults) in [
        ("update bids set status = 'disqualified', disqualified_code = 'X', disqualified_reason = 'x' where id = $cheap", vec![]),
        (
            "update bids set status = 'lapsed', opened_at = null, total = null, valid_until = null, note = null, rank = null where id = $cheap",
            vec![number, receipts, record],
        ),
        (
            "update bids set status = 'lapsed', opened_at = null, total = null, valid_until = null, note = null, rank = null,
          receipt_sha256 = null, received_at = null where id = $cheap",
            vec![number, receipts, record],
        ),
        (
            "update opening_records set receipts = array(select r from unnest(receipts) r where r <> $receipt), submitted = 1",
            vec![record],
        ),
    ] {
        let (w, tender, cheap, _) = closed().await;
        w.service.open(&w.owner.ctx(), tender).await.unwrap();
        let receipt = cheap.receipt.unwrap().sha256;
        let sql = sql
            .replace("$cheap", &format!("'{}'", cheap.id))
            .replace("$receipt", &format!("'\\x{}'::bytea", hex::encode(receipt)));
        tamper(&w, &sql).await;
        assert_eq!(found(&w).await, faults, "{sql}");
        let read = w.service.opening_record(&w.acme.ctx(), tender).await.unwrap();
        assert!(verifies(&read.own_proof.unwrap(), &receipt), "{sql}");
    }
    let (w, tender, ..) = closed().await;
    w.service.open(&w.owner.ctx(), tender).await.unwrap();
    tamper(&w, "delete from opening_records").await;
    assert_eq!(found(&w).await, ["the opening record is gone"]);
}
