//! Milestones by percentage, by amount, by weight: over HTTP to the contract.

use actix_web::http::Method;
use serde_json::{Value, json};
use tenders_api::*;

use crate::http::{bid_in, call, tender_in};
use crate::world::{World, decimal};

fn faults_of(body: &Value) -> Vec<String> {
    let faults = body["errors"].as_array().into_iter().flatten();
    let text = |fault: &Value, name: &str| fault[name].as_str().unwrap_or_default().to_owned();
    faults.map(|fault| format!("{} {}", text(fault, "pointer"), text(fault, "code"))).collect()
}

async fn posted(w: &World, milestones: Value) -> crate::http::Answer {
    let mut body = tender_in(w);
    body["milestones"] = milestones;
    call(w, &w.owner, Method::POST, "/api/tenders", Some(body), &[]).await
}

#[actix_web::test]
async fn amounts_are_the_contracts_and_bids_come_to_their_sum() {
    let w = World::new().await;
    let thirds = json!([{"title": "A", "amount": "450"}, {"title": "B", "amount": {"amount": "450.00", "currency": "EUR"}}, {"title": "C", "amount": 450}]);
    let made = posted(&w, thirds).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let money = json!({"amount": "450.00", "currency": "EUR"});
    let shown = json!({"title": "B", "percent": null, "amount": money, "remainder": false, "weight": null, "dueOn": null});
    assert_eq!(made.body["milestones"][1], shown);
    let path = format!("/api/tenders/{}", made.body["id"].as_str().unwrap());
    let patched = call(&w, &w.owner, Method::PATCH, &path, Some(json!({"title": "Renamed"})), &[]).await;
    assert_eq!((patched.status, &patched.body["milestones"]), (200, &made.body["milestones"]), "{}", patched.body);
    assert_eq!(call(&w, &w.owner, Method::POST, &format!("{path}/publish"), None, &[]).await.status, 200);

    // 100 × rate + 350.
    let bids = format!("{path}/bids");
    let refused = call(&w, &w.acme, Method::POST, &bids, Some(bid_in(&w, "10.01")), &[]).await;
    assert_eq!((refused.status, faults_of(&refused.body)), (422, vec!["/lines MILESTONES_DIFFER".to_owned()]));
    let detail = refused.body["errors"][0]["detail"].as_str().unwrap();
    assert_eq!(detail, "the total must be 1350.00 EUR, to which the milestones of the tender add up: it is 1351.00 EUR");
    let bid = call(&w, &w.acme, Method::POST, &bids, Some(bid_in(&w, "10")), &[]).await;
    assert_eq!(bid.status, 201, "{}", bid.body);
    w.after_deadline().await;
    assert_eq!(call(&w, &w.owner, Method::POST, &format!("{path}/open"), None, &[]).await.status, 200);
    let award = json!({"bidId": bid.body["id"]});
    let awarded = call(&w, &w.owner, Method::POST, &format!("{path}/award"), Some(award), &[]).await;
    let amounts: Vec<_> = awarded.body["contract"]["milestones"].as_array().unwrap().iter().map(|m| &m["amount"]).collect();
    assert_eq!(amounts, [&money, &money, &money]);
}

#[actix_web::test]
async fn one_milestone_takes_what_the_amounts_leave() {
    let w = World::new().await;
    let rest = json!([{"title": "Deposit", "amount": "1000"}, {"title": "Rest", "remainder": true}]);
    let made = posted(&w, rest).await;
    assert_eq!((made.status, &made.body["milestones"][1]["remainder"]), (201, &json!(true)), "{}", made.body);
    let path = format!("/api/tenders/{}", made.body["id"].as_str().unwrap());
    let patched = call(&w, &w.owner, Method::PATCH, &path, Some(json!({"title": "Renamed"})), &[]).await;
    assert_eq!((patched.status, &patched.body["milestones"]), (200, &made.body["milestones"]), "{}", patched.body);
    assert_eq!(call(&w, &w.owner, Method::POST, &format!("{path}/publish"), None, &[]).await.status, 200);
    let bids = format!("{path}/bids");
    let refused = call(&w, &w.acme, Method::POST, &bids, Some(bid_in(&w, "6.5")), &[]).await;
    assert_eq!((refused.status, faults_of(&refused.body)), (422, vec!["/lines MILESTONES_DIFFER".to_owned()]));
    let bid = call(&w, &w.acme, Method::POST, &bids, Some(bid_in(&w, "16.5001")), &[]).await;
    assert_eq!(bid.status, 201, "{}", bid.body);
    w.after_deadline().await;
    assert_eq!(call(&w, &w.owner, Method::POST, &format!("{path}/open"), None, &[]).await.status, 200);
    let award = json!({"bidId": bid.body["id"]});
    let awarded = call(&w, &w.owner, Method::POST, &format!("{path}/award"), Some(award), &[]).await;
    assert_eq!(awarded.body["contract"]["milestones"][1]["amount"]["amount"], "1000.01", "{}", awarded.body);
}

