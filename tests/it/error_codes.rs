//! Every error code that a client can meet: unique within its domain, permanent. Clients branch on them, so review each change here.

use std::collections::BTreeMap;

use crate::source::rust_files;

#[test]
fn codes_are_permanent() {
    let mut codes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, text) in rust_files() {
        let domain = name.contains("/api/src/") || name.contains("/impl/src/");
        // What the doctor finds has names, too, but no client meets them.
        let doctor = name.ends_with("/doctor.rs") || name.ends_with("/module.rs");
        let platform = ["kernel", "web", "inbox"].iter().any(|part| name.starts_with(&format!("crates/{part}/src")));
        if doctor || !(domain || platform) {
            continue;
        }
        let owner = name.split("/src").next().unwrap_or_default().to_owned();
        // A variable of the build is no code either.
        let text = text.replace("env!(\"CARGO_PKG_VERSION\")", "");
        // Every piece between two quotation marks, so that one that stands alone does not hide what follows.
        for code in text.split('"').filter(|text| is_code(text)) {
            let known = codes.entry(code.to_owned()).or_default();
            if !known.contains(&owner) {
                known.push(owner.clone());
            }
        }
    }
    let list: String = codes.iter().map(|(code, owners)| format!("{code:<32} {}\n", owners.join(" "))).collect();
    insta::assert_snapshot!("error_codes", list);
}

/// Words in capitals that are no codes: methods, header values, examples, what a test says of itself.
const OTHERS: &[&str] = &[
    "DELETE",
    "DENY",
    "EURO",
    "HEAD",
    "JSON",
    "MILE",
    "NOT_RESPONSIVE",
    "OPTIONS",
    "OVERTAKEN",
    "PATCH",
    "POST",
    "SAMEORIGIN",
    "TRACE",
];

fn is_code(text: &str) -> bool {
    if OTHERS.contains(&text) {
        return false;
    }
    text.len() > 3
        && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
        && !text.starts_with('_')
        && text.contains(|c: char| c.is_ascii_uppercase())
}
