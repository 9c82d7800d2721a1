//! Tenants cannot reach each other's rows, whatever the application asks for (docs/QUALITY.md): generated from the catalogue, every table is
//! read, updated, deleted from, copied into and referenced by another tenant, as the serving role, with real rows of both.

use std::collections::BTreeMap;

use secrecy::ExposeSecret;
use serde_json::json;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use crate::domains::{ALL, Scene};
use crate::world::{Party, World};

/// Tables without a tenant's rows.
const OF_NOBODY: &[(&str, &str)] = &[("ledger_accounts", "the chart of accounts is the same for everyone")];

/// What a stranger is meant to read: a condition that each such row fulfils, with `t` for the row.
const SHOWN: &[(&str, &str)] = &[
    ("tenders", "t.published_at is not null and t.procurement_method = 'open'"),
    ("tender_milestones", OF_AN_OPEN_TENDER),
    ("tender_lines", OF_AN_OPEN_TENDER),
    ("tender_keys", OF_AN_OPEN_TENDER),
    ("tender_seals", OF_AN_OPEN_TENDER),
];
const OF_AN_OPEN_TENDER: &str = "exists (select from tenders x where x.org_id = t.org_id and x.id = t.tender_id
    and x.published_at is not null and x.procurement_method = 'open')";

/// A table of the schema, from the catalogue.
struct Table {
    name: String,
    columns: Vec<String>,
    /// What the serving role may select of it.
    readable: Vec<String>,
    updatable: Vec<String>,
    insertable: bool,
    /// Holds for rows in which the stranger has no part.
    foreign: String,
    /// Holds for rows that are the stranger's own.
    own: String,
}

/// A foreign key: columns of the child and of the parent, in order.
struct Reference {
    child: String,
    parent: String,
    pairs: Vec<(String, String)>,
}

/// Rows of the platform's own, and of what lives only for a moment.
const PLATFORM: &str = "insert into job_retries (job_id, task, operator, attempts) values (1, 'test', 'test', 1);
    insert into outbox_handled select org_id, gen_random_uuid(), 'test' from organizations;
    select app.raise_alarm('test', 'thing', 'x', null, 'nothing happened')";

/// Two tenants, each with one of each thing of every domain; neither knows the other.
async fn two_tenants(world: &World) -> (Party, Party) {
    let mut owners = Vec::new();
    for name in ["Victim", "Stranger"] {
        let owner = Scene::of(world, name).await.owner;
        let request = owner.http.request("POST", "/api/projects").header("idempotency-key", "once");
        owner.http.send(request.json(&json!({"name": "Again", "currency": "EUR"}))).await.expect(201);
        owners.push(owner);
    }
    let stranger = owners.pop().expect("two");
    let victim = owners.pop().expect("two");
    // The stranger takes part in one tender of the victim: that opens none of its other bids.
    let (tender, other) = (world.tender(&victim).await, world.register("Other Bidder").await);
    for bidder in [&stranger, &other] {
        world.bid(bidder, &tender, "11.00").await;
    }
    world.settle().await;
    for sql in ALL.iter().map(|domain| domain.rows).chain([PLATFORM]).filter(|sql| !sql.is_empty()) {
        world.db.run_sql(sql).await;
    }
    (victim, stranger)
}

async fn tables(world: &World, stranger: &Party) -> BTreeMap<String, Table> {
    let rows = world
        .db
        .query(
            "select json_build_object('name', c.relname,
                'columns', (select json_agg(attname order by attnum) from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = ''),
                'readable', (select coalesce(json_agg(attname order by attnum), '[]') from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped
                    and has_column_privilege('build14_app', c.oid, attnum, 'SELECT')),
                'updatable', (select coalesce(json_agg(attname order by attnum), '[]') from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped
                    and attgenerated = '' and has_column_privilege('build14_app', c.oid, attnum, 'UPDATE')),
                'insertable', has_table_privilege('build14_app', c.oid, 'INSERT'))
             from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and c.relname <> '__diesel_schema_migrations'",
        )
        .await;
    let texts = |value: &serde_json::Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let mut tables = BTreeMap::new();
    for row in rows {
        let row: serde_json::Value = serde_json::from_str(&row).expect("JSON");
        let name = row["name"].as_str().expect("a name").to_owned();
        if OF_NOBODY.iter().any(|(table, _)| *table == name) {
            continue;
        }
        let columns = texts(&row["columns"]);
        // The parties of a row; a table of people has no organisation, there the person is the party.
        let person = if name == "users" { "id" } else { "user_id" };
        let mut parties: Vec<(&str, &str)> = columns
            .iter()
            .filter(|column| column.ends_with("org_id"))
            .map(|column| (column.as_str(), stranger.org.as_str()))
            .collect();
        if parties.is_empty() && columns.iter().any(|column| column == person) {
            parties.push((person, &stranger.user));
        }
        let mut foreign: Vec<_> = parties.iter().map(|(column, id)| format!("t.{column} is distinct from '{id}'")).collect();
        if name == "users" {
            foreign = vec![format!("t.id not in (select user_id from memberships where org_id = '{}')", stranger.org)];
        }
        // A table that names nobody is the platform's: all of it is closed.
        foreign.push("true".to_owned());
        let foreign = foreign.join(" and ");
        let own = parties.first().map_or("false".to_owned(), |(column, id)| format!("t.{column} = '{id}'"));
        let (readable, updatable) = (texts(&row["readable"]), texts(&row["updatable"]));
        let insertable = row["insertable"] == true;
        tables.insert(name.clone(), Table { name, columns, readable, updatable, insertable, foreign, own });
    }
    tables
}

