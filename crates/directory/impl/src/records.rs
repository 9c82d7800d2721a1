//! `Records`: what goes with an organisation that leaves the platform.

use async_trait::async_trait;
use kernel::{Ctx, Fault};
use uow::Uow;
use users_api::Belongings;

use crate::repo;

/// What a directory said of an organisation's people. Stands apart from [`crate::Service`], which needs those who forget organisations.
pub struct Records {
    uow: Uow,
}

impl Records {
    /// Those behind the tenants' door.
    #[must_use]
    pub fn new(uow: Uow) -> Self {
        Self { uow }
    }
}

#[async_trait]
impl Belongings for Records {
    async fn erase(&self, ctx: &Ctx) -> Result<(), Fault> {
        self.uow
            .write(ctx, async |tx| {
                repo::groups::delete_all(tx, ctx.org).await?;
                repo::users::delete_all(tx, ctx.org).await
            })
            .await
    }
}
