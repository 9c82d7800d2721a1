//! The way out of an unknown release: a person says what became of it once its key is dead. An operator's verb, no tenant's.

use audit_api::NewEntry;
use chrono::TimeDelta;
use escrow_api::{Error, Release, ReleaseId, ReleaseStatus, TransferState};
use kernel::{Ctx, Decision, RequestId, rfc3339};
use serde_json::json;

use super::alarms::UNEXPECTED_TRANSFER;
use super::funding::transfer_group;
use super::transfers::{KEY_LIFE, is_of};
use super::{Service, conflict};
use crate::model::moved::{ReleaseChange, StoredRelease};
use crate::repo;

/// Until an attempt that began while the key lived has certainly ended.
const LAST_ATTEMPT: TimeDelta = TimeDelta::minutes(10);

/// What a person found out about a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// It was sent, with this transfer (`tr_…`).
    Sent(String),
    /// It was not sent.
    NotSent,
}

fn refused(hint: impl Into<String>) -> Error {
    conflict("release", ReleaseStatus::Unknown, hint)
}

/// Why a transfer is not what was ordered; empty if it is.
fn differences(release: &StoredRelease, found: &TransferState, stands_in: bool) -> Vec<String> {
    let mut differences = Vec::new();
    let net = release.net;
    if !is_of(found, release.id) && !stands_in {
        differences.push("its metadata do not name this release_id".to_owned());
    }
    if found.amount != net {
        differences.push(format!("it is over {}, not {net}", found.amount));
    }
    if release.destination.as_ref() != Some(&found.destination) {
        let ours = release.destination.as_deref().unwrap_or("nobody");
        differences.push(format!("it went to {}, not to {ours}", found.destination));
    }
    if found.reversed.minor() != 0 {
        differences.push(format!("{} of it was reversed", found.reversed));
    }
    differences
}

impl Service {
    /// Settles a release that is unknown, as a person who looked at the provider says: on the very path that an answer would have taken.
    /// Refused where the provider's own transfers say otherwise. Said again, it changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::State`] if it is not unknown, if it may still be sent by itself, or if the provider contradicts; the
    /// provider's, if it does not answer.
    pub async fn resolve_release(&self, id: ReleaseId, resolution: &Resolution, by: &Decision) -> Result<Release, Error> {
        let org = self.system.read(async |tx| repo::releases::owner(tx, id).await).await?.ok_or(Error::NotFound("release"))?;
        let ctx = Ctx::system(org, RequestId::generate());
        let release = self.uow.read(&ctx, async |tx| repo::releases::row(db::PgRead::pg(tx), id).await).await?;
        if let Resolution::Sent(transfer) = resolution
            && release.transfer.as_ref() == Some(transfer)
        {
            // Said again: should the first command have died in between, what it left open is settled now.
            self.end_unexpected(transfer, by).await?;
            return Ok(release.view());
        }
        self.open_to_a_person(&release, resolution)?;
        let failed = self
            .uow
            .read(&ctx, async |tx| repo::releases::failed(db::PgRead::pg(tx), release.owner, release.milestone).await)
            .await?;
        let transfer = self.transfer_of(&release, &failed, resolution).await?;
        self.ready_to_post().await?;
        let resolved = self
            .uow
            .write(&ctx, async |tx| {
                repo::milestones::lock(tx, release.owner, release.milestone).await?;
                let before = repo::releases::lock(tx, release.owner, id).await?;
                self.open_to_a_person(&before, resolution)?;
                let expected = match &transfer {
                    Some(transfer) => {
                        self.confirm_in(tx, &ctx, id, transfer).await?;
                        ReleaseStatus::Sent
                    }
                    None => {
                        self.refuse_in(tx, &ctx, id, "a person found that it was not sent").await?;
                        ReleaseStatus::Failed
                    }
                };
                let step = ReleaseChange {
                    resolved_by: Some(by.operator.to_string()),
                    resolved_reason: by.reason.as_ref().map(ToString::to_string),
                    ..ReleaseChange::default()
                };
                let after = repo::releases::save(tx, release.owner, id, &step).await?;
                if after.status != expected {
                    return Err(refused(format!("it cannot become {expected}")));
                }
                let entry = NewEntry::named("escrow.release_settled", "release", id)
                    .before(json!({ "status": before.status, "error": before.last_error }))
                    .after(json!({ "status": expected, "transfer": after.transfer, "operator": by.operator.as_str(), "reason": by.reason.as_ref().map(kernel::Reason::as_str) }));
                self.record_in(tx, &ctx, entry).await?;
                Ok::<_, Error>(after.view())
            })
            .await?;
        if let Some(transfer) = &transfer {
            self.end_unexpected(&transfer.id, by).await?;
        }
        Ok(resolved)
    }

