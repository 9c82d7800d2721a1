//! Each domain's SQL stands in its `repo`, and says each thing one way (decision 40). Read from the sources of every implementation.

use std::collections::BTreeSet;

use testkit::Database;

use crate::distributable::{Accepted, only};
use crate::source::rust_files;
use crate::statements::{repos, sql};

/// A file of a domain's implementation.
struct Source {
    /// Its path.
    name: String,
    /// Whether it belongs to `repo`.
    is_repo: bool,
    /// What it says, comments and tests aside.
    text: String,
}

/// The files of every implementation, `schema.rs` aside: that is what `repo` is written with.
fn sources() -> Vec<Source> {
    let read = |(name, text): (String, String)| {
        let (_, place) = name.strip_prefix("crates/").and_then(|name| name.split_once("/impl/src/"))?;
        let is_repo = place == "repo.rs" || place.starts_with("repo/");
        let program = text.split("\n#[cfg(test)]").next().unwrap_or_default();
        let lines = program.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n"));
        (place != "schema.rs").then(|| Source { name: name.clone(), is_repo, text: lines.collect() })
    };
    let all: Vec<Source> = rust_files().into_iter().filter_map(read).collect();
    let domains: BTreeSet<&str> =
        all.iter().filter(|source| source.is_repo).filter_map(|source| source.name.split('/').nth(1)).collect();
    assert!(all.len() > 100 && domains.len() > 6, "the sources are found: {domains:?}");
    all
}

fn dense(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Whether a text that [`sql`] takes for a statement is one: English begins with `select` and `with`, too.
fn is_statement(text: &str) -> bool {
    let words = format!(" {} ", text.split_whitespace().collect::<Vec<_>>().join(" "));
    [" from ", " into ", " set "].iter().any(|word| words.contains(word)) || words.starts_with(" select app.")
}

/// Whether a statement changes rows and asks for the time itself: `now()` but not `app.now()`, which deadlines are compared with.
fn changes_by_its_own_time(statement: &str) -> bool {
    let changes = ["insert", "update"].iter().any(|verb| statement.split_whitespace().any(|word| word == *verb));
    changes && statement.match_indices("now()").any(|(at, _)| !statement[..at].ends_with("app."))
}

#[test]
fn sql_stands_in_repo_alone() {
    let ways = ["diesel", "AsyncPgConnection", "RunQueryDsl", "sql_query", "db::prelude", "crate::schema", "table!"];
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !source.is_repo) {
        wrong.extend(ways.iter().filter(|way| source.text.contains(**way)).map(|way| format!("{}: {way}", source.name)));
        let statements = sql(&source.text).into_iter().filter(|text| is_statement(text));
        wrong.extend(statements.map(|text| format!("{}: {text}", source.name)));
    }
    assert!(wrong.is_empty(), "a service calls a function of `repo`, which alone knows tables and diesel: {wrong:#?}");
}

#[test]
fn a_statement_is_told_from_english() {
    for text in [
        "select 1 from lines",
        "with a as (select 1) update lines set at = $1",
        "select app.close_tender($1)",
        "insert into lines values (1)",
    ] {
        assert!(is_statement(text), "{text}");
    }
    for text in ["select an organisation", "with the provider", "update it first"] {
        assert!(!is_statement(text), "{text}");
    }
    assert!(changes_by_its_own_time("insert into lines values (1) on conflict (id) do update set at = now()"));
    assert!(changes_by_its_own_time("update lines set at = now() where id = $1"));
    assert!(!changes_by_its_own_time("update lines set at = $1 where due <= app.now()"));
    assert!(!changes_by_its_own_time("select id from lines where at < now()"));
}

/// A type that a file defines.
struct Type {
    /// Its first line.
    head: String,
    /// The attributes above it.
    attributes: String,
    /// What it consists of.
    body: String,
}

impl Type {
    /// Whether diesel reads or writes it.
    fn is_row(&self) -> bool {
        ["Queryable", "Selectable", "Insertable", "AsChangeset", "Identifiable", "Associations"]
            .iter()
            .any(|one| self.attributes.contains(one))
    }
}

fn types(text: &str) -> Vec<Type> {
    let mut found: Vec<Type> = Vec::new();
    let (mut attributes, mut open) = (String::new(), false);
    for line in text.lines() {
        let bare = ["pub(crate) ", "pub(super) ", "pub "].iter().find_map(|way| line.strip_prefix(way)).unwrap_or(line);
        if open {
            open = line != "}";
            if let Some(one) = found.last_mut() {
                one.body.push_str(line);
                one.body.push('\n');
            }
        } else if bare.starts_with("struct ") || bare.starts_with("enum ") {
            open = line.ends_with('{');
            found.push(Type { head: line.to_owned(), attributes: std::mem::take(&mut attributes), body: String::new() });
        } else if line.starts_with("#[") {
            attributes.push_str(line);
        } else {
            attributes.clear();
        }
    }
    found
}

