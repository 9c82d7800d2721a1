//! What a distributed engine (Citus, sharded by `org_id`) could not run, looked up in the catalogue: nothing new of the kind comes in.
//!
//! Decision 34 tells why. Every list holds what stands and why it may: it only gets shorter. What the program itself sends is looked at in
//! `statements.rs`.

use std::collections::{BTreeMap, BTreeSet};

use testkit::Database;

use crate::source::rust_files;

/// What stands: a reason, and to whom it applies.
pub type Accepted = &'static [(&'static str, &'static [&'static str])];

/// Tables that carry `org_id` and stay on the coordinator: identity, the outbox, answers and alarms. So does every table without it.
const COORDINATOR: &[&str] = &[
    "alarms",
    "api_key_settings",
    "api_keys",
    "custom_role_permissions",
    "custom_roles",
    "directory_group_members",
    "directory_groups",
    "directory_users",
    "idempotency_keys",
    "invitation_links",
    "member_custom_roles",
    "member_invitations",
    "memberships",
    "organization_domains",
    "organization_events",
    "organizations",
    "outbox",
    "outbox_handled",
    "ownership_offers",
    "session_ends",
    "sessions",
    "sign_on_connections",
    "sign_on_identities",
    "sign_on_leavers",
    "support_consents",
    "support_requests",
    "support_sessions",
];

const POLICIES: Accepted = &[
    ("identity: both tables stay on the coordinator", &["users.colleagues"]),
    (
        "who sees a tender: whom the owner invited, by an address that is one person's, and who bids. Written on the owner's rows, the one would \
         go stale with the person's address, the other would tell the owner who bids and make bidders wait for its locks (decision 27): until \
         the invited have rows of their own beside the tender's",
        &["tenders.parties_select", "tender_invitations.parties_select"],
    ),
    (
        "what belongs to a tender is seen with it, and shall not be seen otherwise; the owner's own is not asked for",
        &[
            "tender_keys.parties_select",
            "tender_lines.parties_select",
            "tender_milestones.parties_select",
            "tender_seals.parties_select",
        ],
    ),
];

const DOORS_WITHOUT_ORG: Accepted = &[
    ("reads or writes nothing but tables of the coordinator", &["coverage_is_short", "queue_mail"]),
    (
        "the queue stays on the coordinator; whose job it is stands in the job, and a contract that it is about is looked up by it",
        &["add_job"],
    ),
];

const REACHES: Accepted = &[
    (
        "a lost race alone: the service looked before. To become an event that raises an alarm",
        &["memberships keep_a_bidder: bids", "memberships keep_a_bidder: tenders"],
    ),
    (
        "who gave a role is noted by the database, not told by the program (decision 12)",
        &["project_members note_grant: memberships"],
    ),
    ("drafts go with their project: until projects calls a port for it", &["projects drop_unpublished_tenders: tenders"]),
];

/// Fails if something was found that is not accepted, or is mended and still on the list.
pub fn only(found: &BTreeSet<String>, accepted: Accepted, instead: &str) {
    let known: BTreeSet<&str> = accepted.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let new: Vec<_> = found.iter().filter(|name| !known.contains(name.as_str())).collect();
    assert!(new.is_empty(), "{instead} (decision 34): {new:#?}");
    let mended: Vec<_> = known.iter().filter(|name| !found.contains(**name)).collect();
    assert!(mended.is_empty(), "these are as they should be by now: take them off the list: {mended:#?}");
}

async fn found(db: &Database, sql: &str) -> BTreeSet<String> {
    db.query(sql).await.into_iter().collect()
}

/// Every table, and those of them that are distributed by `org_id`.
struct Tables {
    all: BTreeSet<String>,
    distributed: BTreeSet<String>,
}

/// The tables that are distributed by `org_id`.
pub async fn distributed(db: &Database) -> BTreeSet<String> {
    tables(db).await.distributed
}

async fn tables(db: &Database) -> Tables {
    let public = "from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
        and c.relname <> '__diesel_schema_migrations'";
    let all = found(db, &format!("select c.relname {public}")).await;
    let by_org = "and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id')";
    let mut distributed = found(db, &format!("select c.relname {public} {by_org}")).await;
    for table in COORDINATOR {
        assert!(distributed.remove(*table), "{table} is no table with org_id");
    }
    assert!(distributed.len() > 30, "the tables are there");
    Tables { all, distributed }
}

/// Which domain owns which table, as the lib.rs of each crate says.
fn owners() -> BTreeMap<String, String> {
    let mut owners = BTreeMap::new();
    for (file, text) in rust_files() {
        let Some(domain) = file.strip_suffix("/impl/src/lib.rs").or_else(|| file.strip_suffix("/src/lib.rs")) else { continue };
        let Some((_, listed)) = text.split_once("//! Tables owned:") else { continue };
        for (place, part) in listed.split('`').enumerate() {
            if place % 2 == 1 {
                owners.insert(part.to_owned(), domain.to_owned());
            } else if part.contains('.') {
                break;
            }
        }
    }
    owners
}

