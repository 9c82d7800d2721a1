//! Where the time of the hot read goes: requests that turn round earlier and earlier, and the same statements without a server, with the processor time
//! that each of them costs whom.

use std::time::Instant;

use bench::{Figure, Goal};

use crate::list::{self, PATH};
use crate::measured::Measured;
use crate::output::print_line;
use crate::server::Server;
use crate::stage::Stage;
use crate::used::{self, Used};
use crate::{dataset, load, pgbench, server};

/// Requests, and how far each of them comes.
const REQUESTS: [(&str, &str); 4] = [
    ("HTTP alone", "/health/live"),
    ("signed in, without the database", "/api/audit/keys"),
    ("one value of the database", "/api/time"),
    ("the hot read", PATH),
];

/// What is measured.
#[derive(clap::Args)]
pub struct Plan {
    /// Organisations in the data set
    #[arg(long, default_value_t = 10_000)]
    pub tenants: u32,
    /// Projects of each
    #[arg(long, default_value_t = 20)]
    pub projects: u32,
    /// Clients at a time
    #[arg(long, default_value_t = 16)]
    pub clients: u32,
    #[command(flatten)]
    pub measured: Measured,
}

/// What some requests cost together.
#[derive(Default)]
struct Cost {
    requests: usize,
    seconds: f64,
    /// Of the server, of PostgreSQL, of what sends the requests.
    used: [Used; 3],
}

/// Whose use of the machine is looked at.
struct Meter<'a> {
    server: &'a Server,
    postmaster: u32,
}

/// Measures what the hot read costs whom, in hundredths of what the processors had to give.
///
/// # Errors
/// If the server or pgbench cannot be run.
pub async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let binary = server::binary(plan.measured.server.as_ref()).await?;
    let stage = Stage::new().await?;
    dataset::make(&stage.client, plan.tenants, plan.projects).await?;
    let server = server::start(&binary, &stage, false).await?;
    let meter = Meter { server: &server, postmaster: stage.postmaster()? };
    let scripts = [list::one_by_one(plan.tenants), list::pipelined(plan.tenants)];
    let (clients, seconds) = (plan.clients, plan.measured.seconds);
    print_line("warming up");
    load::run(server.address, PATH, plan.tenants, clients, seconds).await?;
    let mut costs: [Cost; REQUESTS.len() + 2] = Default::default();
    for _ in 0..plan.measured.rounds {
        for (cost, (_, path)) in costs.iter_mut().zip(REQUESTS) {
            meter
                .add(cost, async || -> anyhow::Result<usize> {
                    Ok(load::run(server.address, path, plan.tenants, clients, seconds).await?.requests)
                })
                .await?;
        }
        for (cost, script) in costs[REQUESTS.len()..].iter_mut().zip(&scripts) {
            meter
                .add(cost, async || -> anyhow::Result<usize> {
                    Ok(pgbench::run(&stage, script, clients, seconds).await?.transactions)
                })
                .await?;
        }
    }
    drop(server);
    stage.end().await?;
    print_line("| in µs per request | per second | server | PostgreSQL | sender | switches of the server | of PostgreSQL |");
    print_line("|---|---|---|---|---|---|---|");
    let names = REQUESTS.map(|(name, _)| name).into_iter().chain(["pgbench, one by one", "pgbench, in one flush"]);
    for (name, cost) in names.zip(&costs) {
        print_line(&cost.row(name));
    }
    let hot = &costs[REQUESTS.len() - 1];
    let [server, postgres, sender] = hot.shares();
    let share = |name, value| Figure { name, value, unit: "percent", goal: Goal::Told };
    Ok(vec![
        share("where_sender", sender),
        share("where_idle", 100.0 - server - postgres - sender),
        share("where_postgres", postgres),
        share("where_server", server),
    ])
}

impl Meter<'_> {
    fn read(&self) -> [Used; 3] {
        [self.server.used(), used::by_family(self.postmaster), used::by(std::process::id())]
    }

    /// Adds what so many requests cost.
    async fn add(&self, cost: &mut Cost, requests: impl AsyncFnOnce() -> anyhow::Result<usize>) -> anyhow::Result<()> {
        let (before, started) = (self.read(), Instant::now());
        cost.requests += requests().await?;
        cost.seconds += started.elapsed().as_secs_f64();
        for ((sum, now), before) in cost.used.iter_mut().zip(self.read()).zip(before) {
            *sum = *sum + (now - before);
        }
        Ok(())
    }
}

impl Cost {
    fn row(&self, name: &str) -> String {
        let requests = self.requests as f64;
        let [server, postgres, sender] = self.used.map(|used| used.cpu.as_secs_f64() * 1e6 / requests);
        // Those of connections that are closed by now are not known.
        let [server_switches, postgres_switches, _] = self.used.map(|used| match used.switches {
            0 => String::new(),
            switches => format!("{:.1}", switches as f64 / requests),
        });
        let rate = requests / self.seconds;
        format!("| {name} | {rate:.0} | {server:.0} | {postgres:.0} | {sender:.0} | {server_switches} | {postgres_switches} |")
    }

    /// In hundredths of the time of all processors.
    fn shares(&self) -> [f64; 3] {
        let processors = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        self.used.map(|used| used.cpu.as_secs_f64() * 100.0 / (self.seconds * processors))
    }
}
