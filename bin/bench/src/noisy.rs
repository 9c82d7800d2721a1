//! A quiet tenant beside one that sends ten times what it may, against the quiet one alone. The server counts requests as it does by default: a minute's
//! quota may be spent at once, so the first rounds see more of them served, and the later ones more of them refused.

use bench::{Figure, Goal, median, ms, ratio};
use rand::Rng;

use crate::measured::Measured;
use crate::output::print_line;
use crate::paced::{self, Due, Pace};
use crate::stage::Stage;
use crate::{dataset, load, server};

const PATH: &str = "/api/projects?limit=20";
/// What an organisation may send in a minute (`rate_limits.per_user`, which is spent first).
const QUOTA: u32 = 1_200;

/// What is measured.
#[derive(clap::Args)]
pub struct Plan {
    /// Quiet organisations, one request a second each
    #[arg(long, default_value_t = 50)]
    pub quiet: u32,
    /// How many times its quota the noisy one sends
    #[arg(long, default_value_t = 10)]
    pub times: u32,
    #[command(flatten)]
    pub measured: Measured,
}

/// Measures the quiet tenants' p99 beside the noisy one over that without it.
///
/// # Errors
/// If the server cannot be run, or a quiet tenant is refused.
pub async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let binary = server::binary(plan.measured.server.as_ref()).await?;
    let stage = Stage::new().await?;
    let noisy = plan.quiet + 1;
    dataset::make(&stage.client, noisy, 40).await?;
    let server = server::start(&binary, &stage, true).await?;
    let (seconds, quiet) = (plan.measured.seconds, plan.quiet);
    let reads = async |rate: u32, connections: u32, floods: bool| {
        paced::run(server.address, Pace { rate, seconds, connections }, move |_| {
            let tenant = if floods { noisy } else { rand::rng().random_range(1..=quiet) };
            Due { request: load::request("GET", PATH, tenant, ""), writes: false }
        })
        .await
    };
    print_line("warming up");
    reads(quiet, 8, false).await?;
    let mut ratios = Vec::new();
    for round in 1..=plan.measured.rounds {
        let alone = reads(quiet, 8, false).await?;
        let (beside, flood) = tokio::try_join!(reads(quiet, 8, false), reads(QUOTA / 60 * plan.times, 32, true))?;
        print_line(&format!(
            "round {round}: quiet p99 {:.2} ms alone · {:.2} ms beside {} requests of the noisy one, {} of them answered 429",
            ms(alone.reads.p99()),
            ms(beside.reads.p99()),
            flood.reads.count(),
            flood.refused
        ));
        anyhow::ensure!(alone.refused + beside.refused == 0, "a quiet tenant was refused");
        ratios.push(ratio(beside.reads.p99(), alone.reads.p99()));
    }
    drop(server);
    stage.end().await?;
    Ok(vec![Figure::ratio("noisy", median(ratios), Goal::AtMost(2.0))])
}
