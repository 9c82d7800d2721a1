//! What binds an organisation to others here: its contracts that are not over.
//!
//! A contract whose work is complete has nothing left to do but to settle its money: it binds only as long as some is held, is on its way, or
//! came back.

use async_trait::async_trait;
use escrow_api::{Contract, ContractStatus, Contracts};
use kernel::{Ctx, Fault, PageRequest};
use users_api::Obligations;

use super::Service;
use crate::repo;

/// So many are named.
const NAMED: usize = 5;

/// Whether a contract binds: by its state, or by its money alone.
enum Binds {
    Yes,
    WithMoney,
    No,
}

fn binds(contract: &Contract) -> Binds {
    match contract.status {
        ContractStatus::PracticallyComplete => Binds::WithMoney,
        // Complete before its contractor's account was closed.
        ContractStatus::Suspended if contract.completed_at.is_some() => Binds::WithMoney,
        ContractStatus::Draft | ContractStatus::Signing | ContractStatus::Active | ContractStatus::Suspended => Binds::Yes,
        ContractStatus::Closed | ContractStatus::Cancelled | ContractStatus::Terminated => Binds::No,
    }
}

#[async_trait]
impl Obligations for Service {
    async fn of(&self, ctx: &Ctx) -> Result<Vec<String>, Fault> {
        let (mut bonds, mut page) = (Vec::new(), PageRequest::first(100));
        loop {
            // The platform may ask for everything: a refusal is a fault of ours.
            let found = Contracts::list(self, ctx, page).await.map_err(Fault::internal)?;
            for one in &found.items {
                let binding = match binds(one) {
                    Binds::Yes => true,
                    Binds::No => false,
                    Binds::WithMoney => {
                        let (owner, id) = (one.owner, one.id);
                        self.uow
                            .read(ctx, async |tx| repo::contracts::has_open_money(db::PgRead::pg(tx), owner, id).await)
                            .await?
                    }
                };
                if binding {
                    bonds.push(format!("the contract {} ({})", one.id, one.status.name()));
                }
                if bonds.len() == NAMED {
                    return Ok(bonds);
                }
            }
            match found.next {
                Some(after) => page.after = Some(after),
                None => return Ok(bonds),
            }
        }
    }

    async fn are_remembered(&self, ctx: &Ctx) -> Result<bool, Fault> {
        // A contract names both parties, and both may have to prove it long after.
        let found = Contracts::list(self, ctx, PageRequest::first(1)).await.map_err(Fault::internal)?;
        Ok(!found.items.is_empty())
    }
}
