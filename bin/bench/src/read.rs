//! As docs/QUALITY.md wants it measured: the hot tenant read.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use bench::{Figure, median, ms};
use embedded_postgres::Programs;

use crate::measured::Measured;
use crate::output::print_line;
use crate::pgbench::{self, Mode};
use crate::stage::Stage;
use crate::{dataset, load, server};

const PATH: &str = "/api/projects?limit=20";

/// What is measured.
#[derive(clap::Args)]
pub struct Plan {
    /// Organisations in the data set
    #[arg(long, default_value_t = 10_000)]
    pub tenants: u32,
    /// Projects of each
    #[arg(long, default_value_t = 100)]
    pub projects: u32,
    /// Clients at a time
    #[arg(long, default_value_t = 16)]
    pub clients: u32,
    #[command(flatten)]
    pub measured: Measured,
}

/// Measures.
///
/// # Errors
/// If the server or pgbench cannot be run.
pub async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let binary = server::binary(plan.measured.server.as_ref()).await?;
    let stage = Stage::new().await?;
    dataset::make(&stage.client, plan.tenants, plan.projects).await?;
    let server = server::start(&binary, &stage, false).await?;
    let idle = server.memory().unwrap_or_default();
    let bin = programs()?;
    let bench = |mode| pgbench::run(&bin, &stage.app, stage.folder(), mode, plan.tenants, plan.clients, plan.measured.seconds);

    print_line("warming up");
    load::run(server.address, PATH, plan.tenants, plan.clients, plan.measured.seconds).await?;
    bench(Mode::OneByOne).await?;
    let (mut http, mut one_by_one, mut pipelined) = (Vec::new(), Vec::new(), Vec::new());
    let (mut busy, mut requests) = (Duration::ZERO, 0);
    for round in 1..=plan.measured.rounds {
        let before = server.cpu().unwrap_or_default();
        let measured = load::run(server.address, PATH, plan.tenants, plan.clients, plan.measured.seconds).await?;
        busy += server.cpu().unwrap_or_default() - before;
        requests += measured.requests;
        let single = bench(Mode::OneByOne).await?;
        let wire = bench(Mode::Pipelined).await?;
        print_line(&format!(
            "round {round}: HTTP {:.0}/s (p50 {:.2} ms, p99 {:.2} ms, {} bytes) · pgbench {single:.0}/s · pgbench pipelined {wire:.0}/s",
            measured.per_second,
            ms(measured.latencies.p50()),
            ms(measured.latencies.p99()),
            measured.body
        ));
        http.push(measured.per_second);
        one_by_one.push(single);
        pipelined.push(wire);
    }
    let loaded = server.memory().unwrap_or_default();
    drop(server);
    stage.end().await?;
    let (http, one_by_one, pipelined) = (median(http), median(one_by_one), median(pipelined));
    print_line(&format!("processor time of the server: {:.0} µs per request", busy.as_secs_f64() * 1e6 / requests as f64));
    print_line(&format!("memory: {idle:.0} MiB before the load, {loaded:.0} MiB under it"));
    Ok(vec![Figure::ratio("hot_read_wire", http / pipelined, "≥ 0.65"), Figure::ratio("hot_read", http / one_by_one, "≥ 1.2")])
}

/// Where pgbench is.
///
/// # Errors
/// If there are no programs of PostgreSQL.
pub fn programs() -> anyhow::Result<PathBuf> {
    Programs::find(None).map(|programs| programs.bin().to_owned()).context("pgbench stands beside the server programs")
}
