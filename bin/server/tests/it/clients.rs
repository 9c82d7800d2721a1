//! What other people's tools make of the OpenAPI document (`clients/`): a typed client that walks to the end of the README, generated clients,
//! rules, and a fuzzer. The tools come from PyPI and npm: without, a test says what it skips, and where `CI=true` promises them, it fails.

mod directories;
mod fuzzing;
mod generators;
pub mod peers;

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use secrecy::ExposeSecret;
use testkit::Database;
use tokio::process::Child;

use self::peers::{Peers, folder, peers, run};
use crate::process::{free_address, serve};

/// A server of a test's own: with the demo logins, a worker and the payment provider's sandbox.
struct Server {
    address: SocketAddr,
    _child: Child,
    _database: Database,
    _data: tempfile::TempDir,
}

impl Server {
    async fn start() -> Self {
        let (database, data) = (Database::fresh().await, tempfile::tempdir().expect("a folder"));
        let url = database.superuser_url().await.expose_secret().to_owned();
        let address = free_address();
        let child = serve(address, data.path(), &[("BUILD14__DATABASE__URL", url)]).await.expect("the server is ready");
        Self { address, _child: child, _database: database, _data: data }
    }
}

/// A folder with the document and the files of `clients/`, where npm's packages are found.
fn workshop(peers: &Peers) -> tempfile::TempDir {
    let shop = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(folder()).expect("clients/") {
        let path: PathBuf = entry.expect("an entry").path();
        fs::copy(&path, shop.path().join(path.file_name().expect("a name"))).expect("copies");
    }
    let document = build14::services::openapi_json().expect("the document");
    fs::write(shop.path().join("openapi.json"), document).expect("writes");
    symlink(peers.packages(), shop.path().join("node_modules")).expect("links");
    shop
}

#[tokio::test]
async fn a_client_with_the_types_of_the_document_walks_to_the_end() {
    let Some(peers) = peers("a client with the types of the document compiles, and walks to the end") else { return };
    let shop = workshop(peers);
    run(peers.npm("openapi-typescript").args(["openapi.json", "-o", "api.d.ts"]).current_dir(&shop));
    run(peers.npm("tsc").args(["-p", "."]).current_dir(&shop));
    let server = Server::start().await;
    let said = run(peers.node().arg("out/walk.js").arg(format!("http://{}", server.address)).current_dir(&shop));
    assert!(said.contains("\nreleased: 10885.50 EUR, of which the contractor gets 10613.36 EUR\n"), "{said}");
    assert!(said.ends_with("\naudit: valid\n"), "{said}");
}

#[test]
fn that_client_has_no_cast() {
    let text = fs::read_to_string(folder().join("walk.ts")).expect("reads");
    // An import may call what it brings by another name.
    let begins = |line: &&str| ["//", "/*", "import "].iter().any(|other| line.trim_start().starts_with(other));
    for line in text.lines().filter(|line| !begins(line)) {
        let cast = [" as ", ": any", "<any", "!.", "!)", "!;", "!,", "!]", "@ts-"].iter().find(|cast| line.contains(**cast));
        assert_eq!(cast, None, "{line}");
    }
    assert!(!text.contains("@ts-"), "nothing is left unchecked");
}
