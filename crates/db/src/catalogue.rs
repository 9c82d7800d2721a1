//! What the database says about itself: whether it answers, and what its catalogue says about row-level security.

use diesel::OptionalExtension;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use kernel::Fault;
use uow::SystemUow;

use crate::{DbResult, PgRead};

/// Passes if the database answers the platform.
///
/// # Errors
/// A fault of the database.
pub async fn answers(system: &SystemUow) -> Result<(), Fault> {
    system.read(async |tx| diesel::sql_query("select 1").execute(&mut tx.pg()).await.fault().map(drop)).await
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    finding: String,
}

/// Tables without forced row-level security, and serving roles that stand above it.
///
/// # Errors
/// A fault of the database.
pub async fn unprotected_tables(system: &SystemUow) -> Result<Vec<String>, Fault> {
    system
        .read(async |tx| {
            let rows: Vec<Row> = diesel::sql_query(
                "select format('table %s does not force row-level security', c.oid::regclass) as finding from pg_class c
                 where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, to_regnamespace('app'))
                   and c.relname <> '__diesel_schema_migrations' and not (c.relrowsecurity and c.relforcerowsecurity)
                 union all
                 select format('the role %s is above row-level security', rolname) from pg_roles
                 where rolname in ('build14_app', 'build14_system') and (rolsuper or rolbypassrls)
                 order by 1",
            )
            .load(&mut tx.pg())
            .await
            .fault()?;
            Ok(rows.into_iter().map(|row| row.finding).collect())
        })
        .await
}

/// How much the platform sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Tables that it may read.
    pub tables: usize,
    /// The rows in them.
    pub rows: i64,
    /// The organisations among them.
    pub organizations: i64,
}

#[derive(diesel::QueryableByName)]
struct Counted {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// Counts what the platform sees, table by table.
///
/// # Errors
/// A fault of the database.
pub async fn sight(system: &SystemUow) -> Result<Sight, Fault> {
    system
        .read(async |tx| {
            // A text of SQL that counts each of them: names are quoted by the database.
            let tables: Vec<Row> = diesel::sql_query(
                "select format('select %L as name, count(*) as count from %s', c.relname, c.oid::regclass) as finding from pg_class c
                 where c.relkind in ('r', 'p') and not c.relispartition
                   and c.relnamespace in ('public'::regnamespace, to_regnamespace('app'))
                   and c.relname <> '__diesel_schema_migrations' and has_table_privilege(c.oid, 'select')
                 order by 1",
            )
            .load(&mut tx.pg())
            .await
            .fault()?;
            let counts: Vec<_> = tables.into_iter().map(|row| row.finding).collect();
            if counts.is_empty() {
                return Ok(Sight { tables: 0, rows: 0, organizations: 0 });
            }
            let counted: Vec<Counted> = diesel::sql_query(counts.join(" union all ")).load(&mut tx.pg()).await.fault()?;
            let of = |name: &str| counted.iter().find(|table| table.name == name).map_or(0, |table| table.count);
            Ok(Sight {
                tables: counted.len(),
                rows: counted.iter().map(|table| table.count).sum(),
                organizations: of("organizations"),
            })
        })
        .await
}

/// By how much the clock that decides deadlines was moved, as PostgreSQL writes it; nothing if it was not. In production it never is.
///
/// # Errors
/// A fault of the database.
pub async fn moved_clock(system: &SystemUow) -> Result<Option<String>, Fault> {
    #[derive(diesel::QueryableByName)]
    struct Moved {
        #[diesel(sql_type = diesel::sql_types::Text)]
        advance: String,
    }
    let sql = "select advance::text as advance from app.clock where advance <> '0' union all
               select 'it is gone' where not exists (select from app.clock)";
    let moved: Option<Moved> =
        system.read(async |tx| diesel::sql_query(sql).get_result(&mut tx.pg()).await.optional().fault()).await?;
    Ok(moved.map(|moved| moved.advance))
}
