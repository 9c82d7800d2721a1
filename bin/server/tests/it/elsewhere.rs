//! Sign-in elsewhere as a browser does it, from the server's own process to a provider and back, over sockets: to issuers of the test's own, and to
//! `oidc-provider` of npm, which other people wrote.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use reqwest::{Client, Url};
use secrecy::ExposeSecret;
use serde_json::Value;
use testkit::issuer::{CLIENT_ID, CLIENT_SECRET, Script};
use testkit::{Database, Issuer};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::clients::peers::{Peers, folder, peers};
use crate::process::{free_address, serve};

/// A browser: it keeps cookies, of each host its own, and goes where it is sent.
pub struct Browser {
    pub http: Client,
    pub cookies: BTreeMap<(String, String), String>,
}

/// Where it came to.
pub struct Page {
    pub url: Url,
    pub status: u16,
    location: Option<String>,
    pub text: String,
}

impl Browser {
    pub fn new() -> Self {
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { http, cookies: BTreeMap::new() }
    }

    /// One request.
    async fn open(&mut self, url: Url) -> Page {
        let host = url.authority().to_owned();
        let own = self.cookies.iter().filter(|((of, _), _)| *of == host);
        let cookies: Vec<String> = own.map(|((_, name), value)| format!("{name}={value}")).collect();
        let request = self.http.get(url.clone()).header("cookie", cookies.join("; ")).header("accept", "text/html");
        let answer = request.send().await.unwrap_or_else(|error| panic!("{url}: {error}"));
        for set in answer.headers().get_all("set-cookie") {
            let pair = set.to_str().expect("text").split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a name and a value");
            self.cookies.insert((host.clone(), name.to_owned()), value.to_owned());
        }
        self.cookies.retain(|_, value| !value.is_empty());
        let location = answer.headers().get("location").map(|to| to.to_str().expect("text").to_owned());
        Page { url, status: answer.status().as_u16(), location, text: answer.text().await.expect("the body comes whole") }
    }

    /// Goes on until it is sent nowhere.
    pub async fn visit(&mut self, url: &str) -> Page {
        let mut page = self.open(Url::parse(url).expect("a URL")).await;
        for _ in 0..10 {
            let Some(next) = &page.location else { return page };
            page = self.open(page.url.join(next).expect("a URL")).await;
        }
        panic!("{} leads in circles", page.url)
    }
}

/// A server with these providers.
pub struct Server {
    pub address: SocketAddr,
    pub database: Database,
    _child: Child,
    _data: tempfile::TempDir,
}

