//! Where the provider's objects belong: the platform's own look-ups, on `SystemUow`.

use db::prelude::*;
use escrow_api::{PaymentId, ReleaseId};
use kernel::{Fault, OrgId};
use uuid::Uuid;

use crate::schema::{payee_accounts, payments, release_replacements, releases};

/// The payment that has this intent.
pub(crate) async fn payment(tx: &ReadTx<'_>, intent: &str) -> Result<Option<(OrgId, PaymentId)>, Fault> {
    let found: Option<(Uuid, Uuid)> = payments::table
        .filter(payments::intent.eq(intent))
        .select((payments::org_id, payments::id))
        .first(&mut tx.pg())
        .await
        .optional()
        .fault()?;
    Ok(found.map(|(org, id)| (OrgId(org), PaymentId(id))))
}

/// The payment of this id, whatever intent it has.
pub(crate) async fn payment_named(tx: &ReadTx<'_>, id: Uuid) -> Result<Option<(OrgId, PaymentId)>, Fault> {
    let found: Option<Uuid> =
        payments::table.filter(payments::id.eq(id)).select(payments::org_id).first(&mut tx.pg()).await.optional().fault()?;
    Ok(found.map(|org| (OrgId(org), PaymentId(id))))
}

/// Where the release is that has this transfer, or was paid again with it, else the one that its metadata name.
pub(crate) async fn release(tx: &ReadTx<'_>, transfer: &str, ours: Option<Uuid>) -> Result<Option<(OrgId, ReleaseId)>, Fault> {
    let mut found: Option<(Uuid, Uuid)> = releases::table
        .filter(releases::transfer.eq(transfer))
        .select((releases::org_id, releases::id))
        .first(&mut tx.pg())
        .await
        .optional()
        .fault()?;
    if found.is_none() {
        found = release_replacements::table
            .filter(release_replacements::transfer.eq(transfer))
            .select((release_replacements::org_id, release_replacements::release_id))
            .first(&mut tx.pg())
            .await
            .optional()
            .fault()?;
    }
    if let (None, Some(ours)) = (found, ours) {
        found = releases::table
            .filter(releases::id.eq(ours))
            .select((releases::org_id, releases::id))
            .first(&mut tx.pg())
            .await
            .optional()
            .fault()?;
    }
    Ok(found.map(|(org, id)| (OrgId(org), ReleaseId(id))))
}

/// Whose connected account it is.
pub(crate) async fn payee(tx: &ReadTx<'_>, account: &str) -> Result<Option<OrgId>, Fault> {
    let found: Option<Uuid> = payee_accounts::table
        .filter(payee_accounts::account.eq(account))
        .select(payee_accounts::org_id)
        .first(&mut tx.pg())
        .await
        .optional()
        .fault()?;
    Ok(found.map(OrgId))
}

/// Every payment that is paid and waits for its funds.
pub(crate) async fn waiting_for_funds(tx: &ReadTx<'_>) -> Result<Vec<(OrgId, PaymentId)>, Fault> {
    let rows: Vec<(Uuid, Uuid)> = payments::table
        .filter(payments::status.eq("succeeded"))
        .select((payments::org_id, payments::id))
        .order(payments::available_on)
        .limit(1_000)
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(org, id)| (OrgId(org), PaymentId(id))).collect())
}