#[actix_web::test]
async fn each_milestone_says_one_thing_and_all_say_the_same() {
    let w = World::new().await;
    for (milestones, expected) in [
        (json!([{"title": "A"}]), vec!["/milestones/0 REQUIRED"]),
        (json!([{"title": "A", "percent": "100", "weight": "1"}]), vec!["/milestones/0 NOT_ALLOWED"]),
        (json!([{"title": "A", "amount": "1"}, {"title": "B", "weight": "1"}]), vec!["/milestones/1 MIXED_KINDS"]),
        (json!([{"title": "A", "amount": "1.001"}]), vec!["/milestones/0/amount TOO_MANY_DECIMALS"]),
        (
            json!([{"title": "A", "amount": {"amount": "1", "currency": "JPY"}}]),
            vec!["/milestones/0/amount/currency CURRENCY_MISMATCH"],
        ),
        (json!([{"title": "A", "weight": 0}, {"title": "B", "weight": 1}]), vec!["/milestones/0/weight OUT_OF_RANGE"]),
        (
            json!([{"title": "A", "remainder": true}, {"title": "B", "remainder": true}]),
            vec!["/milestones/1/remainder DUPLICATE"],
        ),
        (json!([{"title": "A", "percent": 50}, {"title": "B", "percent": "49.5"}]), vec!["/milestones PERCENT_SUM"]),
    ] {
        let answer = posted(&w, milestones.clone()).await;
        assert_eq!(
            (answer.status, faults_of(&answer.body)),
            (422, expected.into_iter().map(str::to_owned).collect()),
            "{milestones}"
        );
    }
}

#[tokio::test]
async fn weights_divide_to_the_minor_unit_and_are_repeated_with_the_tender() {
    let w = World::new().await;
    let part = |weight| Milestone { title: "Third".into(), share: Share::Weight(decimal(weight)), due_on: None };
    let draft = Draft { milestones: vec![part("1"), part("1"), part("1")], ..w.draft() };
    let tender = w.published_as(draft.clone()).await;
    let bid = w.bid(&w.acme, tender, "10.01").await;
    w.after_deadline().await;
    w.service.open(&w.owner.ctx(), tender).await.unwrap();
    let award = Award { bid: bid.id, reason: None };
    let contract = w.service.award(&w.owner.ctx(), tender, award).await.unwrap().contract.unwrap();
    let amounts: Vec<_> = contract.milestones.iter().map(|milestone| milestone.amount.minor()).collect();
    assert_eq!((contract.total.minor(), amounts), (135_100, vec![45_034, 45_033, 45_033]));
    w.service.cancel(&w.owner.ctx(), tender, "No money".into()).await.unwrap();
    let again = Retender { submission_deadline: chrono::Utc::now() + chrono::TimeDelta::hours(9), questions_until: None };
    let repeated = w.service.retender(&w.owner.ctx(), tender, again).await.unwrap();
    assert_eq!(repeated.milestones, draft.milestones);
}

#[tokio::test]
async fn the_database_keeps_kinds_apart_too() {
    let w = World::new().await;
    let draft = w.service.create(&w.owner.ctx(), w.draft()).await.unwrap().tender.id;
    let insert = |columns: &str, values: &str| {
        format!(
            "insert into tender_milestones (org_id, tender_id, position, title, {columns}) values ('{}', '{draft}', 9, 'x', {values})",
            w.owner.org
        )
    };
    for (columns, values, said) in [
        ("weight", "1", "of several kinds"),
        ("remainder", "true", "of several kinds"),
        ("percent, weight", "1, 1", "tender_milestones_one_share"),
        ("percent", "null", "tender_milestones_one_share"),
        ("amount", "0", "tender_milestones_amount_check"),
    ] {
        let refused = w.sql(w.owner.org, &insert(columns, values)).await.expect_err("it is refused");
        assert!(refused.contains(said), "{columns}: {refused}");
    }
}

#[actix_web::test]
async fn a_plan_with_a_milestone_that_could_never_be_paid_is_refused_when_it_is_published() {
    let w = World::new().await;
    let plan = json!([{"title": "Sign", "amount": "0.01"}, {"title": "Shell", "amount": "980000"}, {"title": "Rest", "remainder": true}]);
    let made = posted(&w, plan).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("/api/tenders/{}", made.body["id"].as_str().unwrap());
    let refused = call(&w, &w.owner, Method::POST, &format!("{path}/publish"), None, &[]).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(faults_of(&refused.body), ["/milestones/0 MILESTONE_NOT_PAYABLE", "/milestones/1 MILESTONE_NOT_PAYABLE"]);
    let detail = refused.body["errors"][1]["detail"].as_str().unwrap();
    assert!(detail.contains("0.18 EUR to 970999.69 EUR"), "{detail}");
}

#[actix_web::test]
async fn a_bid_whose_milestones_could_never_be_paid_is_refused() {
    let w = World::new().await;
    let halves = json!([{"title": "A", "percent": "50"}, {"title": "B", "percent": "50"}]);
    let made = posted(&w, halves).await;
    let path = format!("/api/tenders/{}", made.body["id"].as_str().unwrap());
    assert_eq!(call(&w, &w.owner, Method::POST, &format!("{path}/publish"), None, &[]).await.status, 200);
    let bids = format!("{path}/bids");
    // 100 × rate + 350, in halves: 970,999.69 each is the most.
    let refused = call(&w, &w.acme, Method::POST, &bids, Some(bid_in(&w, "19416.50")), &[]).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(faults_of(&refused.body), ["/lines MILESTONE_NOT_PAYABLE", "/lines MILESTONE_NOT_PAYABLE"]);
    let bid = call(&w, &w.acme, Method::POST, &bids, Some(bid_in(&w, "19416.49")), &[]).await;
    assert_eq!(bid.status, 201, "{}", bid.body);
}
