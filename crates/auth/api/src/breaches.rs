//! Passwords that are known from breaches of others: who is asked learns the first digits of a hash, and not which of those that begin so is meant.

use async_trait::async_trait;
use kernel::Fault;

/// Tells the hashes of breached passwords by their beginning.
#[async_trait]
pub trait Breaches: Send + Sync {
    /// A line for each hash (SHA-1, hex) that begins with these five digits: the other digits, a colon, and how often it was seen.
    ///
    /// # Errors
    /// A fault if it does not answer soon.
    async fn range(&self, digits: &str) -> Result<String, Fault>;
}
