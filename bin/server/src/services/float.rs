//! `build14 float`, `payout` and `cost`: the platform's own money, posted as the provider shows it.

use escrow::{Float, FloatPosted};
use kernel::Decision;
use secrecy::SecretString;
use uow::SystemUow;

use super::{StripeAccess, provider};
use crate::config::Settings;

/// Posts a top-up, a payout or a cost of the platform's own money, once per source, under the operator's name.
///
/// # Errors
/// If the provider does not show it so, it was posted before, or the database or the provider does not answer.
pub async fn post_float(
    settings: &Settings,
    system_url: &SecretString,
    stripe: &StripeAccess,
    float: &Float,
    by: &Decision,
) -> anyhow::Result<FloatPosted> {
    let platform = db::Postgres::new(db::PoolSettings { size: 1, ..db::PoolSettings::system(system_url.clone()) })?;
    let provider = provider(settings, stripe)?;
    Ok(escrow::post_float(&SystemUow::new(platform), &provider, float, by).await?)
}
