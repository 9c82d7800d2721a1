//! Handling an event once although it is delivered at least once.

use db::prelude::*;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use kernel::{Ctx, Fault, OrgId};
use uow::{EventId, Uow};

/// Notes in the subscriber's own transaction (as tenant `org`) that it handles the event. False if it has done so before: then there is
/// nothing to do. While another transaction is just handling it, this waits for that one's end.
async fn handled_once_in(tx: &mut Tx, org: OrgId, event: EventId, subscriber: &str) -> Result<bool, Fault> {
    let noted =
        diesel::sql_query("insert into outbox_handled (org_id, event_id, subscriber) values ($1, $2, $3) on conflict do nothing")
            .bind::<SqlUuid, _>(org.0)
            .bind::<SqlUuid, _>(event.0)
            .bind::<Text, _>(subscriber)
            .execute(tx.pg())
            .await
            .fault()?;
    Ok(noted == 1)
}

/// Runs `f` in a transaction of the tenant, unless `subscriber` has handled the event before. True if it ran.
///
/// # Errors
/// What `f` returned, or a fault.
pub async fn once<E: From<Fault>>(
    uow: &Uow,
    ctx: &Ctx,
    event: EventId,
    subscriber: &str,
    f: impl AsyncFnOnce(&mut Tx) -> Result<(), E>,
) -> Result<bool, E> {
    uow.write(ctx, async |tx| {
        let first = handled_once_in(tx, ctx.org, event, subscriber).await?;
        if first {
            f(tx).await?;
        }
        Ok(first)
    })
    .await
}
