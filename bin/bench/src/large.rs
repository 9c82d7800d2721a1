//! A tender of very many lines, from the schedule of quantities to the award, against one of a tenth of them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::ensure;
use bench::{Figure, Goal};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::output::print_line;
use crate::stage::Stage;
use crate::{dataset, load, server, tender};

/// Whose tender it is, and who bids.
const OWNER: u32 = 1;
const BIDDER: u32 = 2;

/// Seconds from the call for bids until its deadline, which the clock of the database is moved to once the bid is in: however slow the machine is.
const UNTIL_DEADLINE: u64 = 24 * 3600;

/// The job that closes comes by then.
const CLOSED_WITHIN: Duration = Duration::from_secs(60);

/// What is measured.
#[derive(clap::Args)]
pub struct Plan {
    /// Lines of the large tender; the other one has a tenth
    #[arg(long, default_value_t = 20_000)]
    pub lines: u32,
    /// A server binary to measure instead of building one
    #[arg(long)]
    pub server: Option<PathBuf>,
}

/// Measures the seconds of all verbs over those with a tenth of the lines: ten if they grow with the lines.
///
/// # Errors
/// If the server cannot be run, or does not answer with success.
pub async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    ensure!(plan.lines >= 10, "a tenth of {} lines is none", plan.lines);
    let binary = server::binary(plan.server.as_ref()).await?;
    let small = play(&binary, plan.lines / 10).await?;
    let large = play(&binary, plan.lines).await?;
    Ok(vec![Figure::ratio("large", large / small, Goal::AtMost(12.0))])
}

/// Plays one tender, and answers the seconds that its verbs took together.
async fn play(binary: &Path, lines: u32) -> anyhow::Result<f64> {
    let stage = Stage::new().await?;
    dataset::make(&stage.client, BIDDER, 1).await?;
    let server = server::start(binary, &stage, false).await?;
    let mut verbs = Verbs { stream: load::connect(server.address).await?, seconds: 0.0, told: Vec::new() };
    let project = tender::id(&verbs.call("project", "/api/projects", OWNER, r#"{"name":"Large","currency":"EUR"}"#).await?)?;
    let body = format!(r#"{{"projectId":"{project}","title":"Large","lines":{}}}"#, tender::lines(lines));
    let schedule = verbs.call("schedule", "/api/soq", OWNER, &body).await?;
    let soq = tender::id(&schedule)?;
    verbs.call("freezing", &format!("/api/soq/{soq}/freeze"), OWNER, "").await?;
    let deadline = tender::deadline(&stage.client, UNTIL_DEADLINE).await?;
    let body = tender::open(&project, &soq, "Large", &deadline);
    let called = tender::id(&verbs.call("tender", "/api/tenders", OWNER, &body).await?)?;
    verbs.call("publishing", &format!("/api/tenders/{called}/publish"), OWNER, "").await?;
    let bid = tender::id(&verbs.call("bid", &format!("/api/tenders/{called}/bids"), BIDDER, &tender::bid(&schedule)?).await?)?;
    tender::pass(&stage.client, UNTIL_DEADLINE).await?;
    closed(&mut verbs.stream, &called).await?;
    verbs.call("opening", &format!("/api/tenders/{called}/open"), OWNER, "").await?;
    verbs.call("award", &format!("/api/tenders/{called}/award"), OWNER, &format!(r#"{{"bidId":"{bid}"}}"#)).await?;
    let peak = server.peak_memory().unwrap_or_default();
    print_line(&format!("{lines} lines: {} · {peak:.0} MiB of memory at the most", verbs.told.join(", ")));
    drop(server);
    stage.end().await?;
    Ok(verbs.seconds)
}

/// Verbs one after another, and what they took.
struct Verbs {
    stream: TcpStream,
    seconds: f64,
    told: Vec<String>,
}

impl Verbs {
    async fn call(&mut self, name: &str, path: &str, tenant: u32, body: &str) -> anyhow::Result<Value> {
        let started = Instant::now();
        let answer = load::verb(&mut self.stream, "POST", path, tenant, body).await?;
        let seconds = started.elapsed().as_secs_f64();
        self.seconds += seconds;
        self.told.push(format!("{name} {seconds:.2} s"));
        Ok(answer)
    }
}

/// Waits until the tender is closed, which a job does at the deadline.
async fn closed(stream: &mut TcpStream, tender: &str) -> anyhow::Result<()> {
    let started = Instant::now();
    loop {
        let shown = load::verb(stream, "GET", "/api/tenders?limit=1", OWNER, "").await?;
        if shown["data"][0]["status"] == "closed" {
            return Ok(());
        }
        ensure!(started.elapsed() < CLOSED_WITHIN, "the tender {tender} is not closed in time: {shown}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
