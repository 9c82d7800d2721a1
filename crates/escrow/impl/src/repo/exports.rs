//! SQL of what an organisation takes along of its contracts and their money, as either party. Columns stand here by name, so that nothing new is handed out unawares.

use db::prelude::*;
use kernel::{Fault, OrgId};
use serde_json::Value;
use uuid::Uuid;

/// A file: its name, how many of its rows are read at a time, and the statement.
type File = (&'static str, i64, &'static str);

/// All of them.
const FILES: &[File] = &[
    (
        "contracts",
        20,
        "select r.id, to_jsonb(r) as row from (select c.id, c.org_id as owner_organization, c.contractor_org_id as \
         contractor_organization, c.project_id, c.tender_id, c.title, c.currency, c.total, c.status, c.document, \
         c.document_sha256, c.cancel_reason, c.activated_at, c.completed_at, c.created_at, (select \
         jsonb_agg(jsonb_build_object('party', s.party, 'user_id', s.user_id, 'sha256', s.sha256, 'signed_at', s.signed_at) \
         order by s.party) from contract_signatures s where s.org_id = c.org_id and s.contract_id = c.id) as signatures from \
         contracts c where (c.org_id = $1 or c.contractor_org_id = $1) and c.id > $2 order by c.id limit $3) r",
    ),
    (
        "milestones",
        200,
        "select r.id, to_jsonb(r) as row from (select id, contract_id, position, title, amount, currency, due_on, status, \
         submissions, submitted_at, created_at from milestones where (org_id = $1 or contractor_org_id = $1) and id > $2 \
         order by id limit $3) r",
    ),
    (
        "milestone_reviews",
        200,
        "select r.id, to_jsonb(r) as row from (select id, milestone_id, contract_id, kind, note, evidence, amount, by_user, \
         created_at from milestone_reviews where (org_id = $1 or contractor_org_id = $1) and id > $2 order by id limit $3) r",
    ),
    (
        "payments",
        200,
        "select r.id, to_jsonb(r) as row from (select id, contract_id, milestone_id, status, amount, currency, funded_at, \
         created_at from payments where (org_id = $1 or contractor_org_id = $1) and id > $2 order by id limit $3) r",
    ),
    (
        "releases",
        200,
        "select r.id, to_jsonb(r) as row from (select id, contract_id, milestone_id, payment_id, seq, status, gross, fee, \
         net, currency, sent_at, created_at from releases where (org_id = $1 or contractor_org_id = $1) and id > $2 order by \
         id limit $3) r",
    ),
    (
        "ledger",
        200,
        "select r.id, to_jsonb(r) as row from (select t.id, t.contract_id, t.kind, t.currency, t.reverses, t.created_at, \
         (select jsonb_agg(jsonb_build_object('position', e.position, 'account', e.account, 'subject', e.subject, 'amount', \
         e.amount) order by e.position) from ledger_entries e where e.org_id = t.org_id and e.transaction_id = t.id) as \
         entries from ledger_transactions t where (t.org_id = $1 or t.contractor_org_id = $1) and t.id > $2 order by t.id \
         limit $3) r",
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
