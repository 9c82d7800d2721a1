//! What is kept of a directory goes with the organisation that leaves the platform.

use async_trait::async_trait;
use kernel::{Ctx, Fault};
use uow::Uow;
use users_api::Belongings;

use crate::repo;

/// The records of directories, as what belongs to their organisations alone. Stands apart from [`super::Service`], which needs people itself.
pub struct Records(Uow);

impl Records {
    /// Over the tenants' door.
    #[must_use]
    pub fn new(uow: Uow) -> Self {
        Self(uow)
    }
}

#[async_trait]
impl Belongings for Records {
    async fn erase(&self, ctx: &Ctx) -> Result<(), Fault> {
        self.0
            .write(ctx, async |tx| {
                repo::users::erase(tx, ctx.org).await?;
                repo::groups::erase(tx, ctx.org).await
            })
            .await
    }
}
