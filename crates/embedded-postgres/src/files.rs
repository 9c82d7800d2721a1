//! Files and directories made so that nobody else gets at them, and never half.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::error::{Error, io};

/// A new directory of mode 0700 under a name that nobody can guess; tempfile by itself leaves the mode to the umask.
pub(crate) fn private_temporary(prefix: &str, base: &Path) -> Result<tempfile::TempDir, Error> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).rand_bytes(12).permissions(Permissions::from_mode(0o700));
    builder.tempdir_in(base).map_err(io("create a directory in", base))
}

pub(crate) fn write_atomically(dir: &Path, name: &str, text: &[u8]) -> Result<(), Error> {
    let path = dir.join(name);
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(io("create a file in", dir))?;
    file.write_all(text).map_err(io("write", &path))?;
    file.persist(&path).map_err(|error| io("write", &path)(error.error))?;
    Ok(())
}

pub(crate) fn missing_is_fine(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

pub(crate) fn lock_file(path: &Path) -> Result<File, Error> {
    let mut open = OpenOptions::new();
    open.read(true).append(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    open.open(path).map_err(io("open", path))
}