impl Server {
    pub async fn start(address: SocketAddr, providers: &[(&'static str, &str)]) -> Self {
        let (database, data) = (Database::fresh().await, tempfile::tempdir().expect("a folder"));
        let mut environment = vec![("BUILD14__DATABASE__URL", database.superuser_url().await.expose_secret().to_owned())];
        environment.extend(providers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let child = serve(address, data.path(), &environment).await.expect("the server is ready");
        Self { address, database, _child: child, _data: data }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Who is signed in, as the page that the browser came to says.
fn user(page: &Page) -> Value {
    assert_eq!((page.status, page.url.path()), (200, "/api/user"), "{}", page.text);
    serde_json::from_str(&page.text).expect("JSON")
}

const ACME: &str = "BUILD14__IDENTITY_PROVIDERS__ACME__";
const GITHUB: &str = "BUILD14__IDENTITY_PROVIDERS__GITHUB__";

/// The settings of an issuer under a name of the operator's own, and of GitHub.
fn settings<'a>(issuer: &'a str, github: &'a str, api: &'a str) -> Vec<(&'static str, &'a str)> {
    let of = |section: &str, setting: &str| -> &'static str { Box::leak(format!("{section}{setting}").into_boxed_str()) };
    vec![
        (of(ACME, "NAME"), "Acme"),
        (of(ACME, "ISSUER"), issuer),
        (of(ACME, "CLIENT_ID"), CLIENT_ID),
        (of(ACME, "CLIENT_SECRET"), CLIENT_SECRET),
        (of(GITHUB, "BASE"), github),
        (of(GITHUB, "API_BASE"), api),
        (of(GITHUB, "CLIENT_ID"), CLIENT_ID),
        (of(GITHUB, "CLIENT_SECRET"), CLIENT_SECRET),
    ]
}

#[tokio::test]
async fn a_browser_signs_in_by_an_issuer_and_by_github_and_another_one_does_not() {
    let issuer = Issuer::start(Script::of("248289761001", "ada@example.com")).await;
    let github = Issuer::start(Script { names_itself: false, ..Script::of("583231", "Ada@example.com") }).await;
    let api = format!("{}/api", github.url);
    let server = Server::start(free_address(), &settings(&issuer.url, &github.url, &api)).await;
    let listed = Browser::new().visit(&server.url("/api/auth/providers")).await;
    let listed: Value = serde_json::from_str(&listed.text).expect("JSON");
    let keys: Vec<_> = listed["data"].as_array().expect("a list").iter().map(|one| one["key"].as_str()).collect();
    assert_eq!(keys, [Some("acme"), Some("github")], "Google has no client_id");

    let mut browser = Browser::new();
    let page = browser.visit(&server.url("/auth/oauth/acme/start?returnTo=/api/user")).await;
    let ada = user(&page);
    assert_eq!((&ada["email"], &ada["emailVerified"]), (&Value::from("ada@example.com"), &Value::from(true)));
    // The same address, verified on both sides, is the same account.
    let by_github = Browser::new().visit(&server.url("/auth/oauth/github/start?returnTo=/api/user")).await;
    assert_eq!(user(&by_github)["id"], ada["id"]);
    assert_eq!(
        server.database.query("select string_agg(subject, ' ' order by subject) from identities").await,
        ["248289761001 583231"]
    );
    // What began in one browser: another one is led to its end, and is signed in as nobody.
    let mut first = Browser::new();
    let away = first.open(Url::parse(&server.url("/auth/oauth/acme/start?returnTo=/api/user")).expect("a URL")).await;
    let back = issuer.visit(away.location.as_deref().expect("it is sent away"));
    let mut victim = Browser::new();
    let page = victim.visit(&back).await;
    assert!(page.status == 410 && page.text.contains("counts no more") && victim.cookies.is_empty(), "{}", page.text);
    assert_eq!(user(&first.visit(&back).await)["id"], ada["id"], "and the first goes on");
    assert_eq!(first.visit(&back).await.status, 410, "once");
    // Whoever says that they reach this server under another name is sent back to its own all the same.
    let asked = server.url("/auth/oauth/acme/start");
    let led = first.http.get(asked).header("host", "evil.example").send().await.expect("answers");
    let location = led.headers()["location"].to_str().expect("text");
    let own = format!("redirect_uri=http%3A%2F%2F{}%2Fauth", server.address.to_string().replace(':', "%3A"));
    assert!(location.contains(&own), "{location}");
    assert!(!location.contains("evil.example"), "{location}");
}

/// `clients/issuer.mjs`. Gone when dropped.
pub struct OidcProvider {
    _child: Child,
    /// It goes on to say things, and ends when nobody is there to hear them.
    _said: Lines<BufReader<ChildStdout>>,
    _shop: tempfile::TempDir,
}

pub async fn oidc_provider(peers: &Peers, port: u16, redirect: &str) -> OidcProvider {
    let shop = tempfile::tempdir().expect("a folder");
    std::fs::copy(folder().join("issuer.mjs"), shop.path().join("issuer.mjs")).expect("copies");
    symlink(peers.packages(), shop.path().join("node_modules")).expect("links");
    let mut command = Command::from(peers.node());
    command.arg("issuer.mjs").args([&port.to_string(), redirect, CLIENT_ID, CLIENT_SECRET]).current_dir(&shop);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().expect("Node.js runs");
    let mut said = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    while let Some(line) = said.next_line().await.expect("reads") {
        if line == "listening" {
            return OidcProvider { _child: child, _said: said, _shop: shop };
        }
    }
    panic!("the provider does not listen")
}

#[tokio::test]
async fn a_browser_signs_in_by_a_provider_that_other_people_wrote() {
    let Some(peers) = peers("a browser signs in by oidc-provider of npm") else { return };
    let (address, port) = (free_address(), free_address().port());
    let redirect = format!("http://{address}/auth/oauth/oidc/callback");
    let _provider = oidc_provider(peers, port, &redirect).await;
    let issuer = format!("http://127.0.0.1:{port}");
    let providers = [
        ("BUILD14__IDENTITY_PROVIDERS__OIDC__NAME", "Elsewhere"),
        ("BUILD14__IDENTITY_PROVIDERS__OIDC__ISSUER", issuer.as_str()),
        ("BUILD14__IDENTITY_PROVIDERS__OIDC__CLIENT_ID", CLIENT_ID),
        ("BUILD14__IDENTITY_PROVIDERS__OIDC__CLIENT_SECRET", CLIENT_SECRET),
    ];
    let server = Server::start(address, &providers).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let page = Browser::new().visit(&server.url("/auth/oauth/oidc/start?returnTo=/api/user")).await;
        let ada = user(&page);
        assert_eq!((&ada["email"], &ada["name"]), (&Value::from("ada@example.com"), &Value::from("Ada Lovelace")));
        assert_eq!(ada["emailVerified"], true);
        ids.push(ada["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    let kept = server.database.query("select concat_ws(' ', provider, issuer, subject) from identities").await;
    assert_eq!(kept, [format!("oidc {issuer} ada")]);
}
