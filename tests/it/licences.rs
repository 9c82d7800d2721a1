//! Every crate that is built here has a licence that we may use.

use crate::cargo::{host, metadata};

const FREE: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MPL-2.0",
    "MPL-2.0+",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "0BSD",
];

#[test]
fn every_dependency_is_free_to_use() {
    // What is built on this platform is there, for it was built; crates of other platforms may never have been downloaded. A crate that
    // is missing all the same (only this package was built) is fetched.
    let mut unfree = Vec::new();
    for package in metadata(&["--filter-platform", &host(), "--locked"]) {
        let licence = package.license.unwrap_or_else(|| "none".to_owned());
        // `a OR b`: one of them must do. `a AND b`: each must. A slash is an old way to write OR.
        let flat = licence.replace(['(', ')'], "").replace('/', " OR ");
        let usable = flat.split(" AND ").all(|part| part.split(" OR ").any(|name| FREE.contains(&name.trim())));
        if !usable {
            unfree.push(format!("{} {}: {licence}", package.name, package.version));
        }
    }
    assert!(unfree.is_empty(), "licences outside of the list: {unfree:#?}");
}
