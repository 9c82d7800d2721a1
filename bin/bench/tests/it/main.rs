//! The benchmarks run: each with hardly any data and for hardly any time, so that one that has rotted is seen. What they found means nothing here, and is
//! not looked at: a request that is not answered with success, or a bid that is not stored with all that belongs to it, fails the benchmark itself.

use std::path::Path;
use std::process::Command;

/// The benchmarks of the two tests, which run side by side.
const FIRST: [&str; 5] = ["decision", "read", "write", "where", "mixed"];
const SECOND: [&str; 5] = ["noisy", "login", "projects", "growth", "large"];

/// Runs some of the benchmarks; answers the names of their figures.
fn figures_of(benchmarks: &[&str]) -> Vec<String> {
    let bench = Path::new(env!("CARGO_BIN_EXE_bench"));
    let mut command = Command::new(bench);
    command.args(["all", "--quick"]).args(benchmarks);
    // Where all tests are run, the server has been built beside it; where only these are, the benchmarks build it.
    let server = bench.with_file_name("build14");
    if server.exists() {
        command.arg("--server").arg(server);
    }
    let output = command.output().expect("it runs");
    let printed = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    let table = printed.split("| Figure | Goal | Value | Holds |\n").nth(1).expect("a table");
    table.lines().skip(1).map(|row| row.split('`').nth(1).expect("a name").to_owned()).collect()
}

#[test]
fn reads_and_writes_are_measured() {
    let expected = [
        "permission_decision",
        "memory_idle",
        "memory_loaded",
        "hot_read_wire",
        "hot_read",
        "write",
        "where_sender",
        "where_idle",
        "where_postgres",
        "where_server",
        "mixed_rate",
        "mixed",
    ];
    assert_eq!(figures_of(&FIRST), expected);
}

#[test]
fn crowds_and_growth_are_measured() {
    let expected = [
        "noisy",
        "sign_ins",
        "member",
        "projects",
        "growth_single_p99",
        "growth_single",
        "growth_tenders_p99",
        "growth_tenders",
        "growth_open_tenders_p99",
        "growth_open_tenders",
        "growth_audit_p99",
        "growth_audit",
        "growth_p99",
        "growth",
        "large",
    ];
    assert_eq!(figures_of(&SECOND), expected);
}

#[test]
fn every_benchmark_is_run_here() {
    let output = Command::new(env!("CARGO_BIN_EXE_bench")).arg("--help").output().expect("it runs");
    let help = String::from_utf8(output.stdout).expect("text");
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let mut there: Vec<_> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    there.retain(|name| !["all", "help"].contains(name));
    let mut here = [FIRST, SECOND].concat();
    here.sort_unstable();
    assert_eq!(there, here);
}
