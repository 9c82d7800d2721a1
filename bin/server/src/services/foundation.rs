//! What every domain stands on: the doors to the database, the trail, the organisations.

use std::sync::Arc;

use secrecy::SecretString;
use uow::{SystemUow, Uow};

use super::mails::Post;
use crate::config::{Profile, Settings};

/// The doors through pools of their own, and what stands right on them.
pub(crate) struct Foundation {
    /// Where the tenants' door gets its connections.
    pub app: Arc<db::Postgres>,
    /// The tenants' door.
    pub uow: Uow,
    /// The platform's door.
    pub system: SystemUow,
    /// The trail, on which all domains write.
    pub audit: Arc<audit::Service>,
    /// The organisations, whom most domains ask.
    pub tenants: Arc<tenants::Service>,
    /// Mail, which any domain may leave behind.
    pub mails: Arc<mail::Service>,
}

impl Foundation {
    /// Everything over these two pools.
    ///
    /// # Errors
    /// If a setting cannot be used.
    pub fn new(
        app: db::PoolSettings,
        platform: db::PoolSettings,
        (policy, signer): (&Arc<auth::Policy>, &Arc<audit::Signer>),
        post: &Post,
        settings: &Settings,
    ) -> anyhow::Result<Self> {
        let app = db::Postgres::new(app)?;
        let (uow, system) = (Uow::new(app.clone()), SystemUow::new(db::Postgres::new(platform)?));
        let audit = Arc::new(audit::Service::new(audit::Dependencies {
            uow: uow.clone(),
            system: system.clone(),
            authorizer: policy.clone(),
            signer: Some(Arc::clone(signer)),
            settings: audit::Settings::read(&mut settings.reader()),
        }));
        let tenants = Arc::new(tenants::Service::new(tenants::Dependencies {
            uow: uow.clone(),
            system: system.clone(),
            authorizer: policy.clone(),
            audit: audit.clone(),
            settings: tenants::Settings::read(&mut settings.reader()),
        }));
        let mails = Arc::new(post.service(settings, system.clone())?);
        Ok(Self { app, uow, system, audit, tenants, mails })
    }
}

/// The settings of a pool of `size`, whose connections are `role`.
pub(crate) fn pool(
    settings: &Settings,
    url: &SecretString,
    role: db::Role,
    size: usize,
    sharing: db::Sharing,
) -> db::PoolSettings {
    let database = &settings.database;
    db::PoolSettings {
        url: url.clone(),
        identity: identity(settings, role),
        size,
        sharing,
        wait: database.wait,
        statement_timeout: database.statement_timeout,
        lock_timeout: database.lock_timeout,
    }
}

/// The platform's door for one command, over a pool of its own.
///
/// # Errors
/// If no pool can be made for the URL.
pub(crate) fn system_uow(url: &SecretString, connections: usize) -> anyhow::Result<SystemUow> {
    let pool = db::PoolSettings { size: connections, ..db::PoolSettings::system(url.clone()) };
    Ok(SystemUow::new(db::Postgres::new(pool)?))
}

/// Who connections must be. Where roles are configured one by one, the logins count too; a developer's one URL may lead anywhere.
#[must_use]
pub fn identity(settings: &Settings, role: db::Role) -> db::Identity {
    db::Identity { role, login: settings.profile == Profile::Production }
}
