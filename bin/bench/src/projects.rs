//! A person of very many projects: what they read while they make more, and what a plain member of all their teams reads while a role of theirs
//! changes, against somebody who has a few.

use std::time::{Duration, Instant};

use bench::{Figure, Goal, median};

use crate::dataset::{org_sql, user_sql};
use crate::load::Write;
use crate::measured::Measured;
use crate::output::print_line;
use crate::stage::Stage;
use crate::{dataset, load, server};

const PATH: &str = "/api/projects?limit=20";
const NEW: &str = r#"{"name":"Another villa","currency":"EUR"}"#;
/// Projects of the person who has a few.
const FEW: u32 = 20;
/// The persons, by the number of their tenant; the member is in the organisation of who has many.
const MANY_HAS: u32 = 1;
const FEW_HAS: u32 = 2;
const MEMBER: u32 = 3;
/// There are so many.
const TENANTS: u32 = 3;

/// What is measured.
#[derive(clap::Args)]
pub struct Plan {
    /// Projects of the one who has many
    #[arg(long, default_value_t = 10_000)]
    pub projects: u32,
    /// Clients that read at a time
    #[arg(long, default_value_t = 16)]
    pub clients: u32,
    #[command(flatten)]
    pub measured: Measured,
}

/// Measures reads per second of the member, and of who has many, over those of who has a few.
///
/// # Errors
/// If the server cannot be run.
pub async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let binary = server::binary(plan.measured.server.as_ref()).await?;
    let stage = Stage::new().await?;
    dataset::make(&stage.client, TENANTS, FEW).await?;
    let team = many(&stage.client, plan.projects).await?;
    let server = server::start(&binary, &stage, false).await?;
    let measure = async |reads: u32, writes: Write| -> anyhow::Result<(f64, usize)> {
        let until = Instant::now() + Duration::from_secs(plan.measured.seconds);
        let writing = tokio::spawn(load::write(server.address, writes, until));
        let read = load::run_as(server.address, PATH, reads..=reads, plan.clients, plan.measured.seconds).await?;
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
    for round in 1..=plan.measured.rounds {
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
    drop(server);
    stage.end().await?;
    let few = median(of_few);
    Ok(vec![
        Figure::ratio("member", median(of_member) / few, Goal::About(1.0)),
        Figure::ratio("projects", median(of_many) / few, Goal::About(1.0)),
    ])
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
