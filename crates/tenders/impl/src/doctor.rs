//! What `build14 doctor` asks about tenders, across all tenants.

use kernel::{Fault, OrgId, TenderId};
use uow::SystemUow;

use crate::model::platform::Looked;
use crate::repo::platform;

/// What is wrong with a tender. Before the opening it names neither a bid nor how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The tender.
    pub tender: TenderId,
    /// Whose it is.
    pub org: OrgId,
    /// What is wrong.
    pub what: String,
}

impl Finding {
    fn of(looked: Looked) -> Option<Self> {
        Some(Self { tender: looked.tender, org: looked.org, what: looked.fault? })
    }
}

/// Rebuilds number, receipts and root of every closed tender's bids and compares them with what was fixed at closing and with the record
/// of its opening.
///
/// # Errors
/// A fault of the database.
pub async fn seals(system: &SystemUow) -> Result<Vec<Finding>, Fault> {
    let (mut findings, mut after) = (Vec::new(), None);
    loop {
        // A transaction each, so that a long look holds back nothing.
        let looked = system.read(async |tx| platform::seals(tx, after).await).await?;
        let Some(last) = looked.last() else { return Ok(findings) };
        after = Some((last.org, last.tender));
        findings.extend(looked.into_iter().filter_map(Finding::of));
    }
}

/// Tenders whose time has come and for which nothing is done, although the sweep looks for them.
///
/// # Errors
/// A fault of the database.
pub async fn overdue(system: &SystemUow) -> Result<Vec<Finding>, Fault> {
    let looked = system.read(async |tx| platform::overdue(tx).await).await?;
    Ok(looked.into_iter().filter_map(Finding::of).collect())
}
