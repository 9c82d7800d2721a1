//! The hot read as pgbench runs it: the query of the request between BEGIN, `app.enter` and COMMIT. The server enters with two SET LOCAL, which take no
//! parameter of pgbench's, and ends with ROLLBACK (decision 51): part of what it is faster by is that.

use crate::dataset::{org_sql, user_sql};
use crate::pgbench::Script;

/// The hot read.
pub const PATH: &str = "/api/projects?limit=20";

/// Its statement, as diesel writes it.
const LIST: &str = include_str!("list_projects.sql");

/// Each statement waits for the answer to the one before.
pub fn one_by_one(tenants: u32) -> Script {
    script("one_by_one", tenants, ["", ""])
}

/// All in one flush: the limit of the wire.
pub fn pipelined(tenants: u32) -> Script {
    script("pipelined", tenants, ["\\startpipeline\n", "\\endpipeline\n"])
}

fn script(name: &'static str, tenants: u32, [start, end]: [&str; 2]) -> Script {
    let text = format!(
        "\\set i random(1, {tenants})\n{start}BEGIN READ ONLY;\nSELECT app.enter({}, {});\n{};\nCOMMIT;\n{end}",
        org_sql(":i::int"),
        user_sql(":i::int"),
        LIST.trim().replace("$org", &org_sql(":i::int"))
    );
    Script { name, text, variables: Vec::new() }
}
