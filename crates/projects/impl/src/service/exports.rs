//! What an organisation takes along of this domain.

use async_trait::async_trait;
use kernel::{Ctx, Fault};
use serde_json::Value;
use users_api::Exported;
use uuid::Uuid;

use super::Service;
use crate::repo;

#[async_trait]
impl Exported for Service {
    fn files(&self) -> Vec<&'static str> {
        repo::exports::files()
    }

    async fn rows(&self, ctx: &Ctx, file: &str, after: Uuid) -> Result<Vec<(Uuid, Value)>, Fault> {
        self.uow.read(ctx, async |tx| repo::exports::rows(tx, ctx.org, file, after).await).await
    }
}
