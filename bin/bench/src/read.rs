//! As docs/QUALITY.md wants it measured: the hot tenant read.

use std::time::Duration;

use anyhow::Context;
use build14::database;
use embedded_postgres::{Cluster, Config, Programs};

use crate::output::print_line;
use crate::pgbench::{self, Mode};
use crate::{dataset, load, server};

const PATH: &str = "/api/projects?limit=20";

/// What is measured.
pub struct Plan {
    /// Organisations.
    pub tenants: u32,
    /// Projects of each.
    pub projects: u32,
    /// Clients at a time.
    pub clients: u32,
    /// Seconds of each measurement.
    pub seconds: u64,
    /// How often each is measured.
    pub rounds: usize,
    /// The server's binary; built if there is none.
    pub server: Option<std::path::PathBuf>,
}

/// Measures and prints; the last line is `hot_read ratio <number>`.
///
/// # Errors
/// If the server or pgbench cannot be run.
pub async fn run(plan: &Plan) -> anyhow::Result<()> {
    let binary = match &plan.server {
        Some(binary) => binary.clone(),
        None => server::build().await?,
    };
    let folder = tempfile::tempdir()?;
    let mut config = Config::new(folder.path());
    config.extra_settings = vec![("shared_buffers".to_owned(), "1GB".to_owned())];
    let cluster = Cluster::start(&config).await?;
    admin(&cluster.url("postgres", "postgres")).await?.batch_execute("create database build14").await?;
    let urls = database::Urls {
        app: cluster.url("build14_app", "build14").into(),
        system: cluster.url("build14_system", "build14").into(),
        owner: Some(cluster.url("build14_owner", "build14").into()),
        admin: Some(cluster.url("postgres", "build14").into()),
    };
    database::migrate(&urls).await?;
    let (app, system, owner) =
        (cluster.url("build14_app", "build14"), cluster.url("build14_system", "build14"), cluster.url("postgres", "build14"));
    dataset::make(&admin(&owner).await?, plan.tenants, plan.projects).await?;
    let server = server::start(&binary, folder.path(), &app, &system, &owner).await?;
    let idle = server.memory().unwrap_or_default();
    let bin =
        Programs::find(None).map(|programs| programs.bin().to_owned()).context("pgbench stands beside the server programs")?;
    let bench = |mode| pgbench::run(&bin, &app, folder.path(), mode, plan.tenants, plan.clients, plan.seconds);

    print_line("warming up");
    load::run(server.address, PATH, plan.tenants, plan.clients, plan.seconds).await?;
    bench(Mode::OneByOne).await?;
    let (mut http, mut one_by_one, mut pipelined) = (Vec::new(), Vec::new(), Vec::new());
    let (mut busy, mut requests) = (Duration::ZERO, 0);
    for round in 1..=plan.rounds {
        let before = server.cpu().unwrap_or_default();
        let measured = load::run(server.address, PATH, plan.tenants, plan.clients, plan.seconds).await?;
        busy += server.cpu().unwrap_or_default() - before;
        requests += measured.requests;
        let single = bench(Mode::OneByOne).await?;
        let wire = bench(Mode::Pipelined).await?;
        print_line(&format!(
            "round {round}: HTTP {:.0}/s (p50 {:.2} ms, p99 {:.2} ms, {} bytes) · pgbench {single:.0}/s · pgbench pipelined {wire:.0}/s",
            measured.per_second,
            measured.p50.as_secs_f64() * 1e3,
            measured.p99.as_secs_f64() * 1e3,
            measured.body
        ));
        http.push(measured.per_second);
        one_by_one.push(single);
        pipelined.push(wire);
    }
    let loaded = server.memory().unwrap_or_default();
    drop(server);
    cluster.stop().await?;
    let (http, one_by_one, pipelined) = (median(http), median(one_by_one), median(pipelined));
    print_line(&format!("processor time of the server: {:.0} µs per request", busy.as_secs_f64() * 1e6 / requests as f64));
    print_line(&format!("memory: {idle:.0} MiB before the load, {loaded:.0} MiB under it"));
    print_line(&format!("hot_read_wire ratio {:.2} (against pgbench in one flush)", http / pipelined));
    print_line(&format!("hot_read ratio {:.2}", http / one_by_one));
    Ok(())
}

/// A connection as the superuser.
///
/// # Errors
/// If there is none.
pub async fn admin(url: &str) -> anyhow::Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
