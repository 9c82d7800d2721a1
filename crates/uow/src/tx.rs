//! `Tx` and `ReadTx`: opaque handles. `&mut Tx` in a signature means 'inside someone's transaction'.

use std::any::Any;

use kernel::{Fault, Operator};

use crate::{Alarm, DomainEvent, EventId, Job, NewEvent, SeenAlarm, TxBackend};

/// An open transaction that may write. Whoever opened it commits it; dropped, it is rolled back.
pub struct Tx(Box<dyn TxBackend>, Vec<Box<dyn FnOnce() + Send>>);

impl Tx {
    pub(crate) fn new(backend: Box<dyn TxBackend>) -> Self {
        Self(backend, Vec::new())
    }

    pub(crate) fn into_backend(self) -> Box<dyn TxBackend> {
        self.0
    }

    /// Commits, and then does what was left for after that.
    pub(crate) async fn commit(self) -> Result<(), Fault> {
        let Self(backend, after) = self;
        backend.commit().await?;
        after.into_iter().for_each(|done| done());
        Ok(())
    }

    /// Has `done` run once this transaction is committed, before whoever opened it goes on: to forget here and now what others are told of by
    /// a notification. Not if it is rolled back, nor if the process ends: what must happen is a job or an event.
    pub fn after_commit(&mut self, done: impl FnOnce() + Send + 'static) {
        self.1.push(Box::new(done));
    }

    pub(crate) fn backend(&mut self) -> &mut dyn TxBackend {
        &mut *self.0
    }

    /// For `db` alone: its own type behind the handle.
    pub fn backend_any(&mut self) -> &mut (dyn Any + Send) {
        self.0.as_any()
    }

    /// Leaves a domain event behind, delivered after the commit to every subscriber, at least once, in order per aggregate.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn publish<E: DomainEvent>(&mut self, event: &E) -> Result<(), Fault> {
        let payload = serde_json::to_value(event).map_err(Fault::internal)?;
        self.0.publish(&NewEvent { id: EventId::new(), kind: E::KIND, aggregate: event.aggregate(), payload }).await
    }

    /// Leaves a job behind, run after the commit, at least once.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn enqueue(&mut self, job: Job) -> Result<(), Fault> {
        self.0.enqueue(&job).await
    }

    /// Raises an alarm: what it says stays, listed by `build14 doctor`, until a person settles it. An open one of the same kind about the
    /// same object is the same alarm, seen again.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn alarm(&mut self, alarm: Alarm) -> Result<(), Fault> {
        self.0.alarm(&alarm).await
    }

    /// For a sweep of the platform: what these alarms of a kind were about is over, so that they are settled, by `sweep`.
    ///
    /// # Errors
    /// A fault of the database; an internal one in a tenant's transaction, which sees no alarm.
    pub async fn end_alarms(&mut self, kind: &'static str, over: &[String]) -> Result<(), Fault> {
        if over.is_empty() { Ok(()) } else { self.0.settle_alarms(kind, over, "sweep", "over by itself").await }
    }

    /// For a sweep that looked at what alarms were about after it had seen them: those of them are settled that nobody raised again since.
    ///
    /// # Errors
    /// As [`Tx::end_alarms`].
    pub async fn end_seen_alarms(&mut self, over: &[SeenAlarm]) -> Result<(), Fault> {
        if over.is_empty() { Ok(()) } else { self.0.settle_seen_alarms(over, "sweep", "over by itself").await }
    }

    /// For a verb of an operator: a person saw to what these alarms of a kind were about.
    ///
    /// # Errors
    /// As [`Tx::end_alarms`].
    pub async fn settle_alarms(&mut self, kind: &'static str, over: &[String], by: &Operator, note: &str) -> Result<(), Fault> {
        if over.is_empty() { Ok(()) } else { self.0.settle_alarms(kind, over, by.as_str(), note).await }
    }

    /// Runs `f` so that its failure undoes only what it did: the only way to recover from a failed statement.
    ///
    /// # Errors
    /// What `f` returned, after going back; or a fault of the database.
    pub async fn savepoint<T, E: From<Fault>>(&mut self, f: impl AsyncFnOnce(&mut Tx) -> Result<T, E>) -> Result<T, E> {
        self.0.savepoint().await?;
        match f(self).await {
            Ok(value) => {
                self.0.release_savepoint().await?;
                Ok(value)
            }
            Err(error) => {
                self.0.rollback_to_savepoint().await?;
                Err(error)
            }
        }
    }
}

/// An open transaction that only reads.
#[derive(Clone, Copy)]
pub struct ReadTx<'a>(&'a (dyn Any + Send + Sync));

impl<'a> ReadTx<'a> {
    pub(crate) fn new(backend: &'a (dyn Any + Send + Sync)) -> Self {
        Self(backend)
    }

    /// For `db` alone: its own type behind the handle.
    #[must_use]
    pub fn backend_any(&self) -> &'a (dyn Any + Send + Sync) {
        self.0
    }
}
