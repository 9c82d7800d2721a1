//! What the program sends names the organisation of the rows that it wants, beside what row-level security adds: that is the way to their
//! shard. Read from the sources of every `repo`, function by function (decision 34).
//!
//! A query of diesel names it with `table::org_id.eq(…)`, with `find((org, …))` on a primary key, which begins with it, or by inserting a row
//! with it; a text of SQL with `org_id = $1`. A function that still does not is on a list, with the reason.

use std::collections::{BTreeMap, BTreeSet};

use testkit::Database;

use crate::distributable::{Accepted, distributed, only, statements, tables_in};
use crate::source::rust_files;

/// Functions that name no organisation.
const UNNAMED: Accepted = &[
    (
        "the platform's, across all tenants: a sweep, a doctor's look, what the provider or an operator names by an id alone",
        &[
            "audit/checkpoints::moved",
            "audit/checkpoints::not_in_chain",
            "audit/checkpoints::round_after",
            "audit/trail::organizations",
            "escrow/coverage::compare",
            "escrow/coverage::moved_since",
            "escrow/coverage::waiting",
            "escrow/held::aged",
            "escrow/holds::target_of_contract",
            "escrow/holds::target_of_milestone",
            "escrow/incidents::known",
            "escrow/incidents::payment_of",
            "escrow/incidents::unfinished",
            "escrow/ledger::knows_transfer",
            "escrow/losses::is_allowed_for",
            "escrow/losses::said",
            "escrow/losses::waiting_in_suspense",
            "escrow/payments::owner",
            "escrow/releases::owner",
            "escrow/releases::still_back",
            "escrow/sweep::payees_due",
            "escrow/sweep::payees_under_way",
            "escrow/sweep::payments_due",
            "escrow/sweep::payments_under_way",
            "escrow/sweep::releases_late",
            "escrow/sweep::releases_refused",
            "escrow/sweep::releases_stuck",
            "escrow/sweep::releases_under_way",
            "escrow/sweep::releases_unknown",
            "escrow/sweep::reviews_overdue",
            "escrow/sweep::transfers_due",
            "escrow/sweep::transfers_unbooked",
            "escrow/whose::payee",
            "escrow/whose::payment",
            "escrow/whose::payment_named",
            "escrow/whose::release",
            "escrow/whose::waiting_for_funds",
            "projects/team::strangers",
            "tenders/awards::unsigned",
            "tenders/platform::due",
            "tenders/platform::overdue",
            "tenders/platform::seals",
            "tenders/rotation::wrappings",
        ],
    ),
    (
        "of escrow: found by an id that either party gives, so that what follows can name whose it is",
        &["escrow/contracts::row", "escrow/milestones::row", "escrow/payments::row", "escrow/releases::row"],
    ),
    ("of tenders: likewise", &["tenders/bids::get", "tenders/tenders::get"]),
];

/// Functions that change rows by a clock or dice of the database.
const VOLATILE: Accepted = &[];

/// A function of a `repo`: its name, what stands before all functions of its file, and its own text.
pub struct Function {
    /// As in the lists.
    pub name: String,
    head: String,
    /// From `fn` on.
    pub text: String,
}

/// The functions of a file, comments and tests aside.
fn functions(file: &str, text: &str) -> Vec<Function> {
    let place = file.trim_start_matches("crates/").replace("/impl/src/", "/").replace("/repo/", "/");
    let place = place.trim_end_matches(".rs");
    let mut head = String::new();
    let mut found: Vec<Function> = Vec::new();
    let program = text.split("\n#[cfg(test)]").next().unwrap_or(text);
    for line in program.lines().filter(|line| !line.trim_start().starts_with("//")) {
        let shown = ["pub(crate) ", "pub(super) ", "pub "].iter().find_map(|way| line.strip_prefix(way)).unwrap_or(line);
        let plain = shown.trim_start_matches("async ");
        if let Some(rest) = plain.strip_prefix("fn ") {
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.push(Function { name: format!("{place}::{name}"), head: head.clone(), text: String::new() });
        }
        let text = found.last_mut().map_or(&mut head, |function| &mut function.text);
        text.push_str(line);
        text.push('\n');
    }
    found
}

/// The functions of every `repo`.
pub fn repos() -> Vec<Function> {
    let of_repo = |file: &str| file.starts_with("crates/") && file.contains("/impl/src/repo") && file.ends_with(".rs");
    rust_files().iter().filter(|(file, _)| of_repo(file)).flat_map(|(file, text)| functions(file, text)).collect()
}

/// The texts of SQL in a text of Rust, in lower case.
pub fn sql(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('"') {
        let mut end = 0;
        let bytes = after.as_bytes();
        while end < bytes.len() && bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let literal = after.get(..end).unwrap_or(after).to_lowercase();
        if ["select", "insert", "update", "delete", "with"].iter().any(|verb| literal.trim_start().starts_with(verb)) {
            found.push(literal);
        }
        rest = after.get(end + 1..).unwrap_or("");
    }
    found
}

/// By which names a text of Rust calls the tables: their own, and those after `as`.
fn names(function: &Function, tables: &BTreeSet<String>) -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> = tables.iter().map(|table| (table.clone(), table.clone())).collect();
    let both = format!("{} {}", function.head, function.text);
    let words: Vec<&str> = both.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).collect();
    for three in words.windows(3) {
        if three[1] == "as" && tables.contains(three[0]) {
            names.insert(three[2].to_owned(), three[0].to_owned());
        }
    }
    names
}

/// How often `text` has `part`, as a word of its own at the beginning.
fn times(text: &str, part: &str) -> usize {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(part).filter(|(at, _)| !text[..*at].ends_with(is_name)).count()
}

