//! SQL of what an organisation takes along of its tenders and of its own bids. Columns stand here by name, so that nothing new is handed out unawares.

use db::prelude::*;
use kernel::{Fault, OrgId};
use serde_json::Value;
use uuid::Uuid;

/// A file: its name, how many of its rows are read at a time, and the statement.
type File = (&'static str, i64, &'static str);

/// All of them.
const FILES: &[File] = &[
    (
        "tenders",
        5,
        "select r.id, to_jsonb(r) as row from (select t.id, t.project_id, t.soq_id, t.title, t.description, \
         t.procurement_method, t.status, t.currency, t.submission_deadline, t.questions_until, t.min_bids, t.published_at, \
         t.closed_at, t.opened_at, t.standstill_until, t.cancelled_at, t.cancel_reason, t.created_at, (select \
         jsonb_agg(jsonb_build_object('position', m.position, 'title', m.title, 'percent', m.percent::text, 'amount', m.amount, \
         'weight', m.weight::text, 'remainder', m.remainder, 'due_on', m.due_on) order by m.position) from tender_milestones m \
         where m.org_id = t.org_id and m.tender_id = t.id) as milestones, (select \
         jsonb_agg(jsonb_build_object('soq_line_id', l.soq_line_id, 'position', l.position, 'code', l.code, 'description', \
         l.description, 'kind', l.kind, 'unit_code', l.unit_code, 'unit_text', l.unit_text, 'quantity', l.quantity::text, \
         'fixed_rate', l.fixed_rate::text) order by l.position) from tender_lines l where l.org_id = t.org_id and l.tender_id = \
         t.id) as lines from tenders t where t.org_id = $1 and t.id > $2 order by t.id limit $3) r",
    ),
    (
        "tender_invitations",
        200,
        "select r.id, to_jsonb(r) as row from (select id, tender_id, email, sent_at, created_at from tender_invitations \
         where org_id = $1 and id > $2 order by id limit $3) r",
    ),
    (
        "own_bids",
        20,
        "select r.id, to_jsonb(r) as row from (select b.id, b.tender_id, b.status, b.revision, encode(b.receipt_sha256, \
         'hex') as receipt_sha256, b.received_at, b.opened_at, b.total, b.currency, b.valid_until, b.note, b.rank, \
         b.disqualified_code, b.disqualified_reason, b.created_at, (select jsonb_agg(jsonb_build_object('soq_line_id', \
         l.soq_line_id, 'position', l.position, 'rate', l.rate::text, 'amount', l.amount) order by l.position) from bid_lines l \
         where l.org_id = b.org_id and l.bid_id = b.id) as lines from bids b where b.bidder_org_id = $1 and b.id > $2 order \
         by b.id limit $3) r",
    ),
    (
        "awards",
        200,
        "select r.id, to_jsonb(r) as row from (select id, tender_id, bid_id, status, amount, currency, reason, contract_id, \
         standstill_until, sign_by, cancel_reason, created_at from awards where org_id = $1 and id > $2 order by id limit \
         $3) r",
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
