//! Drafts of bids over HTTP: saved, sealed, submitted, lapsed.

use actix_web::http::Method;
use kernel::{OrgId, TenderId};
use serde_json::{Value, json};
use tenders::root_of_record;
use tenders_api::{Drafting, Invitee, Procedure, ProcurementMethod};
use testkit::Party;

use crate::http::{Answer, bid_in, call};
use crate::world::World;

async fn post(w: &World, party: &Party, path: &str, body: Value) -> Answer {
    call(w, party, Method::POST, path, Some(body), &[]).await
}

async fn put(w: &World, party: &Party, path: &str, body: Value) -> Answer {
    call(w, party, Method::PUT, path, Some(body), &[]).await
}

async fn get(w: &World, party: &Party, path: &str) -> Answer {
    call(w, party, Method::GET, path, None, &[]).await
}

/// One of four lines has a rate: total 100 × rate, and the provisional sum of 250.
fn draft_in(w: &World, rate: &str) -> Value {
    json!({"draft": true, "lines": [{"soqLineId": w.soq.lines[1].id, "rate": rate}], "validUntil": "2099-12-31", "note": "Not done"})
}

/// Saves a draft of that rate; answers its path.
async fn saved(w: &World, party: &Party, bids: &str, rate: &str) -> (Answer, String) {
    let made = post(w, party, bids, draft_in(w, rate)).await;
    assert_eq!((made.status, &made.body["status"]), (201, &json!("draft")), "{}", made.body);
    let path = format!("/api/bids/{}", made.body["id"].as_str().unwrap());
    (made, path)
}

async fn opened(w: &World, tender: TenderId) -> u16 {
    call(w, &w.owner, Method::POST, &format!("/api/tenders/{tender}/open"), None, &[]).await.status
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, &answer.body["code"]), (status, &json!(code)), "{}", answer.body);
}

#[track_caller]
fn faults(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 422, "{}", answer.body);
    let text = |fault: &Value, name: &str| fault[name].as_str().unwrap().to_owned();
    let faults = answer.body["errors"].as_array().unwrap().iter();
    faults.map(|fault| format!("{} {}", text(fault, "pointer"), text(fault, "code"))).collect()
}

fn audited(w: &World, org: OrgId) -> Vec<(String, Option<Value>, Option<Value>)> {
    let entries = w.audit.entries.lock().unwrap();
    let own = entries.iter().filter(|(of, _)| *of == org);
    own.map(|(_, entry)| (entry.action.clone(), entry.before.clone(), entry.after.clone())).collect()
}

#[actix_web::test]
async fn a_partial_draft_is_saved_and_read_back_by_its_bidder_alone() {
    let w = World::new().await;
    let tender = w.published().await;
    let (tender_path, bids) = (format!("/api/tenders/{tender}"), format!("/api/tenders/{tender}/bids"));
    let before = get(&w, &w.owner, &tender_path).await.body;
    let (made, path) = saved(&w, &w.acme, &bids, "4321.1234").await;
    let lines = json!([
        {"soqLineId": w.soq.lines[1].id, "rate": "4321.1234", "amount": {"amount": "432112.34", "currency": "EUR"}},
        {"soqLineId": w.soq.lines[3].id, "rate": "250", "amount": {"amount": "250.00", "currency": "EUR"}}
    ]);
    assert_eq!((&made.body["lines"], &made.body["total"]["amount"]), (&lines, &json!("432362.34")));
    assert_eq!((&made.body["revision"], made.body.get("receipt")), (&json!(1), Some(&Value::Null)), "there, and null");
    let read = get(&w, &w.acme, &path).await;
    assert_eq!((read.status, &read.body, &read.etag), (200, &made.body, &made.etag));
    let own = get(&w, &w.acme, &bids).await;
    assert_eq!((&own.body["data"][0]["status"], &own.body["data"][0]["note"]), (&json!("draft"), &json!("Not done")));
    for other in [&w.owner, &w.stone] {
        refused(&get(&w, other, &path).await, 404, "NOT_FOUND");
        refused(&put(&w, other, &path, draft_in(&w, "1")).await, 404, "NOT_FOUND");
        refused(&call(&w, other, Method::DELETE, &path, None, &[]).await, 404, "NOT_FOUND");
        assert_eq!(get(&w, other, &bids).await.body["data"], json!([]));
        let rows = "select count(*) from (select id from bids union all select bid_id from bid_revisions) rows";
        assert_eq!(w.sql(other.org, rows).await.unwrap(), ["0"]);
    }
    assert_eq!(get(&w, &w.owner, &tender_path).await.body, before, "the owner sees nothing of it");
    assert_eq!(w.audit.actions(w.owner.org), ["tenders.edit", "tenders.publish"]);
    let after = json!({"tender": tender, "status": "draft", "revision": 1});
    assert_eq!(audited(&w, w.acme.org), [("bids.draft".to_owned(), None, Some(after))]);
    assert_eq!(w.db.query("select kind from outbox order by seq").await, ["tenders.published"], "nobody is told");
    let stored = "select row_to_json(b)::text from bids b union all select encode(sealed, 'escape') from bid_revisions
                  union all select payload::text from outbox";
    for column in w.db.query(stored).await {
        assert!(!column.contains("4321") && !column.contains("432362") && !column.contains("Not done"), "{column}");
    }
    w.authorizer.forbidden.lock().unwrap().push(tenders_api::perm::BIDS_SUBMIT);
    refused(&post(&w, &w.stone, &bids, draft_in(&w, "1")).await, 403, "PERMISSION_DENIED");
}