async fn references(world: &World) -> Vec<Reference> {
    let rows = world
        .db
        .query(
            "select json_build_array(conrelid::regclass, confrelid::regclass, (select json_agg(json_build_array(c.attname, p.attname) order by k.n)
                from unnest(conkey, confkey) with ordinality k (c, p, n)
                join pg_attribute c on c.attrelid = conrelid and c.attnum = k.c join pg_attribute p on p.attrelid = confrelid and p.attnum = k.p))
             from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace",
        )
        .await;
    let parse = |row: String| {
        let (child, parent, pairs) = serde_json::from_str(&row).expect("three values");
        Reference { child, parent, pairs }
    };
    rows.into_iter().map(parse).collect()
}

/// The stranger's connection, as the serving role.
struct Intruder {
    client: Client,
    enter: String,
}

impl Intruder {
    async fn connect(world: &World, stranger: &Party) -> Self {
        let (client, connection) =
            tokio_postgres::connect(world.db.app_url().await.expose_secret(), NoTls).await.expect("connects");
        tokio::spawn(connection);
        Self { client, enter: format!("select app.enter('{}', '{}')", stranger.org, stranger.user) }
    }

    /// Runs one statement as the stranger and takes it back: the rows it touched, or why it was refused.
    async fn attempt(&self, sql: &str) -> Result<u64, SqlState> {
        self.client.batch_execute(&format!("begin; {}; set constraints all immediate", self.enter)).await.expect("enters");
        let outcome = self.client.execute(sql, &[]).await;
        self.client.batch_execute("rollback").await.expect("rolls back");
        outcome.map_err(|error| error.code().cloned().unwrap_or_else(|| panic!("{sql}: {error:?}")))
    }

    /// The rows of a table that the stranger reads and that are not its own, as JSON.
    async fn reads(&self, table: &Table) -> Result<Vec<String>, SqlState> {
        self.client.batch_execute(&format!("begin read only; {}", self.enter)).await.expect("enters");
        // Of a table that it may not select whole, what it may.
        let columns = if table.readable.is_empty() { &table.columns } else { &table.readable };
        let (columns, name, foreign) = (columns.join(", "), &table.name, &table.foreign);
        let sql = format!("select to_jsonb(x)::text from (select {columns} from {name} t where {foreign}) x");
        let outcome = self.client.query(&sql, &[]).await;
        self.client.batch_execute("rollback").await.expect("rolls back");
        match outcome {
            Ok(rows) => Ok(rows.iter().map(|row| row.get(0)).collect()),
            Err(error) => Err(error.code().cloned().expect("the database refused")),
        }
    }
}

/// A statement that inserts the row which this JSON describes.
fn insert(table: &Table, row: &str) -> String {
    let columns = table.columns.join(", ");
    format!(
        "insert into {0} ({columns}) overriding system value select {columns} from jsonb_populate_record(null::{0}, '{1}')",
        table.name,
        row.replace('\'', "''")
    )
}

