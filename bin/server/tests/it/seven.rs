//! One of everything that a person must look at, made on one database by a server that runs, and how `build14 doctor` tells it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::command_line::run_over;
use crate::crash_scene::{Scene, text};

/// The open alarms as the doctor tells them, from the rows.
const ALARMS: &str = "select format('ALARM: %s %s: %s since %s, seen %s, id %s: %s', object_type, object_id, kind,
        to_char(raised_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), case times when 1 then '1 time' else times || ' times' end, id, detail)
    from alarms where settled_at is null order by raised_at, id";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_tells_one_line_for_each_of_seven_things_on_one_database() {
    // What leaves here leaves no balance short: that would be a line of its own.
    let settings = [("BUILD14__AUDIT__SIGN_EVERY", "1d")];
    let mut scene = Scene::start(&settings, |sandbox| sandbox.top_up(100_000_000, "eur")).await;
    let healthy = run_over(&scene.environment, &["doctor"]).await;
    assert_eq!((healthy.0, healthy.1.as_str()), (Some(0), "every invariant holds, no alarm is open\n"));
    let checked: Vec<_> = healthy.2.lines().collect();
    let rules = checked[1].strip_prefix("the rules: ").expect("the rules").split(", ").collect::<Vec<_>>();
    let organizations = scene.db.query("select count(*) from organizations").await.remove(0);
    let told = format!("checked {} rules over {organizations} organisations, ", rules.len());
    assert!(checked.len() == 2 && checked[0].starts_with(&told) && checked[0].ends_with(" tables: 0 findings"), "{checked:?}");
    for rule in [
        "ISOLATION",
        "SCHEMA_PENDING",
        "ALARM",
        "SEAL_BROKEN",
        "AUDIT_CHAIN_BROKEN",
        "JOB_DEAD",
        "CLOCK_MOVED",
        "LEDGER_UNBALANCED",
        "MAIL_STUCK",
    ] {
        assert!(rules.contains(&rule), "{rule} is missing in {rules:?}");
    }

    // A moved clock: the deadline of the tender has passed by it.
    let (owner, contractor, milestones) = scene.active_contract().await;
    let emptied = json!({"email": "emptied@crash.example", "password": "correct horse battery", "name": "E", "organizationName": "Emptied"});
    let emptied = scene.api.expect(Method::POST, "/api/auth/register", "", Some(&emptied), 201).await;
    let (http, stripe) = (reqwest::Client::new(), scene.sandbox.base_url());
    let at_stripe = async |path: String, kind: &'static str, body: String| -> Value {
        let request = http.post(format!("{stripe}{path}")).bearer_auth("sk_test_sandbox");
        let answer = request.header("content-type", kind).body(body).send().await.expect("the sandbox answers");
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.expect("JSON")
    };
    let form = "application/x-www-form-urlencoded";
    let is = async |milestone: &str, status: &str| {
        testkit::until(&format!("it is {status}"), async || {
            let (_, seen) = scene.api.call(Method::GET, &format!("/api/milestones/{milestone}"), &owner, None).await?;
            (seen["status"] == status).then_some(())
        })
        .await;
    };
    let alarmed = async |kind: &str| {
        let open = format!("select object_id from alarms where kind = '{kind}' and settled_at is null");
        testkit::until(&format!("the alarm {kind}"), async || scene.db.query(&open).await.pop()).await
    };

    let mut payments = Vec::new();
    for milestone in &milestones[..2] {
        let funding = scene.api.expect(Method::POST, "/api/escrow", &owner, Some(&json!({"milestoneId": milestone})), 201).await;
        let card = "payment_method=pm_card_bypassPending&return_url=https%3A%2F%2Fexample.com".to_owned();
        at_stripe(format!("/v1/payment_intents/{}/confirm", text(&funding, "/paymentIntent/id")), form, card).await;
        is(milestone, "funded").await;
        payments.push(text(&funding, "/escrow/id"));
    }
    let of = |verb: &str| format!("/api/milestones/{}/{verb}", milestones[0]);
    scene.api.expect(Method::POST, &of("submit"), &contractor, Some(&json!({"note": "done"})), 200).await;
    scene.api.expect(Method::POST, &of("approve"), &owner, Some(&json!({})), 200).await;
    scene.api.expect(Method::POST, &format!("/api/escrow/{}/release", payments[0]), &owner, None, 200).await;
    is(&milestones[0], "released").await;

    // A reversal, a dispute, and another alarm: a transfer that nobody here ordered.
    let transfer = scene.db.query("select transfer from releases").await.remove(0);
    at_stripe(format!("/v1/transfers/{transfer}/reversals"), form, "amount=100".to_owned()).await;
    let release = alarmed("transfer_reversed").await;
    let charge = scene.db.query(&format!("select charge from payments where id = '{}'", payments[1])).await.remove(0);
    let dispute = at_stripe("/_sandbox/disputes".to_owned(), "application/json", json!({"charge": charge}).to_string()).await;
    assert_eq!(alarmed("dispute").await, text(&dispute, "/id"));
    let account = scene.db.query("select account from payee_accounts where account is not null").await.remove(0);
    let foreign = at_stripe("/v1/transfers".to_owned(), form, format!("amount=500&currency=eur&destination={account}")).await;
    assert_eq!(alarmed("foreign_transfer").await, text(&foreign, "/id"));
    scene.kill().await;

    // An audit chain that was emptied, the offer of a closed tender exchanged, a job without attempts left.
    let org = text(&emptied, "/organization/id");
    let chain =
        ["audit_links", "audit_entries", "audit_heads"].map(|table| format!("delete from {table} where org_id = '{org}';"));
    let tampered = "update bid_revisions set receipt_sha256 = sha256('another');";
    let dead = "select graphile_worker.add_job('tenders.close', json_build_object('org', null, 'request', null, 'data', json_build_object()));
        update graphile_worker._private_jobs set attempts = max_attempts, last_error = 'no luck'
            where id = (select max(id) from graphile_worker._private_jobs)";
    scene.db.run_sql(&format!("set session_replication_role = replica; {} {tampered} {dead}", chain.concat())).await;
    let job = scene.db.query("select id from graphile_worker._private_jobs where last_error = 'no luck'").await.remove(0);
    let tender = scene.db.query("select org_id || ' ' || id from tenders where closed_at is not null").await.remove(0);
    let (owners, tender) = tender.split_once(' ').expect("two ids");

    let alarms = scene.db.query(ALARMS).await;
    let [reversal, disputed, unordered] = &alarms[..] else { panic!("{alarms:#?}") };
    for (line, beginning, end) in [
        (
            reversal,
            format!("ALARM: release {release}: transfer_reversed since "),
            format!("`build14 reversal-settle --release {release}`"),
        ),
        (
            disputed,
            format!("ALARM: dispute {}: dispute since ", text(&dispute, "/id")),
            format!("milestone {} is on hold. Settle it at the provider, then `build14 unfreeze --kind dispute`", milestones[1]),
        ),
        (
            unordered,
            format!("ALARM: transfer {}: foreign_transfer since ", text(&foreign, "/id")),
            "and no release of ours ordered it: it is noted, and nothing was done".to_owned(),
        ),
    ] {
        assert!(line.starts_with(&beginning) && line.ends_with(&end), "{line}");
    }
    let expected = [
        reversal.clone(),
        disputed.clone(),
        unordered.clone(),
        format!("SEAL_BROKEN: {tender}: of organisation {owners}: a bid that counts has no sealed offer with its receipt"),
        format!("AUDIT_CHAIN_BROKEN: {org}: the chain of this organisation is broken at entry 1"),
        format!("JOB_DEAD: {job}: tenders.close used up its 25 attempts: no luck; `build14 jobs retry --id {job} --operator …` gives it more"),
        "CLOCK_MOVED: app.clock: was moved by 02:00:01: deadlines are decided by it. Set it back as the owner (update app.clock set advance = \
         '0'), and look at what was decided meanwhile"
            .to_owned(),
    ];
    let (code, said, complained) = run_over(&scene.environment, &["doctor"]).await;
    assert_eq!(code, Some(1));
    assert!(complained.lines().count() == 2 && complained.contains(" tables: 7 findings\n"), "{complained}");
    assert_eq!(said.lines().collect::<Vec<_>>(), expected.each_ref().map(String::as_str));

    let (code, said, complained) = run_over(&scene.environment, &["doctor", "--json"]).await;
    assert!(code == Some(1) && complained.contains(" tables: 7 findings\n"), "{complained}");
    let told: Value = serde_json::from_str(&said).expect("JSON");
    let lines: Vec<_> = told.as_array().expect("a list").iter().map(line).collect();
    assert_eq!(lines, expected, "the same seven");
    let kinds: Vec<_> = told.as_array().into_iter().flatten().map(|one| one["alarm"]["kind"].as_str()).collect();
    let of_alarms = ["transfer_reversed", "dispute", "foreign_transfer"].map(Some);
    assert_eq!(kinds, [&of_alarms[..], &[None; 4][..]].concat());
    scene.end().await;
}

/// A finding for machines, as people read it.
fn line(finding: &Value) -> String {
    let part = |name: &str| text(finding, &format!("/{name}"));
    format!("{}: {}: {}", part("rule"), part("subject"), part("detail"))
}
