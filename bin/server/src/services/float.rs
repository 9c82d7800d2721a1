//! `build14 float`, `payout`, `cost` and `loss`: the platform's own money, posted as the provider shows it.

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

/// Posts what is missing at the provider as the platform's loss: `named`, an amount and its currency, is what the operator thinks it is.
///
/// # Errors
/// If it is another amount, or the database or the provider does not answer.
pub async fn post_loss(
    settings: &Settings,
    system_url: &SecretString,
    stripe: &StripeAccess,
    (amount, currency): (&str, &str),
    by: &Decision,
) -> anyhow::Result<FloatPosted> {
    let platform = db::Postgres::new(db::PoolSettings { size: 1, ..db::PoolSettings::system(system_url.clone()) })?;
    let provider = provider(settings, stripe)?;
    Ok(escrow::post_loss(&SystemUow::new(platform), &provider, amount, currency, by).await?)
}
