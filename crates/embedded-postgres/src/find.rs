//! Finds the PostgreSQL server programs of this machine, or has npm bring them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::demands::{BIN_VARIABLE, OLDEST_MAJOR};
use crate::error::Error;
use crate::npm;
use crate::programs::Programs;

/// The environment variable that names other directories than the usual ones, separated as in PATH; empty: none. For tests.
pub const PLACES_VARIABLE: &str = "BUILD14_TEST_POSTGRES_PLACES";

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

impl Programs {
    /// The newest programs of this machine; where it has none, those that npm brings. `bin`, else [`BIN_VARIABLE`], names the only directory
    /// to look in, or says `npm` to use no others than npm's.
    pub fn find(bin: Option<&Path>) -> Result<Self, Error> {
        let mut all = Self::all(bin)?;
        // Never none.
        Ok(all.swap_remove(0))
    }

    /// The programs that can run the cluster in this directory: those of the major version that made it, or the newest.
    pub(crate) fn for_cluster(bin: Option<&Path>, cluster: &Path) -> Result<Self, Error> {
        let all = Self::all(bin)?;
        let made_by = fs::read_to_string(cluster.join("PG_VERSION")).ok();
        let found = all.iter().map(|p| (p.bin().to_owned(), p.version().to_owned())).collect();
        let fits = |programs: &Self| made_by.as_ref().is_none_or(|v| v.trim() == programs.major().to_string());
        if let Some(fit) = all.into_iter().find(fits) {
            return Ok(fit);
        }
        let wanted = made_by.as_deref().unwrap_or_default().trim().to_owned();
        // One that npm's programs made, before others came to this machine.
        if named(bin).is_none()
            && npm::brings(&wanted)
            && let Ok(programs) = npm::programs()
        {
            return Ok(programs);
        }
        Err(Error::OtherMajor { cluster: cluster.to_owned(), wanted, found })
    }

    /// All that are new enough, the newest first, never none.
    fn all(bin: Option<&Path>) -> Result<Vec<Self>, Error> {
        match named(bin) {
            Some(Named::Npm) => Ok(vec![npm::programs()?]),
            Some(Named::Dir(dir)) => {
                let found = Self::among(vec![dir.clone()], vec![dir.clone()], None);
                found.map_err(|error| if matches!(error, Error::NotInstalled { .. }) { Error::NotThere { dir } } else { error })
            }
            None => {
                let (candidates, looked) = usual_places();
                Self::among(candidates, looked, Some(&npm::programs))
            }
        }
    }

    /// Those in these directories that are new enough, the newest first; where there are none, what is brought.
    fn among(
        candidates: Vec<PathBuf>,
        looked: Vec<PathBuf>,
        bring: Option<&dyn Fn() -> Result<Self, Error>>,
    ) -> Result<Vec<Self>, Error> {
        let mut found: Vec<Self> = Vec::new();
        for dir in candidates {
            let dir = fs::canonicalize(&dir).unwrap_or(dir);
            if !found.iter().any(|programs| programs.bin() == dir) {
                found.extend(Self::in_dir(dir));
            }
        }
        let (mut new, old): (Vec<_>, Vec<_>) = found.into_iter().partition(|programs| programs.major() >= OLDEST_MAJOR);
        if new.is_empty() {
            let npm = match bring.map(|bring| bring()) {
                Some(Ok(brought)) => return Ok(vec![brought]),
                Some(Err(Error::Npm { why })) => Some(why),
                Some(Err(error)) => Some(error.to_string()),
                None => None,
            };
            return Err(match old.is_empty() {
                true => Error::NotInstalled { looked, npm },
                false => Error::TooOld { npm, found: old.iter().map(|p| (p.bin().to_owned(), p.version().to_owned())).collect() },
            });
        }
        new.sort_by_key(|programs| std::cmp::Reverse(programs.major()));
        Ok(new)
    }
}

/// Where somebody said to look.
enum Named {
    Npm,
    Dir(PathBuf),
}

fn named(bin: Option<&Path>) -> Option<Named> {
    let variable = || env::var_os(BIN_VARIABLE).filter(|value| !value.is_empty());
    match bin {
        Some(dir) => Some(Named::Dir(dir.to_owned())),
        None => variable().map(|value| if value == "npm" { Named::Npm } else { Named::Dir(value.into()) }),
    }
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
    let patterns: Vec<PathBuf> = match env::var_os(PLACES_VARIABLE) {
        Some(places) => env::split_paths(&places).filter(|place| place.is_absolute()).collect(),
        None => USUAL.map(PathBuf::from).to_vec(),
    };
    for pattern in patterns {
        candidates.extend(expand(&pattern));
        looked.push(pattern);
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
    use std::cell::Cell;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn fake(bin: &Path, version: &str) -> Programs {
        for program in ["postgres", "initdb"] {
            let path = bin.join(program);
            fs::write(&path, format!("#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n")).expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
        }
        Programs::in_dir(bin.to_owned()).expect("it tells its version")
    }

    #[test]
    fn npm_is_asked_only_where_the_machine_has_nothing_new_enough() {
        let (npm, new, old) = (tempfile::tempdir(), tempfile::tempdir(), tempfile::tempdir());
        let [npm, new, old] = [npm, new, old].map(|dir| dir.expect("a folder"));
        let brought = fake(npm.path(), "17.10");
        fake(new.path(), "15.1");
        fake(old.path(), "13.4");
        let asked = Cell::new(0);
        let bring = || {
            asked.set(asked.get() + 1);
            Ok(brought.clone())
        };
        let versions = |dirs: &[&Path]| {
            let dirs: Vec<PathBuf> = dirs.iter().map(|dir| (*dir).to_owned()).collect();
            let found = Programs::among(dirs.clone(), dirs, Some(&bring)).expect("found");
            found.into_iter().map(|programs| programs.version().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(versions(&[old.path(), new.path()]), ["15.1"]);
        assert_eq!(asked.get(), 0, "what the machine has comes first");
        assert_eq!(versions(&[]), ["17.10"]);
        assert_eq!(versions(&[old.path()]), ["17.10"]);
        assert_eq!(asked.get(), 2);
    }

    #[test]
    fn without_npm_the_error_tells_both_ways() {
        let looked = vec![PathBuf::from("/nowhere/bin")];
        let absent = || Err(Error::Npm { why: "npm is not installed either".to_owned() });
        let error = Programs::among(looked.clone(), looked, Some(&absent)).expect_err("nothing there").to_string();
        for said in [
            "no PostgreSQL server programs",
            "npm is not installed either",
            "Or install npm (Node.js)",
            "/nowhere/bin",
            BIN_VARIABLE,
        ] {
            assert!(error.contains(said), "{said} is missing in {error}");
        }
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
