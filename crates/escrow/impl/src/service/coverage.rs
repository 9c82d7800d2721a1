//! Coverage, per currency: the float and what is at the provider against what is owed, and what the provider's balance really has
//! against what the books say.

use escrow_api::{Holding, ProviderError};
use kernel::{Fault, Money, Timestamp};
use uow::{Alarm, Tx};

use super::Service;
use super::alarms::{BALANCE_SHORT, BALANCE_UNREAD, COVERAGE_SHORT, alarm_in, wake};
use crate::jobs;
use crate::model::coverage::CoverageLook;
use crate::repo;

/// So many looks at the balance may fail in a row before a person is told.
const FAILURES: i32 = 5;

/// What a look found for one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coverage {
    /// What was seen.
    pub(super) seen: CoverageLook,
    /// Releases that waited for this look and are sent now.
    pub(super) resumed: usize,
}

/// What the provider answered, and when it was asked, by the ledger's clock.
pub(super) struct Balance {
    asked_at: Timestamp,
    answer: Result<Vec<Holding>, ProviderError>,
}

impl Balance {
    /// What it answered, asked then.
    pub(super) fn answered(asked_at: Timestamp, holdings: Vec<Holding>) -> Self {
        Self { asked_at, answer: Ok(holdings) }
    }

    /// When it was asked, and what it answered, if it did.
    pub(super) fn answer(&self) -> Option<(Timestamp, &[Holding])> {
        self.answer.as_deref().ok().map(|holdings| (self.asked_at, holdings))
    }
}

/// Adds up coverage, compares the provider's balance if it was asked, keeps what tenants are told, raises an alarm per currency that
/// is stopped and ends those of the others, and takes up the releases that waited for it.
pub(super) async fn look_in(tx: &mut Tx, balance: Option<&Balance>) -> Result<Vec<Coverage>, Fault> {
    repo::coverage::lock(tx).await?;
    let answered = balance.and_then(Balance::answer);
    if let Some(Balance { answer: Err(error), .. }) = balance {
        unread_in(tx, error).await?;
    }
    let looked = repo::coverage::look_at_coverage(tx, answered).await?;
    let of = |which: fn(&CoverageLook) -> bool| {
        looked.iter().filter(|one| !which(one)).map(|one| one.currency.code().to_owned()).collect::<Vec<_>>()
    };
    tx.end_alarms(COVERAGE_SHORT, &of(|one| one.surplus < 0)).await?;
    tx.end_alarms(BALANCE_SHORT, &of(|one| one.missing() > 0)).await?;
    if answered.is_some() {
        tx.end_alarms(BALANCE_UNREAD, &["stripe".to_owned()]).await?;
    }
    let mut found = Vec::with_capacity(looked.len());
    for seen in looked {
        for (kind, detail) in shortfalls(&seen) {
            tx.alarm(Alarm { kind, about: ("currency", seen.currency.code().to_owned()), org: None, detail }).await?;
        }
        let waiting = if seen.was_stopped && !seen.is_stopped() {
            // The sweep takes up whatever is left over here.
            repo::coverage::waiting(tx, seen.currency).await?
        } else {
            Vec::new()
        };
        let resumed = waiting.len();
        for (org, release) in waiting {
            tx.enqueue(jobs::send_release(org, release)).await?;
        }
        found.push(Coverage { seen, resumed });
    }
    Ok(found)
}

/// The balance could not be read: what was found before stands, whatever it was; after a while a person is told.
async fn unread_in(tx: &mut Tx, error: &ProviderError) -> Result<(), Fault> {
    let failures = repo::coverage::unread(tx, &error.to_string()).await?;
    if failures >= FAILURES {
        let detail = format!(
            "the balance could not be read {failures} times in a row ({error}): whether Stripe has what the books say is not known; \
             what was stopped is stopped, nothing new was found"
        );
        alarm_in(tx, BALANCE_UNREAD, ("provider", "stripe".to_owned()), detail).await?;
    }
    Ok(())
}

