//! Reads beside people who sign in, and a crowd that signs in at once.

use bench::Figure;

use crate::measured::Measured;
use crate::stage::Stage;
use crate::{dataset, server, sign_ins};

/// Whose person reads.
const READER: u32 = 1;

/// What is measured.
#[derive(clap::Args)]
pub struct Plan {
    /// People who sign in at once; the first 32 of them do so beside the reads
    #[arg(long, default_value_t = 300)]
    pub people: u32,
    /// Clients that read at a time
    #[arg(long, default_value_t = 16)]
    pub clients: u32,
    #[command(flatten)]
    pub measured: Measured,
}

/// Measures the reads' p99 beside sign-ins over that without.
///
/// # Errors
/// If the server cannot be run.
pub async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let binary = server::binary(plan.measured.server.as_ref()).await?;
    let stage = Stage::new().await?;
    let people = READER + 1..=READER + plan.people;
    dataset::make(&stage.client, *people.end(), 20).await?;
    let server = server::start(&binary, &stage, false).await?;
    let (clients, seconds, rounds) = (plan.clients, plan.measured.seconds, plan.measured.rounds);
    let sign_in = sign_ins::Plan { path: "/api/projects?limit=20", reader: READER, clients, seconds, rounds, people };
    let figure = sign_ins::run(server.address, &stage.client, sign_in).await?;
    drop(server);
    stage.end().await?;
    Ok(vec![figure])
}
