//! Transfers by which payees were paid again what had come back of a release.

use db::prelude::*;
use kernel::{Fault, OrgId, Timestamp};

use super::Reader;
use super::releases::ReleaseRow;
use crate::schema::release_replacements;

/// Such a transfer.
#[derive(Debug, Clone, Copy, Queryable, Selectable)]
#[diesel(table_name = release_replacements)]
pub(crate) struct ReplacementRow {
    pub(crate) amount: i64,
    /// How much of it came back itself.
    pub(crate) reversed: i64,
}

/// The release's transfer of this name, if it is one that replaced what came back.
pub(crate) async fn find(mut pg: Reader<'_>, release: &ReleaseRow, transfer: &str) -> Result<Option<ReplacementRow>, Fault> {
    release_replacements::table
        .filter(release_replacements::org_id.eq(release.org_id).and(release_replacements::release_id.eq(release.id)))
        .filter(release_replacements::transfer.eq(transfer))
        .select(ReplacementRow::as_select())
        .first(&mut pg)
        .await
        .optional()
        .fault()
}

/// How much came back of everything that replaced what had come back of a release.
pub(crate) async fn came_back(mut pg: Reader<'_>, release: &ReleaseRow) -> Result<i64, Fault> {
    let parts: Vec<i64> = release_replacements::table
        .filter(release_replacements::org_id.eq(release.org_id).and(release_replacements::release_id.eq(release.id)))
        .select(release_replacements::reversed)
        .load(&mut pg)
        .await
        .fault()?;
    Ok(parts.iter().sum())
}

/// Keeps one, in the transaction in which it is posted.
pub(crate) async fn insert(tx: &mut Tx, release: &ReleaseRow, transfer: &str, amount: i64, at: Timestamp) -> Result<(), Fault> {
    diesel::insert_into(release_replacements::table)
        .values((
            release_replacements::org_id.eq(release.org_id),
            release_replacements::release_id.eq(release.id),
            release_replacements::transfer.eq(transfer),
            release_replacements::amount.eq(amount),
            release_replacements::made_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// So much of it came back in all.
pub(crate) async fn set_reversed(tx: &mut Tx, release: &ReleaseRow, transfer: &str, in_all: i64) -> Result<(), Fault> {
    diesel::update(release_replacements::table.find((release.org_id, release.id, transfer)))
        .set(release_replacements::reversed.eq(in_all))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// When it is looked at next, if it is such a transfer.
pub(crate) async fn look_later(tx: &mut Tx, org: OrgId, transfer: &str, at: Timestamp) -> Result<(), Fault> {
    diesel::update(
        release_replacements::table
            .filter(release_replacements::org_id.eq(org.0))
            .filter(release_replacements::transfer.eq(transfer)),
    )
    .set(release_replacements::look_at.eq(at))
    .execute(tx.pg())
    .await
    .fault()?;
    Ok(())
}
