//! Awards that fall: by the owner, or because nobody signs.

use std::time::Duration;

use escrow_api::{ContractEnded, Party};
use kernel::*;
use tenders::Settings;
use tenders_api::*;
use uow::EventId;

use crate::world::{HOUR, World, code, faults};

fn award(bid: &Bid, reason: Option<&str>) -> Award {
    Award { bid: bid.id, reason: reason.map(str::to_owned) }
}

async fn status(w: &World, bid: &Bid) -> BidStatus {
    w.service.get_bid(&w.owner.ctx(), bid.id).await.unwrap().status
}

#[tokio::test]
async fn the_owner_takes_an_award_back_and_decides_anew() {
    let w = World::new().await;
    let (tender, acme, stone) = w.opened(["10", "12"]).await;
    let owner = w.owner.ctx();
    assert_eq!(code(w.service.cancel_award(&owner, tender, "Too early".into()).await), "STATE_CONFLICT");
    let first = w.service.award(&owner, tender, award(&acme, None)).await.unwrap().contract.unwrap();
    assert_eq!(faults(w.service.cancel_award(&owner, tender, " ".into()).await), ["/reason REQUIRED"]);
    let step = w.service.cancel_award(&owner, tender, " They cannot start ".into()).await.unwrap();
    assert_eq!((step.tender.tender.status, step.tender.award), (TenderStatus::Evaluation, None));
    assert_eq!(step.tender.tender.standstill_until, None);
    assert_eq!(*w.contracts.cancelled.lock().unwrap(), [first.id]);
    assert_eq!(status(&w, &acme).await, BidStatus::Valid, "it is not the bidder's fault");
    let fell = w.audit.after("tenders.award_falls");
    assert_eq!((fell.len(), &fell[0]["reason"], &fell[0]["bidStatus"]), (1, &"They cannot start".into(), &"valid".into()));
    let theirs = format!(
        "select after ->> 'reason' from audit_entries where org_id = '{}' and action = 'tenders.award_falls'",
        w.acme.org
    );
    assert_eq!(w.db.query(&theirs).await, ["They cannot start"], "in the bidder's trail too");
    let told = "select payload ->> 'forfeited' from outbox where kind = 'tenders.award_fell'";
    assert_eq!(w.db.query(told).await, ["false"]);

    assert_eq!(faults(w.service.award(&owner, tender, award(&stone, None)).await), ["/reason REQUIRED"], "the first is still in");
    let second = w.service.award(&owner, tender, award(&acme, None)).await.unwrap().contract.unwrap();
    assert_ne!(second.id, first.id);
}

#[tokio::test]
async fn a_weighty_award_is_taken_back_by_two_with_the_same_reason() {
    let w = World::new().await;
    let (tender, acme, _) = w.opened(["10", "12"]).await;
    w.service.award(&w.owner.ctx(), tender, award(&acme, None)).await.unwrap();
    *w.tenants.threshold.lock().unwrap() = Some(1);
    let cancel = async |ctx: Ctx, reason: &str| w.service.cancel_award(&ctx, tender, reason.into()).await.unwrap();
    assert!(cancel(w.owner.ctx(), "No money").await.approval.unwrap().is_waiting());
    assert!(cancel(w.second.ctx(), "My cousin").await.approval.unwrap().is_waiting());
    let done = cancel(w.second.ctx(), "No money").await;
    assert_eq!(done.tender.tender.status, TenderStatus::Evaluation);
}

#[tokio::test]
async fn an_award_that_nobody_signs_falls_by_itself() {
    for (signed, left) in
        [(vec![], BidStatus::Forfeited), (vec![Party::Owner], BidStatus::Forfeited), (vec![Party::Contractor], BidStatus::Valid)]
    {
        let w = World::with(Settings { signature_period: HOUR * 48, standstill: Duration::ZERO, ..Settings::default() }).await;
        let (tender, acme, stone) = {
            let settings = Draft { submission_deadline: chrono::Utc::now() + chrono::TimeDelta::days(8), ..w.draft() };
            let tender = w.published_as(settings).await;
            let bids = (w.bid(&w.acme, tender, "10").await, w.bid(&w.stone, tender, "12").await);
            w.db.advance_clock(HOUR * 24 * 9).await;
            w.service.open(&w.owner.ctx(), tender).await.unwrap();
            (tender, bids.0, bids.1)
        };
        let awarded = w.service.award(&w.owner.ctx(), tender, award(&acme, None)).await.unwrap();
        let sign_by = awarded.tender.award.unwrap().sign_by.unwrap();
        assert_eq!(sign_by, awarded.tender.tender.standstill_until.unwrap() + chrono::TimeDelta::hours(48));
        *w.contracts.signed.lock().unwrap() = signed.clone();
        assert_eq!(w.service.sweep_unsigned().await.unwrap(), 0, "not before its time");
        w.db.advance_clock(HOUR * 49).await;
        assert_eq!(w.service.sweep_unsigned().await.unwrap(), 1);
        assert_eq!(w.service.sweep_unsigned().await.unwrap(), 0, "once");
        assert_eq!(status(&w, &acme).await, left, "{signed:?}");
        let again = w.service.award(&w.owner.ctx(), tender, award(&stone, None)).await;
        if left == BidStatus::Forfeited {
            assert_eq!(code(w.service.award(&w.owner.ctx(), tender, award(&acme, None)).await), "STATE_CONFLICT");
            assert!(again.unwrap().contract.is_some(), "the next in rank, and no reason is asked");
        } else {
            assert_eq!(faults(again), ["/reason REQUIRED"]);
        }
    }
}

