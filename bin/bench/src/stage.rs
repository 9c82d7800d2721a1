//! What every benchmark over HTTP begins with: a migrated database in a cluster of its own.

use std::path::Path;

use build14::database;
use embedded_postgres::{Cluster, Config};
use tempfile::TempDir;
use tokio_postgres::Client;

/// A migrated database in a cluster of its own.
pub struct Stage {
    folder: TempDir,
    cluster: Cluster,
    /// libpq URL of the serving role.
    pub app: String,
    /// Of the platform's role.
    pub system: String,
    /// Of the superuser.
    pub admin: String,
    /// A connection as the superuser.
    pub client: Client,
}

impl Stage {
    /// A new one.
    ///
    /// # Errors
    /// If the cluster does not start.
    pub async fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut config = Config::new(folder.path());
        config.extra_settings = vec![("shared_buffers".to_owned(), "1GB".to_owned())];
        let cluster = Cluster::start(&config).await?;
        connect(&cluster.url("postgres", "postgres")).await?.batch_execute("create database build14").await?;
        let [app, system, owner, admin] =
            ["build14_app", "build14_system", "build14_owner", "postgres"].map(|role| cluster.url(role, "build14"));
        let urls = database::Urls {
            app: app.clone().into(),
            system: system.clone().into(),
            owner: Some(owner.into()),
            admin: Some(admin.clone().into()),
        };
        database::migrate(&urls).await?;
        let client = connect(&admin).await?;
        Ok(Self { folder, cluster, app, system, admin, client })
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process whose children serve its connections.
    ///
    /// # Errors
    /// If the cluster does not run.
    pub fn postmaster(&self) -> anyhow::Result<u32> {
        let file = std::fs::read_to_string(self.folder().join("postgres/cluster/postmaster.pid"))?;
        Ok(file.lines().next().unwrap_or_default().trim().parse()?)
    }

    /// Stops the cluster.
    ///
    /// # Errors
    /// If it does not stop.
    pub async fn end(self) -> anyhow::Result<()> {
        self.cluster.stop().await?;
        Ok(())
    }
}

async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
