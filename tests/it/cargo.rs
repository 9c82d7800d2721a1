//! What cargo says of the workspace and of what it is built from.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::source::root;

/// A package, as `cargo metadata` tells it.
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What its manifest says of its licence.
    pub license: Option<String>,
    /// The folder of its manifest.
    pub folder: PathBuf,
    /// What its manifest asks for.
    pub dependencies: Vec<Dependency>,
}

/// A line of a manifest's dependencies.
pub struct Dependency {
    /// The package.
    pub name: String,
    /// What the manifest calls it.
    pub called: String,
    /// Under which heading it stands.
    pub kind: Kind,
    /// The features that it asks for.
    pub features: Vec<String>,
}

/// A heading of a manifest's dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `[dependencies]`
    Normal,
    /// `[dev-dependencies]`
    Development,
    /// `[build-dependencies]`
    Build,
}

/// What cargo prints, run in the workspace's root.
pub fn cargo(arguments: &[&str]) -> String {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program).args(arguments).current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo speaks UTF-8")
}

/// The platform that this test runs on, as cargo names it.
pub fn host() -> String {
    let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program).arg("-vV").output().expect("rustc runs");
    let told = String::from_utf8(output.stdout).expect("rustc speaks UTF-8");
    told.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}

/// The packages of the workspace.
pub fn members() -> Vec<Package> {
    metadata(&["--no-deps", "--offline"])
}

/// The packages that `cargo metadata` with these arguments tells of.
pub fn metadata(arguments: &[&str]) -> Vec<Package> {
    let told: Value =
        serde_json::from_str(&cargo(&[&["metadata", "--format-version", "1"][..], arguments].concat())).expect("JSON");
    told["packages"].as_array().expect("packages").iter().map(package).collect()
}

fn package(told: &Value) -> Package {
    let manifest = PathBuf::from(text(&told["manifest_path"]));
    Package {
        name: text(&told["name"]),
        version: text(&told["version"]),
        license: told["license"].as_str().map(str::to_owned),
        folder: manifest.parent().expect("a folder").to_owned(),
        dependencies: told["dependencies"].as_array().expect("dependencies").iter().map(dependency).collect(),
    }
}

fn dependency(told: &Value) -> Dependency {
    let name = text(&told["name"]);
    Dependency {
        called: told["rename"].as_str().map_or_else(|| name.clone(), str::to_owned),
        name,
        kind: match told["kind"].as_str() {
            None => Kind::Normal,
            Some("dev") => Kind::Development,
            Some("build") => Kind::Build,
            Some(other) => panic!("dependencies of the kind {other}"),
        },
        features: told["features"].as_array().expect("features").iter().map(text).collect(),
    }
}

fn text(told: &Value) -> String {
    told.as_str().expect("a text").to_owned()
}
