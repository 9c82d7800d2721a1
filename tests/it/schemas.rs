//! What diesel believes of a table is what the database says: a column that is missing, of another type or nullable on one side alone is
//! found here, not by the first row that differs.

use std::collections::{BTreeMap, BTreeSet};

use testkit::Database;

use crate::source::rust_files;

/// A table as a `schema.rs` tells it: its primary key, and each column's type in the words of diesel.
#[derive(Debug, PartialEq, Eq)]
struct Table {
    key: Vec<String>,
    columns: BTreeMap<String, String>,
}

/// One name per type: diesel has several for some.
fn plain(sql_type: &str) -> String {
    let names = [("BigInt", "Int8"), ("Integer", "Int4"), ("SmallInt", "Int2"), ("Binary", "Bytea"), ("Float8", "Double")];
    names.into_iter().fold(sql_type.to_owned(), |name, (other, one)| name.replace(other, one))
}

/// The tables of a source with `diesel::table!`, by name.
fn told(source: &str) -> BTreeMap<String, Table> {
    let mut tables = BTreeMap::new();
    for text in source.split("diesel::table! {").skip(1) {
        let (head, rest) = text.split_once(") {").expect("a primary key");
        let (name, key) = head.split_once('(').expect("a name");
        let body = rest.split('}').next().expect("columns");
        let mut columns = BTreeMap::new();
        let mut other_name = None;
        for line in body.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
            if let Some(named) = line.strip_prefix("#[sql_name = \"") {
                other_name = named.split('"').next();
            } else if let Some((column, sql_type)) = line.trim_end_matches(',').split_once(" -> ") {
                columns.insert(other_name.take().unwrap_or(column).to_owned(), plain(sql_type));
            }
        }
        let key = key.split(',').map(|column| column.trim().to_owned()).collect();
        tables.insert(name.trim().to_owned(), Table { key, columns });
    }
    tables
}

/// The tables of the database, in the same words.
async fn kept(db: &Database) -> BTreeMap<String, Table> {
    let columns = db
        .query(
            "select format('%s %s %s', c.relname, a.attname, case when a.attnotnull then type else format('Nullable<%s>', type) end)
             from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             join pg_type t on t.oid = a.atttypid left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'
             cross join lateral (select case when e.oid is null then initcap(t.typname) else format('Array<%s>', initcap(e.typname)) end) n (type)
             where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace",
        )
        .await;
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for column in columns {
        let words: Vec<&str> = column.splitn(3, ' ').collect();
        let [table, name, sql_type] = words[..] else { panic!("{column}") };
        let table = tables.entry(table.to_owned()).or_insert_with(|| Table { key: Vec::new(), columns: BTreeMap::new() });
        table.columns.insert(name.to_owned(), plain(sql_type));
    }
    let keys = db
        .query(
            "select format('%s %s', c.conrelid::regclass, a.attname) from pg_constraint c
             cross join unnest(c.conkey) with ordinality k (number, place)
             join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number
             where c.contype = 'p' and c.connamespace = 'public'::regnamespace order by c.conrelid, k.place",
        )
        .await;
    for column in keys {
        let (table, column) = column.split_once(' ').expect("a table and a column");
        if let Some(table) = tables.get_mut(table) {
            table.key.push(column.to_owned());
        }
    }
    tables
}

#[tokio::test]
async fn every_schema_says_what_the_database_says() {
    let db = Database::fresh().await;
    let kept = kept(&db).await;
    let mut looked = BTreeSet::new();
    let mut wrong = Vec::new();
    for (file, source) in rust_files() {
        if !file.ends_with("/src/schema.rs") || !source.contains("diesel::table! {") {
            continue;
        }
        for (name, table) in told(&source) {
            if kept.get(&name) != Some(&table) {
                wrong.push(format!("{file}: {name} is {:#?} in the database, and here {table:#?}", kept.get(&name)));
            }
            assert!(looked.insert(name.clone()), "two crates claim {name}");
        }
    }
    assert!(wrong.is_empty(), "write what the database says:\n{}", wrong.join("\n"));
    assert!(looked.len() > 35, "the schemas are found: {looked:?}");
}

#[test]
fn a_table_is_read_with_its_names_and_types() {
    let source = "//! Tables.\n\ndiesel::table! {\n    events (org_id, id) {\n        org_id -> Uuid,\n        #[sql_name = \"type\"]\n        \
                  kind -> Nullable<Text>,\n        parts -> Array<Binary>,\n        amount -> BigInt,\n    }\n}\n";
    let columns = [("org_id", "Uuid"), ("type", "Nullable<Text>"), ("parts", "Array<Bytea>"), ("amount", "Int8")];
    let columns = columns.iter().map(|(name, sql_type)| ((*name).to_owned(), (*sql_type).to_owned())).collect();
    let table = Table { key: vec!["org_id".to_owned(), "id".to_owned()], columns };
    assert_eq!(told(source), BTreeMap::from([("events".to_owned(), table)]));
}
