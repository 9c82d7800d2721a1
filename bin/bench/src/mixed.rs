//! Four reads and a write in turn at a fixed rate, against reads alone at the same rate.

use bench::{Figure, Goal, median, ms, ratio};
use rand::Rng;

use crate::measured::Measured;
use crate::output::print_line;
use crate::paced::{self, Due, Pace};
use crate::stage::Stage;
use crate::{dataset, load, server};

const PATH: &str = "/api/projects?limit=20";
const NEW: &str = r#"{"name":"Another villa","currency":"EUR"}"#;

/// What is measured.
#[derive(clap::Args)]
pub struct Plan {
    /// Organisations in the data set
    #[arg(long, default_value_t = 1_000)]
    pub tenants: u32,
    /// Requests per second; a rate that is not held is told
    #[arg(long, default_value_t = 250)]
    pub rate: u32,
    #[command(flatten)]
    pub measured: Measured,
}

/// Measures how much of the rate was held, and the reads' p99 beside writes over that alone.
///
/// # Errors
/// If the server cannot be run, or does not answer with success.
pub async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let binary = server::binary(plan.measured.server.as_ref()).await?;
    let stage = Stage::new().await?;
    dataset::make(&stage.client, plan.tenants, 40).await?;
    let server = server::start(&binary, &stage, false).await?;
    let tenants = plan.tenants;
    let pace = Pace { rate: plan.rate, seconds: plan.measured.seconds, connections: 16 };
    let measure = async |with_writes: bool| {
        paced::run(server.address, pace, move |n| {
            let (writes, tenant) = (with_writes && n % 5 == 4, rand::rng().random_range(1..=tenants));
            let request =
                if writes { load::request("POST", "/api/projects", tenant, NEW) } else { load::request("GET", PATH, tenant, "") };
            Due { request, writes }
        })
        .await
    };
    print_line("warming up");
    measure(true).await?;
    let (mut held, mut ratios) = (Vec::new(), Vec::new());
    for round in 1..=plan.measured.rounds {
        let (alone, mixed) = (measure(false).await?, measure(true).await?);
        print_line(&format!(
            "round {round}: reads alone p50 {:.2} ms, p99 {:.2} ms · beside writes p50 {:.2} ms, p99 {:.2} ms · writes p50 {:.2} ms, p99 {:.2} ms",
            ms(alone.reads.p50()),
            ms(alone.reads.p99()),
            ms(mixed.reads.p50()),
            ms(mixed.reads.p99()),
            ms(mixed.writes.p50()),
            ms(mixed.writes.p99())
        ));
        held.push(mixed.held);
        ratios.push(ratio(mixed.reads.p99(), alone.reads.p99()));
    }
    drop(server);
    stage.end().await?;
    Ok(vec![
        Figure::ratio("mixed_rate", median(held), Goal::AtLeast(0.99)),
        Figure::ratio("mixed", median(ratios), Goal::AtMost(2.0)),
    ])
}
