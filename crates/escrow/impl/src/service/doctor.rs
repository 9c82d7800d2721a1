//! The doctor: every invariant of the ledger and every state that would need a person, looked at across all tenants.

use escrow_api::Finding;
use kernel::{Fault, rfc3339};
use uow::SystemUow;

use crate::model::held::{ACT_DAYS, WARN_DAYS};
use crate::repo;

/// Everything that is wrong with the money of all tenants. Empty: all is well.
///
/// # Errors
/// A fault of the database.
pub async fn doctor(system: &SystemUow) -> Result<Vec<Finding>, Fault> {
    system
        .read(async |tx| {
            let mut findings = repo::doctor::findings(tx).await?;
            for (rule, from, until) in [("MONEY_HELD_LONG", WARN_DAYS, Some(ACT_DAYS)), ("MONEY_HELD_TOO_LONG", ACT_DAYS, None)] {
                for aged in repo::held::aged(tx, from, until).await? {
                    let (held, since) = (aged.held, rfc3339(aged.funded_at));
                    let detail = format!("{held} funded at {since}: the provider must pay out within 90 days");
                    findings.push(Finding { rule, subject: aged.payment.to_string(), detail });
                }
            }
            Ok(findings)
        })
        .await
}
