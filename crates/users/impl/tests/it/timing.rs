//! How long a refused sign-in takes says nothing of whether anybody has the address.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::Database;

use crate::scenery::Replica;

/// So many tries of each kind are compared in a round.
const PAIRS: usize = 25;

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

#[actix_web::test]
async fn how_long_a_refusal_takes_does_not_tell_whether_anybody_has_the_address() {
    let db = Database::fresh().await;
    let many = auth::Settings { wrong_per_email: 10_000, wrong_per_network: 10_000, ..auth::Settings::default() };
    let replica = Replica::of(&db, many).await;
    replica.register("ada").await;
    let took = async |email: &str| {
        let began = Instant::now();
        let body = json!({ "email": email, "password": "not the password" });
        let answer = replica.post("/api/auth/login", None, body).await;
        let time = began.elapsed();
        assert_eq!(answer.refusal(), (401, "WRONG_CREDENTIALS"));
        time
    };
    let (known, unknown) = ("ada@example.com", "nobody@example.com");
    for email in [known, unknown] {
        took(email).await;
    }
    let mut ratios = Vec::new();
    // Others are at work on the machine: a difference that there is shows in every round.
    for _ in 0..3 {
        let (mut of_known, mut of_unknown) = (Vec::new(), Vec::new());
        for _ in 0..PAIRS {
            of_known.push(took(known).await);
            of_unknown.push(took(unknown).await);
        }
        let ratio = median(of_known) / median(of_unknown);
        if (0.8..1.25).contains(&ratio) {
            return;
        }
        ratios.push(ratio);
    }
    panic!("a known address takes {ratios:?} times as long as an unknown one");
}
