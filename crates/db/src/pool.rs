//! Pools, and `Postgres`: the database as units of work see it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use deadpool::Runtime;
use deadpool::managed::{Pool, PoolError};
use diesel_async::RunQueryDsl;
use kernel::{Ctx, Fault};
use uow::{Database, ReadBackend, TxBackend};

use crate::connect::establish;
use crate::connection::{Connector, Held};
use crate::error::fault_of;
use crate::read::Reading;
use crate::write::WriteTx;
use crate::{PoolSettings, Sharing, role};

static NEXT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// This thread's pools, by the `Postgres` they belong to.
    static LOCAL: RefCell<HashMap<u64, Pool<Connector>>> = RefCell::default();
}

/// One database with one role.
pub struct Postgres {
    id: u64,
    settings: PoolSettings,
    shared: Option<Pool<Connector>>,
    /// Every pool made on any thread, to be closed with this.
    made: Mutex<Vec<Pool<Connector>>>,
}

impl Postgres {
    /// A database by its settings. Connects at the first use.
    ///
    /// # Errors
    /// A fault if the pool's settings contradict each other.
    pub fn new(settings: PoolSettings) -> Result<Arc<Self>, Fault> {
        let mut made = Self { id: NEXT.fetch_add(1, Ordering::Relaxed), settings, shared: None, made: Mutex::default() };
        if made.settings.sharing == Sharing::Shared {
            made.shared = Some(made.make_pool()?);
        }
        Ok(Arc::new(made))
    }

    fn make_pool(&self) -> Result<Pool<Connector>, Fault> {
        let pool = Pool::builder(Connector { settings: self.settings.clone() })
            .max_size(self.settings.size)
            .wait_timeout(Some(self.settings.wait))
            .create_timeout(Some(self.settings.wait))
            .recycle_timeout(Some(self.settings.wait))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(Fault::internal)?;
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(pool.clone());
        Ok(pool)
    }

    fn pool(&self) -> Result<Pool<Connector>, Fault> {
        if let Some(shared) = &self.shared {
            return Ok(shared.clone());
        }
        LOCAL.with_borrow_mut(|pools| match pools.get(&self.id) {
            Some(pool) => Ok(pool.clone()),
            None => {
                pools.retain(|_, pool| !pool.is_closed());
                let pool = self.make_pool()?;
                pools.insert(self.id, pool.clone());
                Ok(pool)
            }
        })
    }

    /// Everything for which rows that this pool reads might be another tenant's: none, as long as its role is what it must be and every
    /// table's policies hold for it. Asked anew each time.
    ///
    /// # Errors
    /// A fault if there is no connection.
    pub async fn exposures(&self) -> Result<Vec<String>, Fault> {
        let mut held = match self.pool()?.get().await {
            Ok(object) => Held::new(object),
            Err(PoolError::Backend(error)) => match role::refused(&error) {
                Some(refusal) => return Ok(vec![refusal]),
                None => return Err(Fault::unavailable(error)),
            },
            Err(error) => return Err(Fault::unavailable(error)),
        };
        let found = role::exposures(&mut held, self.settings.identity).await.map_err(fault_of)?;
        held.give_back();
        Ok(found)
    }

    async fn held(&self) -> Result<Held, Fault> {
        match self.pool()?.get().await {
            Ok(object) => Ok(Held::new(object)),
            Err(PoolError::Timeout(stage)) => Err(Fault::unavailable(format!(
                "no database connection within {:?} ({stage:?}): {} are in use; raise database.pool_size or find what holds them",
                self.settings.wait, self.settings.size
            ))),
            Err(PoolError::Backend(error)) => Err(Fault::unavailable(error)),
            Err(error) => Err(Fault::internal(error)),
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        for pool in self.made.get_mut().unwrap_or_else(PoisonError::into_inner) {
            pool.close();
        }
    }
}

#[async_trait]
impl Database for Postgres {
    async fn begin(&self, ctx: Option<&Ctx>) -> Result<Box<dyn TxBackend>, Fault> {
        Ok(Box::new(WriteTx::begin(self.held().await?, ctx).await?))
    }

    async fn read(&self, ctx: Option<&Ctx>) -> Result<Box<dyn ReadBackend>, Fault> {
        Ok(Box::new(Reading::new(self.held().await?, ctx)))
    }
}

/// Checks at start that `planned` connections fit into what the server allows.
///
/// # Errors
/// A fault that says which numbers collide.
pub async fn check_capacity(settings: &PoolSettings, planned: usize) -> Result<(), Fault> {
    let (mut connection, _driver) = establish(&settings.url).await.map_err(Fault::unavailable)?;
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        free: i32,
    }
    let row: Row = diesel::sql_query(
        "select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as free",
    )
    .get_result(&mut connection)
    .await
    .map_err(Fault::unavailable)?;
    let free = usize::try_from(row.free).unwrap_or(0);
    if planned > free {
        return Err(Fault::internal(format!(
            "the pools may open {planned} connections, but PostgreSQL grants {free} (max_connections less the reserved ones): \
             lower database.pool_size, server.workers or jobs.concurrency, or raise max_connections"
        )));
    }
    Ok(())
}
