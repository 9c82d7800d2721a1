//! Rotation of the server's key: the keys of tenders are wrapped anew, so that what backups hold of them can be made worthless.

use audit_api::{Audit, NewEntry};
use kernel::{Ctx, Decision, Fault, Reason, RequestId};
use serde_json::json;
use uow::SystemUow;

pub use crate::model::platform::Wrapping;
use crate::repo::rotation;
use crate::seal::SealKey;

/// The action under which each tender's owner sees it.
const REWRAP: &str = "tenders.rewrap_key";

/// What a rotation did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Keys of tenders that are wrapped by the current key now and were not before.
    pub rewrapped: usize,
    /// Keys of tenders that none of the configured keys unwraps: they stay as they are.
    pub unreadable: usize,
}

/// How many keys of tenders, neither destroyed nor lost, are wrapped by which of the server's keys.
///
/// # Errors
/// A fault of the database.
pub async fn wrappings(system: &SystemUow) -> Result<Vec<Wrapping>, Fault> {
    system.read(async |tx| rotation::wrappings(tx).await).await
}

/// Wraps every tender's key by the current key that one before it wraps. Each is a transaction of its own, with an entry in the trail of
/// the tender's owner that names the operator: killed half-way, it goes on when it is run again.
///
/// # Errors
/// A fault of the database.
pub async fn rotate(system: &SystemUow, audit: &dyn Audit, keys: &SealKey, by: &Decision) -> Result<Rotation, Fault> {
    let (mut done, mut after) = (Rotation::default(), None);
    loop {
        let next = system.read(async |tx| rotation::next(tx, keys.id(), after).await).await?;
        let Some((org, tender)) = next else { return Ok(done) };
        after = Some((org, tender));
        let rewrapped: Option<bool> = system
            .write(async |tx| {
                let Some(old) = rotation::lock(tx, org, tender).await? else { return Ok::<_, Fault>(None) };
                if old.key_id == keys.id() {
                    return Ok(None);
                }
                if !keys.ids().any(|id| id == old.key_id) {
                    return Ok(Some(false));
                }
                let new = keys.rewrap(tender, &old)?;
                rotation::save(tx, org, tender, &new).await?;
                let entry = NewEntry::named(REWRAP, "tender", tender)
                    .before(json!({ "keyId": old.key_id }))
                    .after(json!({ "keyId": new.key_id, "operator": by.operator.as_str(), "reason": by.reason.as_ref().map(Reason::as_str) }));
                audit.record_in(tx, &Ctx::system(org, RequestId::generate()), entry).await?;
                Ok(Some(true))
            })
            .await?;
        match rewrapped {
            Some(true) => done.rewrapped += 1,
            Some(false) => done.unreadable += 1,
            None => {}
        }
    }
}
