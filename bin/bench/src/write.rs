//! As docs/QUALITY.md wants it measured: the hot write. Bidders submit sealed bids of many lines, each client for a tender of its own, so that nobody
//! waits for another's rows; against pgbench running the statements of that verb. It enters by `app.enter` (see `list`), and the sealed offer and the
//! stored answer, taken from a real bid, stand in its statements; it neither seals, nor resets its connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use bench::{Figure, Goal, Latencies, median, ms};

use crate::dataset::{org_sql, user_sql};
use crate::measured::Measured;
use crate::output::print_line;
use crate::pgbench::{self, Script};
use crate::stage::Stage;
use crate::{dataset, load, server, tender};

/// Whose tenders they are; the others bid.
const OWNER: u32 = 1;
/// What the server sends for the verb, as diesel writes it.
const SUBMIT: &str = include_str!("submit_bid.sql");
/// The columns of a bid, which three of the statements answer.
const BID: &str = include_str!("bid_columns.sql");

/// What is measured.
#[derive(clap::Args)]
pub struct Plan {
    /// Organisations that bid: each client needs as many as it submits bids in one measurement
    #[arg(long, default_value_t = 10_000)]
    pub bidders: u32,
    /// Lines of each bid
    #[arg(long, default_value_t = 40)]
    pub lines: u32,
    /// Clients at a time
    #[arg(long, default_value_t = 16)]
    pub clients: u32,
    #[command(flatten)]
    pub measured: Measured,
}

impl Plan {
    /// The bidder of a client's n-th bid: clients are far apart, so that no two of them bid for one organisation at a time.
    fn bidder(&self, client: u32, n: u32) -> u32 {
        OWNER + 1 + (n + client * self.apart()) % self.bidders
    }

    fn apart(&self) -> u32 {
        self.bidders / self.clients
    }
}

/// A bid to be submitted again and again, by one bidder after another.
struct Offer {
    path: String,
    body: String,
}

/// Measures bids per second over transactions of pgbench per second.
///
/// # Errors
/// If the server or pgbench cannot be run, or if not every bid that was answered is stored.
pub async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    ensure!(plan.apart() > 0, "there must be a bidder for each client");
    let binary = server::binary(plan.measured.server.as_ref()).await?;
    let stage = Stage::new().await?;
    dataset::make(&stage.client, OWNER + plan.bidders, 1).await?;
    let server = server::start(&binary, &stage, false).await?;
    let offers = offers(server.address, &stage, plan).await?;
    let mut script = script(server.address, &stage, plan, &offers[0]).await?;
    print_line("warming up");
    let (mut http, mut wire, mut busy, mut requests) = (Vec::new(), Vec::new(), Duration::ZERO, 0);
    for round in 0..=plan.measured.rounds {
        let before = server.used().cpu;
        let (latencies, per_second) = submit(server.address, plan, &offers).await?;
        let used = server.used().cpu - before;
        begin_anew(&stage, latencies.count()).await?;
        script.variables = vec![("n", 0), ("run", u32::try_from(round)?)];
        let bare = pgbench::run(&stage, &script, plan.clients, plan.measured.seconds).await?;
        begin_anew(&stage, bare.transactions).await?;
        if round == 0 {
            continue;
        }
        print_line(&format!(
            "round {round}: HTTP {per_second:.0}/s (p50 {:.2} ms, p99 {:.2} ms) · pgbench {:.0}/s",
            ms(latencies.p50()),
            ms(latencies.p99()),
            bare.per_second
        ));
        http.push(per_second);
        wire.push(bare.per_second);
        busy += used;
        requests += latencies.count();
    }
    drop(server);
    stage.end().await?;
    print_line(&format!("processor time of the server: {:.0} µs per bid", busy.as_secs_f64() * 1e6 / requests as f64));
    Ok(vec![Figure::ratio("write", median(http) / median(wire), Goal::AtLeast(0.6))])
}

