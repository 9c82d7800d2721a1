//! What a command reaches: the database and the payment provider that the servers use, whether one runs or not.

use anyhow::Context;
use embedded_postgres::Cluster;
use stripe_sandbox::Sandbox;

use crate::config::Settings;
use crate::database::{self, Urls};
use crate::server;
use crate::services::{self, Services, StripeAccess};

/// The database that the servers use: a configured one; beside a running server its cluster; else the cluster is started for the time of the
/// command.
pub(crate) struct Reached {
    pub(crate) urls: Urls,
    cluster: Option<Cluster>,
}

impl Reached {
    /// Reaches it. Where nothing is, nothing is made: whoever asks how it stands, or settles something, has mistyped the directory.
    pub(crate) async fn database(settings: &Settings) -> anyhow::Result<Self> {
        if let Some(urls) = database::configured(settings).or_else(|| database::running(settings)) {
            return Ok(Self { urls, cluster: None });
        }
        refuse_empty(settings)?;
        let provided = database::provide(settings, server::connections(settings)).await?;
        Ok(Self { urls: provided.urls, cluster: provided.cluster })
    }

    /// Whether the cluster is a running server's.
    fn beside_a_server(&self, settings: &Settings) -> bool {
        self.cluster.is_none() && database::configured(settings).is_none()
    }

    /// Stops what was started for the command, whatever came of it.
    pub(crate) async fn close<T>(self, done: anyhow::Result<T>) -> anyhow::Result<T> {
        match self.cluster {
            Some(cluster) => {
                let stopped = cluster.stop().await;
                let done = done?;
                stopped?;
                Ok(done)
            }
            None => done,
        }
    }
}

/// Refuses a data directory without a cluster, where no database is configured.
pub(crate) fn refuse_empty(settings: &Settings) -> anyhow::Result<()> {
    anyhow::ensure!(
        database::configured(settings).is_some() || embedded_postgres::exists(&settings.data_dir),
        "no 14Build data in {}: BUILD14__DATA_DIR names the directory that `build14 serve` makes them in, or BUILD14__DATABASE__URL a \
         database server. Nothing was made",
        settings.data_dir.display()
    );
    Ok(())
}

/// Does something with the database, and closes it, whatever came of it.
pub(crate) async fn on_database<T>(settings: &Settings, work: impl AsyncFnOnce(&Urls) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let reached = Reached::database(settings).await?;
    let done = work(&reached.urls).await;
    reached.close(done).await
}

/// Stripe; or the sandbox of the running server; or, if none runs, the sandbox over the state that servers left, for the time of the command.
struct Provider {
    access: StripeAccess,
    sandbox: Option<Sandbox>,
}

impl Provider {
    /// `beside`: whether a server of this data directory runs, which has the sandbox to itself.
    async fn reach(settings: &Settings, beside: bool) -> anyhow::Result<Self> {
        if settings.stripe.api_base.is_some() {
            return Ok(Self { access: StripeAccess::configured(settings), sandbox: None });
        }
        if let Some(base) = services::running_sandbox(settings).await {
            return Ok(Self { access: StripeAccess::sandbox(base), sandbox: None });
        }
        anyhow::ensure!(
            !beside,
            "a server works on {}, but its Stripe sandbox does not answer: stop the server, or give it BUILD14__STRIPE__API_BASE",
            settings.data_dir.display()
        );
        let sandbox = services::reopen_sandbox(settings).await.context("the Stripe sandbox cannot be asked")?;
        Ok(Self { access: StripeAccess::sandbox(sandbox.base_url()), sandbox: Some(sandbox) })
    }

    async fn close(self) {
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
    }
}

/// Does something with the database and the payment provider.
pub(crate) async fn on_both<T>(
    settings: &Settings,
    work: impl AsyncFnOnce(&Urls, &StripeAccess) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let reached = Reached::database(settings).await?;
    let done = match Provider::reach(settings, reached.beside_a_server(settings)).await {
        Ok(provider) => {
            let done = work(&reached.urls, &provider.access).await;
            provider.close().await;
            done
        }
        Err(error) => Err(error),
    };
    reached.close(done).await
}

/// Does something with the services of a server, over the database and the payment provider.
pub(crate) async fn on_services<T>(
    settings: &Settings,
    work: impl AsyncFnOnce(&Services) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    on_both(settings, async |urls, access| {
        let services = Services::build(settings, urls, access.clone(), &settings.server.public_url).await?;
        work(&services).await
    })
    .await
}
