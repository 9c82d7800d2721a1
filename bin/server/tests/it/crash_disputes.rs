//! A dispute survives crashes: the server is killed while it learns of one, and in the end its money is on hold, once, and nothing left.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};

use crate::crash_scene::{Scene, text};

/// How many milestones are paid and disputed, each with a kill.
const DISPUTES: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dispute_stops_its_milestone_once_whenever_the_server_is_killed() {
    // What the bank takes does not leave the balance short: that would stop the funding of the next one.
    let mut scene = Scene::start(&[], |sandbox| sandbox.top_up(100_000_000, "eur")).await;
    let (owner, contractor, milestones) = scene.active_contract().await;
    let (http, stripe) = (reqwest::Client::new(), scene.sandbox.base_url());
    let at_stripe = async |path: String, kind: &'static str, body: String| {
        let request = http.post(format!("{stripe}{path}")).bearer_auth("sk_test_sandbox");
        let answer = request.header("content-type", kind).body(body).send().await.expect("the sandbox answers");
        assert_eq!(answer.status(), 200, "{path}");
    };
    let mut random = StdRng::seed_from_u64(14);
    for milestone in milestones.iter().take(DISPUTES) {
        let body = json!({"milestoneId": milestone});
        let funding = scene.api.expect(Method::POST, "/api/escrow", &owner, Some(&body), 201).await;
        let (escrow, intent) = (text(&funding, "/escrow/id"), text(&funding, "/paymentIntent/id"));
        let card = "payment_method=pm_card_bypassPending&return_url=https%3A%2F%2Fexample.com".to_owned();
        at_stripe(format!("/v1/payment_intents/{intent}/confirm"), "application/x-www-form-urlencoded", card).await;
        let is = async |status: &str| {
            let (_, seen) = scene.api.call(Method::GET, &format!("/api/milestones/{milestone}"), &owner, None).await?;
            (seen["status"] == status).then_some(())
        };
        testkit::until("it is funded", async || is("funded").await).await;
        let of = |verb: &str| format!("/api/milestones/{milestone}/{verb}");
        scene.api.expect(Method::POST, &of("submit"), &contractor, Some(&json!({"note": "done"})), 200).await;
        scene.api.expect(Method::POST, &of("approve"), &owner, Some(&json!({})), 200).await;

        let charge = scene.db.query(&format!("select charge from payments where id = '{escrow}'")).await.remove(0);
        at_stripe("/_sandbox/disputes".to_owned(), "application/json", json!({"charge": charge}).to_string()).await;
        tokio::time::sleep(Duration::from_millis(random.random_range(0..150))).await;
        scene.kill().await;
        scene.start_again().await;
        let frozen = format!("select frozen from milestones where id = '{milestone}'");
        testkit::until("it is on hold", async || (scene.db.query(&frozen).await == ["t"]).then_some(())).await;
        let path = format!("/api/escrow/{escrow}/release");
        let (status, refused) = scene.api.call(Method::POST, &path, &owner, None).await.expect("the server is there");
        assert_eq!((status, &refused["code"]), (409, &Value::from("ON_HOLD")), "{refused}");
    }
    let (placed, told) = (DISPUTES.to_string(), (2 * DISPUTES).to_string());
    let holds = "select count(*) from holds where kind = 'dispute' and lifted_at is null
        union all select count(distinct object) from holds";
    assert_eq!(scene.db.query(holds).await, [placed.as_str(), placed.as_str()], "one for each");
    assert_eq!(
        scene.db.query("select count(*) from alarms where kind = 'dispute' and settled_at is null").await,
        [placed.as_str()]
    );
    assert_eq!(
        scene.db.query("select count(*) from audit_entries where action = 'escrow.hold_placed'").await,
        [told.as_str()],
        "once in each party's trail"
    );
    assert_eq!(scene.db.query("select count(*) from releases where status <> 'approved'").await, ["0"]);
    assert!(scene.sandbox.transfers().is_empty(), "nothing left");
    scene.end().await;
}
