//! Evaluation, award, contract, completion.

use std::time::Duration;

use escrow_api::ContractActivated;
use kernel::{Ctx, PageRequest, RequestId};
use secrecy::ExposeSecret;
use tenders::Settings;
use tenders_api::*;
use tokio_postgres::NoTls;
use uow::EventId;

use crate::world::{HOUR, World, code, decimal, faults};

fn award(bid: &Bid, reason: Option<&str>) -> Award {
    Award { bid: bid.id, reason: reason.map(str::to_owned) }
}

#[tokio::test]
async fn the_straight_journey_ends_with_an_active_contract() {
    let w = World::new().await;
    let (tender, acme, stone) = w.opened(["10.005", "12"]).await;
    let awarded = w.service.award(&w.owner.ctx(), tender, award(&acme, None)).await.unwrap();
    let contract = awarded.contract.unwrap();
    assert_eq!((awarded.tender.tender.status, contract.total.to_string()), (TenderStatus::Standstill, "1350.50 EUR".to_owned()));
    let live = awarded.tender.award.unwrap();
    assert_eq!((live.bid, live.contract, live.sign_by.is_some()), (acme.id, Some(contract.id), true));
    let amounts: Vec<_> = contract.milestones.iter().map(|milestone| milestone.amount.minor()).collect();
    assert_eq!(amounts, [54_020, 47_268, 33_762], "rounded half up, the rest with the last");
    {
        let opened = w.contracts.opened.lock().unwrap();
        let new = &opened[0].1;
        assert_eq!((new.contractor, new.lines.len()), (w.acme.org, 5));
        let counting: i64 = new.lines.iter().filter(|line| line.counts).map(|line| line.amount.unwrap().minor()).sum();
        assert_eq!(counting, 135_050, "the winning rates are the contract's");
    }
    assert_eq!(w.service.get(&w.stone.ctx(), tender).await.unwrap().award, None, "the loser does not see who won");
    // The contractor signed last: the event comes in its tenant.
    let event = ContractActivated { contract: contract.id, tender, bid: acme.id };
    let ctx = Ctx::system(w.acme.org, RequestId::generate());
    w.service.contract_activated(&ctx, EventId::new(), &event).await.unwrap();
    let waiting = w.service.get(&w.owner.ctx(), tender).await.unwrap().tender.status;
    assert_eq!(waiting, TenderStatus::Standstill, "the contract is not active");
    w.contract_signed(contract.id).await;
    for _ in 0..2 {
        w.service.contract_activated(&ctx, EventId::new(), &event).await.unwrap();
    }
    assert_eq!(w.service.get(&w.owner.ctx(), tender).await.unwrap().tender.status, TenderStatus::Complete);
    assert_eq!(w.service.get_bid(&w.acme.ctx(), acme.id).await.unwrap().status, BidStatus::Awarded);
    assert_eq!(w.service.get_bid(&w.stone.ctx(), stone.id).await.unwrap().status, BidStatus::Unsuccessful);
    assert_eq!(w.db.query("select status from awards").await, ["active"]);
    let kinds = w.db.query("select kind from outbox where org_id = (select org_id from tenders) order by seq").await;
    assert_eq!(kinds, ["tenders.published", "tenders.closed", "tenders.opened", "tenders.awarded", "tenders.completed"]);
    let actions = ["tenders.edit", "tenders.publish", "tenders.close", "tenders.open", "tenders.award", "tenders.complete"];
    assert_eq!(w.audit.actions(w.owner.org), actions);
    assert_eq!(code(w.service.cancel(&w.owner.ctx(), tender, "too late".into()).await), "STATE_CONFLICT");
}

