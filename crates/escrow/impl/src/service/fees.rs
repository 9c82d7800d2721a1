//! What the provider takes for itself, booked apart from any charge: costs of the network, taxes, its own bills. It is the platform's cost, looked for
//! when the balance is short, posted as it is booked and told. Then margin and reserve make up for it, as for fees of charges, and nobody is stopped.

use std::collections::HashMap;

use chrono::TimeDelta;
use kernel::{Decision, Fault};
use uow::Alarm;

use super::Service;
use super::alarms::{PROVIDER_FEE, raise_in};
use super::coverage::Balance;
use crate::ledger::Posting;
use crate::repo;
use crate::repo::coverage::NewFloat;

/// So far back it is looked for: bills are monthly.
pub(super) const FEES_BACK: TimeDelta = TimeDelta::days(40);

impl Service {
    /// Posts the fees that the provider booked by themselves and no book knows, as far as they are what `balance` lacks: more than that would
    /// hide what is there too much of. Says whether there were any. What lacks is reckoned anew under the lock, so that two sweeps together post
    /// no more than that either; a fee that does not fit is a person's to look at.
    pub(super) async fn post_fees(&self, balance: &Balance) -> Result<bool, Fault> {
        let Some(answered) = balance.answer() else { return Ok(false) };
        let booked = match self.provider.fees_since(self.now() - FEES_BACK).await {
            Ok(booked) => booked,
            Err(error) => {
                tracing::warn!(%error, "the provider's own fees cannot be read now");
                return Ok(false);
            }
        };
        if booked.is_empty() {
            return Ok(false);
        }
        let by = Decision {
            operator: "the sweep".parse().map_err(Fault::internal)?,
            reason: Some("a fee that the provider booked".parse().map_err(Fault::internal)?),
        };
        self.system
            .write(async |tx| {
                repo::coverage::lock(tx).await?;
                let looked = repo::coverage::look_at_coverage(tx, Some(answered)).await?;
                let mut lacks: HashMap<_, _> = looked.iter().map(|seen| (seen.currency.code(), seen.missing())).collect();
                let mut any = false;
                for fee in &booked {
                    let Some(taken) = fee.net().filter(|net| net.minor() < 0) else { continue };
                    if repo::coverage::posted(tx, &fee.id, &fee.id).await?.is_some() {
                        continue;
                    }
                    let Some(left) = lacks.get_mut(taken.currency().code()).filter(|left| **left + taken.minor() >= 0) else {
                        tracing::warn!(fee = fee.id, %taken, "a fee of the provider's is more than its balance lacks: it is not posted");
                        continue;
                    };
                    *left += taken.minor();
                    let posting = Posting::cost(&fee.id, -taken.minor(), taken.currency());
                    let status = if fee.available { "available" } else { "pending" };
                    let new = NewFloat::booked(&posting.source, taken, status, fee);
                    repo::coverage::post_float(tx, &new, &by).await?;
                    let detail = format!(
                        "{} ({}) brought {taken}: posted as the platform's cost; if it is no exception, set escrow.terms",
                        fee.id, fee.kind
                    );
                    let about = ("balance_transaction", fee.id.clone());
                    raise_in(tx, Alarm { kind: PROVIDER_FEE, about, org: None, detail }).await?;
                    any = true;
                }
                Ok(any)
            })
            .await
    }
}
