//! The dependency rules and source conventions of docs/ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};

use crate::cargo::{Kind, members};
use crate::source::{root, rust_files};
use crate::world::World;

/// What stands beside the domains and the platform in `crates/`.
const OTHERS: &[&str] = &["adapters", "stripe-sandbox"];

/// The folders of `crates/`: those of the domains, which have an `api` and an `impl`, and those of the platform.
fn folders() -> (Vec<String>, Vec<String>) {
    let entries = std::fs::read_dir(root().join("crates")).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let mut names: Vec<_> = names.filter(|name| !OTHERS.contains(&name.as_str())).collect();
    names.sort();
    names.into_iter().partition(|name| {
        let has = |part: &str| root().join("crates").join(name).join(part).join("Cargo.toml").exists();
        assert_eq!(has("api"), has("impl"), "crates/{name}: a domain has both, `api` and `impl`");
        has("api")
    })
}

fn domains() -> Vec<String> {
    folders().0
}

fn platform() -> Vec<String> {
    folders().1
}

/// Normal dependencies of every member, by package name.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    members()
        .into_iter()
        .map(|package| {
            let normal = package.dependencies.into_iter().filter(|d| d.kind == Kind::Normal);
            (package.name, normal.map(|d| d.name).collect())
        })
        .collect()
}

fn api(domain: &str) -> String {
    format!("{domain}-api")
}

#[test]
fn implementations_never_depend_on_each_other() {
    let all = dependencies();
    for domain in domains() {
        let others: Vec<_> = domains().into_iter().filter(|other| all[&domain].contains(other)).collect();
        assert!(others.is_empty(), "`{domain}` depends on the implementation of {others:?}: use its api crate");
    }
}

#[test]
fn calls_go_one_way() {
    let all = dependencies();
    for domain in domains() {
        let may = crate::domains::ALL.iter().find(|fixture| fixture.name == domain).map(|fixture| fixture.calls);
        let may = may.unwrap_or_else(|| {
            panic!("`{domain}` is a new domain: say in `calls` of tests/it/domains/{domain}.rs whom it may call")
        });
        for package in [domain.clone(), api(&domain)] {
            for callee in domains().iter().filter(|callee| **callee != domain && all[&package].contains(&api(callee))) {
                assert!(
                    may.contains(&callee.as_str()),
                    "`{package}` must not call `{callee}-api`: the other way round is an event on the outbox, or a port that `{domain}-api` defines"
                );
            }
        }
    }
}

#[test]
fn api_crates_form_no_cycle() {
    let all = dependencies();
    let domains = domains();
    let mut left: BTreeSet<&str> = domains.iter().map(String::as_str).collect();
    while !left.is_empty() {
        let free: Vec<&str> =
            left.iter().copied().filter(|d| !left.iter().any(|other| other != d && all[&api(d)].contains(&api(other)))).collect();
        assert!(!free.is_empty(), "the api crates of {left:?} depend on each other in a circle");
        left.retain(|domain| !free.contains(domain));
    }
}

#[test]
fn every_domain_is_in_the_servers_list() {
    let mut listed: Vec<_> = build14::modules::MODULES.iter().map(|module| module.name).collect();
    listed.sort_unstable();
    assert_eq!(listed, domains(), "bin/server/src/modules.rs has a `MODULE` of every domain");
    let platform = platform();
    for module in build14::modules::PLATFORM {
        assert!(platform.iter().any(|name| name == module.name), "`{}` is no crate of the platform", module.name);
    }
}

#[tokio::test]
async fn every_task_that_a_domain_names_has_a_handler_and_no_other() {
    let world = World::new().await;
    let registry = world.services.registry();
    let (mut named, mut done): (Vec<_>, Vec<_>) =
        (build14::modules::all().flat_map(|module| module.tasks.iter().copied()).collect(), registry.tasks().collect());
    named.sort_unstable();
    done.sort_unstable();
    assert_eq!(named, done);
    assert!(named.iter().all(|task| build14::modules::does(task)) && !build14::modules::does("escrow.nothing"));
    world.end().await;
}

