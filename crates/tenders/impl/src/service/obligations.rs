//! What binds an organisation to others here: its tenders that took bids, and its own bids under seal or evaluation.

use async_trait::async_trait;
use kernel::{Ctx, Fault, PageRequest};
use tenders_api::{Drafting, Filter, Side, TenderStatus};
use users_api::Obligations;

use super::Service;

/// So many are named.
const NAMED: u16 = 5;

#[async_trait]
impl Obligations for Service {
    async fn of(&self, ctx: &Ctx) -> Result<Vec<String>, Fault> {
        // The platform may ask for everything: a refusal is a fault of ours.
        let mut bonds = Vec::new();
        for status in [TenderStatus::Published, TenderStatus::Closed, TenderStatus::Evaluation, TenderStatus::Standstill] {
            let filter = Filter { side: Some(Side::Owner), status: Some(status) };
            let page = Drafting::list(self, ctx, filter, PageRequest::first(NAMED)).await.map_err(Fault::internal)?;
            bonds.extend(
                page.items
                    .iter()
                    .map(|view| format!("the tender {:?} ({}, {})", view.tender.title, view.tender.id, status.name())),
            );
        }
        let bids = self.live_bids(ctx).await.map_err(Fault::internal)?;
        bonds.extend(bids.iter().map(|bid| format!("the bid for the tender {:?} ({})", bid.title, bid.tender)));
        bonds.truncate(NAMED.into());
        Ok(bonds)
    }
}
