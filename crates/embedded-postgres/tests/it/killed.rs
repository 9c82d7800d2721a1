//! After something was killed.

use std::fs;

use embedded_postgres::{Cluster, Config};

use crate::helper::{Helper, config, connect, dir, kill, lives, postmaster, text, wait_until};

#[tokio::test]
async fn a_killed_postmaster_is_recovered_at_the_next_start() {
    let dir = dir();
    let config = Config::new(dir.path());
    let cluster = Cluster::start(&config).await.unwrap();
    let client = connect(&cluster.url("postgres", "postgres")).await;
    client.batch_execute("create table kept (what text); insert into kept values ('this')").await.unwrap();
    kill("KILL", postmaster(&dir.path().join("postgres/cluster")));
    // At once, while backends may still hold the old shared memory.
    drop(cluster);
    let cluster = Cluster::start(&config).await.unwrap();
    assert_eq!(text(&connect(&cluster.url("postgres", "postgres")).await, "select what from kept").await, "this");
}

#[tokio::test]
async fn the_server_ends_with_the_process_that_started_it() {
    let dir = dir();
    let mut owner = Helper::spawn("run", dir.path());
    let url = owner.reported();
    let client = connect(&url).await;
    client.batch_execute("create table kept (what text); insert into kept values ('this')").await.unwrap();
    let pid = postmaster(&dir.path().join("postgres/cluster"));
    owner.kill();
    wait_until("the postmaster is gone", || !lives(pid));
    // A fast shutdown: nothing is lost even without fsync.
    let cluster = Cluster::start(&config(dir.path())).await.unwrap();
    assert_eq!(text(&connect(&cluster.url("postgres", "postgres")).await, "select what from kept").await, "this");
}

#[tokio::test]
async fn a_start_right_after_the_owner_was_killed_works() {
    let dir = dir();
    let mut owner = Helper::spawn("run", dir.path());
    owner.reported();
    owner.kill();
    let cluster = Cluster::start(&config(dir.path())).await.unwrap();
    assert_eq!(text(&connect(&cluster.url("postgres", "postgres")).await, "select 'works'").await, "works");
}

#[tokio::test]
async fn an_orphan_whose_supervisor_was_killed_too_is_stopped_first() {
    let dir = dir();
    let mut owner = Helper::spawn("run", dir.path());
    owner.reported();
    let orphan = postmaster(&dir.path().join("postgres/cluster"));
    // The supervisor and its watcher; the postmaster is in the same process group, so one by one.
    let supervisor = parent(orphan);
    for pid in children(supervisor).into_iter().filter(|pid| *pid != orphan).chain([supervisor]) {
        kill("KILL", pid);
    }
    owner.kill();
    assert!(lives(orphan));
    let cluster = Cluster::start(&config(dir.path())).await.unwrap();
    wait_until("the orphan is gone", || !lives(orphan));
    assert_eq!(text(&connect(&cluster.url("postgres", "postgres")).await, "select 'works'").await, "works");
}

#[tokio::test]
async fn a_stale_pid_file_whose_number_another_process_has_does_not_matter() {
    let dir = dir();
    Cluster::start(&config(dir.path())).await.unwrap().stop().await.unwrap();
    // A process of the server's own account: any other postmaster.
    let other_dir = crate::helper::dir();
    let other = Cluster::start(&config(other_dir.path())).await.unwrap();
    let other_file = other_dir.path().join("postgres/cluster/postmaster.pid");
    let pid_file = dir.path().join("postgres/cluster/postmaster.pid");
    fs::copy(&other_file, &pid_file).unwrap();
    give_as(&other_file, &pid_file);

    let cluster = Cluster::start(&config(dir.path())).await.unwrap();
    assert_eq!(text(&connect(&cluster.url("postgres", "postgres")).await, "select 'works'").await, "works");
    assert_eq!(text(&connect(&other.url("postgres", "postgres")).await, "select 'untouched'").await, "untouched");
}

fn give_as(like: &std::path::Path, path: &std::path::Path) {
    use std::os::unix::fs::{MetadataExt, chown};
    let like = fs::metadata(like).unwrap();
    chown(path, Some(like.uid()), Some(like.gid())).unwrap();
}

fn ps(columns: &str) -> Vec<Vec<u32>> {
    let told = std::process::Command::new("ps").args(["-A", "-o", columns]).output().unwrap();
    let lines = String::from_utf8_lossy(&told.stdout).into_owned();
    lines.lines().map(|line| line.split_whitespace().map_while(|number| number.parse().ok()).collect()).collect()
}

fn parent(pid: u32) -> u32 {
    ps("pid=,ppid=").into_iter().find(|line| line[0] == pid).unwrap()[1]
}

fn children(pid: u32) -> Vec<u32> {
    ps("pid=,ppid=").into_iter().filter(|line| line[1] == pid).map(|line| line[0]).collect()
}
