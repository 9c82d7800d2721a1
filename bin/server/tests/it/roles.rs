//! Nothing serves over a role that stands above row-level security.

use std::process::Stdio;

use secrecy::ExposeSecret;
use serde_json::Value;
use testkit::{Database, Proxy, ProxyFault, until};
use tokio::process::Child;

use crate::process::{binary, free_address, is_ready, production};

type Environment = Vec<(&'static str, String)>;

fn with(mut environment: Environment, name: &'static str, value: String) -> Environment {
    environment.retain(|(known, _)| *known != name);
    environment.push((name, value));
    environment
}

async fn run(environment: &Environment, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = binary();
    command.args(arguments).envs(environment.iter().map(|(name, value)| (*name, value.as_str())));
    let output = command.output().await.expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn serve_worker_and_doctor_refuse_every_role_above_row_level_security() {
    let database = Database::fresh().await;
    let sound = production(&database).await;
    let name = database.query("select current_database()").await.remove(0);
    database.run_sql(&format!("create role {name}_above login bypassrls in role build14_app")).await;
    let app = database.app_url().await.expose_secret().to_owned();
    let (url, system) = ("BUILD14__DATABASE__URL", "BUILD14__DATABASE__SYSTEM_URL");
    let superuser = database.superuser_url().await.expose_secret().to_owned();
    let refused = [
        (url, superuser.clone(), "postgres is a superuser"),
        (url, format!("{superuser}&options=-c%20role%3Dbuild14_app"), "postgres is a superuser"),
        (url, database.owner_url().await.expose_secret().to_owned(), "build14_owner is build14_owner or a member of it"),
        (url, app.replace("build14_app", &format!("{name}_above")), "has BYPASSRLS"),
        (
            url,
            app.replace("build14_app", "build14_system") + "&application_name=x",
            "build14_system is build14_system or a member of it",
        ),
        (system, superuser.clone(), "postgres is a superuser"),
        (system, app.clone() + "&application_name=x", "build14_app is neither build14_system nor a member of it"),
    ];
    for (variable, value, said) in refused {
        let environment = with(sound.clone(), variable, value);
        for command in ["serve", "worker"] {
            let (code, _, complained) = run(&environment, &[command]).await;
            assert_eq!(code, Some(1), "{command}: {said}: {complained}");
            assert!(
                complained.contains("tenants would not be kept apart") && complained.contains(said),
                "{command}: {complained}"
            );
            assert!(complained.contains(&format!("give {variable} a URL that signs in as")), "{command}: {complained}");
        }
        let (code, found, _) = run(&environment, &["doctor", "--json"]).await;
        assert_eq!(code, Some(1), "{said}: {found}");
        let found: Value = serde_json::from_str(&found).expect("JSON");
        let exposed = found.as_array().into_iter().flatten().any(|finding| {
            // Who the connection is, and not who it should be.
            let found = said.split(' ').next().filter(|word| *word != "has").unwrap_or("_above");
            finding["rule"] == "ISOLATION"
                && finding["subject"].as_str().is_some_and(|subject| subject.contains(found))
                && finding["detail"].as_str().is_some_and(|detail| detail.contains(said))
        });
        assert!(exposed, "{said}: {found}");
    }
    let (code, said, complained) = run(&sound, &["doctor"]).await;
    assert_eq!((code, said.as_str()), (Some(0), "every invariant holds, no alarm is open\n"), "{complained}");
    database.run_sql(&format!("drop role {name}_above")).await;
}

#[tokio::test]
async fn a_pooler_that_drops_the_role_is_refused_with_what_to_do() {
    let database = Database::fresh().await;
    let superuser = database.superuser_url().await;
    let pooler = Proxy::before(&superuser, ProxyFault::WithStartupOptions).await;
    let data = tempfile::tempdir().expect("a folder");
    // The way of development: one URL, and the role in its options.
    let environment = vec![
        ("BUILD14__DATABASE__URL", pooler.url(&superuser).expose_secret().to_owned()),
        ("BUILD14__DATA_DIR", data.path().display().to_string()),
        ("BUILD14__SERVER__ADDRESS", "127.0.0.1:0".to_owned()),
        ("BUILD14__METRICS__ADDRESS", "127.0.0.1:0".to_owned()),
    ];
    let (code, _, complained) = run(&environment, &["serve"]).await;
    assert_eq!(code, Some(1), "{complained}");
    assert!(complained.contains("migrations must run as build14_owner, and this connection is postgres"), "{complained}");
    assert!(complained.contains("docs/OPERATIONS.md"), "{complained}");
}

async fn serving(environment: &Environment, address: std::net::SocketAddr) -> Child {
    let mut command = binary();
    command.arg("serve").envs(environment.iter().map(|(name, value)| (*name, value.as_str()))).stdout(Stdio::null());
    let mut child = command.spawn().expect("it runs");
    until("it is ready", async || {
        assert_eq!(child.try_wait().expect("asked"), None, "it still runs");
        is_ready(address).await.then_some(())
    })
    .await;
    child
}

#[tokio::test]
async fn a_role_that_rises_while_it_serves_ends_readiness() {
    let database = Database::fresh().await;
    let (address, data) = (free_address(), tempfile::tempdir().expect("a folder"));
    let name = database.query("select current_database()").await.remove(0);
    database.run_sql(&format!("create role {name}_rising login in role build14_app")).await;
    let url = database.app_url().await.expose_secret().replace("build14_app", &format!("{name}_rising"));
    let mut environment = with(production(&database).await, "BUILD14__DATABASE__URL", url);
    environment = with(environment, "BUILD14__SERVER__ADDRESS", address.to_string());
    environment = with(environment, "BUILD14__DATA_DIR", data.path().display().to_string());
    environment = with(environment, "BUILD14__LOG__FILTER", "off".to_owned());
    let mut server = serving(&environment, address).await;
    database.run_sql(&format!("alter role {name}_rising bypassrls")).await;
    let answer = until("it is not ready any more", async || {
        let answer = reqwest::get(format!("http://{address}/health/ready")).await.expect("answers");
        (answer.status() == 503).then_some(answer)
    })
    .await;
    let problem: Value = answer.json().await.expect("JSON");
    assert_eq!(
        problem["checks"]["isolation"], "the role that serves is above row-level security: run `build14 doctor`",
        "{problem}"
    );
    database.run_sql(&format!("alter role {name}_rising nobypassrls")).await;
    until("it is ready again", async || is_ready(address).await.then_some(())).await;
    server.kill().await.expect("ends");
    until("its sessions are gone", async || {
        let open = format!("select count(*) from pg_stat_activity where usename = '{name}_rising'");
        (database.query(&open).await == ["0"]).then_some(())
    })
    .await;
    database.run_sql(&format!("drop role {name}_rising")).await;
}
