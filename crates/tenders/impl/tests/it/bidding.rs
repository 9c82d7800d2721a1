//! Bids: what is received, replaced, withdrawn, refused, and who wins at the deadline.

use chrono::TimeDelta;
use kernel::{DomainError, PageRequest};
use sha2::Digest;
use tenders_api::*;

use crate::world::{World, code, decimal, faults};

#[tokio::test]
async fn a_bid_is_priced_sealed_and_read_by_its_bidder() {
    let w = World::new().await;
    let tender = w.published().await;
    let bid = w.bid(&w.acme, tender, "12.3456").await;
    let content = bid.content.clone().unwrap();
    assert_eq!((bid.status, bid.revision, content.total.to_string()), (BidStatus::Submitted, 1, "1584.56 EUR".to_owned()));
    assert_eq!(content.lines.len(), 4, "the provisional sum is filled in");
    let read = w.service.get_bid(&w.acme.ctx(), bid.id).await.unwrap();
    assert_eq!((read.content, read.receipt, read.updated_at), (bid.content, bid.receipt, bid.updated_at));
    let document = read.document.unwrap();
    assert!(document.contains("12.3456"), "the bidder can keep what its receipt stands for");
    let listed = w.service.list_bids(&w.acme.ctx(), tender, PageRequest::first(20)).await.unwrap();
    assert_eq!((listed.page.items.len(), listed.sealed), (1, true));
    let others = w.service.list_bids(&w.stone.ctx(), tender, PageRequest::first(20)).await.unwrap();
    assert_eq!(others.page.items, []);
    assert_eq!(code(w.service.get_bid(&w.stone.ctx(), bid.id).await), "NOT_FOUND");
    assert_eq!(code(w.service.withdraw(&w.stone.ctx(), bid.id, None).await), "NOT_FOUND");
}

#[tokio::test]
async fn a_bid_is_replaced_withdrawn_and_taken_up_again_until_the_deadline() {
    let w = World::new().await;
    let (ctx, tender) = (w.acme.ctx(), w.published().await);
    let first = w.bid(&w.acme, tender, "10").await;
    let again = w.service.submit(&ctx, tender, w.offer("9")).await.unwrap_err();
    assert_eq!((again.code(), again.extra()), ("BID_EXISTS", vec![("bidId", first.id.to_string())]));
    let second = w.service.replace_bid(&ctx, first.id, Some(1), w.offer("9")).await.unwrap();
    assert_eq!((second.revision, second.id), (2, first.id));
    let [old, new] = [&first, &second].map(|bid| bid.receipt.unwrap());
    assert!(new.received_at > old.received_at && new.sha256 != old.sha256);
    assert_eq!(code(w.service.replace_bid(&ctx, first.id, Some(1), w.offer("8")).await), "PRECONDITION_FAILED");
    let withdrawn = w.service.withdraw(&ctx, first.id, None).await.unwrap();
    assert_eq!(withdrawn.status, BidStatus::Withdrawn);
    assert!(withdrawn.receipt.unwrap().sha256 != new.sha256, "a withdrawal has its own receipt");
    assert_eq!(code(w.service.withdraw(&ctx, first.id, None).await), "STATE_CONFLICT");
    let third = w.service.submit(&ctx, tender, w.offer("8")).await.unwrap();
    assert_eq!((third.id, third.revision, third.status), (first.id, 3, BidStatus::Submitted));
    let (content, _) = w.service.own_revision(&ctx, first.id, 1).await.unwrap();
    assert_eq!(content, first.content.unwrap(), "the bidder still reads its old revisions");
    w.after_deadline().await;
    for refused in [
        w.service.replace_bid(&ctx, first.id, None, w.offer("7")).await,
        w.service.withdraw(&ctx, first.id, None).await,
        w.service.submit(&ctx, tender, w.offer("7")).await,
        w.service.submit(&w.stone.ctx(), tender, w.offer("7")).await,
    ] {
        let error = refused.unwrap_err();
        assert_eq!((error.code(), error.extra().len()), ("TENDER_CLOSED", 2));
    }
    assert_eq!(w.audit.actions(w.acme.org), ["bids.submit", "bids.submit", "bids.withdraw", "bids.submit"]);
}

#[tokio::test]
async fn the_document_of_a_withdrawal_is_kept_for_the_bidder() {
    let w = World::new().await;
    let (ctx, tender) = (w.acme.ctx(), w.published().await);
    let bid = w.bid(&w.acme, tender, "4321.1234").await;
    let withdrawn = w.service.withdraw(&ctx, bid.id, None).await.unwrap();
    let read = w.service.get_bid(&ctx, bid.id).await.unwrap();
    let document = read.document.unwrap();
    assert_eq!((read.receipt, Some(&document)), (withdrawn.receipt, withdrawn.document.as_ref()));
    assert_eq!(<[u8; 32]>::from(sha2::Sha256::digest(&document)), read.receipt.unwrap().sha256);
    assert!(!document.contains("4321"));
    let again = w.service.submit(&ctx, tender, w.offer("8")).await.unwrap();
    assert_eq!(w.service.get_bid(&ctx, bid.id).await.unwrap().document, again.document);
    assert_eq!(w.db.query("select withdrawal_document is null from bids").await, ["t"], "the owner will see the row");
}

