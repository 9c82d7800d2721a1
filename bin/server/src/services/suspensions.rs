//! What `build14 organizations` works with: the foundation alone.

use users::{SuspensionDependencies, Suspensions};

use super::foundation::Foundation;
use crate::config::Settings;
use crate::database::Urls;

/// Over pools of its own.
///
/// # Errors
/// If a setting cannot be used.
pub(crate) async fn suspensions(settings: &Settings, urls: &Urls) -> anyhow::Result<Suspensions> {
    let Foundation { system, audit, tenants, mails, .. } = Foundation::of_command(settings, urls).await?;
    Ok(Suspensions::new(SuspensionDependencies { system, memberships: tenants, audit, mails }))
}
