//! The hot list and single reads with few tenants, against the same with many times as many, both at one fixed rate.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::ensure;
use bench::{Figure, median, ms, ratio};
use rand::Rng;

use crate::measured::Measured;
use crate::output::print_line;
use crate::paced::{self, Due, Pace, Paced};
use crate::stage::Stage;
use crate::{dataset, load, server};

/// What is measured.
#[derive(clap::Args)]
pub struct Plan {
    /// Organisations in the small data set
    #[arg(long, default_value_t = 200)]
    pub tenants: u32,
    /// How many times as many there are in the large one
    #[arg(long, default_value_t = 50)]
    pub times: u32,
    /// Projects of each
    #[arg(long, default_value_t = 50)]
    pub projects: u32,
    /// Requests per second
    #[arg(long, default_value_t = 250)]
    pub rate: u32,
    #[command(flatten)]
    pub measured: Measured,
}

/// A project to be read: whose it is, and its path.
type Single = (u32, String);

/// Measures p50 and p99 of lists and of single reads in the large data set over those in the small one.
///
/// # Errors
/// If a server cannot be run, or does not answer with success.
pub async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let binary = server::binary(plan.measured.server.as_ref()).await?;
    let (small, large) = (Stage::new().await?, Stage::new().await?);
    dataset::make(&small.client, plan.tenants, plan.projects).await?;
    dataset::make(&large.client, plan.tenants * plan.times, plan.projects).await?;
    let (few, many) = (singles(&small).await?, singles(&large).await?);
    let (of_small, of_large) = (server::start(&binary, &small, false).await?, server::start(&binary, &large, false).await?);
    let pace = Pace { rate: plan.rate, seconds: plan.measured.seconds, connections: 16 };
    print_line("warming up");
    for lists in [true, false] {
        reads(of_small.address, pace, &few, lists).await?;
        reads(of_large.address, pace, &many, lists).await?;
    }
    let [mut list_p50, mut list_p99, mut single_p50, mut single_p99] = [const { Vec::new() }; 4];
    for round in 1..=plan.measured.rounds {
        for (what, p50, p99) in [("lists", &mut list_p50, &mut list_p99), ("single reads", &mut single_p50, &mut single_p99)] {
            let lists = what == "lists";
            let one = reads(of_small.address, pace, &few, lists).await?.reads;
            let other = reads(of_large.address, pace, &many, lists).await?.reads;
            print_line(&format!(
                "round {round}: {what} p50 {:.2} ms, p99 {:.2} ms among few · p50 {:.2} ms, p99 {:.2} ms among {} times as many",
                ms(one.p50()),
                ms(one.p99()),
                ms(other.p50()),
                ms(other.p99()),
                plan.times
            ));
            p50.push(ratio(other.p50(), one.p50()));
            p99.push(ratio(other.p99(), one.p99()));
        }
    }
    drop((of_small, of_large));
    small.end().await?;
    large.end().await?;
    Ok(vec![
        Figure::ratio("growth_single_p99", median(single_p99), "near 1"),
        Figure::ratio("growth_single", median(single_p50), "≤ 1.2"),
        Figure::ratio("growth_p99", median(list_p99), "near 1"),
        Figure::ratio("growth", median(list_p50), "≤ 1.2"),
    ])
}

/// Some projects of all, by chance.
async fn singles(stage: &Stage) -> anyhow::Result<Arc<Vec<Single>>> {
    let sql = "select right(org_id::text, 12), '/api/projects/' || id from projects order by random() limit 5000";
    let mut singles = Vec::new();
    for row in stage.client.query(sql, &[]).await? {
        // The number of the tenant, as the data set computes its id.
        singles.push((u32::from_str_radix(row.get(0), 16)?, row.get(1)));
    }
    ensure!(!singles.is_empty(), "there are no projects");
    Ok(Arc::new(singles))
}

async fn reads(server: SocketAddr, pace: Pace, of: &Arc<Vec<Single>>, lists: bool) -> anyhow::Result<Paced> {
    let of = Arc::clone(of);
    paced::run(server, pace, move |_| {
        let (tenant, path) = &of[rand::rng().random_range(0..of.len())];
        let path = if lists { "/api/projects?limit=20" } else { path.as_str() };
        Due { request: load::request("GET", path, *tenant, ""), writes: false }
    })
    .await
}
