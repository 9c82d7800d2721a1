//! Passkeys in a real browser: Chromium, headless, with the virtual authenticator of its DevTools protocol. Node.js, which the tests of clients bring
//! along, steers it; without either a test says what it skips, and where `CI=true` promises them, it fails.

use std::env;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;
use testkit::Database;

use crate::clients::peers::{peers, run};
use crate::process::{free_address, serve};

/// The browser; `None` where there is none, which then shows nothing of `what`.
fn chromium(what: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = env::split_paths(&folders).flat_map(|folder| names.map(|name| folder.join(name))).find(|path| path.is_file());
    if found.is_none() {
        assert!(env::var("CI").as_deref() != Ok("true"), "CI=true, and there is no Chromium");
        eprintln!("skipped: nothing shows that {what}. It needs Chromium (Debian: apt-get install chromium)");
    }
    found
}

#[tokio::test]
async fn a_browser_adds_a_passkey_and_signs_in_with_it() {
    let what = "a browser adds a passkey and signs in with it";
    let (Some(chromium), Some(peers)) = (chromium(what), peers(what)) else { return };
    let (database, data) = (Database::fresh().await, tempfile::tempdir().expect("a folder"));
    let url = database.superuser_url().await.expose_secret().to_owned();
    let address = free_address();
    let _server = serve(address, data.path(), &[("BUILD14__DATABASE__URL", url)]).await.expect("the server is ready");
    let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/browser/passkeys.mjs");
    let base = format!("http://localhost:{}", address.port());
    let walked = |task: &str| {
        let mut command = peers.node();
        run(command.arg(&steps).arg(&base).arg(&chromium).arg(data.path().join("browser")).arg(task))
    };
    // The rest waits until the address is proven.
    let said = walked("register");
    assert!(said.contains("registered\n"), "{said}");
    database.run_sql("update users set email_verified = true where email = 'browser@example.com'").await;
    let said = walked("passkeys");
    for step in [
        "nobody is signed in: stranger",
        "added: codes",
        "recovery codes: 10",
        "resident credentials: 1",
        "the same authenticator again: known",
        "signed in with it: done",
        "the password alone: 202",
        "as: browser@example.com",
        "the person not seen to: cancelled",
        "after it was removed: refused",
        "German: de Mit einem Passkey anmelden",
        "light and dark differ: true",
        "refused by the page's policy: 0",
    ] {
        assert!(said.contains(&format!("{step}\n")), "{step}: {said}");
    }
}
