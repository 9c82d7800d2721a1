//! As docs/QUALITY.md wants it measured: the hot tenant read.

use std::time::Duration;

use bench::{Figure, Goal, median, ms};

use crate::list::{self, PATH};
use crate::measured::Measured;
use crate::output::print_line;
use crate::pgbench::{self, Script};
use crate::stage::Stage;
use crate::{dataset, load, server};

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
    let scripts = [list::one_by_one(plan.tenants), list::pipelined(plan.tenants)];
    let bench = async |script: &Script| -> anyhow::Result<f64> {
        Ok(pgbench::run(&stage, script, plan.clients, plan.measured.seconds).await?.per_second)
    };

    print_line("warming up");
    load::run(server.address, PATH, plan.tenants, plan.clients, plan.measured.seconds).await?;
    bench(&scripts[0]).await?;
    let (mut http, mut one_by_one, mut pipelined) = (Vec::new(), Vec::new(), Vec::new());
    let (mut busy, mut requests) = (Duration::ZERO, 0);
    for round in 1..=plan.measured.rounds {
        let before = server.used().cpu;
        let measured = load::run(server.address, PATH, plan.tenants, plan.clients, plan.measured.seconds).await?;
        busy += server.used().cpu - before;
        requests += measured.requests;
        let single = bench(&scripts[0]).await?;
        let wire = bench(&scripts[1]).await?;
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
    Ok(vec![
        Figure { name: "memory_idle", value: idle, unit: "MiB", goal: Goal::AtMost(60.0) },
        Figure { name: "memory_loaded", value: loaded, unit: "MiB", goal: Goal::AtMost(120.0) },
        Figure::ratio("hot_read_wire", http / pipelined, Goal::AtLeast(0.65)),
        Figure::ratio("hot_read", http / one_by_one, Goal::AtLeast(1.2)),
    ])
}
