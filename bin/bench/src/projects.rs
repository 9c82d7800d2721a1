//! A person of very many projects: what they read while they make more, against somebody who has a few.

use std::time::{Duration, Instant};

use build14::database;
use embedded_postgres::{Cluster, Config};

use crate::dataset::{org_sql, user_sql};
use crate::read::{admin, median};
use crate::{dataset, load, say, server};

const PATH: &str = "/api/projects?limit=20";
const NEW: &str = r#"{"name":"Another villa","currency":"EUR"}"#;
/// Projects of the person who has a few.
const FEW: u32 = 20;
/// The two tenants.
const MANY_HAS: u32 = 1;
const FEW_HAS: u32 = 2;

/// What is measured.
pub struct Plan {
    /// Projects of the person who has many.
    pub projects: u32,
    /// Clients that read at a time.
    pub clients: u32,
    /// Seconds of each measurement.
    pub seconds: u64,
    /// How often each is measured.
    pub rounds: usize,
    /// The server's binary; built if there is none.
    pub server: Option<std::path::PathBuf>,
}

/// Measures and prints; the last line is `projects ratio <number>`: reads per second of who has many over those of who has a few.
///
/// # Errors
/// If the server cannot be run.
pub async fn run(plan: &Plan) -> anyhow::Result<()> {
    let binary = match &plan.server {
        Some(binary) => binary.clone(),
        None => server::build().await?,
    };
    let folder = tempfile::tempdir()?;
    let cluster = Cluster::start(&Config::new(folder.path())).await?;
    admin(&cluster.url("postgres", "postgres")).await?.batch_execute("create database build14").await?;
    let (app, system, owner) =
        (cluster.url("build14_app", "build14"), cluster.url("build14_system", "build14"), cluster.url("postgres", "build14"));
    let urls = database::Urls {
        app: app.clone().into(),
        system: system.clone().into(),
        owner: Some(cluster.url("build14_owner", "build14").into()),
        admin: Some(owner.clone().into()),
    };
    database::migrate(&urls).await?;
    let client = admin(&owner).await?;
    dataset::make(&client, FEW_HAS, FEW).await?;
    many(&client, plan.projects).await?;
    let server = server::start(&binary, folder.path(), &app, &system, &owner).await?;
    let measure = async |tenant: u32| -> anyhow::Result<(f64, usize)> {
        let until = Instant::now() + Duration::from_secs(plan.seconds);
        let writing = tokio::spawn(load::write(server.address, "/api/projects", tenant, NEW, until));
        let read = load::run_as(server.address, PATH, tenant..=tenant, plan.clients, plan.seconds).await?;
        Ok((read.per_second, writing.await??))
    };
    say("warming up");
    measure(MANY_HAS).await?;
    measure(FEW_HAS).await?;
    let (mut of_many, mut of_few) = (Vec::new(), Vec::new());
    for round in 1..=plan.rounds {
        let ((many, made), (few, made_too)) = (measure(MANY_HAS).await?, measure(FEW_HAS).await?);
        say(&format!("round {round}: {many:.0} reads/s with {made} projects made · few: {few:.0} reads/s with {made_too} made"));
        of_many.push(many);
        of_few.push(few);
    }
    drop(server);
    cluster.stop().await?;
    say(&format!("projects ratio {:.2}", median(of_many) / median(of_few)));
    Ok(())
}

/// Gives the first person many projects, in the teams of all of which they are.
async fn many(client: &tokio_postgres::Client, projects: u32) -> anyhow::Result<()> {
    let (org, user) = (org_sql("1"), user_sql("1"));
    client
        .batch_execute(&format!(
            "set session_replication_role = replica;
             insert into projects (org_id, id, owner_id, name, currency, created_at)
                select {org}, gen_random_uuid(), {user}, 'Project ' || n, 'EUR', now() - n * interval '1 hour' from generate_series(1, {projects}) n;
             insert into project_members (org_id, project_id, user_id, role)
                select org_id, id, owner_id, 'project_owner' from projects;
             reset session_replication_role;"
        ))
        .await?;
    for table in ["projects", "project_members"] {
        client.batch_execute(&format!("vacuum (analyze) {table}")).await?;
    }
    Ok(())
}
