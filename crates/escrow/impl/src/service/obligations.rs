//! What binds an organisation to others here: its contracts that are not over.

use async_trait::async_trait;
use escrow_api::{ContractStatus, Contracts};
use kernel::{Ctx, Fault, PageRequest};
use users_api::Obligations;

use super::Service;

/// So many are named.
const NAMED: usize = 5;

#[async_trait]
impl Obligations for Service {
    async fn of(&self, ctx: &Ctx) -> Result<Vec<String>, Fault> {
        let (mut bonds, mut page) = (Vec::new(), PageRequest::first(100));
        loop {
            // The platform may ask for everything: a refusal is a fault of ours.
            let found = Contracts::list(self, ctx, page).await.map_err(Fault::internal)?;
            let live = found.items.iter().filter(|one| {
                !matches!(one.status, ContractStatus::Closed | ContractStatus::Cancelled | ContractStatus::Terminated)
            });
            bonds.extend(live.map(|one| format!("the contract {} ({})", one.id, one.status.name())));
            bonds.truncate(NAMED);
            match found.next {
                Some(after) if bonds.len() < NAMED => page.after = Some(after),
                _ => return Ok(bonds),
            }
        }
    }
}
