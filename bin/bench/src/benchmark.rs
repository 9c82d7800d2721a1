//! Which benchmarks there are.

use bench::Figure;

use crate::{decision, growth, large, login, mixed, noisy, projects, read, shares, write};

/// A benchmark and what it is told.
#[derive(clap::Subcommand)]
pub enum Benchmark {
    /// One permission decision
    Decision(decision::Plan),
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
    /// Where the time of the hot read goes: what the server costs, what PostgreSQL, and what requests cost that turn round earlier
    Where(shares::Plan),
    /// The hot write, a sealed bid of 40 lines, over HTTP against pgbench running the same statements
    Write(write::Plan),
}

impl Benchmark {
    /// Runs it; the figure that it is named after comes last.
    ///
    /// # Errors
    /// If it cannot be run.
    pub async fn run(&self) -> anyhow::Result<Vec<Figure>> {
        match self {
            Self::Decision(plan) => decision::run(plan).await,
            Self::Growth(plan) => growth::run(plan).await,
            Self::Large(plan) => large::run(plan).await,
            Self::Login(plan) => login::run(plan).await,
            Self::Mixed(plan) => mixed::run(plan).await,
            Self::Noisy(plan) => noisy::run(plan).await,
            Self::Projects(plan) => projects::run(plan).await,
            Self::Read(plan) => read::run(plan).await,
            Self::Where(plan) => shares::run(plan).await,
            Self::Write(plan) => write::run(plan).await,
        }
    }
}
