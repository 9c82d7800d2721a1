//! I7, per currency: the float and what is at the provider against what is owed (domain.md §7).

use kernel::Fault;
use uow::{Alarm, Tx};

use super::Service;
use super::alarms::{COVERAGE_SHORT, page};
use crate::jobs;
use crate::repo;

/// What a look at I7 found for one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coverage {
    /// ISO 4217 code.
    pub(super) currency: String,
    /// Float and money less liabilities, in minor units.
    pub(super) surplus: i64,
    /// How much may lack, in minor units, before new funding and new releases stand still.
    pub(super) reserve: i64,
    /// Releases that waited for this look and are sent now.
    pub(super) resumed: usize,
}

impl Coverage {
    fn stands_still(&self) -> bool {
        self.surplus.saturating_add(self.reserve) < 0
    }

    fn short_by(&self) -> String {
        let Self { currency, reserve, .. } = self;
        let what = if self.stands_still() {
            "new funding and releases stand still"
        } else {
            "within the platform's reserve, so that nothing stands still yet,"
        };
        format!(
            "{currency}: float and money are {} minor units short of liabilities (I7), the reserve is {reserve}; {what} until `build14 float` \
             or the money that lacks makes up for it",
            self.surplus.unsigned_abs()
        )
    }
}

/// Adds up I7, keeps what tenants are told, raises an alarm per currency that is short and ends those of the others, and takes up the releases that waited for it.
pub(super) async fn look_in(tx: &mut Tx) -> Result<Vec<Coverage>, Fault> {
    let looked = repo::coverage::look(tx).await?;
    let mut found = Vec::with_capacity(looked.len());
    let over: Vec<String> = looked.iter().filter(|one| one.surplus >= 0).map(|one| one.currency.clone()).collect();
    tx.end_alarms(COVERAGE_SHORT, &over).await?;
    for one in looked {
        let mut found_one = Coverage { currency: one.currency, surplus: one.surplus, reserve: one.reserve, resumed: 0 };
        if found_one.surplus < 0 {
            let about = ("currency", found_one.currency.clone());
            tx.alarm(Alarm { kind: COVERAGE_SHORT, about, org: None, detail: found_one.short_by() }).await?;
        }
        let waiting = if one.stood_still && !found_one.stands_still() {
            // The sweep takes up whatever is left over here.
            repo::coverage::waiting(tx, &found_one.currency).await?
        } else {
            Vec::new()
        };
        found_one.resumed = waiting.len();
        for (org, release) in waiting {
            tx.enqueue(jobs::send_release(org, release)).await?;
        }
        found.push(found_one);
    }
    Ok(found)
}

/// Sets the gauges, and pages a person for every currency that stands still.
pub(super) fn announce(found: &[Coverage]) {
    for one in found {
        let Coverage { currency, surplus, resumed, .. } = one;
        metrics::gauge!("escrow_coverage_surplus_minor", "currency" => currency.clone()).set(*surplus as f64);
        if one.stands_still() {
            page(COVERAGE_SHORT, &one.short_by());
        }
        if *resumed > 0 {
            tracing::info!(currency, resumed, "covered again: releases go on");
        }
    }
}

impl Service {
    /// Looks at I7. Gives back the currencies that stand still.
    pub(super) async fn watch_coverage(&self) -> Result<Vec<String>, Fault> {
        let reserves = &self.settings.processing;
        let found = self
            .system
            .write(async |tx| {
                for (currency, terms) in reserves {
                    repo::coverage::set_reserve(tx, currency.code(), terms.reserve).await?;
                }
                look_in(tx).await
            })
            .await?;
        announce(&found);
        Ok(found.into_iter().filter(Coverage::stands_still).map(|one| one.currency).collect())
    }
}
