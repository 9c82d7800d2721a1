//! The hot lists and single reads with few tenants, against the same with many times as many, both at one fixed rate. Contracts and protected payments are
//! not among them: what they say is proven by the program, so no statement can make rows of theirs up.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::ensure;
use bench::{Figure, Goal, median, ms, ratio};
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
    /// Tenders of each, and as many entries in the trail of each
    #[arg(long, default_value_t = 20)]
    pub tenders: u32,
    /// Requests per second
    #[arg(long, default_value_t = 250)]
    pub rate: u32,
    #[command(flatten)]
    pub measured: Measured,
}

/// What is read: its name, the path, and the figures of its p99 and its p50. The path of single reads is that of a project, by chance.
const READS: [(&str, Option<&str>, [&str; 2]); 5] = [
    ("single reads", None, ["growth_single_p99", "growth_single"]),
    ("own tenders", Some("/api/tenders?role=owner&limit=20"), ["growth_tenders_p99", "growth_tenders"]),
    ("open tenders", Some("/api/tenders?role=bidder&limit=20"), ["growth_open_tenders_p99", "growth_open_tenders"]),
    ("trails", Some("/api/audit?limit=20"), ["growth_audit_p99", "growth_audit"]),
    ("lists", Some("/api/projects?limit=20"), ["growth_p99", "growth"]),
];

/// A project to be read: whose it is, and its path.
type Single = (u32, String);

/// Measures p50 and p99 of lists and of single reads in the large data set over those in the small one.
///
/// # Errors
/// If a server cannot be run, or does not answer with success.
pub async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let binary = server::binary(plan.measured.server.as_ref()).await?;
    let (small, large) = (Stage::new().await?, Stage::new().await?);
    for (stage, tenants) in [(&small, plan.tenants), (&large, plan.tenants * plan.times)] {
        dataset::make(&stage.client, tenants, plan.projects).await?;
        dataset::make_tenders(&stage.client, tenants, plan.tenders).await?;
    }
    let (few, many) = (singles(&small).await?, singles(&large).await?);
    let (of_small, of_large) = (server::start(&binary, &small, false).await?, server::start(&binary, &large, false).await?);
    let pace = Pace { rate: plan.rate, seconds: plan.measured.seconds, connections: 16 };
    print_line("warming up");
    for (_, path, _) in READS {
        reads(of_small.address, pace, &few, path).await?;
        reads(of_large.address, pace, &many, path).await?;
    }
    let mut ratios: [[Vec<f64>; 2]; READS.len()] = Default::default();
    for round in 1..=plan.measured.rounds {
        for ((what, path, _), [p99, p50]) in READS.into_iter().zip(&mut ratios) {
            let one = reads(of_small.address, pace, &few, path).await?.reads;
            let other = reads(of_large.address, pace, &many, path).await?.reads;
            print_line(&format!(
                "round {round}: {what} p50 {:.2} ms, p99 {:.2} ms among few · p50 {:.2} ms, p99 {:.2} ms among {} times as many",
                ms(one.p50()),
                ms(one.p99()),
                ms(other.p50()),
                ms(other.p99()),
                plan.times
            ));
            p99.push(ratio(other.p99(), one.p99()));
            p50.push(ratio(other.p50(), one.p50()));
        }
    }
    drop((of_small, of_large));
    small.end().await?;
    large.end().await?;
    let mut figures = Vec::new();
    for ((_, _, [p99, p50]), [all_p99, all_p50]) in READS.into_iter().zip(ratios) {
        figures.push(Figure::ratio(p99, median(all_p99), Goal::About(1.0)));
        figures.push(Figure::ratio(p50, median(all_p50), Goal::AtMost(1.2)));
    }
    Ok(figures)
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

async fn reads(server: SocketAddr, pace: Pace, of: &Arc<Vec<Single>>, list: Option<&'static str>) -> anyhow::Result<Paced> {
    let of = Arc::clone(of);
    paced::run(server, pace, move |_| {
        let (tenant, single) = &of[rand::rng().random_range(0..of.len())];
        Due { request: load::request("GET", list.unwrap_or(single), *tenant, ""), writes: false }
    })
    .await
}