    /// A transfer that stands in the ledger is unexpected no more. The sweep finds that as well, without the person's name.
    async fn end_unexpected(&self, transfer: &str, by: &Decision) -> Result<(), Error> {
        let note = by.reason.as_ref().map_or("resolved", kernel::Reason::as_str);
        let about = [transfer.to_owned()];
        Ok(self.system.write(async |tx| tx.settle_alarms(UNEXPECTED_TRANSFER, &about, &by.operator, note).await).await?)
    }

    /// A person decides only what nothing else will.
    fn open_to_a_person(&self, release: &StoredRelease, resolution: &Resolution) -> Result<(), Error> {
        let status = release.status;
        if status != ReleaseStatus::Unknown {
            return Err(conflict("release", status, "only one that is unknown is for a person to resolve"));
        }
        let over = release.maybe_sent_at.map(|since| since + KEY_LIFE + LAST_ATTEMPT);
        if *resolution == Resolution::NotSent && over.is_none_or(|over| self.now() < over) {
            let until = over.map_or_else(String::new, |over| format!(" until {}", rfc3339(over)));
            return Err(refused(format!("it may still be sent by itself{until}")));
        }
        Ok(())
    }

    /// The transfer that settles it, or none; an error where the provider's transfers contradict the person.
    async fn transfer_of(
        &self,
        release: &StoredRelease,
        failed: &[ReleaseId],
        resolution: &Resolution,
    ) -> Result<Option<TransferState>, Error> {
        let id = release.id;
        let group = self.provider.transfers_of_group(&transfer_group(release.milestone)).await?;
        // What was reversed in full came back: it paid nobody.
        let paid = |transfer: &&TransferState| is_of(transfer, id) && transfer.reversed != transfer.amount;
        match resolution {
            Resolution::NotSent => match group.iter().find(paid) {
                None => Ok(None),
                Some(found) => {
                    Err(refused(format!("the provider has {} over {} to {}", found.id, found.amount, found.destination)))
                }
            },
            Resolution::Sent(transfer) => {
                if let Some(other) = group.iter().filter(paid).find(|found| found.id != *transfer) {
                    return Err(refused(format!("the provider has another transfer of it, {}", other.id)));
                }
                let found = self.provider.transfer(transfer).await?;
                // Made by hand after a release that failed: it names that one, or none, and is no other's.
                let named = found.metadata.iter().find(|(name, _)| name == "release_id").map(|(_, id)| id);
                let stands_in = !failed.is_empty()
                    && group.iter().any(|one| one.id == found.id)
                    && named.is_none_or(|named| failed.iter().any(|id| id.to_string() == *named));
                let mut differences = differences(release, &found, stands_in);
                if stands_in && self.system.read(async |tx| repo::losses::is_transfer_taken(tx, &found.id).await).await? {
                    differences.push("it stands in the ledger for something else already".to_owned());
                }
                if differences.is_empty() {
                    Ok(Some(found))
                } else {
                    Err(refused(format!("{transfer} is not what was ordered: {}", differences.join("; "))))
                }
            }
        }
    }
}
