//! `build14 freeze` and `build14 unfreeze`.

use escrow::{HoldPlace, Lifted};
use kernel::Decision;
use secrecy::SecretString;

use super::foundation::system_uow;

/// Stops the money of a milestone or a contract. Says how many of its releases may have left already.
///
/// # Errors
/// If there is no such thing, it is frozen already, or the database does not answer.
pub async fn freeze(system_url: &SecretString, place: HoldPlace, by: &Decision) -> anyhow::Result<usize> {
    Ok(escrow::freeze(&system_uow(system_url, 1)?, place, by).await?)
}

/// Lifts the holds of one kind from a milestone or a contract; says what is still held.
///
/// # Errors
/// If there is no such thing, nothing of that kind is open there, or the database does not answer.
pub async fn unfreeze(system_url: &SecretString, place: HoldPlace, kind: &str, by: &Decision) -> anyhow::Result<Lifted> {
    Ok(escrow::unfreeze(&system_uow(system_url, 1)?, place, kind, by).await?)
}
