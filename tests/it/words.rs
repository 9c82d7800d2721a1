//! What is meant is said in words: no number of a list that a reader has not got, no section of a page that is not here.

use crate::source::text_files;

/// What looks like the number of a rule and is none, and where it may stand: below this path, or everywhere.
const NO_RULES: &[(&str, &str)] = &[
    // Classes of concrete, units of measure.
    ("C25", ""),
    ("C30", ""),
    ("H87", ""),
    ("C62", ""),
    ("M4", "crates/projects/impl/src/model/"),
    ("XX1", "crates/projects/impl/src/model/measure.rs"),
    // A system that browsers name.
    ("X11", "crates/auth/impl/src/device.rs"),
    ("X11", "crates/users/impl/tests/it/told_by_mail.rs"),
    // Apartments.
    ("A1", "crates/projects/"),
    ("A2", "crates/projects/impl/tests/"),
    ("A3", "crates/projects/impl/tests/"),
    ("A4", "crates/projects/impl/tests/"),
    ("B1", "crates/projects/impl/tests/"),
    ("C1", "crates/projects/impl/tests/"),
    ("A1", "crates/web/tests/it/bodies.rs"),
    ("A1", "tests/it/domains/projects.rs"),
    ("A1", "CONTRIBUTING.md"),
    ("A1", "GET /api/openapi.json"),
    ("V1", "bin/server/src/demo.rs"),
    // Names of types, patterns, a licence, an escaped letter.
    ("V4", "crates/web/src/client.rs"),
    ("V6", "crates/web/src/client.rs"),
    ("V4", "crates/auth/api/src/network.rs"),
    ("V6", "crates/auth/api/src/network.rs"),
    ("V4", "crates/auth/impl/src/attempts.rs"),
    ("V6", "crates/auth/impl/src/attempts.rs"),
    ("V4", "crates/adapters/openid/src/guard.rs"),
    ("V6", "crates/adapters/openid/src/guard.rs"),
    ("V6", "bin/server/src/config/sanity.rs"),
    ("I64", "crates/jobs/"),
    ("Z0", ""),
    ("HH24", ""),
    ("CC0", "tests/it/licences.rs"),
    ("C3", "crates/embedded-postgres/src/address.rs"),
];

/// Texts that people write. Migrations up to those that took the numbers out have landed, and never change.
fn texts() -> Vec<(String, String)> {
    let written = |name: &str| {
        let file = name.rsplit('/').next().unwrap_or(name);
        let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
        ["rs", "md", "toml", "yml", "sql", "sh", ""].contains(&ending)
            && !file.starts_with("LICENSE")
            && (!name.starts_with("migrations/") || name > "migrations/20261127060401")
            && name != "tests/it/words.rs"
    };
    let texts: Vec<_> = text_files().into_iter().filter(|(name, _)| written(name)).collect();
    assert!(texts.iter().any(|(name, _)| name == "justfile") && texts.iter().any(|(name, _)| name == "README.md"));
    texts
}

/// One or two capitals, one or two digits, and perhaps a small letter: the numbers of rules, and little else.
fn is_number(word: &str) -> bool {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let capitals = word.len() - rest.len();
    let rest = rest.strip_suffix(|c: char| c.is_ascii_lowercase()).unwrap_or(rest);
    (1..=2).contains(&capitals) && (1..=2).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_digit())
}

fn numbers<'a>(name: &'a str, text: &'a str) -> impl Iterator<Item = &'a str> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| is_number(word));
    words.filter(move |word| !NO_RULES.iter().any(|(number, below)| number == word && name.starts_with(below)))
}

#[test]
fn no_text_says_a_number_for_a_rule() {
    let mut found = Vec::new();
    for (name, text) in texts() {
        for (line, text) in (1..).zip(text.lines()) {
            found.extend(numbers(&name, text).map(|number| format!("{name}:{line}: {number}")));
        }
    }
    let openapi = build14::services::openapi_json().expect("the document");
    found.extend(numbers("GET /api/openapi.json", &openapi).map(|number| format!("OpenAPI: {number}")));
    assert!(found.is_empty(), "say what happens instead of its number, or list what is no rule's in NO_RULES: {found:#?}");
}

#[test]
fn a_number_is_found_wherever_it_stands() {
    let text = "closed lazily (T6), as `E3v`, I1–I7; not T120, SHA256, x27, V4, MTK or A_1";
    assert_eq!(numbers("README.md", text).collect::<Vec<_>>(), ["T6", "E3v", "I1", "I7", "V4"]);
    assert_eq!(numbers("crates/web/src/client.rs", text).last(), Some("I7"), "an address's version is none");
}

#[test]
fn a_section_is_one_of_a_standard() {
    let mut found = Vec::new();
    for (name, text) in texts() {
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| text.contains('§') && !text.contains("RFC ")) {
            found.push(format!("{name}:{line}: {text}"));
        }
    }
    assert!(found.is_empty(), "name what is meant, or the page of this repository: {found:#?}");
}
