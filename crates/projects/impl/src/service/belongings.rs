//! What goes with an organisation that leaves: its projects, but for those that others took part in.

use async_trait::async_trait;
use kernel::{Ctx, Fault, PageRequest};
use projects_api::{Error, Projects};
use users_api::Belongings;

use super::Service;

/// So many are looked at together.
const TOGETHER: u16 = 100;

#[async_trait]
impl Belongings for Service {
    async fn erase(&self, ctx: &Ctx) -> Result<(), Fault> {
        let mut page = Some(PageRequest::first(TOGETHER));
        while let Some(this) = page {
            // The platform may ask for everything: a refusal is a fault of ours.
            let found = Projects::list(self, ctx, None, this).await.map_err(Fault::internal)?;
            for project in &found.items {
                match Projects::delete(self, ctx, project.id, None).await {
                    Ok(()) | Err(Error::AlreadyTendered | Error::ProjectInUse | Error::NotFound(_)) => {}
                    Err(Error::Fault(fault)) => return Err(fault),
                    Err(other) => return Err(Fault::internal(other)),
                }
            }
            page = found.next.map(|after| PageRequest { after: Some(after), ..this });
        }
        Ok(())
    }
}
