//! Transfers by which payees were paid again what had come back of a release.

use db::prelude::*;
use kernel::{Fault, Money, OrgId, Timestamp};

use super::Reader;
use crate::model::moved::{Replacement, StoredRelease};
use crate::schema::release_replacements;

/// The release's transfer of this name, if it is one that replaced what came back.
pub(crate) async fn find(mut pg: Reader<'_>, release: &StoredRelease, transfer: &str) -> Result<Option<Replacement>, Fault> {
    let found: Option<(i64, i64)> = release_replacements::table
        .filter(release_replacements::org_id.eq(release.owner.0).and(release_replacements::release_id.eq(release.id.0)))
        .filter(release_replacements::transfer.eq(transfer))
        .select((release_replacements::amount, release_replacements::reversed))
        .first(&mut pg)
        .await
        .optional()
        .fault()?;
    Ok(found.map(|(amount, reversed)| Replacement { amount: release.money(amount), reversed: release.money(reversed) }))
}

/// How much came back of everything that replaced what had come back of a release.
pub(crate) async fn came_back(mut pg: Reader<'_>, release: &StoredRelease) -> Result<Money, Fault> {
    let parts: Vec<i64> = release_replacements::table
        .filter(release_replacements::org_id.eq(release.owner.0).and(release_replacements::release_id.eq(release.id.0)))
        .select(release_replacements::reversed)
        .load(&mut pg)
        .await
        .fault()?;
    Ok(release.money(parts.iter().sum()))
}

/// Keeps one, in the transaction in which it is posted.
pub(crate) async fn insert(
    tx: &mut Tx,
    release: &StoredRelease,
    transfer: &str,
    amount: Money,
    at: Timestamp,
) -> Result<(), Fault> {
    diesel::insert_into(release_replacements::table)
        .values((
            release_replacements::org_id.eq(release.owner.0),
            release_replacements::release_id.eq(release.id.0),
            release_replacements::transfer.eq(transfer),
            release_replacements::amount.eq(amount.minor()),
            release_replacements::made_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// So much of it came back in all.
pub(crate) async fn set_reversed(tx: &mut Tx, release: &StoredRelease, transfer: &str, in_all: Money) -> Result<(), Fault> {
    diesel::update(release_replacements::table.find((release.owner.0, release.id.0, transfer)))
        .set(release_replacements::reversed.eq(in_all.minor()))
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
