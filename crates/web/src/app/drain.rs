//! `Drain`: how a server turns its clients away before it stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::ConnectionType;

/// A switch, shared by every worker. Once begun, `GET /health/ready` answers 503 and every answer closes its connection, while requests are
/// served as before: load balancers and clients that keep connections alive go elsewhere, and nobody is cut off.
#[derive(Debug, Clone, Default)]
pub struct Drain(Arc<AtomicBool>);

impl Drain {
    /// From now on.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Lets the connection end with this answer, if the drain has begun.
    pub(super) fn close(&self, response: &mut HttpResponse<BoxBody>) {
        if self.has_begun() {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
    }
}