/// The tables whose rows a function wants without naming their organisation.
fn unnamed(function: &Function, tables: &BTreeSet<String>) -> BTreeSet<String> {
    let mut wanted = BTreeSet::new();
    let dense: String = function.text.split_whitespace().collect();
    for (name, table) in names(function, tables) {
        let uses = times(&dense, &format!("{name}::table"));
        let named = times(&dense, &format!("{name}::table.find("))
            + times(&dense, &format!("insert_into({name}::table)"))
            + times(&dense, &format!("{name}::org_id.eq("))
            + times(&dense, &format!("{name}::org_id.eq_any("));
        if uses > named {
            wanted.insert(table);
        }
    }
    for text in sql(&function.text) {
        let words: String = text.split_whitespace().map(|word| format!("{word} ")).collect();
        let named = words.contains("org_id = $") || words.contains("org_id = any ($") || words.contains("org_id = any($");
        let row = words.starts_with("insert into") && words.contains("(org_id,") && words.contains(" values ($");
        if !named && !row {
            wanted.extend(statements(&text).iter().flat_map(|statement| tables_in(statement, tables)).map(str::to_owned));
        }
    }
    wanted
}

/// Whether a function changes rows of these tables by a clock or dice of the database.
fn is_volatile(function: &Function, tables: &BTreeSet<String>) -> bool {
    let dense: String = function.text.split_whitespace().collect();
    let clock = ["clock_timestamp", "app.now(", "random()", "gen_random_uuid"];
    let updates = times(&dense, "update(") > 0
        && names(function, tables).keys().any(|name| times(&dense, &format!("{name}::table")) > 0)
        && clock.iter().any(|one| dense.contains(one));
    updates
        || sql(&function.text).iter().any(|text| {
            let upsert = text.split_once("do update");
            let changes = upsert.map_or(text.as_str(), |(_, set)| set);
            let is_change = upsert.is_some() || text.trim_start().starts_with("update");
            let fixed = upsert.is_some() && changes.contains("now()");
            let of_tenants = statements(text).iter().any(|statement| !tables_in(statement, tables).is_empty());
            is_change && of_tenants && (fixed || clock.iter().any(|one| changes.contains(one)))
        })
}

#[tokio::test]
async fn every_statement_names_the_organisation_of_its_rows() {
    let tables = distributed(&Database::fresh().await).await;
    let all = repos();
    assert!(all.len() > 200, "the functions are found: {}", all.len());
    let found = all.iter().filter(|function| !unnamed(function, &tables).is_empty()).map(|function| function.name.clone());
    only(
        &found.collect(),
        UNNAMED,
        "name the rows' organisation: `table::org_id.eq(…)` or `org_id = $1`; look it up first if another's id is given",
    );
}

#[tokio::test]
async fn rows_are_changed_with_bound_times() {
    let tables = distributed(&Database::fresh().await).await;
    let found = repos().into_iter().filter(|function| is_volatile(function, &tables)).map(|function| function.name);
    only(&found.collect(), VOLATILE, "bind the time (`db::touched`): what every shard would compute anew is refused");
}

#[test]
fn a_statement_without_the_organisation_is_found() {
    let tables = BTreeSet::from(["lines".to_owned()]);
    let found = |head: &str, text: &str| {
        let source = format!("{head}\nasync fn f() {{\n{text}\n}}");
        let function = functions("crates/x/impl/src/repo/y.rs", &source).pop().expect("a function");
        assert_eq!(function.name, "x/y::f");
        !unnamed(&function, &tables).is_empty()
    };
    let diesel = "use crate::schema::lines;";
    assert!(found(diesel, "lines::table.filter(lines::id.eq(id))"));
    assert!(!found(diesel, "lines::table\n.filter(lines::org_id.eq(org)).filter(lines::id.eq(id))"));
    assert!(!found(diesel, "lines::table.find((org, id))"));
    assert!(!found(diesel, "insert_into(lines::table).values(row)"));
    assert!(found(diesel, "lines::table.find((org, id)); lines::table.filter(lines::id.eq(id))"), "each of them");
    assert!(found("use crate::schema::{a, lines as l};", "l::table.filter(l::id.eq(id))"), "under another name");
    assert!(found("", "sql_query(\"select * from lines where id = $1\")"));
    assert!(!found("", "sql_query(\"select * from lines where org_id = $1\")"));
    assert!(!found("", "sql_query(\"insert into lines (org_id, id) values ($1, $2)\")"));
    assert!(!found("", "// lines::table\nsql_query(\"select * from others\")"));
}

#[test]
fn a_clock_in_an_update_is_found() {
    let tables = BTreeSet::from(["lines".to_owned()]);
    let found = |text: &str| {
        let source = format!("use crate::schema::lines;\nfn f() {{\n{text}\n}}");
        is_volatile(&functions("crates/x/impl/src/repo.rs", &source).pop().expect("a function"), &tables)
    };
    assert!(found("update(lines::table.find(1)).set(lines::at.eq(sql(\"clock_timestamp()\")))"));
    assert!(found("let one = lines::table.find(1);\nupdate(one).set(lines::at.eq(sql(\"clock_timestamp()\")))"));
    assert!(!found("update(lines::table.find(1)).set(lines::at.eq(at))"));
    assert!(found("sql_query(\"insert into lines (org_id) values ($1) on conflict (org_id) do update set at = now()\")"));
    assert!(!found("sql_query(\"update lines set at = now() where org_id = $1\")"), "the same on every shard");
    assert!(found("sql_query(\"update lines set at = app.now() where org_id = $1\")"));
}
