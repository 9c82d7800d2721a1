//! Start, stop, start again.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use embedded_postgres::{Cluster, Config, Durability, Error, running};

use crate::helper::{Helper, config, connect, dir, lives, open_to_others, postmaster, text};

#[tokio::test]
async fn a_fresh_cluster_works_and_is_private() {
    let dir = dir();
    let cluster = Cluster::start(&config(dir.path())).await.unwrap();
    let client = connect(&cluster.url(cluster.superuser(), "postgres")).await;
    for (setting, value) in [("server_encoding", "UTF8"), ("TimeZone", "UTC"), ("listen_addresses", ""), ("fsync", "off")] {
        assert_eq!(text(&client, &format!("select current_setting('{setting}')")).await, value, "{setting}");
    }
    assert_eq!(fs::metadata(cluster.socket_dir()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(running(dir.path()).as_ref(), Some(cluster.address()));

    let pid = postmaster(&dir.path().join("postgres/cluster"));
    cluster.stop().await.unwrap();
    assert!(!lives(pid));
    assert_eq!(running(dir.path()), None);
}

#[tokio::test]
async fn a_durable_cluster_keeps_its_data_over_a_restart() {
    let dir = dir();
    let config = Config::new(dir.path());
    assert_eq!(config.durability, Durability::Durable);
    let cluster = Cluster::start(&config).await.unwrap();
    let client = connect(&cluster.url("postgres", "postgres")).await;
    assert_eq!(text(&client, "select current_setting('fsync')").await, "on");
    client.batch_execute("create table kept (what text); insert into kept values ('this')").await.unwrap();
    cluster.stop().await.unwrap();

    let cluster = Cluster::start(&config).await.unwrap();
    let client = connect(&cluster.url("postgres", "postgres")).await;
    assert_eq!(text(&client, "select what from kept").await, "this");
}

#[tokio::test]
async fn two_clusters_live_side_by_side() {
    let (one, other) = (dir(), dir());
    let (one_config, other_config) = (config(one.path()), config(other.path()));
    let (one, other) = tokio::join!(Cluster::start(&one_config), Cluster::start(&other_config));
    let (one, other) = (one.unwrap(), other.unwrap());
    connect(&one.url("postgres", "postgres")).await.batch_execute("create table only_here ()").await.unwrap();
    let client = connect(&other.url("postgres", "postgres")).await;
    assert_eq!(text(&client, "select count(*)::text from pg_class where relname = 'only_here'").await, "0");
}

#[tokio::test]
async fn dropping_a_cluster_stops_it() {
    let dir = dir();
    let cluster = Cluster::start(&config(dir.path())).await.unwrap();
    let pid = postmaster(&dir.path().join("postgres/cluster"));
    drop(cluster);
    assert!(!lives(pid));
}

#[tokio::test]
async fn a_second_process_is_refused_and_told_who_has_it() {
    let dir = dir();
    let mut first = Helper::spawn("run", dir.path());
    let url = first.reported();
    let refused = Cluster::start(&config(dir.path())).await.unwrap_err();
    assert!(matches!(refused, Error::InUse { pid, .. } if pid == Some(first.pid())), "{refused}");
    assert!(refused.to_string().contains(&format!("run by process {}", first.pid())), "{refused}");
    // Meanwhile its address is known to others, and the first is undisturbed.
    assert_eq!(running(dir.path()).unwrap().url("postgres", "postgres"), url);
    assert_eq!(text(&connect(&url).await, "select 'alive'").await, "alive");
    first.end();
    Cluster::start(&config(dir.path())).await.unwrap();
}

#[tokio::test]
async fn a_long_or_odd_path_works() {
    let dir = dir();
    let odd = dir.path().join("a long, \"odd\" päth with spaces".repeat(6));
    fs::create_dir(&odd).unwrap();
    open_to_others(&odd);
    let cluster = Cluster::start(&config(&odd)).await.unwrap();
    let socket_dir = cluster.socket_dir().to_owned();
    assert!(socket_dir.as_os_str().len() < 90, "{}", socket_dir.display());
    assert_eq!(fs::metadata(&socket_dir).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(text(&connect(&cluster.url("postgres", "postgres")).await, "select 'works'").await, "works");
    assert_eq!(running(&odd).as_ref(), Some(cluster.address()));
    cluster.stop().await.unwrap();
    assert!(!socket_dir.exists(), "the short directory is removed");
}

#[tokio::test]
async fn a_server_that_cannot_start_is_quoted() {
    let dir = dir();
    let mut config = config(dir.path());
    config.extra_settings.push(("shared_buffers".into(), "a lot".into()));
    let error = Cluster::start(&config).await.unwrap_err();
    assert!(matches!(error, Error::Exited { .. }), "{error}");
    assert!(error.to_string().contains("invalid value for parameter \"shared_buffers\": \"a lot\""), "{error}");
}
