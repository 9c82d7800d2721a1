//! What `build14 factors` works with: the foundation alone, so that it works where the payment provider does not answer.

use std::sync::Arc;

use auth::{FactorResetDependencies, FactorResets};
use kernel::SystemClock;

use super::foundation::{Foundation, pool};
use super::keys;
use super::mails::Post;
use crate::config::Settings;
use crate::database::Urls;
use crate::{modules, server};

/// Over pools of its own.
///
/// # Errors
/// If a setting cannot be used.
pub(crate) async fn factor_resets(settings: &Settings, urls: &Urls) -> anyhow::Result<FactorResets> {
    let policy = Arc::new(auth::Policy::embedded(&modules::permissions()).await?);
    let signer = Arc::new(keys::signer(settings)?);
    let post = Post::new(settings, &server::public_url(settings, settings.server.address), Arc::new(SystemClock))?;
    let Foundation { system, audit, tenants, mails, .. } = Foundation::new(
        pool(settings, &urls.app, db::Role::App, 1, db::Sharing::Shared),
        pool(settings, &urls.system, db::Role::System, 1, db::Sharing::Shared),
        (&policy, &signer),
        &post,
        settings,
    )?;
    let directory = Arc::new(users::Directory::new(tenants, audit.clone()));
    Ok(FactorResets::new(FactorResetDependencies { system, directory, audit, mails, clock: Arc::new(SystemClock) }))
}