#[actix_web::test]
async fn what_a_draft_gives_is_checked_like_a_bid() {
    let w = World::new().await;
    let bids = format!("/api/tenders/{}/bids", w.published().await);
    let line = |at: usize, rate: &str| json!({"soqLineId": w.soq.lines[at].id, "rate": rate});
    let unknown = json!({"soqLineId": uuid::Uuid::now_v7(), "rate": "1"});
    let bad = json!({
        "draft": true, "validUntil": "2020-01-01", "total": {"amount": "1", "currency": "USD"},
        "lines": [line(0, "1"), line(1, "1"), line(1, "2"), line(3, "251"), unknown]
    });
    let expected = [
        "/lines/0/soqLineId NOT_ALLOWED",
        "/lines/2/soqLineId DUPLICATE",
        "/lines/3/rate PROVISIONAL_SUM_CHANGED",
        "/lines/4/soqLineId UNKNOWN_LINE",
        "/validUntil TOO_SOON",
        "/total/currency CURRENCY_MISMATCH",
    ];
    assert_eq!(faults(&post(&w, &w.acme, &bids, bad).await), expected);
    let with = |name: &str, value: Value| {
        let mut body = draft_in(&w, "10");
        body[name] = value;
        body
    };
    let rates = with("lines", json!([line(1, "-1"), line(2, "0.00001")]));
    assert_eq!(faults(&post(&w, &w.acme, &bids, rates).await), ["/lines/0/rate INVALID_FORMAT", "/lines/1/rate INVALID_FORMAT"]);
    let total = |amount: &str| with("total", json!({"amount": amount, "currency": "EUR"}));
    assert_eq!(faults(&post(&w, &w.acme, &bids, total("1000.00")).await), ["/total/amount TOTAL_DIFFERS"]);
    assert_eq!(faults(&post(&w, &w.acme, &bids, with("draft", json!("yes"))).await), ["/draft WRONG_TYPE"]);
    let mut endless = draft_in(&w, "10");
    endless.as_object_mut().unwrap().remove("validUntil");
    assert_eq!(faults(&post(&w, &w.acme, &bids, endless).await), ["/validUntil REQUIRED"]);
    let nothing = json!({"lines": [], "validUntil": "2099-12-31"});
    assert_eq!(faults(&post(&w, &w.acme, &bids, nothing).await), ["/lines TOO_FEW"], "a bid prices something");
    assert_eq!(w.db.query("select count(*) from bids").await, ["0"]);
    let empty = post(&w, &w.acme, &bids, with("lines", json!([]))).await;
    assert_eq!((empty.status, &empty.body["total"]["amount"]), (201, &json!("250.00")), "a draft need not: {}", empty.body);
    let agreed = post(&w, &w.stone, &bids, total("1250")).await;
    assert_eq!((agreed.status, &agreed.body["total"]["amount"]), (201, &json!("1250.00")), "{}", agreed.body);
}

