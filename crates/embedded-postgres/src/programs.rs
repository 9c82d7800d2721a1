//! Finds the PostgreSQL server programs of this machine.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::error::Error;

/// The environment variable that names the directory to use, and then no other is looked in.
pub const BIN_VARIABLE: &str = "BUILD14_POSTGRES_BIN";
/// The oldest major version that will do.
pub const OLDEST_MAJOR: u32 = 15;

/// Where packages put the programs; a `*` stands for any part of one name.
const USUAL: [&str; 8] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// A `postgres` and the `initdb` beside it.
#[derive(Debug, Clone)]
pub struct Programs {
    bin: PathBuf,
    major: u32,
    version: String,
}

impl Programs {
    /// The newest programs of this machine. `bin`, else [`BIN_VARIABLE`], names the only directory to look in.
    pub fn find(bin: Option<&Path>) -> Result<Self, Error> {
        Self::all(bin)?.into_iter().next().ok_or(Error::NotInstalled { looked: Vec::new() })
    }

    /// The programs that can run the cluster in this directory: those of the major version that made it, or the newest.
    pub(crate) fn for_cluster(bin: Option<&Path>, cluster: &Path) -> Result<Self, Error> {
        let all = Self::all(bin)?;
        let made_by = fs::read_to_string(cluster.join("PG_VERSION")).ok();
        let found = all.iter().map(|p| (p.bin.clone(), p.version.clone())).collect();
        let fits = |programs: &Self| made_by.as_ref().is_none_or(|v| v.trim() == programs.major.to_string());
        all.into_iter().find(fits).ok_or_else(|| Error::OtherMajor {
            cluster: cluster.to_owned(),
            wanted: made_by.as_deref().unwrap_or_default().trim().to_owned(),
            found,
        })
    }

    /// All that are new enough, the newest first, never none.
    fn all(bin: Option<&Path>) -> Result<Vec<Self>, Error> {
        let named = bin.map(Path::to_owned).or_else(|| env::var_os(BIN_VARIABLE).filter(|v| !v.is_empty()).map(PathBuf::from));
        let (candidates, looked) = match named {
            Some(dir) => (vec![dir.clone()], vec![dir]),
            None => usual_places(),
        };
        let mut found: Vec<Self> = Vec::new();
        for dir in candidates {
            let dir = fs::canonicalize(&dir).unwrap_or(dir);
            if !found.iter().any(|programs| programs.bin == dir) {
                found.extend(Self::in_dir(dir));
            }
        }
        if found.is_empty() {
            return Err(Error::NotInstalled { looked });
        }
        let (mut new, old): (Vec<_>, Vec<_>) = found.into_iter().partition(|programs| programs.major >= OLDEST_MAJOR);
        if new.is_empty() {
            return Err(Error::TooOld { found: old.into_iter().map(|p| (p.bin, p.version)).collect() });
        }
        new.sort_by_key(|programs| std::cmp::Reverse(programs.major));
        Ok(new)
    }

    fn in_dir(bin: PathBuf) -> Option<Self> {
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

/// The directories that may hold the programs, and for the error text every place that was looked in.
fn usual_places() -> (Vec<PathBuf>, Vec<PathBuf>) {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut looked: Vec<PathBuf> = env::split_paths(&path).filter(|dir| dir.is_absolute()).collect();
    // A link in PATH leads to the directory where the two are siblings.
    let mut candidates: Vec<PathBuf> = looked
        .iter()
        .flat_map(|dir| [dir.join("postgres"), dir.join("initdb")])
        .filter_map(|program| Some(fs::canonicalize(program).ok()?.parent()?.to_owned()))
        .collect();
    for pattern in USUAL {
        looked.push(pattern.into());
        candidates.extend(expand(Path::new(pattern)));
    }
    (candidates, looked)
}

/// The directories that a pattern with at most one `*` stands for.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let mut matches = vec![PathBuf::new()];
    for part in pattern.iter() {
        let star = part.to_str().and_then(|part| part.split_once('*'));
        matches = match star {
            None => matches.into_iter().map(|dir| dir.join(part)).collect(),
            Some((before, after)) => matches.iter().flat_map(|dir| children(dir, before, after)).collect(),
        };
    }
    matches.retain(|dir| dir.is_dir());
    matches
}

fn children(dir: &Path, before: &str, after: &str) -> Vec<PathBuf> {
    let fits = |name: &OsStr| {
        name.to_str().is_some_and(|n| n.len() >= before.len() + after.len() && n.starts_with(before) && n.ends_with(after))
    };
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    entries.flatten().filter(|entry| fits(&entry.file_name())).map(|entry| entry.path()).collect()
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

    #[test]
    fn a_star_stands_for_any_part_of_one_name() {
        let root = tempfile::tempdir().expect("a temporary directory");
        for dir in ["pgsql-15/bin", "pgsql-17/bin", "pgsql-18", "other/bin"] {
            fs::create_dir_all(root.path().join(dir)).expect("a directory");
        }
        let mut found = expand(&root.path().join("pgsql-*/bin"));
        found.sort();
        assert_eq!(found, ["pgsql-15/bin", "pgsql-17/bin"].map(|dir| root.path().join(dir)));
    }
}
