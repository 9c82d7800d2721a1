//! `DenialLog`: where refused permissions are recorded; joined with the audit trail in `bin/server`.

use async_trait::async_trait;
use kernel::{Ctx, Denied};

/// Records refusals before they are answered.
#[async_trait]
pub trait DenialLog: Send + Sync {
    /// `denied` was refused to the caller at `route`, such as `POST /api/tenders/{id}/award`. A failure to record is the recorder's to log.
    async fn denied(&self, ctx: &Ctx, denied: &Denied, route: &str);
}

/// Records nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDenialLog;

#[async_trait]
impl DenialLog for NoDenialLog {
    async fn denied(&self, _: &Ctx, _: &Denied, _: &str) {}
}
