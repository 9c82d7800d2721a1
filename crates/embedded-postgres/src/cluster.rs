//! A cluster that survives restarts, for the development profile.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::account::Account;
use crate::address::{Address, SUPERUSER};
use crate::error::{Error, io};
use crate::files::missing_is_fine;
use crate::initdb;
use crate::launch::{Launch, Server};
use crate::place::{Owner, OwnerLock, Place};
use crate::postmaster::Postmaster;
use crate::programs::Programs;
use crate::settings::{Durability, settings};
use crate::supervisor::Ending;

/// How long a server may take to close its connections and write its checkpoint.
const STOP_SECONDS: u64 = 30;

/// What is wanted of a cluster.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The cluster lives in `<data_dir>/postgres`.
    pub data_dir: PathBuf,
    /// What a crash of the machine may cost.
    pub durability: Durability,
    /// The server's `max_connections`.
    pub max_connections: u32,
    /// Leave the server running when we end, and use the one that runs already: for a cluster that many processes share.
    pub keep_running: bool,
    /// Further settings of the server.
    pub extra_settings: Vec<(String, String)>,
    /// How long a start may take, with the recovery after a crash.
    pub start_timeout: Duration,
    /// The directory of the server programs; none: [`BIN_VARIABLE`](crate::BIN_VARIABLE), else the newest that are found.
    pub bin: Option<PathBuf>,
}

impl Config {
    /// Durable, for 100 connections, stopped when we end.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            durability: Durability::Durable,
            max_connections: 100,
            keep_running: false,
            extra_settings: Vec::new(),
            start_timeout: Duration::from_secs(60),
            bin: None,
        }
    }
}

/// A running cluster. Dropping it stops it and waits for that; [`Cluster::stop`] does not block the runtime and tells
/// how it went.
#[derive(Debug)]
pub struct Cluster {
    address: Address,
    place: Place,
    account: Account,
    /// None once stopped, and for a server that another process started.
    server: Option<Server>,
    /// Dropped after the server has stopped.
    _owner: Option<OwnerLock>,
}

impl Cluster {
    /// Makes the cluster if there is none, starts it, recovering it if it was killed, and waits until it is ready.
    pub async fn start(config: &Config) -> Result<Self, Error> {
        let config = config.clone();
        blocking(move || Self::start_blocking(&config)).await
    }

    fn start_blocking(config: &Config) -> Result<Self, Error> {
        let (place, account) = Place::open(&config.data_dir)?;
        let _starting = place.lock_start(config.start_timeout)?;
        let running = Postmaster::find(&place.cluster());
        let in_use = |pid| Error::InUse { data_dir: config.data_dir.clone(), pid };

        let Some(mut owner) = place.try_own()? else {
            return match running.filter(|running| config.keep_running && running.ready) {
                Some(running) => Ok(Self { address: running.address, place, account, server: None, _owner: None }),
                None => Err(in_use(match place.owner() {
                    Some(Owner::Process(pid)) => Some(pid),
                    _ => None,
                })),
            };
        };
        if let Some(running) = running {
            match (place.owner(), config.keep_running) {
                (Some(Owner::Kept), true) if running.ready => {
                    return Ok(Self { address: running.address, place, account, server: None, _owner: None });
                }
                (Some(Owner::Kept), false) => return Err(in_use(Some(running.pid))),
                _ => {
                    tracing::info!(pid = running.pid, "stopping the PostgreSQL that a killed process left behind");
                    running.stop(&account, &place.cluster())?;
                }
            }
        }
        owner.tell(&if config.keep_running { Owner::Kept } else { Owner::Process(std::process::id()) })?;

        let programs = Programs::for_cluster(config.bin.as_deref(), &place.cluster())?;
        if !place.cluster().exists() {
            tracing::info!(version = programs.version(), place = %place.dir().display(), "making a PostgreSQL cluster");
            initdb::create(&programs, &account, &place.cluster(), config.durability)?;
        }
        let (socket_dir, remove) = place.socket_dir(&account)?;
        let launch = Launch {
            programs: &programs,
            account: &account,
            place: &place,
            settings: settings(config.durability, config.max_connections, &config.extra_settings, &socket_dir)?,
            ending: (!config.keep_running).then(|| Ending {
                signal: "INT",
                seconds: STOP_SECONDS,
                remove: remove.then(|| socket_dir.clone().into()),
            }),
            timeout: config.start_timeout,
        };
        let (server, address) = launch.run()?;
        tracing::info!(version = programs.version(), socket = %address.socket_dir().display(), "PostgreSQL is running");
        let owner = (!config.keep_running).then_some(owner);
        Ok(Self { address, place, account, server: Some(server), _owner: owner })
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The directory that holds its socket, of mode 0700.
    pub fn socket_dir(&self) -> &Path {
        self.address.socket_dir()
    }

    /// Its port, which is but a part of the socket's name.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its superuser.
    pub fn superuser(&self) -> &'static str {
        SUPERUSER
    }

    /// The URL for a user and a database, as libpq, tokio-postgres and diesel-async read it.
    pub fn url(&self, user: &str, database: &str) -> String {
        self.address.url(user, database)
    }

    /// PostgreSQL's log.
    pub fn log(&self) -> PathBuf {
        self.place.log_path()
    }

    /// Stops it: connections are closed, what was committed stays. Also one that was to keep running, and one that another
    /// process started, for all who use it.
    pub async fn stop(self) -> Result<(), Error> {
        blocking(move || self.stop_blocking()).await
    }

    fn stop_blocking(mut self) -> Result<(), Error> {
        let cluster = self.place.cluster();
        match self.server.take() {
            Some(Server::Supervised(mut supervisor)) => {
                if supervisor.stop() {
                    Ok(())
                } else {
                    Err(Error::NotStopped { cluster, pid: None })
                }
            }
            kept => {
                let stopped = Postmaster::find(&cluster).map_or(Ok(()), |running| running.stop(&self.account, &cluster));
                if let Some(Server::Kept(mut child)) = kept {
                    let _ = child.try_wait();
                }
                stopped
            }
        }
    }
}

/// Where the cluster of a data directory listens, if it runs: for another process than the one that runs it.
pub fn running(data_dir: &Path) -> Option<Address> {
    let place = Place::existing(data_dir)?;
    Postmaster::find(&place.cluster()).filter(|running| running.ready).map(|running| running.address)
}

/// The process that runs the cluster of a data directory, if it runs.
pub fn run_by(data_dir: &Path) -> Option<u32> {
    let place = Place::existing(data_dir)?;
    let running = Postmaster::find(&place.cluster())?;
    match place.owner() {
        Some(Owner::Process(pid)) => Some(pid),
        _ => Some(running.pid),
    }
}

/// Removes the cluster of a data directory and all that is in it, wherever it is. One that runs is refused.
///
/// # Errors
/// [`Error::InUse`]; if it cannot be removed.
pub fn remove(data_dir: &Path) -> Result<(), Error> {
    if let Some(pid) = run_by(data_dir) {
        return Err(Error::InUse { data_dir: data_dir.to_owned(), pid: Some(pid) });
    }
    let place = Place::existing(data_dir).map(|place| place.dir().to_owned());
    for dir in place.into_iter().chain([data_dir.join("postgres")]) {
        fs::remove_dir_all(&dir).or_else(missing_is_fine).map_err(io("remove", &dir))?;
    }
    Ok(())
}

/// Whether there is a cluster in a data directory, running or not.
pub fn exists(data_dir: &Path) -> bool {
    Place::existing(data_dir).is_some()
}

/// Starting and stopping wait for processes: not on a thread of the runtime.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(Error::Task(error.to_string())))
}