#[tokio::test]
async fn a_contract_that_both_signed_does_not_fall_and_without_a_period_none_does() {
    let w = World::new().await;
    let (tender, acme, _) = w.opened(["10", "12"]).await;
    w.service.award(&w.owner.ctx(), tender, award(&acme, None)).await.unwrap();
    *w.contracts.signed.lock().unwrap() = vec![Party::Owner, Party::Contractor];
    w.db.advance_clock(HOUR * 24 * 15).await;
    let platform = Ctx::system(w.owner.org, RequestId::generate());
    *w.contracts.in_force.lock().unwrap() = true;
    w.service.fall_unsigned(&platform, tenders::FallAward { tender }).await.unwrap();
    assert_eq!(status(&w, &acme).await, BidStatus::Awarded);
    assert_eq!(code(w.service.cancel_award(&w.owner.ctx(), tender, "Late".into()).await), "STATE_CONFLICT");

    let w =
        World::with(Settings { signature_period: Duration::ZERO, minimum_submission_period: HOUR / 2, ..Settings::default() })
            .await;
    let (tender, acme, _) = w.opened(["10", "12"]).await;
    let awarded = w.service.award(&w.owner.ctx(), tender, award(&acme, None)).await.unwrap();
    assert_eq!(awarded.tender.award.unwrap().sign_by, None);
    w.db.advance_clock(HOUR * 24 * 400).await;
    assert_eq!(w.service.sweep_unsigned().await.unwrap(), 0);
}

#[tokio::test]
async fn a_contract_that_ended_frees_its_tender() {
    let w = World::new().await;
    let (tender, acme, _) = w.opened(["10", "12"]).await;
    let contract = w.service.award(&w.owner.ctx(), tender, award(&acme, None)).await.unwrap().contract.unwrap().id;
    let platform = Ctx::system(w.owner.org, RequestId::generate());
    let event = ContractEnded { contract, tender, bid: acme.id, reason: "The site is lost".into() };
    for _ in 0..2 {
        w.service.contract_ended(&platform, EventId::new(), &event).await.unwrap();
    }
    assert_eq!(w.service.get(&w.owner.ctx(), tender).await.unwrap().tender.status, TenderStatus::Evaluation);
    assert_eq!((status(&w, &acme).await, w.contracts.cancelled.lock().unwrap().len()), (BidStatus::Valid, 0));

    let contract = w.service.award(&w.owner.ctx(), tender, award(&acme, None)).await.unwrap().contract.unwrap().id;
    w.contract_signed(contract).await;
    let signed = escrow_api::ContractActivated { contract, tender, bid: acme.id };
    w.service.contract_activated(&platform, EventId::new(), &signed).await.unwrap();
    let event = ContractEnded { contract, ..event };
    w.service.contract_ended(&platform, EventId::new(), &event).await.unwrap();
    let seen = async || w.service.get(&w.owner.ctx(), tender).await.unwrap().tender.status;
    assert_eq!(seen().await, TenderStatus::Complete, "it has not ended");
    w.db.run_sql(&format!(
        "update contracts set status = 'terminated', cancel_reason = 'The site is lost' where id = '{contract}'"
    ))
    .await;
    for _ in 0..2 {
        w.service.contract_ended(&platform, EventId::new(), &event).await.unwrap();
    }
    assert_eq!(seen().await, TenderStatus::Unsuccessful);
    assert_eq!(w.audit.after("tenders.contract_ended").len(), 1);
    let again = Retender { submission_deadline: chrono::Utc::now() + chrono::TimeDelta::days(3_000), questions_until: None };
    assert_eq!(w.service.retender(&w.owner.ctx(), tender, again).await.unwrap().tender.related, Some(tender));
}
