//! What the documents say is there: every sample is a quote of code that is built, every page and file that is named exists.

use std::path::{Component, Path, PathBuf};

use crate::source::{root, text_files};

/// Migrations that cite pages of before there was `docs/domain`: what has landed never changes.
const LANDED: &[&str] = &[
    "migrations/20261121000200_tenants_organizations/up.sql",
    "migrations/20261121000600_escrow_contracts_ledger/up.sql",
    "migrations/20261121000700_tenders_tenders_bids/up.sql",
];

/// Languages of samples that are quotes. What a shell is told, and what it answers, is none.
const QUOTED: &[&str] = &["rust", "sql", "toml", "txt"];

/// Where what is built stands: a path in a document that begins like this is one from the root.
const TOP: &[&str] = &["bin/", "crates/", "tests/", "config/", "migrations/", "docs/", "clients/", ".ci/", ".github/"];

fn documents() -> Vec<(String, String)> {
    text_files().into_iter().filter(|(name, _)| name.ends_with(".md")).collect()
}

/// A sample of a document, and the file that it says it is from.
struct Sample {
    language: String,
    from: Option<String>,
    text: String,
}

/// Every fenced block. The line before it names its file in backticks.
fn samples(document: &str) -> Vec<Sample> {
    let mut samples = Vec::new();
    let (mut before, mut lines) = ("", document.lines());
    while let Some(line) = lines.next() {
        if let Some(language) = line.trim().strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
            let from = before.split('`').skip(1).step_by(2).find(|name| name.contains(['/', '.'])).map(str::to_owned);
            samples.push(Sample { language: language.to_owned(), from, text: text.join("\n") });
        }
        if !line.trim().is_empty() {
            before = line;
        }
    }
    samples
}

/// Without what formatting changes.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the pieces of a sample, between lines that are only `…`, stand in the file in this order.
fn stands_in(sample: &str, file: &str) -> Result<(), String> {
    let file = words(file);
    let mut rest = file.as_str();
    let is_gap = |line: &&str| line.trim().trim_start_matches(['/', '-', '#', ' ']) == "…";
    for piece in sample.lines().collect::<Vec<_>>().split(is_gap) {
        let piece = words(&piece.join("\n"));
        let Some(place) = rest.find(&piece) else { return Err(piece) };
        rest = &rest[place + piece.len()..];
    }
    Ok(())
}

#[test]
fn every_sample_is_a_quote() {
    let mut count = 0;
    for (document, text) in documents() {
        for sample in samples(&text).into_iter().filter(|sample| QUOTED.contains(&sample.language.as_str())) {
            let from = sample.from.unwrap_or_else(|| {
                panic!(
                    "{document}: the line before this block names, in backticks, the file that it is quoted from:\n{}",
                    sample.text
                )
            });
            let file = std::fs::read_to_string(root().join(&from)).unwrap_or_else(|e| panic!("{document} quotes {from}: {e}"));
            if let Err(piece) = stands_in(&sample.text, &file) {
                panic!("{document} quotes {from}, where this does not stand (any more): quote it anew\n{piece}");
            }
            count += 1;
        }
    }
    assert!(count > 10, "{count} quotes: they are found");
}

#[test]
fn a_sample_that_stands_nowhere_is_found() {
    let file = "fn one() {\n    1\n}\n\nfn two() {\n    2\n}\n";
    assert_eq!(stands_in("fn two() { 2 }", file), Ok(()), "however it is broken into lines");
    assert_eq!(stands_in("fn one() {\n// …\nfn two() {", file), Ok(()), "with a gap");
    assert_eq!(stands_in("fn two() {\n    …\nfn one() {", file), Err("fn one() {".to_owned()), "not in this order");
    assert_eq!(stands_in("fn three()", file), Err("fn three()".to_owned()));
    let text = "As in `crates/kernel/src/lib.rs`:\n\n```rust\na\n```\n```sql\nb\n```\n";
    let found: Vec<_> = samples(text).into_iter().map(|s| (s.language, s.from, s.text)).collect();
    let from = Some("crates/kernel/src/lib.rs".to_owned());
    assert_eq!(found[0], ("rust".to_owned(), from, "a".to_owned()));
    assert_eq!(found[1], ("sql".to_owned(), None, "b".to_owned()), "each block says where it is from");
}