#[tokio::test]
async fn passing_over_a_better_bid_needs_a_reason() {
    let w = World::new().await;
    let (tender, acme, stone) = w.opened(["10", "12"]).await;
    assert_eq!(faults(w.service.award(&w.owner.ctx(), tender, award(&stone, Some(" "))).await), ["/reason REQUIRED"]);
    let why = Disqualification { code: "NOT_RESPONSIVE".into(), reason: "No insurance".into() };
    let step = w.service.disqualify(&w.owner.ctx(), acme.id, why.clone()).await.unwrap();
    assert_eq!((step.bid.status, step.bid.disqualification), (BidStatus::Disqualified, Some(why.clone())));
    assert_eq!(code(w.service.disqualify(&w.owner.ctx(), acme.id, why).await), "STATE_CONFLICT");
    assert_eq!(code(w.service.award(&w.owner.ctx(), tender, award(&acme, Some("no"))).await), "STATE_CONFLICT");
    assert_eq!(w.service.accept(&w.owner.ctx(), stone.id).await.unwrap().status, BidStatus::Valid);
    assert!(w.service.award(&w.owner.ctx(), tender, award(&stone, None)).await.unwrap().contract.is_some());
    let told = w.service.get_bid(&w.acme.ctx(), acme.id).await.unwrap().disqualification.unwrap();
    assert_eq!(told.reason, "No insurance", "the bidder is told");
}

#[tokio::test]
async fn of_two_awards_at_once_one_holds() {
    let w = World::new().await;
    let (tender, acme, stone) = w.opened(["10", "12"]).await;
    let (one, two) = (w.owner.ctx(), w.second.ctx());
    let (a, b) = tokio::join!(
        w.service.award(&one, tender, award(&acme, None)),
        w.service.award(&two, tender, award(&stone, Some("Better programme")))
    );
    let refused: Vec<_> = [a, b].into_iter().filter_map(Result::err).map(|error| code(Err::<(), _>(error))).collect();
    assert_eq!(refused, ["STATE_CONFLICT"]);
    assert_eq!(w.contracts.opened.lock().unwrap().len(), 1);
    assert_eq!(w.db.query("select count(*) from awards").await, ["1"]);
    let second = "select app.note_award(org_id, gen_random_uuid(), tender_id, bid_id, null, now(), awarded_by) from awards";
    let person = format!("'{}'", w.db.query("select awarded_by[1] from awards").await.remove(0));
    let refusal = w.sql_of(w.owner.org, &person, second).await.unwrap_err();
    assert_eq!(refusal, "duplicate key value violates unique constraint \"awards_one_live\"", "the database stands behind it");
}

#[tokio::test]
async fn weighty_decisions_take_two_persons() {
    let w = World::new().await;
    let (tender, acme, stone) = w.opened(["10", "12"]).await;
    *w.tenants.threshold.lock().unwrap() = Some(135_000);
    let why = || Disqualification { code: "NOT_RESPONSIVE".into(), reason: "No insurance".into() };
    let step = w.service.disqualify(&w.owner.ctx(), acme.id, why()).await.unwrap();
    assert_eq!((step.bid.status, step.approval), (BidStatus::Opened, Some(Approval::Waiting { first: w.owner.user })));
    let step = w.service.disqualify(&w.owner.ctx(), stone.id, why()).await.unwrap();
    assert_eq!((step.bid.status, step.approval), (BidStatus::Disqualified, None), "only the first in rank needs two");
    let waiting = w.service.award(&w.owner.ctx(), tender, award(&acme, None)).await.unwrap();
    assert!(waiting.contract.is_none() && waiting.approval.is_waiting());
    assert_eq!(waiting.tender.tender.status, TenderStatus::Evaluation);
    assert!(w.service.award(&w.second.ctx(), tender, award(&acme, None)).await.unwrap().contract.is_some());
    let waiting = w.service.cancel(&w.owner.ctx(), tender, "No money".into()).await.unwrap();
    assert_eq!(waiting.tender.tender.status, TenderStatus::Standstill);
    let done = w.service.cancel(&w.second.ctx(), tender, "No money".into()).await.unwrap();
    assert_eq!(done.tender.tender.status, TenderStatus::Cancelled);
    assert_eq!(w.contracts.cancelled.lock().unwrap().len(), 1, "the contract in signing falls with it");
    assert_eq!(w.db.query("select status from awards").await, ["cancelled"]);
}

