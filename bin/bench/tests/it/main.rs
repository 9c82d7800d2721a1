//! The benchmarks run: each with hardly any data and for hardly any time, so that one that has rotted is seen. What they found means nothing here, and is
//! not looked at: a request that is not answered with success, or a bid that is not stored with all that belongs to it, fails the benchmark itself.

use std::path::Path;
use std::process::Command;

/// The benchmarks of the tests, which run side by side: much of their time is waiting.
const RATES: [&str; 4] = ["decision", "read", "write", "where"];
const CROWDS: [&str; 4] = ["mixed", "noisy", "login", "projects"];
const SIZES: [&str; 2] = ["growth", "large"];

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
    ];
    assert_eq!(figures_of(&RATES), expected);
}

#[test]
fn crowds_are_measured() {
    assert_eq!(figures_of(&CROWDS), ["mixed_rate", "mixed", "noisy", "sign_ins", "member", "projects"]);
}

#[test]
fn growth_is_measured() {
    let expected = [
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
    assert_eq!(figures_of(&SIZES), expected);
}

#[test]
fn every_benchmark_is_run_here() {
    let output = Command::new(env!("CARGO_BIN_EXE_bench")).arg("--help").output().expect("it runs");
    let help = String::from_utf8(output.stdout).expect("text");
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let mut there: Vec<_> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    there.retain(|name| !["all", "help"].contains(name));
    let mut here = [&RATES[..], &CROWDS, &SIZES].concat();
    here.sort_unstable();
    assert_eq!(there, here);
}