#[actix_web::test]
async fn a_draft_is_saved_again_and_submitted_with_a_receipt() {
    let w = World::new().await;
    let tender = w.published().await;
    let bids = format!("/api/tenders/{tender}/bids");
    let (made, path) = saved(&w, &w.acme, &bids, "7").await;
    let seen = [("If-Match", made.etag.as_deref().unwrap())];
    let second = call(&w, &w.acme, Method::PUT, &path, Some(draft_in(&w, "8")), &seen).await;
    assert_eq!((second.status, &second.body["status"], &second.body["revision"]), (200, &json!("draft"), &json!(2)));
    assert_eq!((&second.body["total"]["amount"], second.body.get("receipt")), (&json!("1050.00"), Some(&Value::Null)));
    assert_eq!(call(&w, &w.acme, Method::PUT, &path, Some(draft_in(&w, "9")), &seen).await.status, 412);

    let mut incomplete = draft_in(&w, "9");
    incomplete["draft"] = json!(false);
    let refusal = put(&w, &w.acme, &path, incomplete).await;
    assert_eq!(faults(&refusal), ["/lines LINE_NOT_PRICED", "/lines LINE_NOT_PRICED"]);
    assert_eq!(get(&w, &w.acme, &path).await.body, second.body, "the draft is left as it was");

    let submitted = put(&w, &w.acme, &path, bid_in(&w, "9")).await;
    assert_eq!((submitted.status, &submitted.body["status"]), (200, &json!("submitted")), "{}", submitted.body);
    assert_eq!((&submitted.body["id"], &submitted.body["revision"]), (&made.body["id"], &json!(3)));
    assert_eq!(submitted.body["total"]["amount"], json!("1250.00"));
    let receipt = submitted.body["receipt"]["sha256"].as_str().unwrap();
    let document = submitted.body["receipt"]["document"].as_str().unwrap();
    let digest = format!("select encode(sha256($doc${document}$doc$), 'hex')");
    assert_eq!(w.db.query(&digest).await, [receipt]);
    assert!(submitted.body["receipt"]["receivedAt"].is_string() && document.contains("\"revision\":3"));
    let told = w.db.query("select payload::text from outbox where kind = 'tenders.bid_submitted'").await;
    assert!(told.len() == 1 && told[0].contains(made.body["id"].as_str().unwrap()), "once, at the submission: {told:?}");
    let trail: Vec<_> = audited(&w, w.acme.org).into_iter().map(|(action, before, _)| (action, before)).collect();
    let before = |revision: u32| Some(json!({"status": "draft", "revision": revision}));
    let expected = [("bids.draft", None), ("bids.draft", before(1)), ("bids.submit", before(2))];
    assert_eq!(trail, expected.map(|(action, before)| (action.to_owned(), before)));

    let back = put(&w, &w.acme, &path, draft_in(&w, "1")).await;
    refused(&back, 409, "STATE_CONFLICT");
    assert_eq!(back.body["currentState"], json!("submitted"));
    assert!(back.body["detail"].as_str().unwrap().contains("withdraw it (DELETE) is the only way back"), "{}", back.body);
    assert_eq!(get(&w, &w.acme, &path).await.body, submitted.body);

    w.after_deadline().await;
    assert_eq!(opened(&w, tender).await, 200);
    let record = get(&w, &w.owner, &format!("/api/tenders/{tender}/opening-record")).await;
    assert_eq!(record.body["receipts"], json!([receipt]), "of its drafts there is nothing");
    let shown = get(&w, &w.owner, &path).await;
    assert_eq!((&shown.body["total"]["amount"], &shown.body["note"]), (&json!("1250.00"), &json!("Start at once")));
}

