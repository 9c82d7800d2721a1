//! Nothing lies about that nobody uses: snapshots without a test, dependencies that no code names.

use std::path::Path;

use crate::cargo::{Kind, members};
use crate::source::{root, rust_files, text_files};

/// Packages that are there for the features that their manifests ask for (docs/decisions/0043): they name nothing, and nothing names them.
const UNNAMED: &[&str] = &["unified", "unified-base"];

/// Packages whose library has another name than theirs.
fn library(package: &str) -> String {
    package.strip_prefix("async-").filter(|rest| rest.starts_with("stripe")).unwrap_or(package).replace('-', "_")
}

/// Whether code names a crate: `name::…`, or `use name…`. Comments do not count.
fn names(code: &str, library: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let mut lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.any(|line| {
        line.match_indices(library).any(|(at, _)| {
            let (before, after) = (&line[..at], &line[at + library.len()..]);
            // `::name::` is the crate, `x::name::` is somebody's module.
            let outer = before.strip_suffix("::").unwrap_or(before);
            let is_word = !outer.ends_with(part) && !after.starts_with(part);
            let is_path =
                after.starts_with("::") || before.trim_end().ends_with("use") || before.trim_end().ends_with("extern crate");
            is_word && is_path
        })
    })
}

#[test]
fn every_dependency_is_named_by_code() {
    let files = rust_files();
    let mut unused = Vec::new();
    for package in members().iter().filter(|package| !UNNAMED.contains(&package.name.as_str())) {
        let folder = package.folder.strip_prefix(root()).expect("in the workspace").display();
        let of = |part: &str| -> String {
            let start = format!("{folder}/{part}");
            files.iter().filter(|(name, _)| name.starts_with(&start)).map(|(_, text)| text.as_str()).collect()
        };
        for dependency in &package.dependencies {
            let code = match dependency.kind {
                Kind::Normal => of("src/"),
                Kind::Build => of("build.rs"),
                _ => of(""),
            };
            let name = &dependency.called;
            if !UNNAMED.contains(&name.as_str()) && !names(&code, &library(name)) {
                unused.push(format!("{folder}/Cargo.toml: {name} ({:?})", dependency.kind));
            }
            // With the same features it is there anyway.
            let twice = dependency.kind == Kind::Development
                && package.dependencies.iter().any(|other| {
                    other.kind == Kind::Normal && other.name == dependency.name && other.features == dependency.features
                });
            if twice {
                unused.push(format!("{folder}/Cargo.toml: {name} is a dependency already"));
            }
        }
    }
    assert!(unused.is_empty(), "no code of the package names these; a test's own belong into [dev-dependencies]: {unused:#?}");
}

#[test]
fn a_crate_is_told_from_what_shares_its_name() {
    assert!(
        names("use futures::FutureExt;", "futures")
            && names("    ::serde::Serialize", "serde")
            && names("use jobs as tasks;", "jobs")
    );
    assert!(
        !names("// futures::FutureExt", "futures")
            && !names("crate::jobs::x()", "jobs")
            && !names("let hex = 1; hexes::x()", "hex")
    );
    assert_eq!(library("async-stripe-core"), "stripe_core");
    assert_eq!(library("async-trait"), "async_trait");
}

#[test]
fn every_snapshot_has_a_test() {
    let sources = rust_files();
    let mut count = 0;
    for (name, _) in text_files() {
        let Some(snapshot) = name.strip_suffix(".snap") else { continue };
        count += 1;
        let (folder, file) = snapshot.rsplit_once('/').expect("in a folder");
        let beside = Path::new(folder).parent().expect("beside the tests").to_string_lossy().into_owned();
        // <crate>__<module>…__<name>
        let parts: Vec<&str> = file.split("__").collect();
        let owned = (1..parts.len()).any(|cut| {
            let (module, what) = (parts[1..cut].join("/"), parts[cut..].join("__"));
            let homes = match module.as_str() {
                "" => vec![format!("{beside}/main.rs"), format!("{beside}/lib.rs")],
                module => vec![format!("{beside}/{module}.rs"), format!("{beside}/{module}/mod.rs")],
            };
            let takes = |text: &str| {
                let code: String = text.split_whitespace().collect();
                code.contains(&format!("_snapshot!(\"{what}\"")) || code.contains(&format!("fn{what}()"))
            };
            sources.iter().any(|(source, text)| homes.contains(source) && takes(text))
        });
        assert!(owned, "{name}: no test takes this snapshot any more: delete it, or name it after the test");
    }
    assert!(count > 4, "{count} snapshots: they are found");
}
