//! The pages in a real browser: Chromium, headless, with the virtual authenticator of its DevTools protocol. Node.js, which the tests of clients bring
//! along, steers it; without either a test says what it skips, and where `CI=true` promises them, it fails.

use std::env;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;
use tempfile::TempDir;
use testkit::Database;
use tokio::process::Child;

use crate::clients::peers::{Peers, peers, run};
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

/// A server, and a browser that opens its pages.
struct Scene {
    chromium: PathBuf,
    peers: &'static Peers,
    base: String,
    database: Database,
    data: TempDir,
    _server: Child,
}

impl Scene {
    /// Nothing where there is no browser, or nobody to steer it.
    async fn of(what: &str) -> Option<Self> {
        let (chromium, peers) = (chromium(what)?, peers(what)?);
        let (database, data) = (Database::fresh().await, tempfile::tempdir().expect("a folder"));
        let url = database.superuser_url().await.expose_secret().to_owned();
        let address = free_address();
        let server = serve(address, data.path(), &[("BUILD14__DATABASE__URL", url)]).await.expect("the server is ready");
        let base = format!("http://localhost:{}", address.port());
        Some(Self { chromium, peers, base, database, data, _server: server })
    }

    /// What a script of `browser/` says of its walk through the pages.
    fn walked(&self, script: &str, task: &str) -> String {
        let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/browser").join(script);
        let mut command = self.peers.node();
        run(command.arg(steps).arg(&self.base).arg(&self.chromium).arg(self.data.path().join("browser")).arg(task))
    }
}

/// Every step was said, as it stands.
fn says(said: &str, steps: &[&str]) {
    for step in steps {
        assert!(said.contains(&format!("{step}\n")), "{step}: {said}");
    }
}

#[tokio::test]
async fn a_browser_adds_a_passkey_and_signs_in_with_it() {
    let Some(scene) = Scene::of("a browser adds a passkey and signs in with it").await else { return };
    // The rest waits until the address is proven.
    says(&scene.walked("passkeys.mjs", "register"), &["registered"]);
    scene.database.run_sql("update users set email_verified = true where email = 'browser@example.com'").await;
    let said = scene.walked("passkeys.mjs", "passkeys");
    let steps = [
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
    ];
    says(&said, &steps);
}

#[tokio::test]
async fn a_browser_signs_up_by_mail_joins_by_a_link_and_shows_each_second_factor() {
    let Some(scene) = Scene::of("a browser signs up by mail, joins by a link and shows each second factor").await else { return };
    let said = scene.walked("mails.mjs", "");
    let steps = [
        "is this your address: Is this your address?",
        "confirmed: Your address is confirmed",
        "still signed in as: owner@example.com",
        "the link alone: Sign in",
        "signed up by mail: You are signed in",
        "as: grace@example.com",
        "invited by mail: Accept the invitation?",
        "accepted by mail: You are a member",
        "invited: Join the organisation?",
        "accepted: You are a member",
        "member of: Owner Works, Second Works, grace",
        "the code to scan is an image: svg",
        "recovery codes: 10",
        "behind the link: Your second factor",
        "a wrong code: Your second factor",
        "it says what is wrong: 1",
        "by the authenticator: You are signed in",
        "as with a second factor: grace@example.com",
        "a passkey was added: done",
        "the passkey is offered: true",
        "by the passkey: done",
        "no code is asked for any more: true",
        "as with a passkey: grace@example.com",
        "a common password: Choose a new password",
        "a new password: Your password is set",
        "the old password: 401",
        "as with another password: owner@example.com",
        "refused by the pages' policies: 0",
    ];
    says(&said, &steps);
}
