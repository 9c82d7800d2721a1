//! Where throw-away clusters live: in memory if there is plenty of it, else among the temporary files.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::account::Account;
use crate::error::{Error, io};
use crate::files::{lock_file, private_temporary};
use crate::place::{Place, fit_for_socket};
use crate::postmaster::Postmaster;

/// The environment variable that names the directory for throw-away clusters; one that the server's account cannot reach,
/// or whose path is too long for a socket, is passed over.
pub const TEST_DIR_VARIABLE: &str = "BUILD14_TEST_DIR";

const PREFIX: &str = "build14-test-";
/// The file whose lock the process of a throw-away cluster holds.
const ALIVE: &str = "alive";
/// An abandoned cluster younger than this may yet be locked by the process that is making it.
const YOUNG: Duration = Duration::from_secs(60);
/// A cluster for tests takes 30 MB and 8 MB for each database; this leaves room for hundreds.
const ROOM: u64 = 3 << 30;

/// A new place for a throw-away cluster, and the lock that says that its process lives. The directory is the server
/// account's, so that the supervisor can remove it.
pub(crate) fn throw_away() -> Result<(Place, Account, File), Error> {
    let account = Account::for_cluster(Path::new(""))?;
    let base = throw_away_base(&account)?;
    sweep(&base, &account);
    let dir = private_temporary(PREFIX, &base)?;
    let place = Place::new(dir.path().to_owned());
    // Made while the directory is still ours.
    place.log()?;
    let path = dir.path().join(ALIVE);
    let alive = lock_file(&path)?;
    alive.lock().map_err(io("lock", &path))?;
    account.give(dir.path())?;
    Ok((Place::new(dir.keep()), account, alive))
}

fn throw_away_base(account: &Account) -> Result<PathBuf, Error> {
    let named = std::env::var_os(TEST_DIR_VARIABLE).filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let memory = PathBuf::from("/dev/shm");
    let memory = (cfg!(target_os = "linux") && has_room(&memory)).then_some(memory);
    let wanted = named.or(memory).and_then(|dir| fs::canonicalize(dir).ok()).filter(|dir| fits(dir, account));
    wanted.map_or_else(|| temporary_base(account), Ok)
}

/// Whether the file system in memory, the machine and our container all have room. Making files is what a template
/// clone consists of, and takes a fifth of the time there.
fn has_room(dir: &Path) -> bool {
    let told = Command::new("df").arg("-Pk").arg(dir).stdin(Stdio::null()).stderr(Stdio::null()).output();
    let told = told.map(|told| String::from_utf8_lossy(&told.stdout).into_owned()).unwrap_or_default();
    let available = told.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory =
        memory.lines().find_map(|line| line.strip_prefix("MemAvailable:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limits = limits.iter().filter_map(|file| fs::read_to_string(file).ok()?.trim().parse::<u64>().ok());
    let enough = |kilobytes: Option<u64>, needed: u64| kilobytes.is_some_and(|kilobytes| kilobytes << 10 >= needed);
    enough(available, ROOM) && enough(memory, 2 * ROOM) && limits.min().is_none_or(|limit| limit >= 2 * ROOM)
}

/// Removes what is left of clusters whose process and whose supervisor were both killed.
fn sweep(base: &Path, account: &Account) {
    let Ok(entries) = fs::read_dir(base) else { return };
    for dir in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)).map(|entry| entry.path())
    {
        if is_abandoned(&dir, account) {
            tracing::debug!(dir = %dir.display(), "removing an abandoned test cluster");
            // Best effort: two processes may sweep at once.
            let _ = fs::remove_dir_all(&dir);
        }
    }
}

fn is_abandoned(dir: &Path, account: &Account) -> bool {
    let old = |found: &fs::Metadata| found.modified().ok().and_then(|at| at.elapsed().ok()).is_some_and(|age| age > YOUNG);
    let theirs = fs::symlink_metadata(dir).is_ok_and(|found| found.is_dir() && found.uid() == account.uid() && old(&found));
    let alive = || OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(dir.join(ALIVE));
    theirs && alive().is_ok_and(|file| file.try_lock().is_ok()) && Postmaster::find(&dir.join("cluster")).is_none()
}

fn fits(dir: &Path, account: &Account) -> bool {
    account.reaches(dir) && fit_for_socket(&dir.join(format!("{PREFIX}123456789012/socket"))).is_some()
}

/// The directory for temporary things that the account reaches and that leaves room for a socket's path.
pub(crate) fn temporary_base(account: &Account) -> Result<PathBuf, Error> {
    let candidates = [std::env::temp_dir(), "/tmp".into(), "/var/tmp".into()];
    let mut candidates = candidates.iter().filter_map(|dir| fs::canonicalize(dir).ok());
    candidates
        .find(|dir| fits(dir, account))
        .ok_or_else(|| io("use for temporary files", &std::env::temp_dir())(ErrorKind::PermissionDenied.into()))
}
