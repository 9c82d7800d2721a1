//! The database that this process uses: the private cluster, or a server that is configured.

use std::path::Path;

use anyhow::Context;
use embedded_postgres::{Cluster, Config};
use secrecy::{ExposeSecret, SecretString};

use crate::config::{Profile, Settings};
use crate::data_dir;

/// The name of the embedded database.
const NAME: &str = "build14";

/// A role of ours, as the command line spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Owns the schema and migrates it.
    Owner,
    /// Serves requests.
    App,
    /// The platform's own cross-tenant paths.
    System,
}

impl Role {
    /// Its name in PostgreSQL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "build14_owner",
            Self::App => "build14_app",
            Self::System => "build14_system",
        }
    }
}

/// URLs of the three roles; the owner's is only there for whoever may migrate.
#[derive(Debug, Clone)]
pub struct Urls {
    /// Of `build14_app`.
    pub app: SecretString,
    /// Of `build14_system`.
    pub system: SecretString,
    /// Of `build14_owner`.
    pub owner: Option<SecretString>,
    /// Of a role that may make roles, where there is one.
    pub admin: Option<SecretString>,
}

/// The database, running.
pub struct Provided {
    /// How to reach it.
    pub urls: Urls,
    /// The private cluster, if it is embedded; it stops with this.
    pub cluster: Option<Cluster>,
}

/// Finds or starts the database. In development the schema is brought up to date.
///
/// # Errors
/// What to install, to start or to configure.
pub async fn provide(settings: &Settings, connections: usize) -> anyhow::Result<Provided> {
    let provided = match configured(settings) {
        Some(urls) => Provided { urls, cluster: None },
        None => embedded(&settings.data_dir, connections).await?,
    };
    if settings.profile == Profile::Development {
        tracing::info!(target: STARTS, "bringing the schema up to date");
        blame(settings, Role::Owner, migrate(&provided.urls).await)?;
    }
    Ok(provided)
}

/// The target of what is told while something starts: what is being waited for. The demo shows it, whose log is otherwise silent.
pub const STARTS: &str = "starts";

/// What went wrong with the configured database, with the variable that names it; what is embedded has none.
///
/// # Errors
/// The same, said better.
pub fn blame<T>(settings: &Settings, role: Role, done: anyhow::Result<T>) -> anyhow::Result<T> {
    let database = &settings.database;
    let variable = match role {
        Role::System if database.system_url.is_some() => "BUILD14__DATABASE__SYSTEM_URL",
        Role::Owner if database.owner_url.is_some() => "BUILD14__DATABASE__OWNER_URL",
        _ if database.url.is_none() => return done,
        _ if std::env::var_os("BUILD14__DATABASE__URL").is_some() => "BUILD14__DATABASE__URL",
        _ => "DATABASE_URL",
    };
    done.with_context(|| format!("the database that {variable} names"))
}

/// The URLs of a configured server; `None` if the cluster is to be embedded.
#[must_use]
pub fn configured(settings: &Settings) -> Option<Urls> {
    let url = settings.database.url.clone()?;
    let alone = settings.database.system_url.is_none() && settings.profile == Profile::Development;
    if alone {
        // One URL for everything: its user becomes each role at connect, so that row-level security holds here as in production.
        return Some(Urls {
            app: as_role(&url, Role::App),
            system: as_role(&url, Role::System),
            owner: Some(settings.database.owner_url.clone().unwrap_or_else(|| as_role(&url, Role::Owner))),
            admin: Some(url),
        });
    }
    let system = settings.database.system_url.clone().unwrap_or_else(|| url.clone());
    // Whoever it is that may migrate, what it makes belongs to the owner role.
    let owner = settings.database.owner_url.as_ref().map(|url| as_role(url, Role::Owner));
    Some(Urls { app: url, system, owner, admin: settings.database.owner_url.clone() })
}

