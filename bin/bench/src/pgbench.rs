//! pgbench running the query of the request, as the serving role, between BEGIN, `app.enter` and COMMIT. The server enters with two SET LOCAL, which take no
//! parameter of pgbench's, and ends with ROLLBACK (decision 51): part of what it is faster by is that.

use std::path::Path;

use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::dataset::{org_sql, user_sql};

/// The statement of `GET /api/projects`, as diesel writes it.
const LIST: &str = include_str!("list_projects.sql");

/// How pgbench sends the statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each one waits for the answer to the one before.
    OneByOne,
    /// All in one flush: the limit of the wire.
    Pipelined,
}

/// Transactions per second.
///
/// # Errors
/// If pgbench is missing or a statement fails.
pub async fn run(
    bin: &Path,
    url: &str,
    folder: &Path,
    mode: Mode,
    tenants: u32,
    clients: u32,
    seconds: u64,
) -> anyhow::Result<f64> {
    let (start, end) = if mode == Mode::Pipelined { ("\\startpipeline\n", "\\endpipeline\n") } else { ("", "") };
    let script = format!(
        "\\set i random(1, {tenants})\n{start}BEGIN READ ONLY;\nSELECT app.enter({}, {});\n{};\nCOMMIT;\n{end}",
        org_sql(":i::int"),
        user_sql(":i::int"),
        LIST.trim().replace("$org", &org_sql(":i::int"))
    );
    let file = folder.join(format!("{mode:?}.sql"));
    std::fs::write(&file, script)?;
    let output = Command::new(bin.join("pgbench"))
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=1"])
        .arg(format!("--client={clients}"))
        .arg(format!("--time={seconds}"))
        .arg("--file")
        .arg(&file)
        .arg(url)
        .output()
        .await
        .with_context(|| {
            format!("cannot run {}/pgbench (Debian: apt-get install postgresql-contrib or postgresql)", bin.display())
        })?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "pgbench failed: {}", String::from_utf8_lossy(&output.stderr));
    let line = text.lines().find(|line| line.starts_with("tps = ")).with_context(|| format!("pgbench says: {text}"))?;
    Ok(line["tps = ".len()..].split(' ').next().unwrap_or_default().parse()?)
}
