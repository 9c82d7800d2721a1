//! The foundation as commands of operators have it.

use std::sync::Arc;

use kernel::SystemClock;

use super::foundation::{Foundation, pool};
use super::keys;
use super::mails::Post;
use crate::config::Settings;
use crate::database::Urls;
use crate::{modules, server};

impl Foundation {
    /// Everything for one command, over pools of one connection. It stands without the payment provider, and so works where that does not answer.
    ///
    /// # Errors
    /// If the policy, a key or a setting cannot be used.
    pub async fn of_command(settings: &Settings, urls: &Urls) -> anyhow::Result<Self> {
        let policy = Arc::new(auth::Policy::embedded(&modules::permissions()).await?);
        let signer = Arc::new(keys::signer(settings)?);
        let post = Post::new(settings, &server::public_url(settings, settings.server.address), Arc::new(SystemClock))?;
        let one = |url, role| pool(settings, url, role, 1, db::Sharing::Shared);
        Self::new(one(&urls.app, db::Role::App), one(&urls.system, db::Role::System), (&policy, &signer), &post, settings)
    }
}
