//! `build14 freeze` and `build14 unfreeze`.

use escrow::{HoldPlace, Lifted};
use kernel::Decision;
use secrecy::SecretString;
use uow::SystemUow;

fn platform(system_url: &SecretString) -> anyhow::Result<SystemUow> {
    let settings = db::PoolSettings { size: 1, ..db::PoolSettings::system(system_url.clone()) };
    Ok(SystemUow::new(db::Postgres::new(settings)?))
}

/// Stops the money of a milestone or a contract. Says how many of its releases may have left already.
///
/// # Errors
/// If there is no such thing, it is frozen already, or the database does not answer.
pub async fn freeze(system_url: &SecretString, place: HoldPlace, by: &Decision) -> anyhow::Result<usize> {
    Ok(escrow::freeze(&platform(system_url)?, place, by).await?)
}

/// Lifts the holds of one kind from a milestone or a contract; says what is still held.
///
/// # Errors
/// If there is no such thing, nothing of that kind is open there, or the database does not answer.
pub async fn unfreeze(system_url: &SecretString, place: HoldPlace, kind: &str, by: &Decision) -> anyhow::Result<Lifted> {
    Ok(escrow::unfreeze(&platform(system_url)?, place, kind, by).await?)
}
