//! The directory that a cluster lives in, and the locks on it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::account::{Account, own_uid};
use crate::address::{PORT, socket_name};
use crate::error::{Error, io};
use crate::files::{lock_file, missing_is_fine, private_temporary, write_atomically};
use crate::notice::print_notice;
use crate::supervisor::until;

/// How long a unix socket's path may be where that is shortest (macOS; Linux takes four more).
const SOCKET_PATH: usize = 103;
/// A log beyond this is begun anew.
const LOG_BYTES: u64 = 8 * 1024 * 1024;

/// A directory of ours that holds `cluster` and `socket`, both of the server's account, and the log and the locks, ours.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    dir: PathBuf,
}

/// What the owner lock's file says about who runs the cluster.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A process that holds the lock as long as it lives.
    Process(u32),
    /// Nobody: the server keeps running by itself.
    Kept,
}

/// Held locks are let go when dropped, and by the kernel when this process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Place {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Where the cluster of this data directory is, if there is one.
    pub(crate) fn existing(data_dir: &Path) -> Option<Self> {
        let dir = fs::canonicalize(data_dir).ok()?.join("postgres");
        let dir = pointed_to(&dir).unwrap_or(dir);
        dir.join("cluster").is_dir().then_some(Self { dir })
    }

    /// The place for this data directory, made if there is none, and the account to run the server as.
    pub(crate) fn open(data_dir: &Path) -> Result<(Self, Account), Error> {
        make_data_dir(data_dir).map_err(io("create", data_dir))?;
        let data_dir = fs::canonicalize(data_dir).map_err(io("find", data_dir))?;
        let home = data_dir.join("postgres");
        let wanted = pointed_to(&home).unwrap_or_else(|| home.clone());
        if wanted != home && !wanted.is_dir() {
            // Made anew it would be empty, beside keys and files of what was there.
            return Err(Error::Gone { home, place: wanted });
        }
        let account = Account::for_cluster(&wanted.join("cluster"))?;
        let barrier = account.barrier(&data_dir);
        let dir = if barrier.is_none() { wanted } else { elsewhere(&home, &wanted, &account) };
        own_dir(&dir, &account)?;
        if dir != home {
            print_notice(&told_elsewhere(&data_dir, &dir, barrier, &account));
            own_dir(&home, &account)?;
            write_atomically(&home, "location", dir.as_os_str().as_encoded_bytes())?;
        }
        Ok((Self { dir }, account))
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// PostgreSQL's data directory.
    pub(crate) fn cluster(&self) -> PathBuf {
        self.dir.join("cluster")
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// The log to append to, and where it ends now.
    pub(crate) fn log(&self) -> Result<(File, u64), Error> {
        let path = self.log_path();
        let open = || OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(&path);
        let length = |file: &File| Ok(file.metadata()?.len());
        let file = open().map_err(io("open", &path))?;
        if length(&file).map_err(io("look at", &path))? > LOG_BYTES {
            file.set_len(0).map_err(io("empty", &path))?;
        }
        let end = length(&file).map_err(io("look at", &path))?;
        Ok((file, end))
    }

    /// Makes the socket's directory, in this place or, where its path is too long for a socket, in a short one; true if
    /// that one is to be removed afterwards.
    pub(crate) fn socket_dir(&self, account: &Account) -> Result<(String, bool), Error> {
        if let Some(dir) = fit_for_socket(&self.dir.join("socket")) {
            private_dir(Path::new(&dir), account)?;
            // A killed server leaves them behind, and the lock names a process id that may be another's by now.
            for stale in [socket_name(PORT), socket_name(PORT) + ".lock"] {
                let stale = Path::new(&dir).join(stale);
                fs::remove_file(&stale).or_else(missing_is_fine).map_err(io("remove", &stale))?;
            }
            return Ok((dir, false));
        }
        let dir = private_temporary("build14-socket-", Path::new("/tmp"))?;
        account.give(dir.path())?;
        Ok((dir.keep().display().to_string(), true))
    }

    /// Held while starting, so that those who start at once do it one after the other.
    pub(crate) fn lock_start(&self, bound: Duration) -> Result<Lock, Error> {
        let path = self.dir.join("starting");
        let file = lock_file(&path)?;
        let lock = until(bound, || match file.try_lock() {
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(error)) => Some(Err(error)),
            Ok(()) => Some(Ok(())),
        });
        let timed_out =
            || std::io::Error::new(ErrorKind::TimedOut, "another process has been starting this cluster all the time");
        lock.unwrap_or_else(|| Err(timed_out())).map_err(io("lock", &path))?;
        Ok(Lock { _file: file })
    }

    /// Held by the process that runs the cluster, as long as it runs it; none if another one does.
    pub(crate) fn try_own(&self) -> Result<Option<OwnerLock>, Error> {
        let path = self.owner_path();
        let file = lock_file(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(OwnerLock { file, path })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(io("lock", &path)(error)),
        }
    }

    /// Who took the cluster last.
    pub(crate) fn owner(&self) -> Option<Owner> {
        match fs::read_to_string(self.owner_path()).ok()?.trim() {
            "kept" => Some(Owner::Kept),
            pid => pid.parse().ok().map(Owner::Process),
        }
    }

    fn owner_path(&self) -> PathBuf {
        self.dir.join("owner")
    }
}

