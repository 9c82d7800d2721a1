//! A migrated database of one test's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use db::{PoolSettings, Postgres};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;
use tokio_postgres::NoTls;
use uow::{SystemUow, Uow};

static TEMPLATE: OnceCell<()> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(0);

const TEMPLATE_NAME: &str = "template_build14";

/// Many tests share the machine, and some of them start dozens of transactions at once.
const WAIT: Duration = Duration::from_secs(60);

/// A migrated, empty database. Gone when dropped.
pub struct Database {
    name: String,
    app: Arc<Postgres>,
    uow: Uow,
    system: SystemUow,
}

impl Database {
    /// A copy of the template, which the first caller in this process makes.
    ///
    /// # Panics
    /// If PostgreSQL's programs are missing or a migration fails: the text says why.
    pub async fn fresh() -> Self {
        TEMPLATE.get_or_init(make_template).await;
        let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
        admin(&format!("create database {name} owner build14_owner template {TEMPLATE_NAME} strategy file_copy")).await;
        // PostgreSQL does not copy what was granted on the template itself.
        admin(&format!("revoke temporary on database {name} from public")).await;
        let settings = PoolSettings { size: 4, wait: WAIT, ..PoolSettings::app(url("build14_app", &name).await) };
        let app = Postgres::new(settings).expect("the pool's settings hold");
        let settings = PoolSettings { size: 2, wait: WAIT, ..PoolSettings::system(url("build14_system", &name).await) };
        let system = Postgres::new(settings).expect("the pool's settings hold");
        let uow = Uow::new(Arc::clone(&app) as Arc<dyn uow::Database>);
        Self { name, app, uow, system: SystemUow::new(system) }
    }

    /// The tenants' door.
    #[must_use]
    pub fn uow(&self) -> Uow {
        self.uow.clone()
    }

    /// The platform's door.
    #[must_use]
    pub fn system_uow(&self) -> SystemUow {
        self.system.clone()
    }

    /// The database as the serving role sees it.
    #[must_use]
    pub fn postgres(&self) -> Arc<Postgres> {
        Arc::clone(&self.app)
    }

    /// A tenants' door with a pool of other settings.
    #[must_use]
    pub async fn uow_with(&self, change: impl FnOnce(&mut PoolSettings)) -> Uow {
        let mut settings = PoolSettings { wait: WAIT, ..PoolSettings::app(self.app_url().await) };
        change(&mut settings);
        Uow::new(Postgres::new(settings).expect("the pool's settings hold"))
    }

    /// URL of the serving role.
    pub async fn app_url(&self) -> SecretString {
        url("build14_app", &self.name).await
    }

    /// URL of the platform's role.
    pub async fn system_url(&self) -> SecretString {
        url("build14_system", &self.name).await
    }

    /// URL of the role that owns the schema.
    pub async fn owner_url(&self) -> SecretString {
        url("build14_owner", &self.name).await
    }

    /// URL of the superuser: for fixtures, and for tampering with what no role of ours may touch.
    pub async fn superuser_url(&self) -> SecretString {
        url("postgres", &self.name).await
    }

    /// Runs statements as the superuser.
    ///
    /// # Panics
    /// If one fails.
    pub async fn run_sql(&self, sql: &str) {
        let client = connect(&self.superuser_url().await).await;
        client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// The first column of the rows of a query, as text, asked as the superuser.
    ///
    /// # Panics
    /// If it fails.
    pub async fn query(&self, sql: &str) -> Vec<String> {
        let client = connect(&self.superuser_url().await).await;
        let rows = client.simple_query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        rows.iter()
            .filter_map(|row| match row {
                tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("null").to_owned()),
                _ => None,
            })
            .collect()
    }

    /// Moves the clock that decides deadlines (`app.now()`) forward.
    pub async fn advance_clock(&self, by: Duration) {
        self.run_sql(&format!("update app.clock set advance = advance + interval '{} milliseconds'", by.as_millis())).await;
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let name = self.name.clone();
        // Joined, so that databases do not pile up faster than they go; in a thread, since `drop` may run inside any runtime.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
            runtime.block_on(admin(&format!("drop database if exists {name} with (force)")));
        });
        let _ = dropped.join();
    }
}

async fn url(role: &str, database: &str) -> SecretString {
    match embedded_postgres::for_tests().await {
        Ok(cluster) => cluster.url(role, database).into(),
        Err(error) => panic!("{error}"),
    }
}

async fn connect(url: &SecretString) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url.expose_secret(), NoTls).await.expect("the test cluster answers");
    tokio::spawn(connection);
    client
}

async fn admin(sql: &str) {
    let client = connect(&url("postgres", "postgres").await).await;
    client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

async fn make_template() {
    admin(&format!("create database {TEMPLATE_NAME}")).await;
    db::bootstrap(&url("postgres", TEMPLATE_NAME).await).await.expect("roles are made");
    let owner = url("build14_owner", TEMPLATE_NAME).await;
    db::migrate(&owner).await.unwrap_or_else(|error| panic!("{error}"));
    jobs::install(&owner).await.unwrap_or_else(|error| panic!("{error}"));
    admin(&format!("alter database {TEMPLATE_NAME} with is_template true allow_connections false")).await;
}