#[tokio::test]
async fn faults_of_a_bid_come_at_once_and_the_own_tender_is_refused() {
    let w = World::new().await;
    let tender = w.published().await;
    assert_eq!(code(w.service.submit(&w.owner.ctx(), tender, w.offer("10")).await), "OWN_TENDER");
    let mut bad = w.offer("-1");
    bad.lines[1].rate = decimal("1.00001");
    bad.lines.pop();
    bad.valid_until = chrono::NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
    assert_eq!(
        faults(w.service.submit(&w.acme.ctx(), tender, bad).await),
        ["/lines/0/rate OUT_OF_RANGE", "/lines/1/rate TOO_MANY_DECIMALS", "/lines LINE_NOT_PRICED", "/validUntil TOO_SOON"]
    );
    w.authorizer.forbidden.lock().unwrap().push(perm::BIDS_SUBMIT);
    assert_eq!(code(w.service.submit(&w.acme.ctx(), tender, w.offer("10")).await), "PERMISSION_DENIED");
    assert_eq!(w.db.query("select count(*) from bids").await, ["0"]);
}

#[tokio::test]
async fn of_two_bids_of_one_organisation_at_once_one_is_received() {
    let w = World::new().await;
    let tender = w.published().await;
    let ctx = w.acme.ctx();
    let (a, b) = tokio::join!(w.service.submit(&ctx, tender, w.offer("10")), w.service.submit(&ctx, tender, w.offer("11")));
    let codes: Vec<_> = [a, b].into_iter().filter_map(|bid| bid.err().map(|error| error.code())).collect();
    assert_eq!(codes, ["BID_EXISTS"]);
    assert_eq!(w.db.query("select count(*) from bid_revisions").await, ["1"]);
}

#[tokio::test]
async fn closing_waits_for_the_bids_under_way_and_lets_none_in_after() {
    let w = World::new().await;
    let tender = w.published().await;
    let mut bidders = Vec::new();
    for n in 0..6 {
        bidders.push(w.db.party(&format!("Bidder {n}")).await);
    }
    let racing = futures::future::join_all(bidders.iter().map(|party| {
        let (service, ctx, offer) = (w.service.clone(), party.ctx(), w.offer("10"));
        async move { service.submit(&ctx, tender, offer).await }
    }));
    let (results, ()) = tokio::join!(racing, w.after_deadline());
    let in_time = results.iter().filter(|bid| bid.is_ok()).count();
    assert!(results.into_iter().filter_map(Result::err).all(|error| error.code() == "TENDER_CLOSED"));
    let status = w.service.get(&w.owner.ctx(), tender).await.unwrap().tender.status;
    let counted = w.db.query("select submitted from tender_seal_secrets").await;
    assert_eq!(counted, [in_time.to_string()], "every receipt that was given counts, no other");
    assert_eq!(status == TenderStatus::Closed, in_time > 0);
}

#[tokio::test]
async fn the_database_refuses_a_late_bid_by_itself() {
    let w = World::new().await;
    let tender = w.published().await;
    let bid = w.bid(&w.acme, tender, "10").await;
    w.after_deadline().await;
    // Nobody has closed it yet: the clock alone decides.
    assert_eq!(w.db.query("select status from tenders").await, ["published"]);
    let refused = "the tender takes no bids any more";
    let change = format!("update bids set revision = 2 where id = '{}' returning 1", bid.id);
    assert_eq!(w.sql(w.acme.org, &change).await.unwrap_err(), refused);
    let insert = format!(
        "insert into bids (org_id, id, tender_id, bidder_org_id, status, revision, receipt_sha256, received_at, currency)
         values ('{}', gen_random_uuid(), '{tender}', '{}', 'submitted', 1, sha256(''), now(), 'EUR')",
        w.owner.org, w.stone.org
    );
    assert_eq!(w.sql(w.stone.org, &insert).await.unwrap_err(), refused);
    // The name by which the refusal is told apart, in every language; the revision, which is refused by itself, stands behind it.
    let named = "create table seen (name text); grant all on seen to build14_app;
        create function seen(statement text) returns void language plpgsql as $$
        declare name text;
        begin
            execute statement;
        exception when check_violation then
            get stacked diagnostics name = constraint_name;
            insert into seen values (name);
        end $$";
    w.db.run_sql(named).await;
    for (org, statement) in [(w.acme.org, &change), (w.stone.org, &insert)] {
        w.sql(org, &format!("select seen($statement${statement}$statement$)")).await.unwrap();
    }
    assert_eq!(w.db.query("select name from seen").await, ["bid_in_time", "bid_in_time"]);
    w.db.run_sql("drop trigger in_time on bids").await;
    for (org, statement) in [(w.acme.org, &change), (w.stone.org, &insert)] {
        let said = w.sql(org, &format!("{statement}; set constraints all immediate")).await.unwrap_err();
        assert_eq!(said, "a bid has the receipt of its latest revision");
    }
    let revision =
        "insert into bid_revisions (org_id, bid_id, revision, tender_id, bidder_org_id, sealed, receipt_sha256, received_at)
        select org_id, id, 2, tender_id, bidder_org_id, '', sha256(''), now() from bids";
    assert_eq!(w.sql(w.acme.org, revision).await.unwrap_err(), refused);
}

#[tokio::test]
async fn the_deadline_is_strict() {
    let w = World::new().await;
    let tender = w.published().await;
    // The database's clock is moved to a microsecond before the deadline, and stands there: `app.now()` is replaced for this test.
    let at = |offset: &str| {
        format!(
            "create or replace function app.now() returns timestamptz language sql volatile security definer
             as $$ select submission_deadline + interval '{offset}' from public.tenders $$"
        )
    };
    w.db.run_sql(&at("-1 microsecond")).await;
    w.bid(&w.acme, tender, "10").await;
    w.db.run_sql(&at("0")).await;
    let error = w.service.submit(&w.stone.ctx(), tender, w.offer("10")).await.unwrap_err();
    let Error::TenderClosed { deadline, server_time } = error else { panic!("{error}") };
    assert_eq!(deadline - server_time, TimeDelta::zero());
}
