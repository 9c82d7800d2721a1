//! Every benchmark, one after another, and one table of what they found.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use bench::Figure;
use clap::Parser;

use crate::benchmark::Benchmark;
use crate::output::print_line;
use crate::server;

/// The benchmarks, the quickest first, and how each is told to take hardly any time.
const ALL: [(&str, &str); 10] = [
    ("decision", "--decisions 1000"),
    ("read", "--tenants 5 --projects 3 --clients 2 --seconds 1 --rounds 1"),
    ("write", "--bidders 5000 --lines 3 --clients 2 --seconds 1 --rounds 1"),
    ("where", "--tenants 5 --projects 3 --clients 2 --seconds 1 --rounds 1"),
    ("mixed", "--tenants 5 --rate 20 --seconds 1 --rounds 1"),
    ("noisy", "--quiet 5 --times 1 --seconds 1 --rounds 1"),
    ("login", "--people 3 --clients 2 --seconds 1 --rounds 1"),
    ("projects", "--projects 30 --clients 2 --seconds 1 --rounds 1"),
    ("growth", "--tenants 3 --times 2 --projects 3 --tenders 3 --rate 20 --seconds 1 --rounds 1"),
    ("large", "--lines 20"),
];

/// What is measured.
#[derive(clap::Args)]
pub struct Plan {
    /// Only these, by their names
    pub only: Vec<String>,
    /// Hardly any data and hardly any time: shows that the benchmarks run, and its figures mean nothing
    #[arg(long)]
    pub quick: bool,
    /// A server binary to measure instead of building one
    #[arg(long)]
    pub server: Option<PathBuf>,
}

/// A command line of one benchmark.
#[derive(Parser)]
struct One {
    #[command(subcommand)]
    what: Benchmark,
}

/// Runs them, each as it is by itself, and prints the table; one that fails has a row that says so.
///
/// # Errors
/// If there is no server, or at the end if a benchmark failed.
pub async fn run(plan: &Plan) -> anyhow::Result<()> {
    for name in &plan.only {
        ensure!(ALL.iter().any(|(known, _)| known == name), "there is no benchmark called {name}");
    }
    let server = server::binary(plan.server.as_ref()).await?;
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    for (name, quick) in ALL {
        if !plan.only.is_empty() && !plan.only.iter().any(|only| only == name) {
            continue;
        }
        print_line(&format!("== {name}"));
        match one(name, if plan.quick { quick } else { "" }, &server).await {
            Ok(figures) => rows.extend(figures.iter().map(Figure::row)),
            Err(error) => {
                let why = format!("{error:#}").replace(['\n', '|'], " ");
                rows.push(format!("| `{name}` | | failed: {why} | no |"));
                failed.push(name);
            }
        }
    }
    print_line("\n| Figure | Goal | Value | Holds |\n|---|---|---|---|");
    for row in rows {
        print_line(&row);
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

async fn one(name: &str, flags: &str, server: &Path) -> anyhow::Result<Vec<Figure>> {
    let mut line: Vec<OsString> = ["bench", name].into_iter().chain(flags.split_whitespace()).map(Into::into).collect();
    // A decision needs no server.
    if name != "decision" {
        line.push("--server".into());
        line.push(server.into());
    }
    One::try_parse_from(line)?.what.run().await
}
