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
    /// Float and money less liabilities, in minor units. Negative: new funding and new releases stand still.
    pub(super) surplus: i64,
    /// Releases that waited for this look and are sent now.
    pub(super) resumed: usize,
}

/// Adds up I7, keeps what tenants are told, raises an alarm per currency that is short and ends those of the others, and takes up the releases that waited for it.
pub(super) async fn look_in(tx: &mut Tx) -> Result<Vec<Coverage>, Fault> {
    let looked = repo::coverage::look(tx).await?;
    let mut found = Vec::with_capacity(looked.len());
    let over: Vec<String> = looked.iter().filter(|one| one.surplus >= 0).map(|one| one.currency.clone()).collect();
    tx.end_alarms(COVERAGE_SHORT, &over).await?;
    for one in looked {
        if one.surplus < 0 {
            let about = ("currency", one.currency.clone());
            tx.alarm(Alarm { kind: COVERAGE_SHORT, about, org: None, detail: short_by(&one.currency, one.surplus) }).await?;
        }
        let waiting = if one.was_short && one.surplus >= 0 {
            // The sweep takes up whatever is left over here.
            repo::coverage::waiting(tx, &one.currency).await?
        } else {
            Vec::new()
        };
        let resumed = waiting.len();
        for (org, release) in waiting {
            tx.enqueue(jobs::send_release(org, release)).await?;
        }
        found.push(Coverage { currency: one.currency, surplus: one.surplus, resumed });
    }
    Ok(found)
}

fn short_by(currency: &str, surplus: i64) -> String {
    format!(
        "{currency}: float and money are {} minor units short of liabilities (I7); new funding and releases stand still \
         until `build14 float` or the money that lacks makes up for it",
        surplus.unsigned_abs()
    )
}

/// Sets the gauges, and pages a person for every currency that is short.
pub(super) fn announce(found: &[Coverage]) {
    for Coverage { currency, surplus, resumed } in found {
        metrics::gauge!("escrow_coverage_surplus_minor", "currency" => currency.clone()).set(*surplus as f64);
        if *surplus < 0 {
            page(COVERAGE_SHORT, &short_by(currency, *surplus));
        }
        if *resumed > 0 {
            tracing::info!(currency, resumed, "covered again: releases go on");
        }
    }
}

impl Service {
    /// Looks at I7. Gives back the currencies that stand still.
    pub(super) async fn watch_coverage(&self) -> Result<Vec<String>, Fault> {
        let found = self.system.write(async |tx| look_in(tx).await).await?;
        announce(&found);
        Ok(found.into_iter().filter(|one| one.surplus < 0).map(|one| one.currency).collect())
    }
}
