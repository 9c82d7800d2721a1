//! `build14 float` and `build14 payout`: E0 and E11 of the ledger.

use escrow::{Float, FloatPosted};
use kernel::Decision;
use secrecy::SecretString;
use uow::SystemUow;

/// Posts a float, once per source, under the operator's name.
///
/// # Errors
/// If the source was posted otherwise, or the database does not answer.
pub async fn post_float(system_url: &SecretString, float: &Float, by: &Decision) -> anyhow::Result<FloatPosted> {
    let platform = db::Postgres::new(db::PoolSettings { size: 1, ..db::PoolSettings::system(system_url.clone()) })?;
    Ok(escrow::post_float(&SystemUow::new(platform), float, by).await?)
}
