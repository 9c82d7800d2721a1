//! Starts a server in a place and waits until it accepts connections.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::address::Address;
use crate::error::{Error, io};
use crate::place::Place;
use crate::postmaster::{Postmaster, clear_reused_pid};
use crate::programs::Programs;
use crate::supervisor::{Ending, Supervisor};

/// How many lines of the log an error quotes.
const QUOTED_LINES: usize = 20;

/// A server that runs.
#[derive(Debug)]
pub(crate) enum Server {
    /// It ends when we do.
    Supervised(Supervisor),
    /// It stays; held only so that it is no zombie should it end before us.
    Kept(Child),
}

impl Server {
    fn ended(&mut self) -> bool {
        match self {
            Self::Supervised(supervisor) => supervisor.ended(),
            Self::Kept(child) => !matches!(child.try_wait(), Ok(None)),
        }
    }
}

/// Everything that a start needs.
pub(crate) struct Launch<'a> {
    pub(crate) programs: &'a Programs,
    pub(crate) account: &'a Account,
    pub(crate) place: &'a Place,
    pub(crate) settings: Vec<(String, String)>,
    /// None: the server stays when we end.
    pub(crate) ending: Option<Ending>,
    pub(crate) timeout: Duration,
}

impl Launch<'_> {
    /// Starts the server of a cluster in which none runs.
    pub(crate) fn run(&self) -> Result<(Server, Address), Error> {
        clear_reused_pid(&self.place.cluster())?;
        let end = Instant::now() + self.timeout;
        loop {
            match self.attempt(end) {
                // Backends of a postmaster that was killed take a moment to notice.
                Err(Error::Exited { tail, .. }) if tail.contains("shared memory block") && Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                result => return result,
            }
        }
    }

    fn attempt(&self, end: Instant) -> Result<(Server, Address), Error> {
        let cluster = self.place.cluster();
        let (log, begin) = self.place.log()?;
        let mut server = self.spawn(log)?;
        loop {
            if server.ended() {
                return Err(Error::Exited { log: self.place.log_path(), tail: tail(&self.place.log_path(), begin) });
            }
            if let Some(found) = Postmaster::find(&cluster).filter(|found| found.ready) {
                let socket = found.address.socket();
                UnixStream::connect(&socket).map_err(io("connect to", &socket))?;
                return Ok((server, found.address));
            }
            if Instant::now() >= end {
                let tail = tail(&self.place.log_path(), begin);
                return Err(Error::NotReady { seconds: self.timeout.as_secs(), log: self.place.log_path(), tail });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn spawn(&self, log: File) -> Result<Server, Error> {
        let log = (log.try_clone().map_err(io("open", &self.place.log_path()))?, log);
        let program = self.programs.postgres();
        let mut args = vec![OsString::from("-D"), self.place.cluster().into()];
        args.extend(self.settings.iter().flat_map(|(name, value)| ["-c".into(), format!("{name}={value}").into()]));
        if let Some(ending) = &self.ending {
            return Supervisor::spawn(self.account, &program, &args, log, ending).map(Server::Supervised);
        }
        let mut command = self.account.command(&program);
        let spawned = command.args(args).stdout(log.0).stderr(log.1).spawn();
        spawned.map(Server::Kept).map_err(|source| Error::Run { program, account: self.account.name(), source })
    }
}

/// The last lines that were written to a log since then.
fn tail(log: &Path, begin: u64) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let mut written = Vec::new();
        file.seek(SeekFrom::Start(begin))?;
        file.read_to_end(&mut written)?;
        Ok(written)
    };
    let written = read().unwrap_or_default();
    let written = String::from_utf8_lossy(&written);
    let lines: Vec<_> = written.lines().collect();
    lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n")
}
