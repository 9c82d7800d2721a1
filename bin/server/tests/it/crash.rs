//! Money survives crashes (docs/QUALITY.md): the server is killed at random points of fund → submit → approve → release, again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde_json::json;

use crate::crash_scene::{Api, MILESTONES, Scene, text};

/// How often the server is killed at least.
const KILLS: u32 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_release_has_exactly_one_transfer_whenever_the_server_is_killed() {
    let mut scene = Scene::start(&[], |_| {}).await;
    let (owner, contractor, milestones) = scene.active_contract().await;

    // Somebody works on the milestones, whatever answers; somebody else kills the server.
    let done = Arc::new(AtomicBool::new(false));
    let kills = Arc::new(AtomicU32::new(0));
    let work = tokio::spawn(play(
        scene.api.clone(),
        scene.sandbox.base_url(),
        owner.clone(),
        contractor,
        milestones.clone(),
        Arc::clone(&done),
        Arc::clone(&kills),
    ));
    let mut random = StdRng::seed_from_u64(14);
    let started = Instant::now();
    while !done.load(Ordering::Relaxed) {
        if started.elapsed() > Duration::from_secs(900) {
            let milestones = scene.db.query("select status || ' ' || count(*) from milestones group by status").await;
            let open = scene.db.query("select 'payment ' || status || ' ' || id from payments where status not in ('available') union all select 'release ' || status || ' ' || id from releases where status <> 'sent'").await;
            let jobs = scene.db.query("select task_identifier || ' attempts ' || attempts || ' run_at ' || run_at || ' locked ' || coalesce(locked_by, '-') || ' ' || coalesce(last_error, '') from graphile_worker.jobs order by run_at limit 20").await;
            panic!("no end after {} kills: {milestones:?} {open:?} {jobs:#?}", kills.load(Ordering::Relaxed));
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(0..250))).await;
        if kills.load(Ordering::Relaxed) < KILLS + 10 {
            scene.kill().await;
            kills.fetch_add(1, Ordering::Relaxed);
            scene.start_again().await;
        }
    }
    work.await.expect("the work ends");
    assert!(kills.load(Ordering::Relaxed) >= KILLS);

    // One transfer per release, each of the net amount; nothing paid out twice, nothing lost.
    let releases: Vec<String> = scene.db.query("select net from releases where status = 'sent' order by net").await;
    assert_eq!(releases.len(), MILESTONES);
    let mut transfers: Vec<i64> =
        scene.sandbox.transfers().iter().map(|transfer| transfer["amount"].as_i64().expect("an amount")).collect();
    transfers.sort_unstable();
    assert_eq!(transfers, releases.iter().map(|net| net.parse::<i64>().expect("a number")).collect::<Vec<_>>());
    assert_eq!(scene.db.query("select coalesce(sum(amount), 0) from ledger_entries").await, ["0"]);
    let succeeded = scene.sandbox.payment_intents().iter().filter(|intent| intent["status"] == "succeeded").count();
    assert_eq!(succeeded, MILESTONES, "each milestone was paid once");
    let findings = build14::services::doctor(&scene.db.system_url().await).await.expect("the doctor comes");
    assert_eq!(findings, [], "every invariant holds");
    scene.end().await;
}

/// Plays fund → submit → approve → release for every milestone, by what its status asks for, until all are released.
async fn play(
    api: Api,
    stripe: String,
    owner: String,
    contractor: String,
    milestones: Vec<String>,
    done: Arc<AtomicBool>,
    kills: Arc<AtomicU32>,
) {
    let mut next = 0;
    while next < milestones.len() {
        // Spread the work over the kills: the last milestone begins when all but the last few kills have happened.
        if next * KILLS as usize > kills.load(Ordering::Relaxed) as usize * (milestones.len() - 1) {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        }
        let id = &milestones[next];
        let Some((200, milestone)) = api.call(Method::GET, &format!("/api/milestones/{id}"), &owner, None).await else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        match milestone["status"].as_str().unwrap_or_default() {
            "planned" | "funding" => {
                let body = json!({"milestoneId": id});
                if let Some((201, funding)) = api.call(Method::POST, "/api/escrow", &owner, Some(&body)).await {
                    let intent = text(&funding, "/paymentIntent/id");
                    let form = "payment_method=pm_card_bypassPending&return_url=https%3A%2F%2Fexample.com";
                    let request =
                        api.http.post(format!("{stripe}/v1/payment_intents/{intent}/confirm")).bearer_auth("sk_test_sandbox");
                    let _paid_before =
                        request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await;
                }
            }
            "funded" => {
                let body = json!({"note": "done"});
                api.call(Method::POST, &format!("/api/milestones/{id}/submit"), &contractor, Some(&body)).await;
            }
            "in_review" => {
                api.call(Method::POST, &format!("/api/milestones/{id}/approve"), &owner, Some(&json!({}))).await;
            }
            "approved" => {
                let Some((status, payments)) = api.call(Method::GET, "/api/escrow?limit=100", &owner, None).await else {
                    continue;
                };
                assert_eq!(status, 200, "{payments}");
                let mine =
                    payments["data"].as_array().into_iter().flatten().find(|payment| payment["milestoneId"] == id.as_str());
                let escrow = text(mine.unwrap_or_else(|| panic!("no payment of {id}")), "/id");
                api.call(Method::POST, &format!("/api/escrow/{escrow}/release"), &owner, None).await;
            }
            "released" => next += 1,
            other => panic!("milestone {id} is {other}"),
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    done.store(true, Ordering::Relaxed);
}
