//! `build14 float`, `payout`, `cost`, `loss` and `recovery`: the platform's own money, posted as the provider shows it.

use escrow::{Float, FloatPosted};
use kernel::Decision;
use secrecy::SecretString;

use super::foundation::system_uow;
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
    let provider = provider(settings, stripe)?;
    Ok(escrow::post_float(&system_uow(system_url, 1)?, &provider, float, by).await?)
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
    let provider = provider(settings, stripe)?;
    Ok(escrow::post_loss(&system_uow(system_url, 1)?, &provider, amount, currency, by).await?)
}

/// Posts what of a loss turned up again: `named` is the amount and its currency.
///
/// # Errors
/// If there is no such loss, less of it is open or there, or the database or the provider does not answer.
pub async fn post_recovery(
    settings: &Settings,
    system_url: &SecretString,
    stripe: &StripeAccess,
    loss: uuid::Uuid,
    named: (&str, &str),
    by: &Decision,
) -> anyhow::Result<FloatPosted> {
    let provider = provider(settings, stripe)?;
    Ok(escrow::post_recovery(&system_uow(system_url, 1)?, &provider, loss, named, by).await?)
}
