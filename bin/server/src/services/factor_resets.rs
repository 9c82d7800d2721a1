//! What `build14 factors` works with: the foundation alone.

use std::sync::Arc;

use auth::{FactorResetDependencies, FactorResets};
use kernel::SystemClock;

use super::foundation::Foundation;
use crate::config::Settings;
use crate::database::Urls;

/// Over pools of its own.
///
/// # Errors
/// If a setting cannot be used.
pub(crate) async fn factor_resets(settings: &Settings, urls: &Urls) -> anyhow::Result<FactorResets> {
    let Foundation { system, audit, tenants, mails, .. } = Foundation::of_command(settings, urls).await?;
    let directory = Arc::new(users::Directory::new(tenants, audit.clone(), mails.clone()));
    Ok(FactorResets::new(FactorResetDependencies { system, directory, audit, mails, clock: Arc::new(SystemClock) }))
}
