//! What `build14 support` works with: the foundation alone.

use std::sync::Arc;

use auth::{SupportDesk, SupportDeskDependencies};
use kernel::SystemClock;

use super::foundation::Foundation;
use crate::config::Settings;
use crate::database::Urls;

/// Over pools of its own.
///
/// # Errors
/// If a setting cannot be used.
pub async fn support_desk(settings: &Settings, urls: &Urls) -> anyhow::Result<SupportDesk> {
    let Foundation { system, audit, tenants, mails, .. } = Foundation::of_command(settings, urls).await?;
    let directory = Arc::new(users::Directory::new(tenants, audit.clone(), mails.clone()));
    Ok(SupportDesk::new(SupportDeskDependencies { system, directory, audit, mails, clock: Arc::new(SystemClock) }))
}
