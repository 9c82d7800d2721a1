//! The benchmarks: ratios taken in one run, against the real server over a socket. Every figure we claim comes from here.

mod dataset;
mod decision;
mod growth;
mod large;
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
mod sign_ins;
mod stage;

use clap::{Parser, Subcommand};

use crate::output::print_line;

/// Ratios of one run on one machine; each stands last on its line, and the one that a benchmark is named after comes last.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// One permission decision
    Decision,
    /// Lists and single reads among many times as many organisations, against the same among few
    Growth(growth::Plan),
    /// A tender of 20,000 lines from its schedule to the award, against one of a tenth: ten if it grows with the lines
    Large(large::Plan),
    /// Reads beside 32 people who sign in, against reads alone; then a crowd that signs in at once
    Login(login::Plan),
    /// Four reads and a write in turn at a fixed rate, against reads alone
    Mixed(mixed::Plan),
    /// Quiet tenants beside one that sends ten times its quota, against the quiet ones alone
    Noisy(noisy::Plan),
    /// Reads of a person while they make projects: somebody who has very many against somebody who has a few
    Projects(projects::Plan),
    /// The hot tenant read over HTTP against pgbench running the same query, entered by `app.enter`
    Read(read::Plan),
}

fn main() -> anyhow::Result<()> {
    // One thread for load generator and bookkeeping, as pgbench has one.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let figures = runtime.block_on(async {
        match Cli::parse().what {
            What::Decision => decision::run().await,
            What::Growth(plan) => growth::run(&plan).await,
            What::Large(plan) => large::run(&plan).await,
            What::Login(plan) => login::run(&plan).await,
            What::Mixed(plan) => mixed::run(&plan).await,
            What::Noisy(plan) => noisy::run(&plan).await,
            What::Projects(plan) => projects::run(&plan).await,
            What::Read(plan) => read::run(&plan).await,
        }
    })?;
    for figure in &figures {
        print_line(&format!("goal of {}: {}", figure.name, figure.goal));
    }
    for figure in &figures {
        print_line(&figure.line());
    }
    Ok(())
}
