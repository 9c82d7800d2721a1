//! SQL of what an organisation takes along of its projects. Columns stand here by name, so that nothing new is handed out unawares.

use db::prelude::*;
use kernel::{Fault, OrgId};
use serde_json::Value;
use uuid::Uuid;

/// A file: its name, how many of its rows are read at a time, and the statement.
type File = (&'static str, i64, &'static str);

/// All of them.
const FILES: &[File] = &[
    (
        "projects",
        200,
        "select r.id, to_jsonb(r) as row from (select id, name, description, address, status, currency, budget_minor, \
         starts_on, ends_on, tendered_at, created_at, updated_at from projects where org_id = $1 and id > $2 order by id \
         limit $3) r",
    ),
    (
        "units",
        200,
        "select r.id, to_jsonb(r) as row from (select u.id, u.project_id, u.unit_number, u.total_floor_area::text as total_floor_area, \
         u.number_of_floors, u.number_of_rooms, u.number_of_bathrooms, u.created_at, (select \
         jsonb_agg(jsonb_build_object('floor_number', f.floor_number, 'floor_area', f.floor_area::text) order by f.floor_number) \
         from unit_floors f where f.org_id = u.org_id and f.unit_id = u.id) as floors from units u where u.org_id = $1 and \
         u.id > $2 order by u.id limit $3) r",
    ),
    (
        "schedules",
        5,
        "select r.id, to_jsonb(r) as row from (select s.id, s.project_id, s.title, s.status, s.version, s.previous_id, \
         s.currency, s.estimate_total_minor, s.created_at, s.frozen_at, (select jsonb_agg(jsonb_build_object('id', l.id, \
         'position', l.position, 'code', l.code, 'description', l.description, 'kind', l.kind, 'unit_code', l.unit_code, \
         'unit_text', l.unit_text, 'quantity', l.quantity::text, 'estimate_rate', l.estimate_rate::text, 'unit_id', l.unit_id) order by \
         l.position) from soq_lines l where l.org_id = s.org_id and l.soq_id = s.id) as lines from soqs s where s.org_id = \
         $1 and s.id > $2 order by s.id limit $3) r",
    ),
];

/// The names of the files.
pub(crate) fn files() -> Vec<&'static str> {
    FILES.iter().map(|(name, ..)| *name).collect()
}

/// Rows of one behind an id, fewer than at a time where it ends, and none of a file of others.
pub(crate) async fn rows(tx: &ReadTx<'_>, org: OrgId, file: &str, after: Uuid) -> Result<Vec<(Uuid, Value)>, Fault> {
    match FILES.iter().find(|(name, ..)| *name == file) {
        Some((_, most, sql)) => db::exported(tx, sql, org, after, *most).await,
        None => Ok(Vec::new()),
    }
}
