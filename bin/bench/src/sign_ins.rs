//! Sign-ins: what 32 at a time do to the reads beside them, and what becomes of 300 at once.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use anyhow::ensure;
use bench::{Figure, Goal, median, ms};

use crate::dataset::user_sql;
use crate::load;
use crate::output::print_line;

const PASSWORD: &str = "correct horse battery staple";
/// So many sign in at a time while others read.
const BESIDE: u32 = 32;

/// What is measured.
pub struct Plan<'a> {
    /// What the reader reads.
    pub path: &'a str,
    /// Which tenant's person reads.
    pub reader: u32,
    /// Clients that read at a time.
    pub clients: u32,
    /// Seconds of each measurement.
    pub seconds: u64,
    /// How often each is measured.
    pub rounds: usize,
    /// Whose persons sign in; all of them are the crowd.
    pub people: RangeInclusive<u32>,
}

/// Measures and prints how the crowd was answered; answers the reads' p99 beside sign-ins over that without.
///
/// # Errors
/// If a read, or a sign-in beside reads, is not answered with success.
pub async fn run(server: SocketAddr, client: &tokio_postgres::Client, plan: Plan<'_>) -> anyhow::Result<Figure> {
    let Plan { path, reader, clients, seconds, rounds, people } = plan;
    let read = async || load::run_as(server, path, reader..=reader, clients, seconds).await;
    give_password(server, client, &people).await?;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let quiet = read().await?;
        let until = Instant::now() + Duration::from_secs(seconds);
        let signing_in: Vec<_> =
            people.clone().take(BESIDE as usize).map(|person| tokio::spawn(again_and_again(server, person, until))).collect();
        let busy = read().await?;
        let mut done = 0;
        for one in signing_in {
            done += one.await??;
        }
        print_line(&format!(
            "round {round}: p99 of reads {:.2} ms alone ({:.0}/s) · {:.2} ms beside {BESIDE} clients that sign in ({:.0}/s; {:.1} sign-ins/s)",
            ms(quiet.latencies.p99()),
            quiet.per_second,
            ms(busy.latencies.p99()),
            busy.per_second,
            f64::from(done) / seconds as f64
        ));
        alone.push(ms(quiet.latencies.p99()));
        beside.push(ms(busy.latencies.p99()));
    }
    crowd(server, people).await?;
    Ok(Figure::ratio("sign_ins", median(beside) / median(alone), Goal::AtMost(2.0)))
}

/// One who registers pays for the hash; the others get the same.
async fn give_password(server: SocketAddr, client: &tokio_postgres::Client, people: &RangeInclusive<u32>) -> anyhow::Result<()> {
    let body = format!(
        r#"{{"email":"first@bench.example","password":"{PASSWORD}","name":"First","organizationName":"The first to sign in"}}"#
    );
    let status = load::post(&mut load::connect(server).await?, "/api/auth/register", &body).await?;
    ensure!(status == 201, "registering was answered {status}");
    client
        .batch_execute(&format!(
            "insert into credentials (user_id, password_hash)
                select {}, (select c.password_hash from credentials c join users u on u.id = c.user_id where u.email_key = 'first@bench.example') from generate_series({}, {}) i",
            user_sql("i"),
            people.start(),
            people.end()
        ))
        .await?;
    Ok(())
}

fn credentials(person: u32) -> String {
    format!(r#"{{"email":"{person}@bench.example","password":"{PASSWORD}"}}"#)
}

/// Signs one person in, one time after another, until `until`; answers how often. Who is turned away (503) tries again.
async fn again_and_again(server: SocketAddr, person: u32, until: Instant) -> anyhow::Result<u32> {
    let (mut stream, body, mut done) = (load::connect(server).await?, credentials(person), 0);
    while Instant::now() < until {
        match load::post(&mut stream, "/api/auth/login", &body).await? {
            200 => done += 1,
            503 => {}
            other => anyhow::bail!("a sign-in was answered {other}"),
        }
    }
    Ok(done)
}

/// Everybody signs in at once.
async fn crowd(server: SocketAddr, people: RangeInclusive<u32>) -> anyhow::Result<()> {
    let mut ready = Vec::new();
    for person in people {
        ready.push((load::connect(server).await?, credentials(person)));
    }
    let started = Instant::now();
    let all: Vec<_> = ready
        .into_iter()
        .map(|(mut stream, body)| {
            tokio::spawn(async move {
                let status = load::post(&mut stream, "/api/auth/login", &body).await?;
                Ok::<_, anyhow::Error>((status, started.elapsed()))
            })
        })
        .collect();
    let count = all.len();
    let (mut right, mut busy, mut other, mut longest) = (0, 0, 0, Duration::ZERO);
    for one in all {
        let (status, took) = one.await??;
        match status {
            200 => right += 1,
            503 => busy += 1,
            _ => other += 1,
        }
        longest = longest.max(took);
    }
    print_line(&format!(
        "sign-ins crowd: of {count} at once {right} were answered 200, {busy} 503, {other} otherwise; the longest wait {:.1} s",
        longest.as_secs_f64()
    ));
    Ok(())
}
