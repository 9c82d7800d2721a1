//! Reading the repository's own sources.

use std::path::{Path, PathBuf};

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the root").to_owned()
}

/// Every Rust file of the project, relative to the root, with its text.
pub fn rust_files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for folder in ["bin", "crates", "tests"] {
        collect(&root().join(folder), &mut files);
    }
    files.sort();
    assert!(files.len() > 100, "the sources are found");
    files
}

fn collect(folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
            files.push((name, std::fs::read_to_string(&path).expect("UTF-8")));
        }
    }
}

/// Every text of the project, relative to the root: what is built, made or hidden is none, save what tells other machines what to do.
pub fn text_files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect_texts(&root(), &mut files);
    files.sort();
    assert!(files.len() > 200, "the texts are found");
    files
}

fn collect_texts(folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            let ours = !name.starts_with('.') || [".ci", ".github"].contains(&name.as_str());
            if ours && !["target", "node_modules"].contains(&name.as_str()) {
                collect_texts(&path, files);
            }
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            files.push((path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned(), text));
        }
    }
}
