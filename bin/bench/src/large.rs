//! A tender of very many lines, from the schedule of quantities to the award, against one of a tenth of them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bench::Figure;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::output::print_line;
use crate::stage::Stage;
use crate::{dataset, load, server};

/// Whose tender it is, and who bids.
const OWNER: u32 = 1;
const BIDDER: u32 = 2;

/// What is measured.
#[derive(clap::Args)]
pub struct Plan {
    /// Lines of the large tender; the other one has a tenth
    #[arg(long, default_value_t = 20_000)]
    pub lines: u32,
    /// Seconds from the call for bids until its deadline, for each thousand lines; three more for all
    #[arg(long, default_value_t = 1)]
    pub seconds_per_thousand: u64,
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
    let small = tender(&binary, plan.lines / 10, plan.seconds_per_thousand).await?;
    let large = tender(&binary, plan.lines, plan.seconds_per_thousand).await?;
    Ok(vec![Figure::ratio("large", large / small, "≤ 12")])
}

/// Plays one tender, and answers the seconds that its verbs took together.
async fn tender(binary: &Path, lines: u32, seconds_per_thousand: u64) -> anyhow::Result<f64> {
    let stage = Stage::new().await?;
    dataset::make(&stage.client, BIDDER, 1).await?;
    let server = server::start(binary, &stage, false).await?;
    let mut verbs = Verbs { stream: load::connect(server.address).await?, seconds: 0.0, told: Vec::new() };
    let project = id(&verbs.call("project", "/api/projects", OWNER, r#"{"name":"Large","currency":"EUR"}"#).await?)?;
    let body: Vec<_> = (0..lines)
        .map(|n| {
            format!(
                r#"{{"code":"{}.{}","description":"External walls","kind":"measured","unitCode":"m2","quantity":"1","estimateRate":"1.10"}}"#,
                n / 1000 + 1,
                n % 1000 + 1
            )
        })
        .collect();
    let body = format!(r#"{{"projectId":"{project}","title":"Large","lines":[{}]}}"#, body.join(","));
    let schedule = verbs.call("schedule", "/api/soq", OWNER, &body).await?;
    let soq = id(&schedule)?;
    verbs.call("freezing", &format!("/api/soq/{soq}/freeze"), OWNER, "").await?;
    let wait = 3 + seconds_per_thousand * u64::from(lines) / 1000;
    let sql = format!("select to_char((now() + interval '{wait} seconds') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
    let deadline: String = stage.client.query_one(sql.as_str(), &[]).await?.get(0);
    let body = format!(
        r#"{{"projectId":"{project}","soqId":"{soq}","title":"Large","procurementMethod":"open","submissionDeadline":"{deadline}","milestones":[{{"title":"All","percent":"100"}}]}}"#
    );
    let tender = id(&verbs.call("tender", "/api/tenders", OWNER, &body).await?)?;
    verbs.call("publishing", &format!("/api/tenders/{tender}/publish"), OWNER, "").await?;
    let rates: Vec<_> = schedule["lines"]
        .as_array()
        .context("a schedule without lines")?
        .iter()
        .map(|line| format!(r#"{{"soqLineId":"{}","rate":"1.05"}}"#, line["id"].as_str().unwrap_or_default()))
        .collect();
    let body = format!(r#"{{"lines":[{}],"validUntil":"2099-01-01"}}"#, rates.join(","));
    let bid = id(&verbs.call("bid", &format!("/api/tenders/{tender}/bids"), BIDDER, &body).await?)?;
    closed(&mut verbs.stream, &tender, wait + 60).await?;
    verbs.call("opening", &format!("/api/tenders/{tender}/open"), OWNER, "").await?;
    verbs.call("award", &format!("/api/tenders/{tender}/award"), OWNER, &format!(r#"{{"bidId":"{bid}"}}"#)).await?;
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

fn id(answer: &Value) -> anyhow::Result<String> {
    Ok(answer["id"].as_str().context("an answer without an id")?.to_owned())
}

/// Waits until the tender is closed, which a job does at the deadline.
async fn closed(stream: &mut TcpStream, tender: &str, within: u64) -> anyhow::Result<()> {
    let started = Instant::now();
    loop {
        let shown = load::verb(stream, "GET", "/api/tenders?limit=1", OWNER, "").await?;
        if shown["data"][0]["status"] == "closed" {
            return Ok(());
        }
        ensure!(started.elapsed() < Duration::from_secs(within), "the tender {tender} is not closed in time: {shown}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