/// The words of a text of SQL, comments aside, cut into statements. A `loop` or `then` ends one as a semicolon does.
pub fn statements(sql: &str) -> Vec<Vec<String>> {
    let plain: String =
        sql.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code).to_lowercase() + "\n").collect();
    let plain = plain.replace(';', " ; ");
    let words =
        plain.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ';'))).filter(|word| !word.is_empty());
    let mut all = vec![Vec::new()];
    // Within `case … end`, `then` and `else` are of the expression.
    let mut cases = 0_u32;
    for word in words {
        match word {
            "case" => cases += 1,
            "end" => cases = cases.saturating_sub(1),
            ";" => cases = 0,
            _ => {}
        }
        if [";", "loop", "begin"].contains(&word) || cases == 0 && ["then", "else"].contains(&word) {
            all.push(Vec::new());
        } else if let Some(last) = all.last_mut() {
            last.push(word.strip_prefix("public.").unwrap_or(word).to_owned());
        }
    }
    all.retain(|statement| !statement.is_empty());
    all
}

/// The tables that a statement reads or writes.
pub fn tables_in<'a>(statement: &[String], known: &'a BTreeSet<String>) -> BTreeSet<&'a str> {
    let named = statement.windows(2).filter(|pair| ["from", "join", "update", "into", "using"].contains(&pair[0].as_str()));
    named.filter_map(|pair| known.get(&pair[1]).map(String::as_str)).collect()
}

fn has(statement: &[String], words: &[&str]) -> bool {
    statement.iter().any(|word| words.contains(&word.as_str()))
}

/// Each function of the schema with its source.
async fn functions(db: &Database) -> Vec<(String, String)> {
    let sql = "select p.proname || chr(10) || p.prosrc from pg_proc p where p.pronamespace = 'app'::regnamespace order by 1";
    let all = db.query(sql).await;
    all.iter().filter_map(|one| one.split_once('\n')).map(|(name, source)| (name.to_owned(), source.to_owned())).collect()
}

#[tokio::test]
async fn policies_ask_nothing_but_the_row() {
    let db = Database::fresh().await;
    let asking = found(
        &db,
        "select format('%s.%s', polrelid::regclass, polname) from pg_policy
         where polrelid in (select oid from pg_class where relnamespace in ('public'::regnamespace, 'app'::regnamespace))
           and coalesce(pg_get_expr(polqual, polrelid), '') || coalesce(pg_get_expr(polwithcheck, polrelid), '') ~* '\\mselect\\M'",
    )
    .await;
    only(&asking, POLICIES, "a policy uses the columns of its own row: write on the row what decides who sees it");
}

#[tokio::test]
async fn definer_functions_take_the_organisation_of_the_row() {
    let db = Database::fresh().await;
    let without = found(
        &db,
        "select p.proname from pg_proc p where p.pronamespace = 'app'::regnamespace and p.prosecdef and p.prorettype <> 'trigger'::regtype
           and not coalesce(p.proargnames::text[] && array['org', 'organization', 'p_org'], false)",
    )
    .await;
    only(&without, DOORS_WITHOUT_ORG, "take the row's organisation as the argument `p_org`: the statements inside name it");
}

#[tokio::test]
async fn functions_over_tables_are_plpgsql() {
    let db = Database::fresh().await;
    let sql = found(
        &db,
        "select p.proname from pg_proc p join pg_language l on l.oid = p.prolang
         where p.pronamespace = 'app'::regnamespace and l.lanname = 'sql' and exists (
             select from pg_class c where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, 'app'::regnamespace)
                 and p.prosrc ~* ('\\m(from|join|into|update)\\s+((public|app)\\.)?' || c.relname || '\\M'))",
    )
    .await;
    only(&sql, &[], "write it in plpgsql: a function of SQL is inlined into a statement of other shards");
}

#[tokio::test]
async fn no_signature_has_the_row_type_of_a_table() {
    let db = Database::fresh().await;
    let typed = found(
        &db,
        "select distinct p.proname from pg_proc p cross join unnest(p.proargtypes::oid[] || p.prorettype) a
         join pg_type t on t.oid = a join pg_class c on c.oid = t.typrelid and c.relkind in ('r', 'p')
         where p.pronamespace = 'app'::regnamespace",
    )
    .await;
    only(&typed, &[], "take the columns, or the organisation and the id: a shard's row is of another type");
}

#[tokio::test]
async fn no_trigger_asks_for_the_name_of_its_table() {
    let db = Database::fresh().await;
    let mut asking = BTreeSet::new();
    for (name, source) in functions(&db).await {
        let asked = statements(&source)
            .into_iter()
            .any(|statement| has(&statement, &["tg_table_name", "tg_relid"]) && !has(&statement, &["raise"]));
        if asked {
            asking.insert(name);
        }
    }
    only(&asking, &[], "a shard has another name: one function per table");
}

