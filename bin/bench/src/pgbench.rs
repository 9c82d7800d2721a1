//! pgbench: the same statements without a server before them, as the serving role.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use embedded_postgres::Programs;
use tokio::process::Command;

use crate::stage::Stage;

/// A script, and what it is run with.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its file is called so.
    pub name: &'static str,
    /// Statements and commands of pgbench.
    pub text: String,
    /// Variables that it begins with.
    pub variables: Vec<(&'static str, u32)>,
}

/// What a run of it measured.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Transactions.
    pub transactions: usize,
    /// Transactions per second.
    pub per_second: f64,
}

/// Runs a script, its statements prepared.
///
/// # Errors
/// If pgbench is missing or a statement fails.
pub async fn run(stage: &Stage, script: &Script, clients: u32, seconds: u64) -> anyhow::Result<Measured> {
    let bin = programs()?;
    let file = stage.folder().join(format!("{}.sql", script.name));
    std::fs::write(&file, &script.text)?;
    let output = Command::new(bin.join("pgbench"))
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=1"])
        .arg(format!("--client={clients}"))
        .arg(format!("--time={seconds}"))
        .args(script.variables.iter().map(|(name, value)| format!("--define={name}={value}")))
        .arg("--file")
        .arg(&file)
        .arg(&stage.app)
        .output()
        .await
        .with_context(|| {
            format!("cannot run {}/pgbench (Debian: apt-get install postgresql-contrib or postgresql)", bin.display())
        })?;
    let text = String::from_utf8_lossy(&output.stdout);
    // It ends with success where a client has given up.
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && !errors.contains("aborted"), "pgbench failed: {errors}");
    let told = |before: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(before)).with_context(|| format!("pgbench says: {text}"))?;
        Ok::<_, anyhow::Error>(line.split([' ', '/']).next().unwrap_or_default())
    };
    let transactions = told("number of transactions actually processed: ")?.parse()?;
    Ok(Measured { transactions, per_second: told("tps = ")?.parse()? })
}

/// Where pgbench is.
fn programs() -> anyhow::Result<PathBuf> {
    Programs::find(None).map(|programs| programs.bin().to_owned()).context("pgbench stands beside the server programs")
}
