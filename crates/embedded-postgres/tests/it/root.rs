//! As root, and as somebody who is not; these do nothing unless root runs them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;

use embedded_postgres::{Cluster, Error, remove, running};

use crate::helper::{Helper, config, connect, dir, text};

const SOMEBODY: u32 = 65_534;

fn are_root(dir: &tempfile::TempDir) -> bool {
    fs::metadata(dir.path()).unwrap().uid() == 0
}

#[tokio::test]
async fn root_runs_it_as_an_unprivileged_account() {
    let dir = dir();
    if !are_root(&dir) {
        return;
    }
    let cluster = Cluster::start(&config(dir.path())).await.unwrap();
    assert_ne!(fs::metadata(cluster.socket_dir()).unwrap().uid(), 0);
    assert_ne!(fs::metadata(dir.path().join("postgres/cluster")).unwrap().uid(), 0);
}

#[tokio::test]
async fn a_data_directory_that_only_root_reaches_gets_its_cluster_elsewhere() {
    let dir = dir();
    if !are_root(&dir) {
        return;
    }
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let place = || fs::read_to_string(dir.path().join("postgres/location")).unwrap();
    for statement in ["create table kept ()", "drop table kept"] {
        let cluster = Cluster::start(&config(dir.path())).await.unwrap();
        assert!(!cluster.socket_dir().starts_with(dir.path()));
        assert_eq!(running(dir.path()).as_ref(), Some(cluster.address()));
        connect(&cluster.url("postgres", "postgres")).await.batch_execute(statement).await.unwrap();
        assert!(cluster.log().starts_with(place()));
        cluster.stop().await.unwrap();
    }
    // What is gone is told, and not made anew; a directory of the same path begins anew, beside what an earlier one left.
    let (first, aside) = (place(), format!("{}.aside", place()));
    fs::rename(&first, &aside).unwrap();
    let gone = Cluster::start(&config(dir.path())).await.unwrap_err();
    assert!(matches!(&gone, Error::Gone { place, .. } if place.to_str() == Some(first.as_str())), "{gone}");
    fs::rename(&aside, &first).unwrap();
    fs::remove_dir_all(dir.path().join("postgres")).unwrap();
    let cluster = Cluster::start(&config(dir.path())).await.unwrap();
    assert_eq!(place(), format!("{first}-2"));
    let refused = remove(dir.path()).unwrap_err();
    assert!(matches!(refused, Error::InUse { pid: Some(pid), .. } if pid == std::process::id()), "{refused}");
    cluster.stop().await.unwrap();
    remove(dir.path()).unwrap();
    assert!(!dir.path().join("postgres").exists() && !fs::exists(format!("{first}-2")).unwrap());
    fs::remove_dir_all(first).unwrap();
}

#[tokio::test]
async fn somebody_else_runs_it_as_themselves_and_root_then_as_them() {
    let dir = dir();
    if !are_root(&dir) {
        return;
    }
    // This binary where anybody may run it.
    let exe = dir.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &exe).unwrap();
    fs::set_permissions(&exe, fs::Permissions::from_mode(0o755)).unwrap();
    let (data, home) = (dir.path().join("data"), dir.path().join("home"));
    for theirs in [&data, &home] {
        fs::create_dir(theirs).unwrap();
        chown(theirs, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    }

    let like = Helper::command("try", &data);
    let mut command = std::process::Command::new(&exe);
    command.args(like.get_args()).envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.uid(SOMEBODY).gid(SOMEBODY).current_dir("/").env("HOME", &home).env_remove("XDG_CACHE_HOME");
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut process = Helper::spawn_command(command);
    assert_eq!(process.reported(), "works as on");
    process.end();
    assert_eq!(fs::metadata(data.join("postgres/cluster")).unwrap().uid(), SOMEBODY);

    let cluster = Cluster::start(&config(&data)).await.unwrap();
    assert_eq!(text(&connect(&cluster.url("postgres", "postgres")).await, "select 'works'").await, "works");
}