#[test]
fn contracts_know_no_technology() {
    let all = dependencies();
    for domain in domains() {
        for technology in ["diesel", "diesel-async", "actix-web", "db", "web", "utoipa"] {
            assert!(
                !all[&api(&domain)].contains(technology),
                "`{domain}-api` depends on {technology}: its dependants would pay for it"
            );
        }
    }
}

#[test]
fn the_platform_knows_no_domain() {
    let all = dependencies();
    for platform in platform() {
        for domain in domains() {
            assert!(!all[&platform].contains(&domain), "`{platform}` depends on `{domain}`");
            let allowed = platform == "web" && domain == "auth";
            assert!(allowed || !all[&platform].contains(&api(&domain)), "`{platform}` depends on `{domain}-api`");
        }
    }
    for bottom in ["kernel", "uow"] {
        for technology in ["diesel", "diesel-async", "actix-web", "db", "tokio-postgres"] {
            assert!(!all[bottom].contains(technology), "`{bottom}` depends on {technology}");
        }
    }
}

#[test]
fn only_the_server_sees_adapters() {
    for (package, dependencies) in dependencies() {
        for adapter in [
            "stripe-adapter",
            "stripe-webhooks",
            "stripe-sandbox",
            "mail-smtp",
            "mail-resend",
            "openid",
            "webauthn-adapter",
            "dns-resolver",
        ] {
            let may =
                ["build14", "tests", "stripe-adapter", "stripe-webhooks", "stripe-sandbox", "bench"].contains(&package.as_str());
            assert!(may || !dependencies.contains(adapter), "`{package}` depends on the adapter `{adapter}`");
        }
    }
}

#[test]
fn heavy_crates_compile_in_one_place() {
    for (package, dependencies) in dependencies() {
        for (heavy, home) in [
            ("casbin", "auth"),
            ("argon2", "auth"),
            ("graphile_worker_queries", "jobs"),
            ("jsonschema", "json-check"),
            ("governor", "web"),
            ("lettre", "mail-smtp"),
            ("minijinja", "mail"),
            ("oauth2", "openid"),
            ("openidconnect", "openid"),
            ("hickory-resolver", "dns-resolver"),
            ("webauthn-rs", "webauthn-adapter"),
        ] {
            assert!(
                package == home || !dependencies.contains(heavy),
                "`{package}` depends on {heavy}, which belongs to `{home}`"
            );
        }
        let stripe = dependencies.iter().find(|name| name.starts_with("async-stripe"));
        assert!(
            package == "stripe-adapter" || stripe.is_none(),
            "`{package}` depends on {stripe:?}, which belongs to `stripe-adapter`"
        );
    }
}

#[test]
fn the_kernel_stays_small() {
    let lines: usize = rust_files()
        .iter()
        .filter(|(name, _)| name.starts_with("crates/kernel/src"))
        .map(|(_, text)| {
            text.split("#[cfg(test)]").next().unwrap_or_default().lines().filter(|line| !line.trim().is_empty()).count()
        })
        .sum();
    assert!(lines < 1_350, "the kernel has {lines} lines: everything in it rebuilds everything");
}

#[test]
fn functions_in_a_callers_transaction_say_so() {
    let mut wrong = Vec::new();
    for (name, text) in rust_files() {
        let exempt = name.contains("/repo") || name.contains("/tests/") || name.starts_with("tests/");
        let platform = ["crates/uow", "crates/db", "crates/testkit", "crates/jobs"].iter().any(|folder| name.starts_with(folder));
        if exempt || platform {
            continue;
        }
        let production = text.split("#[cfg(test)]").next().unwrap_or_default();
        for piece in production.split("fn ").skip(1) {
            let signature = piece.split(['{', ';']).next().unwrap_or_default();
            let function = signature.split(['(', '<']).next().unwrap_or_default().trim();
            let is_name = !function.is_empty() && function.chars().all(|c| c.is_alphanumeric() || c == '_');
            if is_name && signature.contains("&mut Tx") && !function.ends_with("_in") {
                wrong.push(format!("{name}: {function}"));
            }
        }
    }
    assert!(wrong.is_empty(), "these take `&mut Tx`, so their names end in `_in` (or they belong in repo.rs): {wrong:#?}");
}