#[tokio::test]
async fn only_a_bid_of_this_tender_that_is_still_valid_can_be_awarded() {
    let w = World::new().await;
    let tender = w.published().await;
    let mut short = w.offer("10");
    short.valid_until = (chrono::Utc::now() + chrono::TimeDelta::days(2)).date_naive();
    let bid = w.service.submit(&w.acme.ctx(), tender, short).await.unwrap();
    w.after_deadline().await;
    w.service.open(&w.owner.ctx(), tender).await.unwrap();
    let stranger = Award { bid: kernel::BidId::new(), reason: None };
    assert_eq!(code(w.service.award(&w.owner.ctx(), tender, stranger).await), "NOT_FOUND");
    assert_eq!(code(w.service.award(&w.acme.ctx(), tender, award(&bid, None)).await), "NOT_FOUND", "a bidder awards nothing");
    assert_eq!(code(w.service.conclude_unsuccessful(&w.owner.ctx(), tender).await), "STATE_CONFLICT", "it could be awarded");
    w.db.advance_clock(HOUR * 72).await;
    assert_eq!(code(w.service.award(&w.owner.ctx(), tender, award(&bid, None)).await), "BID_EXPIRED");
    let ended = w.service.conclude_unsuccessful(&w.owner.ctx(), tender).await.unwrap();
    assert_eq!(ended.tender.status, TenderStatus::Unsuccessful);
}

#[tokio::test]
async fn with_a_stand_still_the_contract_opens_after_it() {
    let settings = Settings {
        minimum_submission_period: Duration::from_secs(2),
        standstill: Duration::from_secs(48 * 3600),
        ..Settings::default()
    };
    let w = World::with(settings).await;
    let (tender, acme, _) = w.opened(["10", "12"]).await;
    let awarded = w.service.award(&w.owner.ctx(), tender, award(&acme, None)).await.unwrap();
    assert_eq!((awarded.contract, awarded.tender.tender.status), (None, TenderStatus::Standstill));
    let platform = Ctx::system(w.owner.org, RequestId::generate());
    let job = tenders::FinishStandstill { tender };
    w.service.finish_standstill(&platform, job).await.unwrap();
    assert_eq!(w.contracts.opened.lock().unwrap().len(), 0, "not before its end");
    w.db.advance_clock(HOUR * 49).await;
    w.service.finish_standstill(&platform, job).await.unwrap();
    w.service.finish_standstill(&platform, job).await.unwrap();
    assert_eq!(w.contracts.opened.lock().unwrap().len(), 1);
    assert!(w.service.get(&w.acme.ctx(), tender).await.unwrap().award.unwrap().contract.is_some());
}

#[tokio::test]
async fn a_bid_of_which_a_milestone_could_not_be_paid_is_refused() {
    let w = World::new().await;
    let milestone = |percent| Milestone { title: "Part".into(), share: Share::Percent(decimal(percent)), due_on: None };
    let tender = w.published_as(Draft { milestones: vec![milestone("99.9999"), milestone("0.0001")], ..w.draft() }).await;
    assert_eq!(faults(w.service.submit(&w.acme.ctx(), tender, w.offer("6.5")).await), ["/lines MILESTONE_NOT_PAYABLE"]);
}

#[tokio::test]
async fn a_bid_too_small_for_its_milestones_is_refused() {
    let w = World::new().await;
    w.projects.soqs.lock().unwrap()[0].lines[3].estimate_rate = Some(decimal("0.02"));
    let tender = w.published().await;
    let mut offer = w.offer("0");
    offer.lines[1].rate = decimal("0");
    assert_eq!(faults(w.service.submit(&w.acme.ctx(), tender, offer.clone()).await), ["/lines OUT_OF_RANGE"], "0.02 for three");
    offer.lines[1].rate = decimal("1");
    w.service.submit(&w.acme.ctx(), tender, offer).await.unwrap();
}

