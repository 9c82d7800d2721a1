//! The data set: organisations with one signed-in person each, and their projects.

use std::time::Instant;

use tokio_postgres::Client;

use crate::output::print_line;

/// The id of organisation `i` as SQL: computed, so that pgbench can name a random one.
pub fn org_sql(i: &str) -> String {
    format!("('00000000-0000-7000-8000-' || lpad(to_hex({i}), 12, '0'))::uuid")
}

/// The id of the person of organisation `i` as SQL.
pub fn user_sql(i: &str) -> String {
    format!("('00000000-0000-7000-9000-' || lpad(to_hex({i}), 12, '0'))::uuid")
}

/// The bearer token of the person of organisation `i`: as long as a real one.
pub fn token(i: u32) -> String {
    format!("bench-{i:0>37}")
}

/// Fills an empty, migrated database.
///
/// # Errors
/// If a statement fails.
pub async fn make(client: &Client, tenants: u32, projects: u32) -> anyhow::Result<()> {
    let started = Instant::now();
    let (org, user) = (org_sql("i"), user_sql("i"));
    // As the superuser: row-level security and foreign keys are not what is measured here.
    client
        .batch_execute(&format!(
            "set session_replication_role = replica;
             insert into organizations (org_id, name, slug) select {org}, 'Organisation ' || i, 'organisation-' || i from generate_series(1, {tenants}) i;
             insert into users (id, email, email_key, name)
                select {user}, i || '@bench.example', i || '@bench.example', 'Person ' || i from generate_series(1, {tenants}) i;
             insert into memberships (org_id, user_id, role) select {org}, {user}, 'owner' from generate_series(1, {tenants}) i;
             insert into sessions (token_hash, id, user_id, org_id, expires_at)
                select sha256(convert_to('bench-' || lpad(i::text, 37, '0'), 'UTF8')), gen_random_uuid(), {user}, {org}, now() + interval '1 day'
                from generate_series(1, {tenants}) i;
             insert into projects (org_id, id, owner_id, name, description, address, currency, budget_minor, starts_on, ends_on, created_at)
                select {org}, gen_random_uuid(), {user}, 'Project ' || n || ' of organisation ' || i, 'Twelve terraced houses with gardens', 'Rue de la Paix ' || n,
                       'EUR', 1000000 + n, date '2026-01-01', date '2027-06-30', now() - n * interval '1 hour'
                from generate_series(1, {tenants}) i, generate_series(1, {projects}) n;
             reset session_replication_role;"
        ))
        .await?;
    // VACUUM cannot run among other statements.
    for table in ["organizations", "users", "memberships", "sessions", "projects"] {
        client.batch_execute(&format!("vacuum (analyze) {table}")).await?;
    }
    client.batch_execute("checkpoint").await?;
    print_line(&format!(
        "data set: {tenants} organisations, {} projects, made in {:.1} s",
        u64::from(tenants) * u64::from(projects),
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Published tenders of every organisation, open to all, and as many entries in its trail. Good for lists and nothing else: the tenders
/// have neither lines nor a key, and the chain's hashes are made up.
///
/// # Errors
/// If a statement fails.
pub async fn make_tenders(client: &Client, tenants: u32, tenders: u32) -> anyhow::Result<()> {
    let (org, user) = (org_sql("i"), user_sql("i"));
    client
        .batch_execute(&format!(
            "set session_replication_role = replica;
             insert into tenders (org_id, id, project_id, soq_id, soq_version, title, procurement_method, status, currency, submission_deadline,
                    published_at, created_by, created_at)
                select {org}, gen_random_uuid(), (select p.id from projects p where p.org_id = {org} limit 1), gen_random_uuid(), 1,
                       'Masonry ' || n, 'open', 'published', 'EUR', now() + interval '30 days', now(), {user}, now() - n * interval '1 hour' - i * interval '1 second'
                from generate_series(1, {tenants}) i, generate_series(1, {tenders}) n;
             insert into audit_entries (org_id, id, at, actor_id, action, entity_type, entity_id, request_id, after)
                select org_id, gen_random_uuid(), created_at, created_by, 'tenders.publish', 'tender', id, 'bench', '{{\"status\": \"published\"}}' from tenders;
             insert into audit_links (org_id, sequence, entry_id, previous_hash, hash)
                select org_id, row_number() over (partition by org_id order by at), id, sha256('before'), sha256(convert_to(id::text, 'UTF8')) from audit_entries;
             reset session_replication_role;"
        ))
        .await?;
    for table in ["tenders", "audit_entries", "audit_links"] {
        client.batch_execute(&format!("vacuum (analyze) {table}")).await?;
    }
    Ok(client.batch_execute("checkpoint").await?)
}
