//! No server programs, old ones, wrong ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use embedded_postgres::{BIN_VARIABLE, Cluster, Error, Programs};

use crate::helper::{Helper, config, dir};

#[test]
fn the_variable_names_the_only_directory_and_the_error_says_so() {
    let (data, empty) = (dir(), dir());
    let mut command = Helper::command("try", data.path());
    command.env(BIN_VARIABLE, empty.path());
    let mut process = Helper::spawn_command(command);
    let said = process.reported();
    process.end();
    let expected =
        format!("there is no postgres with an initdb beside it in {}, which {BIN_VARIABLE} names:", empty.path().display());
    assert!(said.contains(&expected), "{said}");
    assert!(!said.contains("install"), "what is installed was not asked: {said}");

    let mut command = Helper::command("try", data.path());
    command.env(BIN_VARIABLE, "/nope");
    let mut process = Helper::spawn_command(command);
    let said = process.reported();
    process.end();
    assert!(said.contains(&format!("in /nope, which {BIN_VARIABLE} names and which is no directory:")), "{said}");
}

#[tokio::test]
async fn programs_that_are_too_old_are_named() {
    let (data, bin) = (dir(), dir());
    fake(bin.path(), "13.4");
    let mut config = config(data.path());
    config.bin = Some(bin.path().to_owned());
    let error = Cluster::start(&config).await.unwrap_err();
    assert!(matches!(error, Error::TooOld { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("PostgreSQL 15 or newer is needed") && text.contains("13.4"), "{text}");
}

#[tokio::test]
async fn a_cluster_of_another_major_version_is_not_touched() {
    let (data, bin) = (dir(), dir());
    let major = Programs::find(None).unwrap().major();
    Cluster::start(&config(data.path())).await.unwrap().stop().await.unwrap();
    fake(bin.path(), &format!("{}.1", major + 1));
    let mut config = config(data.path());
    config.bin = Some(bin.path().to_owned());
    let error = Cluster::start(&config).await.unwrap_err();
    assert!(matches!(error, Error::OtherMajor { .. }), "{error}");
    assert!(error.to_string().contains(&format!("made by PostgreSQL {major}")), "{error}");
}

fn fake(bin: &Path, version: &str) {
    for program in ["postgres", "initdb"] {
        let path = bin.join(program);
        fs::write(&path, format!("#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}
