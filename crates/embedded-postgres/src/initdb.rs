//! Makes a new cluster; for tests it copies one that was made before.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::address::SUPERUSER;
use crate::error::{Error, io};
use crate::files::{lock_file, missing_is_fine, write_atomically};
use crate::place::{hash, own_dir, private_dir};
use crate::programs::Programs;
use crate::settings::Durability;
use crate::temporary::temporary_base;

/// Makes a cluster in a directory that does not exist yet, completely or not at all.
pub(crate) fn create(programs: &Programs, account: &Account, cluster: &Path, durability: Durability) -> Result<(), Error> {
    let unfinished = cluster.with_extension("unfinished");
    fs::remove_dir_all(&unfinished).or_else(missing_is_fine).map_err(io("remove", &unfinished))?;
    private_dir(&unfinished, account)?;
    let template = match durability {
        Durability::Durable => None,
        // The cache only saves time: a cluster can do without.
        Durability::Fast => template(programs, account).inspect_err(|error| tracing::debug!(%error, "no template")).ok(),
    };
    match template {
        Some(template) => copy(account, &template, &unfinished)?,
        None => initdb(programs, account, &unfinished, durability)?,
    }
    fs::rename(&unfinished, cluster).map_err(io("name", cluster))
}

fn initdb(programs: &Programs, account: &Account, into: &Path, durability: Durability) -> Result<(), Error> {
    // A machine without the locale C.UTF-8 orders and compares the same with C.
    let first = initdb_with_locale(programs, account, into, durability, "C.UTF-8");
    first.or_else(|_| initdb_with_locale(programs, account, into, durability, "C"))
}

fn initdb_with_locale(
    programs: &Programs,
    account: &Account,
    into: &Path,
    durability: Durability,
    locale: &str,
) -> Result<(), Error> {
    let program = programs.initdb();
    let mut command = account.command(&program);
    command.arg("-D").arg(into).args(["--auth=trust", "--encoding=UTF8", "--no-instructions"]);
    command.arg(format!("--locale={locale}")).arg(format!("--username={SUPERUSER}"));
    if durability == Durability::Fast {
        command.args(["--no-sync", "--wal-segsize=1"]);
    }
    let done = command.output().map_err(|source| Error::Run { program, account: account.name(), source })?;
    if done.status.success() {
        return Ok(());
    }
    let output = [done.stdout, done.stderr].concat();
    Err(Error::Initdb { cluster: into.to_owned(), output: String::from_utf8_lossy(&output).trim().to_owned() })
}

/// A cluster to copy, made on first use in a directory of ours among the temporary files.
fn template(programs: &Programs, account: &Account) -> Result<PathBuf, Error> {
    let cache = temporary_base(account)?.join(format!("build14-initdb-{}", account.us()));
    own_dir(&cache, account)?;
    let lock = cache.join("lock");
    let file = lock_file(&lock)?;
    file.lock().map_err(io("lock", &lock))?;

    let key = format!("{} {} {}", programs.bin().display(), programs.version(), account.uid());
    let name = format!("{:016x}", hash(key.as_bytes()));
    let (template, count) = (cache.join(&name), cache.join(format!("{name}.count")));
    // Those who tidy temporary files remove them one by one: a template that lost some is made anew.
    let complete = fs::read_to_string(&count).ok().and_then(|count| count.parse().ok());
    if complete.is_some() && complete == entries(&template).ok() {
        return Ok(template);
    }
    fs::remove_file(&count).or_else(missing_is_fine).map_err(io("remove", &count))?;
    fs::remove_dir_all(&template).or_else(missing_is_fine).map_err(io("remove", &template))?;
    private_dir(&template, account)?;
    initdb(programs, account, &template, Durability::Fast)?;
    let made = entries(&template).map_err(io("read", &template))?;
    write_atomically(&cache, &format!("{name}.count"), made.to_string().as_bytes())?;
    Ok(template)
}

/// As the server's account, which then owns the copies.
fn copy(account: &Account, from: &Path, into: &Path) -> Result<(), Error> {
    let program = Path::new("/bin/cp");
    let mut contents = OsString::from(from);
    contents.push("/.");
    let mut command = account.command(program);
    command.arg("-Rp").arg(contents).arg(into);
    let done = command.output().map_err(|source| Error::Run { program: program.to_owned(), account: account.name(), source })?;
    if done.status.success() {
        return Ok(());
    }
    Err(Error::Initdb { cluster: into.to_owned(), output: String::from_utf8_lossy(&done.stderr).trim().to_owned() })
}

/// How many files and directories are below.
fn entries(dir: &Path) -> std::io::Result<usize> {
    fs::read_dir(dir)?.try_fold(0, |count, entry| {
        let entry = entry?;
        let below = if entry.file_type()?.is_dir() { entries(&entry.path())? } else { 0 };
        Ok(count + 1 + below)
    })
}
