//! The benchmarks: ratios taken in one run, against the real server over a socket. Every figure we claim comes from here.

mod all;
mod benchmark;
mod dataset;
mod decision;
mod growth;
mod large;
mod list;
mod load;
mod login;
mod measured;
mod mixed;
mod noisy;
mod output;
mod paced;
mod pgbench;
mod projects;
mod read;
mod server;
mod shares;
mod sign_ins;
mod stage;
mod tender;
mod used;
mod write;

use clap::{Parser, Subcommand};

use crate::benchmark::Benchmark;
use crate::output::print_line;

/// Ratios of one run on one machine; each stands last on its line, and the one that a benchmark is named after comes last.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Every benchmark one after another, and one table of what they found
    All(all::Plan),
    #[command(flatten)]
    One(Benchmark),
}

fn main() -> anyhow::Result<()> {
    // One thread for load generator and bookkeeping, as pgbench has one.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match Cli::parse().what {
            What::All(plan) => all::run(&plan).await,
            What::One(benchmark) => one(&benchmark).await,
        }
    })
}

async fn one(benchmark: &Benchmark) -> anyhow::Result<()> {
    let figures = benchmark.run().await?;
    for figure in &figures {
        print_line(&format!("goal of {}: {}", figure.name, figure.goal));
    }
    for figure in &figures {
        print_line(&figure.line());
    }
    Ok(())
}
