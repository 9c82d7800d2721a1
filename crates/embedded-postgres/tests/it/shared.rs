//! Clusters for tests, and clusters that keep running.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use embedded_postgres::{Cluster, Error, TEST_DIR_VARIABLE, for_tests};

use crate::helper::{Helper, config, connect, dir, lives, postmaster, text, wait_until};

#[tokio::test]
async fn the_tests_of_a_process_share_a_cluster() {
    let (one, other) = tokio::join!(for_tests(), for_tests());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.address(), other.address());
    assert_eq!(text(&connect(&one.url("postgres", "postgres")).await, "select current_setting('fsync')").await, "off");
}

#[tokio::test]
async fn a_test_cluster_goes_with_its_process_and_so_do_its_files() {
    for killed in [false, true] {
        let mut process = Helper::spawn("test-cluster", Path::new("/"));
        let socket_dir = PathBuf::from(process.reported());
        let place = socket_dir.parent().unwrap().to_owned();
        let pid = postmaster(&place.join("cluster"));
        assert!(lives(pid));
        if killed {
            process.kill()
        } else {
            process.end()
        }
        wait_until("the files are gone", || !place.exists());
        wait_until("the server is gone", || !lives(pid));
    }
}

#[tokio::test]
async fn a_kept_cluster_is_shared_by_those_who_want_to_share_it() {
    let dir = dir();
    let mut shared = config(dir.path());
    shared.keep_running = true;
    // All at once: one starts it, the others use it.
    let (a, b, c) = tokio::join!(Cluster::start(&shared), Cluster::start(&shared), Cluster::start(&shared));
    let clusters = [a.unwrap(), b.unwrap(), c.unwrap()];
    let pid = postmaster(&dir.path().join("postgres/cluster"));
    assert!(clusters.iter().all(|cluster| cluster.address() == clusters[0].address()));
    drop(clusters);
    assert!(lives(pid));

    let refused = Cluster::start(&config(dir.path())).await.unwrap_err();
    assert!(matches!(refused, Error::InUse { pid: Some(by), .. } if by == pid), "{refused}");

    Cluster::start(&shared).await.unwrap().stop().await.unwrap();
    // Its pid file goes a moment before it does.
    wait_until("the server is gone", || !lives(pid));
}

#[tokio::test]
async fn what_a_killed_supervisor_left_is_swept_once_it_is_old_and_unused() {
    let base = dir();
    // In a directory of its own, so that nothing else is swept.
    let start = || {
        let mut command = Helper::command("test-cluster", Path::new("/"));
        command.env(TEST_DIR_VARIABLE, base.path());
        Helper::spawn_command(command)
    };
    open_to_all(base.path());
    let mut first = start();
    let used = PathBuf::from(first.reported()).parent().unwrap().to_owned();
    let left = base.path().join("build14-test-left");
    let young = base.path().join("build14-test-young");
    for dir in [&left, &young] {
        std::fs::create_dir(dir).unwrap();
        std::fs::write(dir.join("alive"), "").unwrap();
        let like = std::fs::metadata(&used).unwrap();
        chown(dir, Some(like.uid()), Some(like.gid())).unwrap();
    }
    for dir in [&used, &left] {
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        std::fs::File::open(dir).unwrap().set_modified(long_ago).unwrap();
    }
    let mut second = start();
    second.reported();
    assert!(!left.exists() && young.exists() && used.exists());
    first.end();
    second.end();
    wait_until("the files are gone", || !used.exists());
}

/// As /tmp is: the supervisor, not root, removes its directory in there.
fn open_to_all(dir: &Path) {
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o1777)).unwrap();
}
