//! What is written into the data directory, for this account alone. Keys that development makes for itself; production is given its own.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::RngCore;
use secrecy::SecretString;

/// 32 random bytes, base64, kept in `<data_dir>/<name>`, readable by this account alone.
///
/// # Errors
/// If the data directory cannot be written.
pub fn kept(data_dir: &Path, name: &str) -> anyhow::Result<SecretString> {
    let path = data_dir.join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => return Ok(text.trim().to_owned().into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
    let mut bytes = [0u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    let text = STANDARD.encode(bytes);
    write(data_dir, name, &format!("{text}\n"))?;
    Ok(text.into())
}

/// Writes a file that this account alone may read: beside and renamed, since a crash half-way must leave no half key, which would make every
/// sealed bid unreadable, and nobody who reads meanwhile half an address.
///
/// # Errors
/// If the data directory cannot be written.
pub fn write(data_dir: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let (beside, path) = (data_dir.join(format!(".{name}.new")), data_dir.join(name));
    let cannot = || format!("cannot write {}", path.display());
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, &path).with_context(cannot)
}