/// The fields of a type that are named as states and kinds are, and take any text.
fn texts_of_states(one: &Type) -> Vec<&'static str> {
    let names = ["status", "state", "kind", "role", "party", "outcome"];
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let is_field = |field: &str| one.body.match_indices(field).any(|(at, _)| !one.body[..at].ends_with(is_name));
    names
        .into_iter()
        .filter(|name| is_field(&format!("{name}: String")) || is_field(&format!("{name}: Option<String>")))
        .collect()
}

#[test]
fn rows_are_private_to_repo() {
    let mut rows = 0;
    let mut wrong = Vec::new();
    for source in sources() {
        let place = source.name.split_once("/src/").map_or("", |(_, place)| place);
        for row in types(&source.text).into_iter().filter(Type::is_row) {
            rows += 1;
            // A file's own parent is `repo` only below it.
            let shown = row.head.starts_with("pub") && !(row.head.starts_with("pub(super) ") && place.starts_with("repo/"));
            if shown || !source.is_repo {
                wrong.push(format!("{}: {}", source.name, row.head));
            }
        }
    }
    assert!(rows > 40, "the rows are found: {rows}");
    assert!(wrong.is_empty(), "`repo` hands out types of `model` or of the api crate, and keeps its rows to itself: {wrong:#?}");
}

/// Texts that are no set of ours.
const WORDS: Accepted = &[
    (
        "the provider's own words, which it may add to",
        &[
            "crates/escrow/impl/src/model/incident.rs: state",
            "crates/escrow/impl/src/service/float.rs: kind",
            "crates/escrow/impl/src/service/float.rs: state",
            "crates/escrow/impl/src/service/float.rs: status",
            "crates/escrow/impl/src/service/refunds.rs: status",
        ],
    ),
    (
        "holds are kept for any word: an older server shows one that it does not know, a newer one lifts it",
        &["crates/escrow/impl/src/repo/holds.rs: kind", "crates/escrow/impl/src/service/holds.rs: kind"],
    ),
];

#[test]
fn states_are_sets_of_names_outside_of_rows() {
    let mut found = BTreeSet::new();
    for source in sources().into_iter().filter(|source| !source.name.contains("/src/http")) {
        for one in types(&source.text).iter().filter(|one| !one.is_row()) {
            found.extend(texts_of_states(one).into_iter().map(|field| format!("{}: {field}", source.name)));
        }
    }
    only(&found, WORDS, "an enum of `kernel::named!`, which `db::named` reads from the column");
}

