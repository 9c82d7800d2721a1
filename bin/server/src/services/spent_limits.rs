//! Who notes that a limit of requests was spent.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::RequestId;

/// Keeps spent limits of requests with the other security events.
pub struct SpentLimits(pub(super) Arc<auth::Service>);

#[async_trait]
impl web::SpentLog for SpentLimits {
    async fn spent(&self, limit: web::SpentLimit, request: &RequestId, address: Option<IpAddr>) {
        let limit = match limit {
            web::SpentLimit::Address => auth::SpentLimit::Address,
            web::SpentLimit::Person(user, organization) => auth::SpentLimit::Person(user, organization),
            web::SpentLimit::Organization(organization) => auth::SpentLimit::Organization(organization),
            web::SpentLimit::SignIns => auth::SpentLimit::SignIns,
        };
        self.0.note_spent(limit, request, address).await;
    }
}
