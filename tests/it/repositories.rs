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
            ["updated_at:self.", "updated_at:Some(self."]
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
        &["audit_entries.at", "member_invitations.created_at", "security_events.at"],
    ),
];

#[tokio::test]
async fn the_database_reads_the_moving_clock_where_it_is_said_to() {
    let db = Database::fresh().await;
    let found = db
        .query(
            "select proname::text from pg_proc where pronamespace in ('app'::regnamespace, 'public'::regnamespace)
                 and prosrc ~* 'clock_timestamp|current_timestamp|statement_timestamp'
             union
             select c.relname || '.' || a.attname from pg_attrdef d join pg_class c on c.oid = d.adrelid
                 join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
                 where c.relnamespace in ('app'::regnamespace, 'public'::regnamespace)
                     and pg_get_expr(d.adbin, d.adrelid) ~* 'clock_timestamp|current_timestamp|statement_timestamp'",
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
        "two keys of the provider, not more: the second spent one is the answer",
        &["crates/escrow/impl/src/service/intents.rs", "crates/escrow/impl/src/service/payees.rs"],
    ),
    (
        "each round looks at an organisation more, of those that the person is the last member of",
        &["crates/users/impl/src/service.rs"],
    ),
];

#[test]
fn no_loop_runs_for_ever() {
    let found = sources().into_iter().filter(|source| dense(&source.text).contains("loop{")).map(|source| source.name);
    only(&found.collect(), LOOPS, "bound it: `for _ in 0..TRIES`, and a fault that asks for another try");
}
