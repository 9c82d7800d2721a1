//! A transaction that only reads: `BEGIN`, the tenant's entry and the query go out in one flush.

use std::any::Any;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Ctx, Fault};
use uow::ReadBackend;

use crate::connection::Held;
use crate::error::fault_of;
use crate::tenant::Tenant;

const OPEN: u32 = 0;
const ENDED: u32 = 1;

/// A connection on which one reading transaction runs.
pub(crate) struct Reading {
    held: Held,
    begin: String,
    state: AtomicU32,
}

impl Reading {
    pub(crate) fn new(held: Held, ctx: Option<&Ctx>) -> Self {
        let begin = match ctx {
            Some(ctx) => format!("BEGIN READ ONLY; {}", Tenant::of(ctx).enter_sql()),
            None => "BEGIN READ ONLY".to_owned(),
        };
        held.watch.ask_prepared();
        Self { held, begin, state: AtomicU32::new(OPEN) }
    }

    pub(crate) fn connection(&self) -> &AsyncPgConnection {
        &self.held
    }
}

#[async_trait]
impl ReadBackend for Reading {
    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }

    fn enter(&self) -> BoxFuture<'_, Result<(), Fault>> {
        // The simple protocol needs no preparing, so what it sends keeps its place before the query.
        async {
            let mut connection = self.connection();
            connection.batch_execute(&self.begin).await.map_err(fault_of)
        }
        .boxed()
    }

    fn end_behind(&self) -> BoxFuture<'_, Result<(), Fault>> {
        async {
            // Two statements have been started by now: BEGIN and the query. If the query is not known to be prepared, it may not have been
            // sent yet: a ROLLBACK sent now would overtake it and it would run outside the transaction, without a tenant.
            if self.held.watch.started() != 2 || !self.held.watch.all_prepared() {
                return Ok(());
            }
            // One prepared statement cannot end the transaction and go on, so whatever it did to the session is taken back with it: the reset,
            // which takes longer than the rest of the transaction's frame, has nothing left to do. It wrote nothing that a commit would keep.
            let mut connection = self.connection();
            connection.batch_execute("ROLLBACK").await.map_err(fault_of)?;
            if self.held.watch.started() != 3 {
                return Err(Fault::internal("read_one is for one statement: this one ran several; use `Uow::read`"));
            }
            self.state.store(ENDED, Ordering::Relaxed);
            Ok(())
        }
        .boxed()
    }

    async fn finish(self: Box<Self>, keep: bool) -> Result<(), Fault> {
        // BEGIN, the query, the end: what came after those was outside of the transaction, and is reset as well.
        if self.state.load(Ordering::Relaxed) == OPEN || self.held.watch.started() > 3 {
            let mut connection = self.connection();
            let end = self.held.ending(if keep { "COMMIT" } else { "ROLLBACK" });
            connection.batch_execute(&end).await.map_err(fault_of)?;
        }
        self.held.give_back();
        Ok(())
    }
}