#[actix_web::test]
async fn one_live_bid_per_tender_counts_drafts_and_a_withdrawn_bid_leaves_room_for_one() {
    let w = World::new().await;
    let tender = w.published().await;
    let bids = format!("/api/tenders/{tender}/bids");
    refused(&post(&w, &w.owner, &bids, draft_in(&w, "1")).await, 409, "OWN_TENDER");
    let (one, two) = tokio::join!(post(&w, &w.stone, &bids, draft_in(&w, "1")), post(&w, &w.stone, &bids, bid_in(&w, "2")));
    let mut both = [one.status, two.status];
    both.sort_unstable();
    assert_eq!(both, [201, 409], "of two at once one is there: {} {}", one.body, two.body);
    let (made, path) = saved(&w, &w.acme, &bids, "7").await;
    for body in [draft_in(&w, "8"), bid_in(&w, "8")] {
        let again = post(&w, &w.acme, &bids, body).await;
        refused(&again, 409, "BID_EXISTS");
        assert_eq!((&again.body["bidId"], &again.body["currentState"]), (&made.body["id"], &json!("draft")));
    }
    let gone = call(&w, &w.acme, Method::DELETE, &path, None, &[]).await;
    refused(&gone, 409, "STATE_CONFLICT");
    assert_eq!(gone.body["currentState"], json!("draft"));
    assert!(gone.body["detail"].as_str().unwrap().contains("lapses by itself at the deadline"), "{}", gone.body);

    assert_eq!(put(&w, &w.acme, &path, bid_in(&w, "8")).await.status, 200);
    let again = post(&w, &w.acme, &bids, draft_in(&w, "9")).await;
    refused(&again, 409, "BID_EXISTS");
    assert_eq!((&again.body["bidId"], &again.body["currentState"]), (&made.body["id"], &json!("submitted")));
    assert_eq!(call(&w, &w.acme, Method::DELETE, &path, None, &[]).await.status, 200);
    let not_back = put(&w, &w.acme, &path, draft_in(&w, "9")).await;
    refused(&not_back, 409, "STATE_CONFLICT");
    assert!(not_back.body["detail"].as_str().unwrap().contains("POST /api/tenders/{id}/bids"), "{}", not_back.body);
    let (fresh, _) = saved(&w, &w.acme, &bids, "9").await;
    assert!(fresh.body["id"] != made.body["id"] && fresh.body["revision"] == json!(1), "{}", fresh.body);
    let old = put(&w, &w.acme, &path, bid_in(&w, "10")).await;
    refused(&old, 409, "BID_EXISTS");
    assert_eq!((&old.body["bidId"], &old.body["currentState"]), (&fresh.body["id"], &json!("draft")));
    assert_eq!(get(&w, &w.acme, &path).await.body["status"], json!("withdrawn"));

    let mut limited = w.draft();
    limited.method = ProcurementMethod::Limited;
    let limited = w.service.create(&w.owner.ctx(), limited).await.unwrap().tender.id;
    let invitee = Invitee::Organization(w.acme.org);
    w.service.invite(&w.owner.ctx(), limited, invitee).await.unwrap();
    w.service.publish(&w.owner.ctx(), limited).await.unwrap();
    let bids = format!("/api/tenders/{limited}/bids");
    refused(&post(&w, &w.stone, &bids, draft_in(&w, "1")).await, 404, "NOT_FOUND");
    saved(&w, &w.acme, &bids, "1").await;
}

