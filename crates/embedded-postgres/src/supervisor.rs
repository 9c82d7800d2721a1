//! The process between us and the server, which stops the server when ours ends, however that ends.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::error::Error;

/// It holds the reading end of a pipe whose only writing end is ours. The kernel closes ours when we end, even by SIGKILL;
/// then it stops the server: gently for so many seconds, then at once. When the server ends, so does it.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM
exec 3<&0 </dev/null
signal=$1 seconds=$2 remove=$3
shift 3
"$@" 3<&- &
server=$!
(
    while read -r line; do :; done
    tell() {
        waited=0
        while [ "$waited" -lt "$2" ]; do
            kill -s "$1" "$server" || exit 0
            sleep 1
            waited=$((waited + 1))
        done
    }
    tell "$signal" "$seconds"
    tell QUIT 5
    tell KILL 5
) <&3 2>/dev/null &
watcher=$!
exec 3<&-
wait "$server"
status=$?
{ kill -s KILL "$watcher" && wait "$watcher"; } 2>/dev/null
[ -z "$remove" ] || rm -rf -- "$remove"
exit "$status"
"#;

/// How the server is to end.
pub(crate) struct Ending {
    /// `INT` closes connections and writes a checkpoint; `QUIT` does neither.
    pub(crate) signal: &'static str,
    /// How long before it is told to end at once.
    pub(crate) seconds: u64,
    /// A directory to remove afterwards.
    pub(crate) remove: Option<PathBuf>,
}

/// A supervised server; dropping it stops the server.
#[derive(Debug)]
pub(crate) struct Supervisor {
    child: Child,
    /// The end of the pipe that keeps the server alive.
    alive: Option<ChildStdin>,
    bound: Duration,
}

impl Supervisor {
    /// Starts a program with a supervisor, both writing to the log.
    pub(crate) fn spawn(
        account: &Account,
        program: &Path,
        args: &[OsString],
        log: (File, File),
        ending: &Ending,
    ) -> Result<Self, Error> {
        let shell = Path::new("/bin/sh");
        let mut command = account.command(shell);
        command.args(["-c", SCRIPT, "build14-postgres", ending.signal]).arg(ending.seconds.to_string());
        command.arg(ending.remove.as_deref().unwrap_or(Path::new(""))).arg(program).args(args);
        command.stdin(Stdio::piped()).stdout(log.0).stderr(log.1);
        let run = |source| Error::Run { program: shell.to_owned(), account: account.name(), source };
        let mut child = command.spawn().map_err(run)?;
        let alive = child.stdin.take();
        Ok(Self { child, alive, bound: Duration::from_secs(ending.seconds + 15) })
    }

    /// Whether the server, and so its supervisor, ended.
    pub(crate) fn ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Stops the server and waits until it has stopped; false if it did not within the bound.
    pub(crate) fn stop(&mut self) -> bool {
        self.alive = None;
        until(self.bound, || self.ended().then_some(())).is_some()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if !self.stop() {
            tracing::warn!(supervisor = self.child.id(), "PostgreSQL does not stop");
        }
    }
}

/// Asks again and again, for so long, until there is an answer.
pub(crate) fn until<T>(bound: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + bound;
    loop {
        let answer = ask();
        if answer.is_some() || Instant::now() >= end {
            return answer;
        }
        sleep(Duration::from_millis(5));
    }
}