/// What lacks of a currency, in words, and whether its money is stopped for it; nothing if nothing lacks.
fn shortfalls(seen: &CoverageLook) -> Vec<(&'static str, String)> {
    let currency = seen.currency;
    let money = |minor| seen.money(minor);
    let mut told = Vec::new();
    if seen.surplus < 0 {
        let short = money(seen.surplus.saturating_neg());
        let what = if seen.surplus.saturating_add(seen.reserve) < 0 {
            "new funding and releases are stopped"
        } else {
            "within the platform's reserve, so that nothing is stopped yet,"
        };
        let detail = format!(
            "{currency}: float and money are {short} short of liabilities, the reserve is {}; {what} until `build14 float` \
             or the money that lacks makes up for it",
            money(seen.reserve)
        );
        told.push((COVERAGE_SHORT, detail));
    }
    if let (Some(holds), Some(should), 1..) = (seen.holds, seen.should, seen.missing()) {
        let detail = format!(
            "Stripe holds {} while the books say {}: {} are missing; new funding and releases in {currency} are stopped until the balance \
             is right again. Post what was paid out of the platform's own money with `build14 payout`, and what the provider took of it (the \
             fee of a dispute) with `build14 cost`; what is missing besides and does not come back is the platform's loss, `build14 loss`",
            money(holds),
            money(should),
            money(seen.missing())
        );
        told.push((BALANCE_SHORT, detail));
    }
    told
}

/// Sets the gauges, and wakes a person for every currency that is stopped.
pub(super) fn report_coverage(found: &[Coverage]) {
    for Coverage { seen, resumed } in found {
        let gauge = |name: &'static str, minor: i64| {
            #[allow(clippy::cast_precision_loss)]
            metrics::gauge!(name, "currency" => seen.currency.code()).set(minor as f64);
        };
        gauge("escrow_coverage_surplus_minor", seen.surplus);
        if let (Some(holds), Some(should)) = (seen.holds, seen.should) {
            gauge("escrow_provider_holds_minor", holds);
            gauge("escrow_provider_should_hold_minor", should);
        }
        // Within the reserve it is an alarm, for which nobody is woken.
        for (kind, detail) in shortfalls(seen).into_iter().filter(|_| seen.is_stopped()) {
            wake(kind, &detail);
        }
        if *resumed > 0 {
            tracing::info!(currency = seen.currency.code(), resumed, "covered again: releases go on");
        }
    }
}

impl Service {
    /// Asks what the provider's balance has, and looks at coverage. Gives back the currencies that are stopped.
    pub(super) async fn watch_coverage(&self) -> Result<Vec<String>, Fault> {
        let (mut found, balance) = self.look_at_balance().await?;
        // What the provider took as a fee is no riddle: once that is posted, what is missing besides is looked at anew.
        if found.iter().any(|one| one.seen.missing() > 0) && self.post_fees(&balance).await? {
            (found, _) = self.look_at_balance().await?;
        }
        report_coverage(&found);
        let stopped = found.into_iter().filter(|one| one.seen.is_stopped());
        Ok(stopped.map(|one| one.seen.currency.code().to_owned()).collect())
    }

    async fn look_at_balance(&self) -> Result<(Vec<Coverage>, Balance), Fault> {
        let asked_at = self.system.read(async |tx| db::instant(tx).await).await?;
        let balance = Balance { asked_at, answer: self.provider.balance().await };
        if let Err(error) = &balance.answer {
            tracing::warn!(%error, "the balance cannot be read now");
        }
        let reserves = &self.settings.processing;
        let found = self
            .system
            .write(async |tx| {
                for (currency, terms) in reserves {
                    repo::coverage::set_reserve(tx, Money::from_minor(terms.reserve, *currency)).await?;
                }
                look_in(tx, Some(&balance)).await
            })
            .await?;
        Ok((found, balance))
    }
}
