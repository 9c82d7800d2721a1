//! A `postgres` and the `initdb` beside it: what one directory holds.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A `postgres` and the `initdb` beside it.
#[derive(Debug, Clone)]
pub struct Programs {
    bin: PathBuf,
    major: u32,
    version: String,
}

impl Programs {
    pub(crate) fn in_dir(bin: PathBuf) -> Option<Self> {
        if !bin.join("initdb").is_file() {
            return None;
        }
        let asked =
            Command::new(bin.join("postgres")).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        let (version, major) = parse_version(&String::from_utf8_lossy(&asked.stdout))?;
        Some(Self { bin, major, version })
    }

    /// The directory that holds them.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// The major version, as 17.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// The version as the server tells it, as "17.2".
    pub fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.bin.join("postgres")
    }

    pub(crate) fn initdb(&self) -> PathBuf {
        self.bin.join("initdb")
    }
}

/// From "postgres (PostgreSQL) 15.13 (Debian 15.13-1)": "15.13" and 15.
fn parse_version(told: &str) -> Option<(String, u32)> {
    let version = told.split("(PostgreSQL)").nth(1)?.split_whitespace().next()?;
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    Some((version.to_owned(), version[..digits].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_every_build_tells_them() {
        let parsed = |told| parse_version(told).map(|(version, major)| format!("{version} is {major}"));
        assert_eq!(parsed("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n").as_deref(), Some("15.13 is 15"));
        assert_eq!(parsed("postgres (PostgreSQL) 18beta1\n").as_deref(), Some("18beta1 is 18"));
        assert_eq!(parsed("postgres (PostgreSQL) 9.6.24\n").as_deref(), Some("9.6.24 is 9"));
        assert_eq!(parsed("something else 3.1"), None);
    }
}