/// The URLs with which a configured server is migrated: the owner's alone is enough.
#[must_use]
pub fn to_migrate(settings: &Settings) -> Option<Urls> {
    configured(settings).or_else(|| {
        let admin = settings.database.owner_url.clone()?;
        Some(Urls {
            app: as_role(&admin, Role::App),
            system: as_role(&admin, Role::System),
            owner: Some(as_role(&admin, Role::Owner)),
            admin: Some(admin),
        })
    })
}

fn as_role(url: &SecretString, role: Role) -> SecretString {
    let url = url.expose_secret();
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}options=-c%20role%3D{}", role.name()).into()
}

async fn embedded(data_dir: &Path, connections: usize) -> anyhow::Result<Provided> {
    data_dir::prepare(data_dir)?;
    let what =
        if embedded_postgres::exists(data_dir) { "starting the private PostgreSQL" } else { "making a private PostgreSQL, once" };
    tracing::info!(target: STARTS, data_dir = %data_dir.display(), "{what}");
    let mut config = Config::new(data_dir);
    // Room for the pools, the listeners, migrations, `doctor` and a person with psql.
    config.max_connections = u32::try_from(connections + 20)?.max(60);
    let cluster = Cluster::start(&config).await?;
    create_database(&cluster.url("postgres", "postgres")).await?;
    let urls = Urls {
        app: cluster.url(Role::App.name(), NAME).into(),
        system: cluster.url(Role::System.name(), NAME).into(),
        owner: Some(cluster.url(Role::Owner.name(), NAME).into()),
        admin: Some(cluster.url("postgres", NAME).into()),
    };
    Ok(Provided { urls, cluster: Some(cluster) })
}

async fn create_database(url: &str) -> anyhow::Result<()> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    let driver = tokio::spawn(connection);
    if client.query_opt("select from pg_database where datname = $1", &[&NAME]).await?.is_none() {
        client.batch_execute(&format!("create database {NAME}")).await?;
    }
    drop(client);
    driver.await??;
    Ok(())
}

/// Brings roles, schema and job queue up to date; harmless to repeat. Returns the migrations that were applied.
///
/// # Errors
/// If the owner's URL is missing or a migration fails.
pub async fn migrate(urls: &Urls) -> anyhow::Result<Vec<String>> {
    let owner = urls.owner.as_ref().ok_or_else(|| {
        anyhow::anyhow!("migrating needs the owner's credentials: set BUILD14__DATABASE__OWNER_URL to a URL of build14_owner or of a superuser")
    })?;
    if let Some(admin) = &urls.admin {
        db::bootstrap(admin).await?;
    }
    let applied = db::migrate(owner).await?;
    jobs::install(owner).await?;
    Ok(applied)
}

/// The URLs of the embedded cluster that runs in the data directory, if one does.
#[must_use]
pub fn running(settings: &Settings) -> Option<Urls> {
    let address = embedded_postgres::running(&settings.data_dir)?;
    let url = |user: &str| SecretString::from(address.url(user, NAME));
    let [app, system, owner] = [Role::App, Role::System, Role::Owner].map(|role| url(role.name()));
    Some(Urls { app, system, owner: Some(owner), admin: Some(url("postgres")) })
}

/// URL of a role, of a configured or of the running embedded database, for `build14 database-url`.
///
/// # Errors
/// If nothing is configured and no embedded cluster runs in the data directory.
pub fn url_of(settings: &Settings, role: Role) -> anyhow::Result<SecretString> {
    let urls = configured(settings).or_else(|| running(settings)).ok_or_else(|| {
        anyhow::anyhow!(
            "no database: none is configured (BUILD14__DATABASE__URL) and no embedded one runs in {}; start it with `build14 serve`",
            settings.data_dir.display()
        )
    })?;
    match role {
        Role::App => Ok(urls.app),
        Role::System => Ok(urls.system),
        Role::Owner => {
            urls.owner.ok_or_else(|| anyhow::anyhow!("the owner's URL is not configured: set BUILD14__DATABASE__OWNER_URL"))
        }
    }
}
