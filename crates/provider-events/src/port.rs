//! The port: how a delivery of the provider becomes an event.

use kernel::Timestamp;

use crate::{Kind, ProviderEvent};

/// A delivery that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the webhook's signature does not hold: {0}")]
pub struct Refused(pub &'static str);

/// The provider's deliveries. Implemented by its adapter, joined in `bin/server`.
pub trait Deliveries: Send + Sync + 'static {
    /// Passes if the provider signed these bytes lately, and reads of them what it takes to route the event: unknown shapes and newer
    /// versions of the provider's API pass.
    ///
    /// # Errors
    /// [`Refused`] if they are not the provider's, or no event.
    fn read(&self, signature: Option<&str>, body: &[u8], now: Timestamp) -> Result<ProviderEvent, Refused>;

    /// What the provider's word means: for an event that was kept, whichever version kept it.
    fn kind(&self, name: &str) -> Option<Kind>;
}