#[tokio::test]
async fn two_persons_agree_to_the_same_reason() {
    let w = World::new().await;
    let (tender, acme, stone) = w.opened(["10", "12"]).await;
    *w.tenants.threshold.lock().unwrap() = Some(1);
    let (owner, second) = (w.owner.ctx(), w.second.ctx());
    let why = |reason: &str| Disqualification { code: "NOT_RESPONSIVE".into(), reason: reason.into() };
    assert!(w.service.disqualify(&owner, acme.id, why("No insurance")).await.unwrap().approval.unwrap().is_waiting());
    let other = w.service.disqualify(&second, acme.id, why("Too cheap")).await.unwrap();
    assert_eq!(other.approval, Some(Approval::Waiting { first: w.second.user }), "another reason is another thing to agree to");
    let done = w.service.disqualify(&second, acme.id, why(" No insurance ")).await.unwrap();
    assert_eq!(done.bid.disqualification, Some(why("No insurance")));

    assert!(w.service.award(&owner, tender, award(&stone, Some("Better programme"))).await.unwrap().approval.is_waiting());
    for reason in [Some("My cousin"), None] {
        assert!(w.service.award(&second, tender, award(&stone, reason)).await.unwrap().approval.is_waiting(), "{reason:?}");
    }
    let done = w.service.award(&second, tender, award(&stone, Some("Better programme "))).await.unwrap();
    assert!(done.contract.is_some());

    assert!(w.service.cancel(&owner, tender, "No money".into()).await.unwrap().approval.unwrap().is_waiting());
    assert!(w.service.cancel(&second, tender, "No demand".into()).await.unwrap().approval.unwrap().is_waiting());
    let done = w.service.cancel(&second, tender, "No money".into()).await.unwrap();
    assert_eq!(done.tender.tender.cancel_reason.as_deref(), Some("No money"));

    let first = |action| w.audit.after(action).remove(0);
    let waiting = serde_json::json!({"approval": "waiting", "reasonCode": "NOT_RESPONSIVE", "reason": "No insurance"});
    assert_eq!(first("tenders.evaluate"), waiting);
    assert_eq!(first("tenders.award"), serde_json::json!({"approval": "waiting", "bid": stone.id, "reason": "Better programme"}));
    assert_eq!(first("tenders.cancel"), serde_json::json!({"approval": "waiting", "reason": "No money"}));
}

#[tokio::test]
async fn nobody_but_the_parties_reaches_the_tender_of_a_contract() {
    let w = World::new().await;
    let (tender, acme, _) = w.opened(["10", "12"]).await;
    let contract = w.service.award(&w.owner.ctx(), tender, award(&acme, None)).await.unwrap().contract.unwrap().id;
    w.contract_signed(contract).await;
    let (client, connection) = tokio_postgres::connect(w.db.superuser_url().await.expose_secret(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("begin; select from tenders for update").await.unwrap();
    let owner = w.owner.org;
    let complete = format!("set local lock_timeout = '2s'; select app.complete_tender('{owner}', '{tender}', '{contract}')");
    assert_eq!(w.sql(w.stone.org, &complete).await.unwrap(), ["f"], "it does not even wait for the tender");
    client.batch_execute("commit").await.unwrap();
    let elsewhere = format!("select app.complete_tender('{owner}', '{tender}', gen_random_uuid())");
    assert_eq!(w.sql(w.acme.org, &elsewhere).await.unwrap(), ["f"]);
    assert_eq!(w.sql(w.acme.org, &complete).await.unwrap(), ["t"]);
}

#[tokio::test]
async fn lists_tell_invitations_and_awards() {
    let w = World::new().await;
    let (tender, acme, _) = w.opened(["10", "12"]).await;
    let later = chrono::Utc::now() + chrono::TimeDelta::hours(9);
    let plain = w.published_as(Draft { submission_deadline: later, ..w.draft() }).await;
    w.service.invite(&w.owner.ctx(), plain, Invitee::Organization(w.stone.org)).await.unwrap();
    let contract = w.service.award(&w.owner.ctx(), tender, award(&acme, None)).await.unwrap().contract.unwrap().id;
    let won = Some((acme.id, Some(contract)));
    for (party, expected) in [
        (&w.owner, [(plain, false, None), (tender, false, won)]),
        (&w.acme, [(plain, false, None), (tender, false, won)]),
        (&w.stone, [(plain, true, None), (tender, false, None)]),
    ] {
        let list = w.service.list(&party.ctx(), Filter::default(), PageRequest::first(20)).await.unwrap().items;
        let seen: Vec<_> =
            list.iter().map(|view| (view.tender.id, view.invited, view.award.map(|award| (award.bid, award.contract)))).collect();
        assert_eq!(seen, expected);
    }
}
