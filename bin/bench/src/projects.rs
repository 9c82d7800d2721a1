//! A person of very many projects: what they read while they make more, and what a plain member of all their teams reads while a role of theirs
//! changes, against somebody who has a few. Then sign-ins, beside the reads of the latter.

use std::time::{Duration, Instant};

use build14::database;
use embedded_postgres::{Cluster, Config};

use crate::dataset::{org_sql, user_sql};
use crate::load::Write;
use crate::output::print_line;
use crate::read::{admin, median};
use crate::{dataset, load, server, sign_ins};

const PATH: &str = "/api/projects?limit=20";
const NEW: &str = r#"{"name":"Another villa","currency":"EUR"}"#;
/// Projects of the person who has a few.
const FEW: u32 = 20;
/// The persons, by the number of their tenant; the member is in the organisation of who has many.
const MANY_HAS: u32 = 1;
const FEW_HAS: u32 = 2;
const MEMBER: u32 = 3;
/// Who signs in, beyond those.
const SIGN_IN: std::ops::RangeInclusive<u32> = 4..=303;

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

/// Measures and prints; the last line is `projects ratio <number>`: reads per second of who has many over those of who has a few. Before it
/// stand `member ratio <number>`, the same of the member, and what [`sign_ins::run`] says.
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
    dataset::make(&client, *SIGN_IN.end(), FEW).await?;
    let team = many(&client, plan.projects).await?;
    let server = server::start(&binary, folder.path(), &app, &system, &owner).await?;
    let measure = async |reads: u32, writes: Write| -> anyhow::Result<(f64, usize)> {
        let until = Instant::now() + Duration::from_secs(plan.seconds);
        let writing = tokio::spawn(load::write(server.address, writes, until));
        let read = load::run_as(server.address, PATH, reads..=reads, plan.clients, plan.seconds).await?;
        Ok((read.per_second, writing.await??))
    };
    let make = |tenant| Write { method: "POST", path: "/api/projects".to_owned(), tenant, body: NEW };
    // The same role again is a change like any other to the member's sessions.
    let change = || Write { method: "PUT", path: team.clone(), tenant: MANY_HAS, body: r#"{"role":"in_house_user"}"# };
    print_line("warming up");
    measure(MANY_HAS, make(MANY_HAS)).await?;
    measure(FEW_HAS, make(FEW_HAS)).await?;
    measure(MEMBER, change()).await?;
    let (mut of_many, mut of_few, mut of_member) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=plan.rounds {
        let (many, made) = measure(MANY_HAS, make(MANY_HAS)).await?;
        let (few, made_too) = measure(FEW_HAS, make(FEW_HAS)).await?;
        let (member, changed) = measure(MEMBER, change()).await?;
        print_line(&format!(
            "round {round}: {many:.0} reads/s with {made} projects made · member: {member:.0} reads/s with {changed} changes of a role · \
             few: {few:.0} reads/s with {made_too} made"
        ));
        of_many.push(many);
        of_few.push(few);
        of_member.push(member);
    }
    let (clients, seconds, rounds) = (plan.clients, plan.seconds, plan.rounds);
    let sign_in = sign_ins::Plan { path: PATH, reader: FEW_HAS, clients, seconds, rounds, people: SIGN_IN };
    sign_ins::run(server.address, &client, sign_in).await?;
    drop(server);
    cluster.stop().await?;
    let few = median(of_few);
    print_line(&format!("member ratio {:.2}", median(of_member) / few));
    print_line(&format!("projects ratio {:.2}", median(of_many) / few));
    Ok(())
}

/// Gives the first person many projects, in the teams of all of which they and the member are. Answers the path of the member's role in one.
async fn many(client: &tokio_postgres::Client, projects: u32) -> anyhow::Result<String> {
    let (org, user, member) = (org_sql("1"), user_sql("1"), user_sql("3"));
    client
        .batch_execute(&format!(
            "set session_replication_role = replica;
             insert into projects (org_id, id, owner_id, name, currency, created_at)
                select {org}, gen_random_uuid(), {user}, 'Project ' || n, 'EUR', now() - n * interval '1 hour' from generate_series(1, {projects}) n;
             insert into project_members (org_id, project_id, user_id, role)
                select org_id, id, owner_id, 'project_owner' from projects;
             insert into memberships (org_id, user_id, role) values ({org}, {member}, 'member');
             update sessions set org_id = {org} where user_id = {member};
             insert into project_members (org_id, project_id, user_id, role)
                select org_id, id, {member}, 'in_house_user' from projects where org_id = {org};
             reset session_replication_role;"
        ))
        .await?;
    for table in ["projects", "project_members"] {
        client.batch_execute(&format!("vacuum (analyze) {table}")).await?;
    }
    let sql = format!("select '/api/projects/' || min(id::text) || '/members/' || {member} from projects where org_id = {org}");
    Ok(client.query_one(sql.as_str(), &[]).await?.get(0))
}
