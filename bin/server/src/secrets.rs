//! Keys that development makes for itself and keeps in the data directory; production is given its own.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
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
    // Written beside and renamed: a crash half-way leaves no half key, which would make every sealed bid unreadable.
    let beside = data_dir.join(format!(".{name}.new"));
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    std::fs::rename(&beside, &path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(text.into())
}
