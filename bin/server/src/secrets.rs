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

/// Moves the key of `<data_dir>/<name>` to the end of the list in `<data_dir>/<retired>`, so that the next [`kept`] makes another. Killed
/// half-way, the key stands in both.
///
/// # Errors
/// If the data directory cannot be written.
pub fn retire(data_dir: &Path, name: &str, retired: &str) -> anyhow::Result<()> {
    let old = match std::fs::read_to_string(data_dir.join(name)) {
        Ok(text) => text.trim().to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", data_dir.join(name).display())),
    };
    let mut keys = read_retired(data_dir, retired)?;
    if !keys.contains(&old) {
        keys.push(old);
    }
    write(data_dir, retired, &format!("{}\n", keys.join("\n")))?;
    sync(data_dir)?;
    std::fs::remove_file(data_dir.join(name))?;
    sync(data_dir)
}

/// The keys that were retired and are not destroyed yet.
///
/// # Errors
/// If the list is there and cannot be read.
pub fn read_retired(data_dir: &Path, retired: &str) -> anyhow::Result<Vec<String>> {
    let path = data_dir.join(retired);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.split_whitespace().map(str::to_owned).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Destroys the keys that were retired.
///
/// # Errors
/// If the data directory cannot be written.
pub fn destroy_retired(data_dir: &Path, retired: &str) -> anyhow::Result<()> {
    let path = data_dir.join(retired);
    let length = match std::fs::metadata(&path) {
        Ok(metadata) => usize::try_from(metadata.len()).unwrap_or_default(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    // In place, for file systems that write there; then the name.
    let mut file = std::fs::OpenOptions::new().write(true).open(&path)?;
    file.write_all(&vec![0; length])?;
    file.sync_all()?;
    std::fs::remove_file(&path)?;
    sync(data_dir)
}

fn sync(folder: &Path) -> anyhow::Result<()> {
    Ok(std::fs::File::open(folder)?.sync_all()?)
}

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
    let open = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside);
    let mut file = open.with_context(cannot)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, &path).with_context(cannot)
}
