//! What most benchmarks are told alike: how long, how often, and which server.

use std::path::PathBuf;

/// How long, how often, and which server.
#[derive(clap::Args)]
pub struct Measured {
    /// Seconds of each of the measurements
    #[arg(long, default_value_t = 6)]
    pub seconds: u64,
    /// How often each is measured; the median counts
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// A server binary to measure instead of building one
    #[arg(long)]
    pub server: Option<PathBuf>,
}
