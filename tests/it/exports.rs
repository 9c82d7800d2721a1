//! What a crate shows is there for somebody: every name that the root of a crate hands on is named by another crate, or stands in a signature of
//! what is. Api crates are contracts: what they say is complete, whether somebody asks for all of it today or not.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{root, rust_files};

/// Names that nobody writes and that are needed all the same: `(crate, name, why)`.
const UNNAMED: &[(&str, &str, &str)] = &[
    ("kernel", "serde", "its macros write it where they are called"),
    ("kernel", "uuid", "its macros write it where they are called"),
    ("kernel", "NotAReason", "what reading a reason from text is refused with: `FromStr::Err`"),
    ("kernel", "NotAnOperator", "what reading an operator from text is refused with: `FromStr::Err`"),
];

/// Modules whose names are taken all at once.
const WHOLE: &[&str] = &["prelude"];

#[test]
fn every_public_name_is_used_outside_of_its_crate() {
    let files: Vec<(String, String)> = rust_files().into_iter().map(|(name, text)| (name, code(&text))).collect();
    let mut unused = Vec::new();
    for (folder, library) in libraries(&files) {
        let own = format!("{folder}/src/");
        let (inside, outside): (Vec<_>, Vec<_>) = files.iter().partition(|(name, _)| name.starts_with(&own));
        let used: BTreeSet<&str> = outside.iter().flat_map(|(_, text)| named_of(text, &library)).collect();
        let signatures: BTreeSet<&str> = inside.iter().flat_map(|(_, text)| signatures(text)).collect();
        let lib = inside.iter().find(|(name, _)| name.ends_with("/src/lib.rs")).map_or("", |(_, text)| text.as_str());
        for name in exported(lib) {
            let excused = UNNAMED.iter().any(|(whose, what, _)| *whose == library && *what == name);
            if !excused && !used.contains(name) && !signatures.contains(name) {
                unused.push(format!("{library}::{name}"));
            }
        }
    }
    assert!(unused.is_empty(), "no other crate names these: make them `pub(crate)`, or take them out: {unused:#?}");
    for (library, name, _) in UNNAMED {
        let lib =
            files.iter().find(|(file, _)| *file == format!("crates/{library}/src/lib.rs")).map_or("", |(_, text)| text.as_str());
        assert!(exported(lib).contains(name), "`UNNAMED` excuses {library}::{name}, which is not there any more");
    }
}

#[test]
fn a_name_that_nobody_takes_is_found() {
    let lib = "pub mod door; mod room; pub use room::{Chair, Table as Desk}; pub use door::open; pub(crate) use room::Lamp;\n\
               pub fn enter() {}\npub struct Key;\npub mod prelude { pub use crate::Chair; }";
    assert_eq!(exported(lib), BTreeSet::from(["door", "Chair", "Desk", "open", "enter", "Key"]));
    let user = "use house::{Chair, door::{self, open}, Desk}; fn f() { house::enter(); other::house::Key }";
    assert_eq!(named_of(user, "house"), BTreeSet::from(["Chair", "door", "Desk", "enter"]));
    let signed =
        "pub struct A { pub key: Key }\nimpl A { pub async fn chair(\n  &self) -> Option<Chair> { Lamp } }\nfn f() -> Desk {}";
    let words = signatures(signed);
    assert!(words.contains("Key") && words.contains("Chair") && !words.contains("Lamp") && !words.contains("Desk"), "{words:?}");
    assert!(!signatures("pub fn enter() {}").contains("enter"), "a function is not used by being there");
}

/// The crates of `crates/` but the contracts: their folders and the names of their libraries.
fn libraries(files: &[(String, String)]) -> BTreeMap<String, String> {
    let roots = files.iter().filter_map(|(name, _)| name.strip_suffix("/src/lib.rs"));
    let folders = roots.filter(|folder| folder.starts_with("crates/") && !folder.ends_with("/api"));
    folders
        .map(|folder| {
            let manifest = std::fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a manifest");
            let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")).expect("a name").trim_end_matches('"');
            (folder.to_owned(), name.replace('-', "_"))
        })
        .collect()
}

/// Without comments.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What is in the braces that a text begins with, between the commas that stand in no further brace; the first word alone if there are none.
fn members(text: &str) -> Vec<&str> {
    let Some(inner) = text.strip_prefix('{') else { return vec![text.split(|c| !is_part(c)).next().unwrap_or_default()] };
    let (mut depth, mut start, mut members) = (0, 0, Vec::new());
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                members.push(inner[start..at].trim());
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    members
}

/// The names of a crate's root that a text takes from it.
fn named_of<'a>(text: &'a str, library: &str) -> BTreeSet<&'a str> {
    let path = format!("{library}::");
    let starts = text.match_indices(&path).filter(|(at, _)| !text[..*at].ends_with(|c| is_part(c) || c == ':'));
    let members = starts.flat_map(|(at, _)| members(&text[at + path.len()..]));
    members.map(|member| member.split(|c| !is_part(c)).next().unwrap_or_default()).filter(|name| !name.is_empty()).collect()
}

/// What stands before a name.
const KINDS: &[&str] = &["async", "const", "unsafe", "fn", "struct", "enum", "trait", "type", "static", "mod"];

/// What the root of a crate shows by name.
fn exported(lib: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for (at, _) in lib.match_indices("pub ") {
        let before = &lib[..at];
        // What stands in something else is not the root's.
        if before.ends_with(is_part) || before.matches('{').count() != before.matches('}').count() {
            continue;
        }
        let item = &lib[at + "pub ".len()..];
        if let Some(list) = item.strip_prefix("use ") {
            let list = list.split(';').next().unwrap_or_default();
            let last = list.find('{').map_or_else(|| vec![list], |brace| members(&list[brace..]));
            // The name that it is handed on under is the last word.
            names.extend(last.into_iter().filter_map(|member| member.rsplit(|c| !is_part(c)).next()));
        } else {
            names.extend(item.split(|c| !is_part(c)).filter(|word| !word.is_empty()).find(|word| !KINDS.contains(word)));
        }
    }
    names.retain(|name| !name.is_empty() && !WHOLE.contains(name));
    names
}

/// Every word of what public functions, fields and types say of themselves, but the names that they define.
fn signatures(text: &str) -> BTreeSet<&str> {
    let mut words = BTreeSet::new();
    for (at, _) in text.match_indices("pub ") {
        let signature = text[at + "pub ".len()..].split(['{', ';']).next().unwrap_or_default();
        if !signature.starts_with("use ") {
            let mut rest = signature.split(|c| !is_part(c)).filter(|word| !word.is_empty());
            // The kind, then the name.
            rest.find(|word| !KINDS.contains(word));
            words.extend(rest);
        }
    }
    words
}
