//! The data directory: whether it will do, asked before anything that takes time, and what a server tells others there while it runs.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

use crate::secrets;

/// Where the server of a data directory listens.
const ADDRESS: &str = "server.address";

/// Makes the data directory if there is none, and refuses one that cannot be written to.
pub(crate) fn prepare(data_dir: &Path) -> anyhow::Result<()> {
    let shown = data_dir.display();
    let other = "BUILD14__DATA_DIR (data_dir) names another";
    embedded_postgres::make_data_dir(data_dir)
        .map_err(|error| anyhow::anyhow!("cannot create the data directory {shown}: {error}; {other}"))?;
    // By writing: permissions are not all that decides.
    let probe = data_dir.join(".writable");
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&probe)
        .and_then(|_| fs::remove_file(&probe))
        .map_err(|error| anyhow::anyhow!("cannot write into the data directory {shown}: {error}; {other}"))
}

/// Tells where this server listens.
pub(crate) fn tell_address(data_dir: &Path, address: SocketAddr) -> anyhow::Result<()> {
    secrets::write(data_dir, ADDRESS, &address.to_string())
}

/// Takes back what this server told, unless another one told something else meanwhile.
pub(crate) fn forget_address(data_dir: &Path, address: SocketAddr) {
    forget(data_dir, ADDRESS, &address.to_string());
}

/// Removes a file of this text; one that is not there, or says something else, is let be.
pub(crate) fn forget(data_dir: &Path, name: &str, text: &str) {
    let path = data_dir.join(name);
    if fs::read_to_string(&path).is_ok_and(|told| told == text)
        && let Err(error) = fs::remove_file(&path)
    {
        tracing::warn!(path = %path.display(), %error, "cannot be removed");
    }
}

/// Removes what a server that was killed left told: whoever waits for this one must not be sent there.
pub(crate) fn forget_killed(data_dir: &Path) -> anyhow::Result<()> {
    let path = data_dir.join(ADDRESS);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
