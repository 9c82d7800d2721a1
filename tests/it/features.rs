//! Whichever packages are built, other people's crates have the same features: nothing is built again because less was asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cargo::{cargo, host, members};

/// A crate, as `name v1.2.3`, and whether it runs while building (in procedural macros and build scripts), for which cargo asks apart.
type Built = (String, bool);

/// The features of what is built from other people's crates.
type Features = BTreeMap<Built, BTreeSet<String>>;

/// What cargo would build for a selection of packages.
fn resolved(platform: &str, selection: &[&str]) -> Features {
    let tree = ["tree", "--locked", "--color=never", "--charset=ascii", "--format={p}|{f}", "--target", platform];
    read(&cargo(&[&tree[..], selection].concat()))
}

fn read(tree: &str) -> Features {
    let mut features = Features::new();
    // By depth: whether the line's ancestors run while building, and whether the heading above is `[build-dependencies]`.
    let (mut runs, mut build): (Vec<bool>, Vec<bool>) = (Vec::new(), Vec::new());
    for line in tree.lines() {
        let text = line.trim_start_matches(['|', '`', '-', ' ']);
        let depth = (line.len() - text.len()) / 4;
        if text.starts_with('[') {
            build.truncate(depth + 1);
            build.push(text == "[build-dependencies]");
            continue;
        }
        let Some((package, rest)) = text.split_once('|') else { continue };
        build.resize(depth + 1, false);
        runs.truncate(depth);
        let while_building = runs.last().is_some_and(|parent| *parent) || build[depth] || package.ends_with(" (proc-macro)");
        runs.push(while_building);
        let package = package.trim_end_matches(" (proc-macro)");
        // Behind the name of our own is its path.
        if !package.contains('(') {
            let asked = rest.trim_end_matches(" (*)").split(',').filter(|feature| !feature.is_empty()).map(str::to_owned);
            features.insert((package.to_owned(), while_building), asked.collect());
        }
    }
    features
}

#[test]
fn every_selection_of_packages_builds_the_same_crates() {
    let platform = host();
    let whole = resolved(&platform, &["--workspace"]);
    assert!(whole.len() > 300, "{} crates: they are found", whole.len());
    let names: Vec<String> = members().into_iter().map(|package| package.name).collect();
    // `cargo test -p …`, and `cargo run`, which needs nothing of what only tests use.
    let mut selections: Vec<Vec<&str>> = names.iter().map(|name| vec!["--package", name.as_str()]).collect();
    selections.push(vec!["--package", "build14", "--edges", "normal,build"]);
    let (next, other) = (AtomicUsize::new(0), Mutex::new(BTreeMap::<(Built, Vec<String>), Vec<&str>>::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).min(4) {
            scope.spawn(|| {
                while let Some(selection) = selections.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for (built, features) in resolved(&platform, selection) {
                        let differ: Vec<String> = whole[&built].symmetric_difference(&features).cloned().collect();
                        if !differ.is_empty() {
                            other.lock().expect("no thread failed").entry((built, differ)).or_default().push(selection[1]);
                        }
                    }
                }
            });
        }
    });
    let other = other.into_inner().expect("no thread failed");
    let told: Vec<String> = other.iter().map(|(what, selections)| advice(what, selections)).collect();
    assert!(told.is_empty(), "`cargo test -p` would build these again (docs/decisions/0043):\n{}", told.join("\n"));
}

fn advice(((package, while_building), features): &(Built, Vec<String>), selections: &[&str]) -> String {
    let name = package.split(' ').next().unwrap_or_default();
    let low = |package: &&str| ["kernel", "uow", "unified-base"].contains(package) || package.ends_with("-api");
    let home = if selections.iter().any(low) { "unified-base" } else { "unified" };
    let heading = if *while_building { "build-dependencies" } else { "dependencies" };
    format!(
        "{package}: `{}` differ in {}: `{name}.workspace = true` belongs into [{heading}] of crates/{home}/Cargo.toml, and they into its line of \
         the root's [workspace.dependencies]",
        features.join(" "),
        selections.join(", ")
    )
}

/// What `unified-base` asks for is built before the kernel, so before everything.
#[test]
fn the_kernel_waits_for_nothing_heavy() {
    let asked = resolved(&host(), &["--package", "kernel"]);
    assert!(asked.keys().any(|(package, _)| package.starts_with("serde v1")), "the crates are found");
    for heavy in ["tokio", "tokio-postgres", "rustls", "ring", "hyper", "actix-web", "regex", "rhai"] {
        let found = asked.keys().find(|(package, _)| package.split(' ').next() == Some(heavy));
        assert!(
            found.is_none(),
            "the kernel asks for {found:?}: such a line belongs into crates/unified, not into crates/unified-base"
        );
    }
}

#[test]
fn what_runs_while_building_is_told_apart() {
    let tree = "\
ours v0.1.0 (/home/somebody/ours)|
|-- derive v1.0.0 (proc-macro)|default
|   `-- syn v3.0.9|full,parsing
|-- numbers v0.2.19|default,std
|   [build-dependencies]
|   `-- probe v1.5.1|
|       `-- log v0.4.35|
`-- log v0.4.35|std
[build-dependencies]
`-- derive v1.0.0 (proc-macro)|default (*)
[dev-dependencies]
`-- tests v2.0.0|

second v0.1.0 (/home/somebody/second)|
`-- numbers v0.2.19|default,std (*)
";
    let told = read(tree).into_iter().map(|((package, building), features)| {
        format!(
            "{package} {} {}",
            if building { "building" } else { "built" },
            features.into_iter().collect::<Vec<_>>().join(",")
        )
    });
    let expected = [
        "derive v1.0.0 building default",
        "log v0.4.35 built std",
        "log v0.4.35 building ",
        "numbers v0.2.19 built default,std",
        "probe v1.5.1 building ",
        "syn v3.0.9 building full,parsing",
        "tests v2.0.0 built ",
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}
