//! Who notes that a request was refused.

use std::sync::Arc;

use async_trait::async_trait;
use audit_api::Audit;
use kernel::{Ctx, Denied};

/// Writes refusals to the audit trail, and tells the organisation.
pub struct Denials {
    pub(super) audit: Arc<dyn Audit>,
    pub(super) auth: Arc<auth::Service>,
}

#[async_trait]
impl web::DenialLog for Denials {
    async fn denied(&self, ctx: &Ctx, denied: &Denied, route: &str) {
        if let Err(fault) = self.audit.record_denial(ctx, denied, route).await {
            tracing::error!(%fault, permission = %denied.permission, route, "a refusal could not be recorded");
        }
        self.auth.note_denied(ctx, denied).await;
    }
}