#[tokio::test]
async fn no_statement_reaches_a_row_of_another_tenant() {
    let mut world = World::new().await;
    world.leave_work();
    let (victim, stranger) = two_tenants(&world).await;
    let (tables, references) = (tables(&world, &stranger).await, references(&world).await);
    let intruder = Intruder::connect(&world, &stranger).await;
    let nobody = Party { org: uuid::Uuid::now_v7().to_string(), user: uuid::Uuid::now_v7().to_string(), ..stranger.clone() };
    let nobody = Intruder::connect(&world, &nobody).await;
    let mut breaches = Vec::new();

    for table in tables.values() {
        let Table { name, foreign, .. } = table;
        let rows = world.db.query(&format!("select to_jsonb(t)::text from {name} t where {foreign} limit 20")).await;
        if rows.is_empty() {
            breaches.push(format!("no row of another tenant in {name}: `things` or `rows` of its domain in tests/it/domains must make one, or nothing is tested"));
        }

        let shown = SHOWN.iter().find(|(shown, _)| shown == name).map_or("false", |(_, condition)| condition);
        for row in intruder.reads(table).await.unwrap_or_default() {
            let check = format!(
                "select {shown} from jsonb_populate_record(null::{name}, '{}') t where {foreign}",
                row.replace('\'', "''")
            );
            if world.db.query(&check).await != ["t"] {
                breaches.push(format!("reads {name}: {row}"));
            }
        }
        // Locking a row is refused or finds nothing, too: a stranger cannot make others wait.
        let mut statements =
            vec![format!("delete from {name} t where {foreign}"), format!("select from {name} t where {foreign} for update")];
        statements
            .extend(table.updatable.iter().map(|column| format!("update {name} t set {column} = {column} where {foreign}")));
        for sql in statements {
            match intruder.attempt(&sql).await {
                Ok(0) => {}
                Err(code) if code == SqlState::INSUFFICIENT_PRIVILEGE => {}
                outcome => breaches.push(format!("{sql}: {outcome:?}")),
            }
        }
        // A row given away.
        for column in table.updatable.iter().filter(|column| column.ends_with("org_id")) {
            let sql = format!("update {name} t set {column} = '{}' where {}", victim.org, table.own);
            if intruder.attempt(&sql).await.is_ok_and(|rows| rows > 0) {
                breaches.push(sql);
            }
        }
        // A statement that reads no column passes by the policies for reading: whoever has no row must still touch none.
        let mut blind = vec![format!("delete from {name}")];
        blind.extend(table.updatable.iter().map(|column| format!("update {name} set {column} = null")));
        for sql in blind {
            match nobody.attempt(&sql).await {
                Ok(0) => {}
                Err(code) if code == SqlState::INSUFFICIENT_PRIVILEGE => {}
                outcome => breaches.push(format!("without any row, {sql}: {outcome:?}")),
            }
        }
        for row in &rows {
            let outcome = intruder.attempt(&insert(table, row)).await;
            if outcome != Err(SqlState::INSUFFICIENT_PRIVILEGE) {
                breaches.push(format!("inserts a copy into {name}: {outcome:?}: {row}"));
            }
        }
    }
    breaches.extend(referencing(&world, &intruder, &tables, &references).await);
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
    world.end().await;
}

/// Rows of the stranger's own, changed to reference rows of others.
async fn referencing(
    world: &World,
    intruder: &Intruder,
    tables: &BTreeMap<String, Table>,
    references: &[Reference],
) -> Vec<String> {
    let mut breaches = Vec::new();
    for Reference { child, parent, pairs } in references {
        // People belong to no organisation, the chart of accounts to everyone.
        let (Some(child), Some(parent)) = (tables.get(child), tables.get(parent).filter(|parent| parent.name != "users")) else {
            continue;
        };
        if !child.insertable {
            continue;
        }
        let own = world.db.query(&format!("select to_jsonb(t)::text from {} t where {} limit 3", child.name, child.own)).await;
        if own.is_empty() {
            breaches.push(format!(
                "the stranger has no row in {}: `things` or `rows` of its domain in tests/it/domains must make one",
                child.name
            ));
        }
        let others =
            world.db.query(&format!("select to_jsonb(t)::text from {} t where {} limit 10", parent.name, parent.foreign)).await;
        for (own, other) in own.iter().flat_map(|own| others.iter().map(move |other| (own, other))) {
            let (own, other): (serde_json::Value, serde_json::Value) =
                (serde_json::from_str(own).expect("JSON"), serde_json::from_str(other).expect("JSON"));
            // As a whole, and with the stranger's own organisations left in place.
            for keep_parties in [false, true] {
                let mut row = own.clone();
                if !pairs.iter().any(|(column, _)| column == "id") && row.get("id").is_some() {
                    row["id"] = json!(uuid::Uuid::now_v7());
                }
                let changed: Vec<_> = pairs.iter().filter(|(column, _)| !(keep_parties && column.ends_with("org_id"))).collect();
                for (column, theirs) in &changed {
                    row[column] = other[theirs].clone();
                }
                if changed.is_empty() || own == row || belongs(world, parent, pairs, &row).await {
                    continue;
                }
                let outcome = intruder.attempt(&insert(child, &row.to_string())).await;
                let refused = match &outcome {
                    Ok(rows) => *rows == 0,
                    Err(code) => *code == SqlState::INSUFFICIENT_PRIVILEGE || code.code().starts_with("23"),
                };
                if !refused {
                    breaches.push(format!("a row of {} references {} of another: {outcome:?}: {row}", child.name, parent.name));
                }
            }
        }
    }
    breaches
}

/// Whether what a row references is the stranger's own after all: a colleague may belong to both organisations.
async fn belongs(world: &World, parent: &Table, pairs: &[(String, String)], row: &serde_json::Value) -> bool {
    let key: serde_json::Map<_, _> = pairs.iter().map(|(column, theirs)| (theirs.clone(), row[column].clone())).collect();
    let key = serde_json::Value::Object(key).to_string().replace('\'', "''");
    let sql = format!("select count(*) from {} t where to_jsonb(t) @> '{key}' and not ({})", parent.name, parent.foreign);
    world.db.query(&sql).await != ["0"]
}
