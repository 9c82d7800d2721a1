//! Finds and stops the server that already runs in a cluster's directory, and never any other.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::account::Account;
use crate::address::Address;
use crate::error::{Error, io};
use crate::supervisor::until;

/// A process id that no process has (Linux and macOS give out smaller ones), for [`clear_reused_pid`].
const NO_PROCESS: &str = "2147483647";

/// A live server of one cluster.
#[derive(Debug)]
pub(crate) struct Postmaster {
    pub(crate) pid: u32,
    pub(crate) address: Address,
    /// Whether it accepts connections.
    pub(crate) ready: bool,
}

impl Postmaster {
    /// The live server of this cluster, which must be given by the path that the server was started with.
    pub(crate) fn find(cluster: &Path) -> Option<Self> {
        let written = fs::read_to_string(pid_file(cluster)).ok()?;
        // pid, data directory, start time, port, socket directory, TCP address, shared memory, status
        let lines: Vec<_> = written.lines().map(str::trim).collect();
        let pid = lines.first()?.parse().ok()?;
        if !serves(pid, cluster) {
            return None;
        }
        let port = lines.get(3).and_then(|port| port.parse().ok()).unwrap_or_default();
        let socket_dir = PathBuf::from(lines.get(4).copied().unwrap_or_default());
        let ready = lines.get(7) == Some(&"ready");
        Some(Self { pid, address: Address::new(socket_dir, port), ready })
    }

    /// Stops it: fast, then, after a bound, at once.
    pub(crate) fn stop(&self, account: &Account, cluster: &Path) -> Result<(), Error> {
        for (signal, seconds) in [("INT", 30), ("QUIT", 10)] {
            // It may have ended since it was found, and its number may be another's.
            if serves(self.pid, cluster) {
                self.signal(account, signal)?;
            }
            if until(Duration::from_secs(seconds), || (!serves(self.pid, cluster)).then_some(())).is_some() {
                return Ok(());
            }
        }
        Err(Error::NotStopped { cluster: cluster.to_owned(), pid: Some(self.pid) })
    }

    /// As the server's account, so that it can reach nobody else's process.
    fn signal(&self, account: &Account, signal: &str) -> Result<(), Error> {
        let shell = Path::new("/bin/sh");
        let mut kill = account.command(shell);
        kill.args(["-c", "kill -s \"$1\" \"$2\"", "kill", signal]).arg(self.pid.to_string());
        let run = |source| Error::Run { program: shell.to_owned(), account: account.name(), source };
        kill.stdout(Stdio::null()).stderr(Stdio::null()).status().map_err(run)?;
        Ok(())
    }
}

/// A server that was killed leaves its pid file behind, and PostgreSQL refuses to start when some process of the same
/// account has that number by now. Then the number is replaced; the rest stays, since from it PostgreSQL learns whether
/// an orphaned backend still uses the old shared memory. Only for a cluster in which [`Postmaster::find`] finds nothing.
pub(crate) fn clear_reused_pid(cluster: &Path) -> Result<(), Error> {
    let path = pid_file(cluster);
    // Not through a link: the directory is the server account's, and we may be root.
    let mut file = match OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(&path) {
        Ok(file) => file,
        Err(missing) if missing.kind() == ErrorKind::NotFound => return Ok(()),
        Err(other) => return Err(io("open", &path)(other)),
    };
    let mut written = String::new();
    file.read_to_string(&mut written).map_err(io("read", &path))?;
    let rest = written.split_once('\n').map_or("", |(_, rest)| rest);
    let replaced = format!("{NO_PROCESS}\n{rest}");
    file.set_len(0).map_err(io("write", &path))?;
    std::io::Seek::rewind(&mut file).map_err(io("write", &path))?;
    file.write_all(replaced.as_bytes()).map_err(io("write", &path))
}

fn pid_file(cluster: &Path) -> PathBuf {
    cluster.join("postmaster.pid")
}

/// Whether this process is a live `postgres -D <cluster>`, which no reuse of its number can fake.
fn serves(pid: u32, cluster: &Path) -> bool {
    if Path::new("/proc/self/cmdline").exists() {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let args: Vec<_> = line.split(|&byte| byte == 0).collect();
        let is_postgres = args.first().is_some_and(|program| program.ends_with(b"/postgres"));
        return is_postgres && args.windows(2).any(|pair| pair[0] == b"-D" && pair[1] == cluster.as_os_str().as_bytes());
    }
    let Ok(told) = Command::new("ps").args(["-ww", "-o", "args=", "-p"]).arg(pid.to_string()).stdin(Stdio::null()).output()
    else {
        return false;
    };
    let line = String::from_utf8_lossy(&told.stdout);
    let is_postgres = line.split(" -D ").next().is_some_and(|program| program.ends_with("/postgres"));
    is_postgres && line.contains(&format!(" -D {} -c ", cluster.display()))
}