/// The lock of the one who runs the cluster.
#[derive(Debug)]
pub(crate) struct OwnerLock {
    file: File,
    path: PathBuf,
}

impl OwnerLock {
    /// Writes down who runs it, for those who come later.
    pub(crate) fn tell(&mut self, owner: &Owner) -> Result<(), Error> {
        let text = match owner {
            Owner::Process(pid) => pid.to_string(),
            Owner::Kept => "kept".to_owned(),
        };
        self.file.set_len(0).and_then(|()| self.file.write_all(text.as_bytes())).map_err(io("write", &self.path))
    }
}

impl Drop for OwnerLock {
    fn drop(&mut self) {
        // Closing is not enough: a process that another thread is just starting holds a copy of the file until it runs its program.
        let _ = self.file.unlock();
    }
}

/// Makes a data directory, if there is none, that nobody else can look into; for root, whose server runs as another account, one that others
/// may pass through. One that is there stays as it is: it may be anything.
///
/// # Errors
/// If it cannot be made.
pub fn make_data_dir(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mode = if own_uid().is_ok_and(|us| us == 0) { 0o711 } else { 0o700 };
    DirBuilder::new().recursive(true).mode(mode).create(path)
}

/// A directory of ours that others may pass through only if the server is another account, and may not write to.
pub(crate) fn own_dir(path: &Path, account: &Account) -> Result<(), Error> {
    let private = account.us() == account.uid();
    let mode = if private { 0o700 } else { 0o711 };
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(io("create", path)(error)),
        _ => (),
    }
    let found = fs::symlink_metadata(path).map_err(io("look at", path))?;
    if !found.is_dir() {
        return Err(io("use", path)(ErrorKind::NotADirectory.into()));
    }
    if found.uid() != account.us() && account.us() != 0 {
        return Err(Error::Foreign { path: path.to_owned(), owner: found.uid(), us: account.us() });
    }
    // The owner may also be the server's account: root works in a directory that its user made.
    if found.uid() != account.us() && found.uid() != account.uid() {
        return Err(Error::Foreign { path: path.to_owned(), owner: found.uid(), us: account.us() });
    }
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(io("set the permissions of", path))
}

/// A directory for the server's account alone.
pub(crate) fn private_dir(path: &Path, account: &Account) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => account.give(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(path).map_err(io("look at", path))?;
            if found.is_dir() && found.uid() == account.uid() {
                fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(io("set the permissions of", path))
            } else {
                Err(Error::Foreign { path: path.to_owned(), owner: found.uid(), us: account.uid() })
            }
        }
        Err(error) => Err(io("create", path)(error)),
    }
}

/// The path as PostgreSQL takes it in a list, if a socket in it is short enough.
pub(crate) fn fit_for_socket(dir: &Path) -> Option<String> {
    let text = dir.to_str()?;
    let short = text.len() + 1 + socket_name(PORT).len() <= SOCKET_PATH;
    (short && !text.contains([',', '"', '\\', '\n']) && !text.contains(char::is_whitespace)).then(|| text.to_owned())
}

fn pointed_to(home: &Path) -> Option<PathBuf> {
    Some(PathBuf::from(fs::read_to_string(home.join("location")).ok()?.trim_end_matches('\n')))
}

/// For a data directory that the server's account cannot reach: where the pointer says, else a place by its hash. What is there without a pointer
/// is not this directory's: one of the same path that is gone left it, or was moved and has it still.
fn elsewhere(home: &Path, wanted: &Path, account: &Account) -> PathBuf {
    if wanted != home {
        return wanted.to_owned();
    }
    let first = format!("/var/tmp/build14-{}-{:016x}", account.us(), hash(home.as_os_str().as_encoded_bytes()));
    let mut place = PathBuf::from(&first);
    let mut next = 2_u32;
    while place.join("cluster").exists() {
        print_notice(&format!(
            "{} has the database of an earlier data directory: remove it if nothing needs it",
            place.display()
        ));
        place = PathBuf::from(format!("{first}-{next}"));
        next += 1;
    }
    place
}

/// That a data directory is in two places.
fn told_elsewhere(data_dir: &Path, dir: &Path, barrier: Option<&Path>, account: &Account) -> String {
    let (shown, dir, who) = (data_dir.display(), dir.display(), account.name());
    let why = barrier.map_or_else(String::new, |barrier| {
        let barrier = barrier.display();
        format!(" (PostgreSQL runs as {who}, which may not pass through {barrier}; for a new data directory, `chmod o+x {barrier}` first)")
    });
    format!("the database of {shown} is in {dir}{why}: the two belong together, move or remove both")
}

/// FNV-1a, 64 bits: stable over versions of Rust.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
