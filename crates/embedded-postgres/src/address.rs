//! Where a cluster listens, as a libpq URL.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The superuser of every cluster made here.
pub(crate) const SUPERUSER: &str = "postgres";
/// Only the name of a socket in a private directory, so it clashes with nothing.
pub(crate) const PORT: u16 = 5432;

/// The unix socket that a cluster listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    socket_dir: PathBuf,
    port: u16,
}

impl Address {
    pub(crate) fn new(socket_dir: PathBuf, port: u16) -> Self {
        Self { socket_dir, port }
    }

    /// The directory that holds the socket, of mode 0700.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The port, which is but a part of the socket's name.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `postgresql://user@/database?host=…&port=…`, as libpq, tokio-postgres and diesel-async read it.
    pub fn url(&self, user: &str, database: &str) -> String {
        let host = encode(self.socket_dir.as_os_str().as_bytes());
        format!("postgresql://{}@/{}?host={host}&port={}", encode(user.as_bytes()), encode(database.as_bytes()), self.port)
    }

    /// The socket itself.
    pub(crate) fn socket(&self) -> PathBuf {
        self.socket_dir.join(socket_name(self.port))
    }
}

/// The name PostgreSQL gives the socket of a port.
pub(crate) fn socket_name(port: u16) -> String {
    format!(".s.PGSQL.{port}")
}

fn encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len()), |mut encoded, &byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_back_as_it_was_meant() {
        let address = Address::new("/tmp/a b&c=ü/socket".into(), 5432);
        let url = address.url("app user", "tést/1");
        assert_eq!(url, "postgresql://app%20user@/t%C3%A9st%2F1?host=%2Ftmp%2Fa%20b%26c%3D%C3%BC%2Fsocket&port=5432");
        let read: tokio_postgres::Config = url.parse().expect("tokio-postgres reads it");
        assert_eq!(read.get_user(), Some("app user"));
        assert_eq!(read.get_dbname(), Some("tést/1"));
        assert_eq!(read.get_hosts(), [tokio_postgres::config::Host::Unix("/tmp/a b&c=ü/socket".into())]);
    }
}