/// A tender for each client.
async fn offers(server: SocketAddr, stage: &Stage, plan: &Plan) -> anyhow::Result<Vec<Arc<Offer>>> {
    let mut stream = load::connect(server).await?;
    let mut post = async |path: &str, body: &str| load::verb(&mut stream, "POST", path, OWNER, body).await;
    let project = tender::id(&post("/api/projects", r#"{"name":"Bids","currency":"EUR"}"#).await?)?;
    let deadline = tender::deadline(&stage.client, 30 * 24 * 3600).await?;
    let mut offers = Vec::new();
    for client in 0..plan.clients {
        let lines = tender::lines(plan.lines);
        let schedule = post("/api/soq", &format!(r#"{{"projectId":"{project}","title":"Bids","lines":{lines}}}"#)).await?;
        let soq = tender::id(&schedule)?;
        post(&format!("/api/soq/{soq}/freeze"), "").await?;
        let body = tender::open(&project, &soq, &format!("Bid here {client}"), &deadline);
        let id = tender::id(&post("/api/tenders", &body).await?)?;
        post(&format!("/api/tenders/{id}/publish"), "").await?;
        offers.push(Arc::new(Offer { path: format!("/api/tenders/{id}/bids"), body: tender::bid(&schedule)? }));
    }
    for table in ["tenders", "tender_lines", "tender_milestones", "tender_keys"] {
        stage.client.batch_execute(&format!("vacuum (analyze) {table}")).await?;
    }
    Ok(offers)
}

/// What pgbench runs, with what a real bid stored.
async fn script(server: SocketAddr, stage: &Stage, plan: &Plan, offer: &Offer) -> anyhow::Result<Script> {
    let mut stream = load::connect(server).await?;
    load::verb(&mut stream, "POST", &offer.path, OWNER + 1, &offer.body).await?;
    let stored = "select encode(r.sealed, 'hex'), encode(r.receipt_sha256, 'hex'), encode(k.body, 'hex')
        from bid_revisions r join idempotency_keys k on k.org_id = r.bidder_org_id";
    let stored = stage.client.query_one(stored, &[]).await?;
    let bytes = |column: usize| format!("decode('{}', 'hex')", stored.get::<_, String>(column));
    // In time's order, as the ids of the server are, and another one in each run.
    let id = "(lpad(to_hex(:n::int), 8, '0') || '-' || lpad(to_hex(:run::int), 4, '0') || '-7000-8000-' || lpad(to_hex(:client_id::int), 12, '0'))::uuid";
    let receipt: String = stored.get(1);
    let after = format!(
        r#"('{{"tender": "' || :tender::text || '", "status": "submitted", "revision": 1, "receipt": "{receipt}"}}')::jsonb"#
    );
    let payload = format!(r#"('{{"bid": "' || {id} || '", "tender": "' || :tender::text || '", "revision": 1}}')::jsonb"#);
    let mut text = SUBMIT.to_owned();
    for (name, value) in [
        ("$bidders", plan.bidders.to_string()),
        ("$apart", plan.apart().to_string()),
        ("$bid", BID.trim().to_owned()),
        ("$after", after),
        ("$payload", payload),
        ("$sealed", bytes(0)),
        ("$sha256", bytes(1)),
        ("$answer", bytes(2)),
        ("$org", org_sql(":bidder::int")),
        ("$user", user_sql(":bidder::int")),
        ("$owner", ":owner::uuid".to_owned()),
        ("$tender", ":tender::uuid".to_owned()),
        ("$id", id.to_owned()),
    ] {
        text = text.replace(name, &value);
    }
    begin_anew(stage, 1).await?;
    Ok(Script { name: "submit_bid", text, variables: Vec::new() })
}

/// Submits bids from all clients; answers what they took, and bids per second.
async fn submit(server: SocketAddr, plan: &Plan, offers: &[Arc<Offer>]) -> anyhow::Result<(Latencies, f64)> {
    let started = Instant::now();
    let until = started + Duration::from_secs(plan.measured.seconds);
    let mut tasks = Vec::new();
    for (client, offer) in (0..plan.clients).zip(offers) {
        let bidders: Vec<_> = (1..=plan.bidders).map(|n| plan.bidder(client, n)).collect();
        let offer = Arc::clone(offer);
        tasks.push(tokio::spawn(async move {
            let (mut stream, mut latencies) = (load::connect(server).await?, Vec::new());
            for bidder in bidders {
                if Instant::now() >= until {
                    return Ok::<_, anyhow::Error>(latencies);
                }
                let request = load::request("POST", &offer.path, bidder, &offer.body);
                let sent = Instant::now();
                let status = load::exchange(&mut stream, &request).await?;
                ensure!(status == 201, "a bid was answered {status}");
                latencies.push(sent.elapsed());
            }
            anyhow::bail!("a client ran out of bidders: there must be more of them")
        }));
    }
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    let elapsed = started.elapsed().as_secs_f64();
    let latencies = Latencies::of(latencies);
    let per_second = latencies.count() as f64 / elapsed;
    Ok((latencies, per_second))
}

/// Sees that so many bids are stored, each with its entry in the trail, its event and its answer, and empties their tables.
async fn begin_anew(stage: &Stage, bids: usize) -> anyhow::Result<()> {
    let stored = stage
        .client
        .query_one(
            "select (select count(*) from bids), (select count(*) from bid_revisions),
                (select count(*) from idempotency_keys where status = 201 and org_id in (select bidder_org_id from bids)),
                (select count(*) from outbox o join bids b on b.id = o.aggregate),
                (select count(*) from audit_entries e join bids b on b.bidder_org_id = e.org_id and b.id = e.entity_id
                    join audit_links l on l.org_id = e.org_id and l.entry_id = e.id)",
            &[],
        )
        .await?;
    for (column, what) in ["bids", "revisions", "answers", "events", "links in the trails"].into_iter().enumerate() {
        let stored: i64 = stored.get(column);
        ensure!(usize::try_from(stored)? == bids, "of {bids} bids, {stored} {what} are stored");
    }
    // As the superuser and without triggers: nobody else may.
    stage
        .client
        .batch_execute("set session_replication_role = replica; truncate bids, idempotency_keys, outbox cascade; reset session_replication_role")
        .await?;
    Ok(stage.client.batch_execute("checkpoint").await?)
}
