//! What binds an organisation to others: contracts that are not over, tenders that took bids, and bids of its own under seal or evaluation. Its last member cannot leave before.

use std::sync::Arc;

use async_trait::async_trait;
use escrow_api::{ContractStatus, Contracts};
use kernel::{Ctx, DomainError, Fault, PageRequest};
use tenders_api::{Drafting, Filter, Side, TenderStatus};
use users_api::Obligations;

/// So many are named; the rest is found when these are seen to.
const NAMED: usize = 5;

/// Asks the domains above people.
pub struct LiveBusiness {
    /// Contracts of either side.
    pub contracts: Arc<dyn Contracts>,
    /// Tenders of the owner's side, and bids of the other.
    pub tenders: Arc<dyn Drafting>,
}

#[async_trait]
impl Obligations for LiveBusiness {
    async fn of(&self, ctx: &Ctx) -> Result<Vec<String>, Fault> {
        let mut bonds = Vec::new();
        for status in [TenderStatus::Published, TenderStatus::Closed, TenderStatus::Evaluation, TenderStatus::Standstill] {
            let filter = Filter { side: Some(Side::Owner), status: Some(status) };
            let page = self.tenders.list(ctx, filter, PageRequest::first(NAMED as u16)).await.map_err(fault)?;
            bonds.extend(
                page.items.iter().map(|view| format!("the tender {:?} ({})", view.tender.title, view.tender.status.name())),
            );
        }
        let bids = self.tenders.live_bids(ctx).await.map_err(fault)?;
        bonds.extend(bids.iter().map(|bid| format!("the bid for the tender {:?} ({})", bid.title, bid.tender)));
        let mut page = PageRequest::first(100);
        while bonds.len() < NAMED {
            let found = self.contracts.list(ctx, page).await.map_err(fault)?;
            let live = found.items.iter().filter(|one| {
                !matches!(one.status, ContractStatus::Closed | ContractStatus::Cancelled | ContractStatus::Terminated)
            });
            bonds.extend(live.map(|one| format!("the contract {} ({})", one.id, one.status.name())));
            match found.next {
                Some(after) => page.after = Some(after),
                None => break,
            }
        }
        bonds.truncate(NAMED);
        Ok(bonds)
    }
}

/// The platform may ask for everything: a refusal is a fault of ours.
fn fault(error: impl DomainError + 'static) -> Fault {
    Fault::internal(error)
}