#[test]
fn a_row_that_is_shown_and_a_state_that_is_a_text_are_found() {
    let text = "#[derive(Debug, Queryable)]\n#[diesel(table_name = lines)]\npub(crate) struct Row {\n    status: String,\n}\n\nstruct Plain;\n
        \npub struct Entity {\n    pub(crate) state: Option<String>,\n    estate: String,\n    kind: Kind,\n}\n";
    let all = types(text);
    let heads: Vec<&str> = all.iter().map(|one| one.head.as_str()).collect();
    assert_eq!(heads, ["pub(crate) struct Row {", "struct Plain;", "pub struct Entity {"]);
    assert_eq!(all.iter().map(Type::is_row).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(texts_of_states(&all[2]), ["state"]);
}

#[test]
fn what_was_changed_says_when_in_one_way() {
    let clocks =
        ["clock_timestamp", "dsl::now", "current_timestamp", "localtimestamp", "transaction_timestamp", "statement_timestamp"];
    let mut wrong = Vec::new();
    for source in sources() {
        let text = source.text.to_lowercase();
        wrong.extend(clocks.iter().filter(|clock| text.contains(**clock)).map(|clock| format!("{}: {clock}", source.name)));
        let own = sql(&source.text).into_iter().filter(|text| changes_by_its_own_time(text));
        wrong.extend(own.map(|text| format!("{}: {text}", source.name)));
        // The service's clock, which tests and operators set apart from the database's, tells when to look again, not what changed when.
        let dense = dense(&source.text);
        wrong.extend(
            ["updated_at:self.now(", "updated_at:self.clock", "updated_at:Some(self.now(", "updated_at:Some(self.clock"]
                .iter()
                .filter(|one| dense.contains(**one))
                .map(|one| format!("{}: {one}", source.name)),
        );
    }
    for function in repos() {
        if dense(&function.text).contains("updated_at.eq(") && !function.text.contains("db::touched(tx)") {
            wrong.push(function.name);
        }
    }
    assert!(wrong.is_empty(), "`db::touched`, bound, is when a row was changed: {wrong:#?}");
}

/// What in the database asks the clock that moves within a transaction, and why it does not take a bound time.
const CLOCKS: Accepted = &[
    (
        "the clock that decides deadlines: a sealed bid is in time or late at its very statement, however long its transaction waited",
        &["now"],
    ),
    ("ends the sessions of a person, in a table of the coordinator", &["end_sessions"]),
    ("alarms are of the coordinator, and are seen again in the order in which they were", &["raise_alarm"]),
    (
        "defaults of rows that only ever are inserted: the order of what one transaction writes",
        &["audit_entries.at", "member_invitations.created_at", "organization_events.at", "security_events.at"],
    ),
];

#[tokio::test]
async fn the_database_reads_the_moving_clock_where_it_is_said_to() {
    let db = Database::fresh().await;
    let found = db
        .query(
            "select proname::text from pg_proc where pronamespace in ('app'::regnamespace, 'public'::regnamespace)
                 and prosrc ~* 'clock_timestamp|statement_timestamp|timeofday'
             union
             select c.relname || '.' || a.attname from pg_attrdef d join pg_class c on c.oid = d.adrelid
                 join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
                 where c.relnamespace in ('app'::regnamespace, 'public'::regnamespace)
                     and pg_get_expr(d.adbin, d.adrelid) ~* 'clock_timestamp|statement_timestamp|timeofday'",
        )
        .await;
    only(&found.into_iter().collect(), CLOCKS, "take the time as an argument: `db::touched`");
}

#[test]
fn columns_of_money_are_read_in_one_way() {
    let ways = ["parse::<Currency>", "fncurrency(code", "fnmoney(minor"];
    let own = |source: &Source| ways.iter().any(|way| dense(&source.text).contains(way));
    let wrong: Vec<_> = sources().into_iter().filter(own).map(|source| source.name).collect();
    assert!(wrong.is_empty(), "`db::money` and `db::currency` read the columns: {wrong:#?}");
}

#[test]
fn every_list_goes_on_behind_a_cursor_and_has_an_end() {
    let lists: Vec<_> = repos().into_iter().filter(|function| function.text.contains("PageRequest")).collect();
    assert!(lists.len() > 10, "the lists are found");
    let bounded = |text: &str| text.contains("db::after!(") && dense(text).contains(".limit(page.fetch())");
    let wrong: Vec<_> = lists.into_iter().filter(|list| !bounded(&list.text)).map(|list| list.name).collect();
    assert!(wrong.is_empty(), "`db::after!` and `.limit(page.fetch())`: {wrong:#?}");
}

/// Loops without an end of their own, and what ends them.
const LOOPS: Accepted = &[
    (
        "walks through what there is, page by page behind a cursor, until nothing follows",
        &[
            "crates/audit/impl/src/checkpoints.rs",
            "crates/audit/impl/src/service.rs",
            "crates/escrow/impl/src/service/obligations.rs",
            "crates/escrow/impl/src/service/sweep.rs",
            "crates/tenders/impl/src/doctor.rs",
            "crates/tenders/impl/src/rotation.rs",
        ],
    ),
    ("a thread of its own, until nobody sends it anything any more", &["crates/auth/impl/src/hasher.rs"]),
    (
        "waits until a try of somebody else ends, each of which is bounded, or there is a pause",
        &["crates/auth/impl/src/budget.rs"],
    ),
    ("a task that ends with the listener beside it", &["crates/auth/impl/src/service.rs"]),
    (
        "two keys of the provider, not more: the second spent one is the answer",
        &[
            "crates/escrow/impl/src/service/intents.rs",
            "crates/escrow/impl/src/service/payees.rs",
            "crates/escrow/impl/src/service/refunds.rs",
        ],
    ),
    (
        "each round looks at an organisation more, of those that the person is the last member of",
        &["crates/users/impl/src/service/removal.rs"],
    ),
];

#[test]
fn no_loop_runs_for_ever() {
    let found = sources().into_iter().filter(|source| dense(&source.text).contains("loop{")).map(|source| source.name);
    only(&found.collect(), LOOPS, "bound it: `for _ in 0..TRIES`, and a fault that asks for another try");
}