#[test]
fn errors_of_the_database_are_told_apart_by_code_and_constraint() {
    for (name, text) in rust_files() {
        // What the driver itself says when the connection is gone has one language.
        if name.contains("/tests/") || name.starts_with("tests/") || name == "crates/db/src/error.rs" {
            continue;
        }
        let production = text.split("#[cfg(test)]").next().unwrap_or_default();
        for words in
            [".message().contains", ".message().starts_with", "info.message()", "information.message()", "to_string().contains("]
        {
            assert!(
                !production.contains(words),
                "{name}: `{words}` reads an error's text, which the server may speak in any language: use its constraint (`on_constraint`), \
                 a constraint's name in `raise exception … using constraint`, or the SQLSTATE"
            );
        }
    }
}

#[test]
fn lists_go_on_behind_a_cursor_in_one_way() {
    let by_hand = |text: &str| text.contains(".lt(after.created_at");
    let wrong: Vec<_> = rust_files()
        .into_iter()
        .filter(|(name, text)| name.contains("/impl/src/") && by_hand(text))
        .map(|(name, _)| name)
        .collect();
    assert!(wrong.is_empty(), "`db::after!` bounds the index scan, too: {wrong:?}");
}

/// What a set of names is called in the database, in Rust and on the wire stands in one line of a `named!`.
#[test]
fn wire_types_have_no_names_of_their_own() {
    let http = rust_files().into_iter().filter(|(name, _)| name.contains("/impl/src/http"));
    let (mut files, mut wrong) = (0, Vec::new());
    for (name, text) in http {
        files += 1;
        let own = text.lines().filter(|line| line.split_whitespace().any(|word| word == "enum"));
        wrong.extend(own.map(|line| format!("{name}: {}", line.trim())));
    }
    assert!(files > 20, "the wire types are found");
    assert!(wrong.is_empty(), "`kernel::named!` in the api crate and `web::OneOf`: {wrong:#?}");
}

#[test]
fn every_file_says_what_it_is() {
    for (name, text) in rust_files() {
        assert!(text.starts_with("//! "), "{name}: the first line is a `//!` sentence that says what the file is");
    }
}

#[test]
fn a_module_stands_beside_the_folder_of_its_modules() {
    let other: Vec<String> = rust_files().into_iter().map(|(name, _)| name).filter(|name| name.ends_with("/mod.rs")).collect();
    assert!(
        other.is_empty(),
        "`x.rs` beside `x/` is the shape everywhere, so that a tab and a search tell which file it is: {other:?}"
    );
}

#[test]
fn versions_and_features_stand_in_the_root_alone() {
    let manifests = dependencies().into_keys().count();
    let mut seen = 0;
    let mut folders = vec![root().join("bin"), root().join("crates"), root().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name == "Cargo.toml") {
                seen += 1;
                check_manifest(&path.to_string_lossy(), &std::fs::read_to_string(&path).expect("UTF-8"));
            }
        }
    }
    assert_eq!(seen, manifests);
}

fn check_manifest(path: &str, text: &str) {
    assert!(text.contains("[lints]\nworkspace = true"), "{path}: inherits the workspace's lints");
    let mut section = "";
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]") {
            assert!(
                line.contains("workspace = true"),
                "{path}: {line:?} names a version: it belongs into [workspace.dependencies]"
            );
        }
    }
}
