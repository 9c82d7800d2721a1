//! The benchmarks: ratios taken in one run, against the real server over a socket. Every figure we claim comes from here.

mod dataset;
mod decision;
mod load;
mod output;
mod pgbench;
mod projects;
mod read;
mod server;
mod sign_ins;

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// One permission decision
    Decision,
    /// Reads of a person while they make projects: somebody who has very many against somebody who has a few; then reads beside sign-ins, and
    /// 300 sign-ins at once
    Projects {
        /// Projects of the one who has many
        #[arg(long, default_value_t = 10_000)]
        projects: u32,
        /// Clients that read at a time
        #[arg(long, default_value_t = 16)]
        clients: u32,
        /// Seconds of each of the measurements
        #[arg(long, default_value_t = 5)]
        seconds: u64,
        /// How often each is measured; the median counts
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// A server binary to measure instead of building one
        #[arg(long)]
        server: Option<std::path::PathBuf>,
    },
    /// The hot tenant read over HTTP against pgbench running the same statements
    Read {
        /// Organisations in the data set
        #[arg(long, default_value_t = 10_000)]
        tenants: u32,
        /// Projects of each
        #[arg(long, default_value_t = 100)]
        projects: u32,
        /// Clients at a time
        #[arg(long, default_value_t = 16)]
        clients: u32,
        /// Seconds of each of the measurements
        #[arg(long, default_value_t = 6)]
        seconds: u64,
        /// How often each is measured; the median counts
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// A server binary to measure instead of building one
        #[arg(long)]
        server: Option<std::path::PathBuf>,
    },
}

fn main() -> anyhow::Result<()> {
    // One thread for load generator and bookkeeping, as pgbench has one.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match Cli::parse().what {
        What::Decision => runtime.block_on(decision::run()),
        What::Projects { projects, clients, seconds, rounds, server } => {
            runtime.block_on(projects::run(&projects::Plan { projects, clients, seconds, rounds, server }))
        }
        What::Read { tenants, projects, clients, seconds, rounds, server } => {
            runtime.block_on(read::run(&read::Plan { tenants, projects, clients, seconds, rounds, server }))
        }
    }
}