/// What of a text looks like the path of a page.
fn pages(text: &str) -> Vec<&str> {
    let part = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let tokens = text.split(|c: char| !part(c)).map(|token| token.trim_end_matches(['.', '/']));
    tokens.filter(|token| token.ends_with(".md") && token.len() > ".md".len()).collect()
}

/// Whether a page is there, from the folder of whoever names it or from one above it.
fn is_there(page: &str, named_in: &str) -> bool {
    let file = root().join(named_in);
    file.ancestors().skip(1).take_while(|folder| folder.starts_with(root())).any(|folder| folder.join(page).is_file())
}

#[test]
fn every_page_that_is_named_exists() {
    let mut missing = Vec::new();
    for (name, text) in text_files() {
        // These sentences name pages that are not there.
        if LANDED.contains(&name.as_str()) || name == "tests/it/documents.rs" {
            continue;
        }
        let absent = pages(&text).into_iter().filter(|page| !is_there(page, &name));
        missing.extend(absent.map(|page| format!("{name}: {page}")));
    }
    missing.sort();
    missing.dedup();
    assert!(missing.is_empty(), "these name pages that are not in this repository: {missing:#?}");
    assert_eq!(pages("see docs/API.md, domain.md. (README.md)"), ["docs/API.md", "domain.md", "README.md"]);
    assert!(is_there("docs/API.md", "crates/web/src/lib.rs") && is_there("README.md", "crates/web/src/lib.rs"));
    assert!(!is_there("domain.md", "crates/web/src/lib.rs"));
}

/// A link's target as a path from the root, without what is looked up elsewhere.
fn target(link: &str, document: &str) -> Option<PathBuf> {
    let path = link.split('#').next().unwrap_or_default();
    if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
        return None;
    }
    let mut whole = Path::new(document).parent().expect("a file has a folder").to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir => {
                whole.pop();
            }
            Component::Normal(name) => whole.push(name),
            _ => {}
        }
    }
    Some(whole)
}

#[test]
fn every_link_leads_somewhere() {
    let mut dead = Vec::new();
    for (document, text) in documents() {
        let nowhere = links(&document, &text).into_iter().filter(|link| !root().join(link).exists());
        dead.extend(nowhere.map(|link| format!("{document}: {}", link.display())));
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn every_file_that_a_page_names_exists() {
    let mut missing = Vec::new();
    for (document, text) in documents() {
        for name in text.split('`').skip(1).step_by(2) {
            let is_path = TOP.iter().any(|top| name.starts_with(top)) && !name.contains([' ', '<', '*', '…', '{', '$', '\n']);
            let path = name.trim_end_matches('/');
            if is_path && !root().join(path).exists() {
                missing.push(format!("{document}: {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "these are named and not there: {missing:#?}");
}

#[test]
fn every_decision_that_is_cited_was_taken() {
    let decisions: Vec<String> = text_files()
        .into_iter()
        .filter_map(|(name, _)| name.strip_prefix("docs/decisions/").map(|file| file.chars().take(4).collect()))
        .collect();
    let mut untaken = Vec::new();
    for (name, text) in text_files() {
        for rest in text.split("ecision ").skip(1) {
            let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
            if !number.is_empty() && !decisions.contains(&format!("{number:0>4}")) {
                untaken.push(format!("{name}: decision {number}"));
            }
        }
    }
    assert!(untaken.is_empty(), "docs/decisions has no such number: {untaken:#?}");
}

/// Where the links of a page lead.
fn links(document: &str, text: &str) -> Vec<PathBuf> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).filter_map(|link| target(link, document)).collect()
}

#[test]
fn every_page_is_found_from_the_readme() {
    let all = documents();
    let mut found = vec![PathBuf::from("README.md")];
    let mut next = 0;
    while let Some(page) = found.get(next).cloned() {
        next += 1;
        // A link to a folder leads to every page in it.
        let more = if root().join(&page).is_dir() {
            all.iter().map(|(name, _)| PathBuf::from(name)).filter(|name| name.starts_with(&page)).collect()
        } else {
            let text = all.iter().find(|(name, _)| Path::new(name) == page);
            text.map(|(name, text)| links(name, text)).unwrap_or_default()
        };
        found.extend(more.into_iter().filter(|link| !found.contains(link)).collect::<Vec<_>>());
    }
    let lost: Vec<&String> = all.iter().map(|(name, _)| name).filter(|name| !found.contains(&PathBuf::from(name))).collect();
    assert!(lost.is_empty(), "no link leads from README.md to these, over whatever pages: {lost:#?}");
}
