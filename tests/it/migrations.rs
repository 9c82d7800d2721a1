//! A migration that has landed never changes: databases know migrations by name, so that an edited one would never reach those that ran it.

use sha2::{Digest, Sha256};

use crate::source::root;

const LANDED: &str = include_str!("migrations.sha256");

#[test]
fn landed_migrations_never_change() {
    let folder = root().join("migrations");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .expect("lists")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    let there: Vec<String> = names.iter().map(|name| format!("{}  {name}", digest(&folder.join(name).join("up.sql")))).collect();

    let landed: Vec<&str> = LANDED.lines().collect();
    let gone: Vec<_> = landed.iter().filter(|line| !there.iter().any(|other| other == *line)).collect();
    assert!(gone.is_empty(), "landed migrations were edited or removed: take that back and write a new one instead\n{gone:#?}");
    let new: Vec<_> = there.iter().filter(|line| !landed.contains(&line.as_str())).cloned().collect();
    assert!(
        new.is_empty(),
        "new migrations: put these lines into tests/it/migrations.sha256 in the order of the names, which is at the end: a name must sort after those of before\n{}",
        new.join("\n")
    );
    assert_eq!(landed, there, "in the order in which they are applied");
}

fn digest(file: &std::path::Path) -> String {
    let text = std::fs::read(file).expect("up.sql");
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