#[actix_web::test]
async fn a_draft_lapses_at_the_deadline_and_is_in_neither_count_root_nor_record() {
    let w = World::new().await;
    let tender = w.published().await;
    let bids = format!("/api/tenders/{tender}/bids");
    let (_, path) = saved(&w, &w.acme, &bids, "7").await;
    let submitted = post(&w, &w.stone, &bids, bid_in(&w, "10")).await;
    w.after_deadline().await;
    let lapsed = get(&w, &w.acme, &path).await;
    assert_eq!(
        (lapsed.status, &lapsed.body["status"], &lapsed.body["total"]["amount"]),
        (200, &json!("lapsed"), &json!("950.00"))
    );
    assert_eq!(
        (&lapsed.body["receipt"], &lapsed.body["proof"], &lapsed.body["openedAt"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(w.db.query("select submitted from tender_seal_secrets").await, ["1"], "not counted");
    assert_eq!(opened(&w, tender).await, 200);
    let record = w.db.query("select receipts::text || submitted from opening_records").await;
    let receipt = submitted.body["receipt"]["sha256"].as_str().unwrap();
    assert_eq!(record, [format!("{{\"\\\\x{receipt}\"}}1")]);
    let record = get(&w, &w.owner, &format!("/api/tenders/{tender}/opening-record")).await.body;
    assert_eq!((record["receipts"].clone(), &record["leaves"]), (json!([receipt]), &json!(64)));
    let hash = |hex: &Value| <[u8; 32]>::try_from(hex::decode(hex.as_str().unwrap()).unwrap()).unwrap();
    let root = root_of_record(&[hash(&record["receipts"][0])], &hash(&record["decoySeed"]), 64).unwrap();
    assert_eq!(root, hash(&record["root"]), "one receipt and 63 decoys make the root");
    let listed = get(&w, &w.owner, &bids).await.body;
    assert_eq!((listed["data"].as_array().unwrap().len(), &listed["data"][0]["id"]), (1, &submitted.body["id"]));
    refused(&get(&w, &w.owner, &path).await, 404, "NOT_FOUND");
    let statuses = w.db.query("select status || (opened_at is not null) from bids order by status").await;
    assert_eq!(statuses, ["lapsedfalse", "openedtrue"], "never opened");
    assert_eq!(get(&w, &w.acme, &path).await.body["status"], json!("lapsed"));
    let record = get(&w, &w.acme, &format!("/api/tenders/{tender}/opening-record")).await;
    refused(&record, 404, "NOT_FOUND");
}

#[actix_web::test]
async fn a_draft_does_not_count_towards_the_fewest_bids() {
    let w = World::new().await;
    let mut two = w.draft();
    two.min_bids = 2;
    let tender = w.published_as(two).await;
    let bids = format!("/api/tenders/{tender}/bids");
    let (_, path) = saved(&w, &w.acme, &bids, "7").await;
    assert_eq!(post(&w, &w.stone, &bids, bid_in(&w, "10")).await.status, 201);
    w.after_deadline().await;
    assert_eq!(get(&w, &w.owner, &format!("/api/tenders/{tender}")).await.body["status"], json!("unsuccessful"));
    let lapsed = get(&w, &w.acme, &path).await.body;
    assert_eq!((&lapsed["status"], &lapsed["receipt"]), (&json!("lapsed"), &Value::Null));
    assert_eq!((&lapsed["total"], &lapsed["lines"]), (&Value::Null, &json!([])), "its key is destroyed with the tender's");
}

#[actix_web::test]
async fn a_late_draft_is_refused_whoever_has_closed_the_tender() {
    let w = World::new().await;
    let tender = w.published().await;
    let bids = format!("/api/tenders/{tender}/bids");
    let (_, path) = saved(&w, &w.acme, &bids, "7").await;
    w.after_deadline().await;
    for status in ["published", "unsuccessful"] {
        assert_eq!(w.db.query("select status from tenders").await, [status]);
        for late in [
            post(&w, &w.stone, &bids, draft_in(&w, "1")).await,
            put(&w, &w.acme, &path, draft_in(&w, "1")).await,
            put(&w, &w.acme, &path, bid_in(&w, "1")).await,
            call(&w, &w.acme, Method::DELETE, &path, None, &[]).await,
        ] {
            refused(&late, 422, "TENDER_CLOSED");
            assert!(late.body["deadline"].is_string() && late.body["serverTime"].is_string(), "{}", late.body);
        }
        get(&w, &w.owner, &format!("/api/tenders/{tender}")).await;
    }
    assert_eq!(w.db.query("select status || revision from bids").await, ["lapsed1"]);
}

#[actix_web::test]
async fn a_repeated_draft_gets_its_first_answer_of_which_nothing_sealed_was_stored() {
    let w = World::new().await;
    let bids = format!("/api/tenders/{}/bids", w.published().await);
    let key = [("Idempotency-Key", "the-same")];
    let keyed = async |body| call(&w, &w.acme, Method::POST, &bids, Some(body), &key).await;
    let first = keyed(draft_in(&w, "4321.1234")).await;
    assert_eq!((first.status, first.replayed, &first.body["status"]), (201, false, &json!("draft")), "{}", first.body);
    let stored = w.db.query("select encode(body, 'escape') || headers::text from idempotency_keys").await;
    assert!(stored.len() == 1 && !stored[0].contains("4321") && !stored[0].contains("432362") && !stored[0].contains("done"));
    let path = format!("/api/bids/{}", first.body["id"].as_str().unwrap());
    for body in [draft_in(&w, "5"), bid_in(&w, "6")] {
        assert_eq!(put(&w, &w.acme, &path, body).await.status, 200);
    }
    let again = keyed(draft_in(&w, "4321.1234")).await;
    assert_eq!((again.status, again.replayed, &again.etag), (201, true, &first.etag));
    assert_eq!(again.body, first.body, "the draft as it was first saved, without a receipt, though it is submitted since");
    let other = keyed(draft_in(&w, "4321.1235")).await;
    assert_eq!(other.status, 422, "{}", other.body);
    assert_eq!(w.db.query("select count(*) from bids").await, ["1"]);
}

#[actix_web::test]
async fn the_database_gives_a_draft_no_receipt_and_takes_no_bid_without_one() {
    let w = World::new().await;
    let tender = w.published().await;
    let (_, path) = saved(&w, &w.acme, &format!("/api/tenders/{tender}/bids"), "7").await;
    let refusal = "new row for relation \"bids\" violates check constraint \"bids_receipt\"";
    for change in [
        "status = 'submitted'",
        "status = 'withdrawn'",
        "receipt_sha256 = sha256(''), received_at = now()",
        "receipt_sha256 = sha256('')",
        "status = 'submitted', received_at = now()",
    ] {
        assert_eq!(w.sql(w.acme.org, &format!("update bids set {change}")).await.unwrap_err(), refusal, "{change}");
    }
    w.after_deadline().await;
    assert_eq!(get(&w, &w.acme, &path).await.body["status"], json!("lapsed"), "that is allowed without one");
}
