//! What the tests share, and the test that is another process: this binary, run again.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write, stdin, stdout};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use embedded_postgres::{Cluster, Config, Durability};
use tokio_postgres::{Client, NoTls};

const ROLE: &str = "BUILD14_TEST_ROLE";
const DATA_DIR: &str = "BUILD14_TEST_DATA_DIR";

/// A fast cluster: made from the cached template.
pub fn config(dir: &Path) -> Config {
    let mut config = Config::new(dir);
    config.durability = Durability::Fast;
    config.max_connections = 20;
    config
}

/// A directory that the unprivileged account reaches.
pub fn dir() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    open_to_others(dir.path());
    dir
}

pub fn open_to_others(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
}

pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

pub async fn text(client: &Client, query: &str) -> String {
    client.query_one(query, &[]).await.unwrap().get(0)
}

/// Waits for a condition, with a bound.
pub fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < end, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The postmaster of a cluster directory, as its pid file says.
pub fn postmaster(cluster: &Path) -> u32 {
    fs::read_to_string(cluster.join("postmaster.pid")).unwrap().lines().next().unwrap().parse().unwrap()
}

/// Alive, and no zombie.
pub fn lives(pid: u32) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p"]).arg(pid.to_string()).output();
    match state {
        Ok(state) => !matches!(String::from_utf8_lossy(&state.stdout).trim().chars().next(), None | Some('Z')),
        Err(_) => fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty()),
    }
}

pub fn kill(signal: &str, pid: u32) {
    let done = Command::new("sh").args(["-c", "kill -s \"$1\" \"$2\"", "kill", signal]).arg(pid.to_string()).status().unwrap();
    assert!(done.success());
}

/// Another process that runs a cluster.
pub struct Helper {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Helper {
    pub fn command(role: &str, data_dir: &Path) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "helper::another_process", "--nocapture", "--test-threads=1"]);
        command.env(ROLE, role).env(DATA_DIR, data_dir).stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    pub fn spawn(role: &str, data_dir: &Path) -> Self {
        Self::spawn_command(Self::command(role, data_dir))
    }

    pub fn spawn_command(mut command: Command) -> Self {
        let mut child = command.process_group(0).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// What it writes to standard error, if that is piped. To be called once.
    pub fn errors(&mut self) -> std::process::ChildStderr {
        drop(self.child.stdin.take());
        self.child.stderr.take().unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it reports next.
    pub fn reported(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the helper ended");
            if let Some((_, report)) = line.split_once("REPORT ") {
                return report.trim_end().to_owned();
            }
        }
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets it end by itself.
    pub fn end(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

/// Reports one line to the test that started this process.
fn report(text: &str) {
    writeln!(stdout().lock(), "\nREPORT {}", text.replace('\n', " / ")).unwrap();
}

/// In an ordinary run it does nothing.
#[tokio::test]
async fn another_process() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let data_dir = PathBuf::from(std::env::var(DATA_DIR).unwrap());
    match role.as_str() {
        "run" => {
            let cluster = Cluster::start(&config(&data_dir)).await.unwrap();
            report(&cluster.url("postgres", "postgres"));
            until_told();
            cluster.stop().await.unwrap();
        }
        "test-cluster" => {
            let cluster = embedded_postgres::for_tests().await.unwrap();
            report(&cluster.address().socket_dir().display().to_string());
            until_told();
        }
        "try" => {
            // With the programs that the environment names.
            match Cluster::start(&config(&data_dir)).await {
                Ok(cluster) => {
                    let client = connect(&cluster.url("postgres", "postgres")).await;
                    report(&text(&client, "select 'works as ' || current_setting('is_superuser')").await);
                }
                Err(error) => report(&error.to_string()),
            }
        }
        other => panic!("no role {other}"),
    }
}

/// Until the starting process closes our input, or ends.
fn until_told() {
    let _ = stdin().lock().read_to_end(&mut Vec::new());
}
