//! When something under way at the provider is looked at again, should no event tell of it.
//!
//! Whoever reads it has it looked at as well. The read itself stays a read: a job is left behind, by a transaction of its own, at most once
//! per thing and debounce: by what the row says of the last look, and, until that look was, by what this process remembers.

use std::collections::HashMap;
use std::time::Duration;

use chrono::TimeDelta;
use escrow_api::MilestoneId;
use kernel::{Ctx, Fault, OrgId, Timestamp};
use uow::Job;

use super::Service;
use crate::jobs;
use crate::model::moved::{StoredPayment, StoredRelease};
use crate::repo::{self, Reader};

/// What is under way of some milestones.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    payments: Vec<StoredPayment>,
    releases: Vec<StoredRelease>,
}

impl UnderWay {
    /// Of these milestones of an owner, in the transaction in which they are read.
    pub(super) async fn of(pg: Reader<'_>, owner: OrgId, milestones: &[MilestoneId]) -> Result<Self, Fault> {
        if milestones.is_empty() {
            return Ok(Self::default());
        }
        let payments = repo::payments::under_way(pg, owner, milestones).await?;
        Ok(Self { payments, releases: repo::releases::under_way(pg, owner, milestones).await? })
    }

    /// Of milestones of several owners: what a page of a list shows.
    pub(super) async fn of_many(pg: Reader<'_>, milestones: Vec<(OrgId, MilestoneId)>) -> Result<Self, Fault> {
        let mut of_owners: HashMap<OrgId, Vec<MilestoneId>> = HashMap::new();
        for (owner, milestone) in milestones {
            of_owners.entry(owner).or_default().push(milestone);
        }
        let mut all = Self::default();
        for (owner, milestones) in of_owners {
            let Self { payments, releases } = Self::of(pg, owner, &milestones).await?;
            all.payments.extend(payments);
            all.releases.extend(releases);
        }
        Ok(all)
    }
}

impl Service {
    /// When to look again after `looks` looks that found nothing new.
    pub(super) fn soon(&self, looks: i32) -> Timestamp {
        self.now() + wait(looks, &self.settings.first_looks, self.settings.payment_poll)
    }

    /// After a look: how many have found nothing new, and when the next one is due. A look out of turn puts off none that is planned.
    pub(super) fn again(&self, changed: bool, looks: i32, planned: Timestamp) -> (i32, Timestamp) {
        if changed {
            return (0, self.soon(0));
        }
        if self.now() < planned {
            return (looks, planned);
        }
        let looks = looks.saturating_add(1);
        (looks, self.soon(looks))
    }
}

impl Service {
    /// Somebody reads this: it is looked at, unless that was done lately. Called after the read, whose answer does not wait for the provider.
    pub(super) async fn look_when_read(&self, ctx: &Ctx, read: UnderWay) {
        let now = self.now();
        let debounce = TimeDelta::from_std(self.settings.read_debounce).unwrap_or(TimeDelta::minutes(1));
        let old = |at: Option<Timestamp>| at.is_none_or(|at| now - at >= debounce);
        // Money that is known to come later changes nothing before.
        let payments = read.payments.iter().filter(|payment| {
            payment.intent.is_some() && old(payment.looked_at) && payment.available_on.is_none_or(|on| on <= now)
        });
        let payments = payments.map(|one| (one.id.0, jobs::sync_payment(one.owner, one.id)));
        let releases = read.releases.iter().filter(|release| old(Some(release.updated_at)));
        let releases = releases.map(|one| (one.id.0, jobs::send_release(one.owner, one.id)));
        let due = payments.chain(releases).filter(|(id, _)| self.asked.now(*id, now, debounce)).map(|(_, job)| job);
        let due: Vec<Job> = due.collect();
        if due.is_empty() {
            return;
        }
        let system = Ctx::system(ctx.org, ctx.request.clone());
        let left = self
            .uow
            .write(&system, async |tx| {
                for job in due {
                    tx.enqueue(job).await?;
                }
                Ok::<_, Fault>(())
            })
            .await;
        if let Err(fault) = left {
            tracing::warn!(%fault, "what was read is not looked at now");
        }
    }
}

/// The first looks are at fixed ages of the last change, the later ones follow each other by `afterwards`.
fn wait(looks: i32, first: &[Duration], afterwards: Duration) -> TimeDelta {
    let looks = usize::try_from(looks).unwrap_or(0);
    let wait = match (first.get(looks), looks.checked_sub(1).and_then(|before| first.get(before))) {
        (Some(at), before) => at.saturating_sub(before.copied().unwrap_or_default()),
        (None, _) => afterwards,
    };
    TimeDelta::from_std(wait).unwrap_or(TimeDelta::hours(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_come_after_1_5_and_15_minutes_and_then_hourly() {
        let settings = crate::Settings::default();
        let mut at = TimeDelta::zero();
        let minutes: Vec<i64> = (0..6)
            .map(|looks| {
                at += wait(looks, &settings.first_looks, settings.payment_poll);
                at.num_minutes()
            })
            .collect();
        assert_eq!(minutes, [1, 5, 15, 75, 135, 195]);
    }
}