#[tokio::test]
async fn what_reads_a_transition_table_touches_no_other_table() {
    let db = Database::fresh().await;
    let Tables { all, .. } = tables(&db).await;
    let sql =
        "select format('%s %s %s', t.tgrelid::regclass, p.proname, coalesce(t.tgnewtable, t.tgoldtable)) || chr(10) || p.prosrc
        from pg_trigger t join pg_proc p on p.oid = t.tgfoid where t.tgnewtable is not null or t.tgoldtable is not null";
    let mut touching = BTreeSet::new();
    for one in db.query(sql).await {
        let (head, source) = one.split_once('\n').expect("a head and a source");
        let (name, transition) = head.rsplit_once(' ').expect("a name and a transition table");
        if statements(source).iter().any(|statement| has(statement, &[transition]) && !tables_in(statement, &all).is_empty()) {
            touching.insert(name.to_owned());
        }
    }
    only(&touching, &[], "go through the transition table in a loop, and touch other tables by the keys of its rows");
}

#[tokio::test]
async fn triggers_stay_within_their_domain_and_place() {
    let db = Database::fresh().await;
    let Tables { all, distributed } = tables(&db).await;
    let owners = owners();
    let orphans: Vec<_> = all.iter().filter(|table| !owners.contains_key(*table)).collect();
    // `unit_sums` and the like too: whoever reads a lib.rs finds every table that the crate answers for.
    assert!(orphans.is_empty(), "name these tables in `//! Tables owned: …` of the crate that owns them: {orphans:?}");
    let place = |table: &str| if distributed.contains(table) { owners[table].as_str() } else { "the coordinator" };
    let sql = "select distinct format('%s %s', t.tgrelid::regclass, p.proname) || chr(10) || p.prosrc
        from pg_trigger t join pg_proc p on p.oid = t.tgfoid join pg_class c on c.oid = t.tgrelid
        where not t.tgisinternal and c.relnamespace = 'public'::regnamespace";
    let mut reaching = BTreeSet::new();
    for one in db.query(sql).await {
        let (head, source) = one.split_once('\n').expect("a head and a source");
        let (table, _) = head.split_once(' ').expect("a table and a function");
        for other in statements(source).iter().flat_map(|statement| tables_in(statement, &all)) {
            if place(other) != place(table) {
                reaching.insert(format!("{head}: {other}"));
            }
        }
    }
    only(
        &reaching,
        REACHES,
        "a trigger touches tables of its own domain and place: what follows elsewhere is a call or an event",
    );
}

#[tokio::test]
async fn no_tenant_table_has_a_foreign_key_into_identity() {
    let db = Database::fresh().await;
    let Tables { distributed, .. } = tables(&db).await;
    let keys = found(
        &db,
        "select format('%s.%s', conrelid::regclass, conname) from pg_constraint
         where contype = 'f' and confrelid in ('users'::regclass, 'organizations'::regclass, 'memberships'::regclass)",
    )
    .await;
    let of_tenants = keys.into_iter().filter(|key| key.split_once('.').is_some_and(|(table, _)| distributed.contains(table)));
    only(&of_tenants.collect(), &[], "identity stays on the coordinator: hold the id, and ask the service");
}

#[tokio::test]
async fn functions_update_with_nothing_volatile() {
    let db = Database::fresh().await;
    let Tables { distributed, .. } = tables(&db).await;
    let volatile = ["clock_timestamp", "app.now", "random", "gen_random_uuid"];
    let mut changing = BTreeSet::new();
    for (name, source) in functions(&db).await {
        for statement in statements(&source) {
            let upsert = statement.windows(2).position(|pair| pair[0] == "do" && pair[1] == "update");
            let wrong = match upsert {
                Some(at) => has(&statement[at..], &volatile) || has(&statement[at..], &["now"]),
                None => statement[0] == "update" && has(&statement, &volatile),
            };
            if wrong && !tables_in(&statement, &distributed).is_empty() {
                changing.insert(name.clone());
            }
        }
    }
    only(&changing, &[], "take the time into a variable first: every shard would have another one");
}

#[tokio::test]
async fn functions_insert_no_bare_arrays() {
    let db = Database::fresh().await;
    let Tables { all, distributed } = tables(&db).await;
    let arrays = ["unnest", "jsonb_array_elements", "generate_series", "jsonb_to_recordset"];
    let mut bare = BTreeSet::new();
    for (name, source) in functions(&db).await {
        for statement in statements(&source) {
            if statement[0] == "insert" && has(&statement, &arrays) && tables_in(&statement, &all).len() < 2 {
                bare.extend(tables_in(&statement, &distributed).iter().map(|table| format!("{name}: {table}")));
            }
        }
    }
    only(&bare, &[], "join the parent row, which knows the shard, or insert in a loop");
}
