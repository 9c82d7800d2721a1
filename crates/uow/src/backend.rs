//! What a database must offer to carry units of work. Implemented by `db`, and by nothing else.

use std::any::Any;

use async_trait::async_trait;
use futures::future::BoxFuture;
use kernel::{Answer, Ctx, Fault, IdempotencyKey};

use crate::{Alarm, Job, NewEvent, SeenAlarm};

/// A database that opens transactions, for a tenant if a context is given, else for the platform itself.
#[async_trait]
pub trait Database: Send + Sync {
    /// Opens a transaction that may write.
    async fn begin(&self, ctx: Option<&Ctx>) -> Result<Box<dyn TxBackend>, Fault>;

    /// Takes a connection for a transaction that only reads. It begins with [`ReadBackend::enter`].
    async fn read(&self, ctx: Option<&Ctx>) -> Result<Box<dyn ReadBackend>, Fault>;
}

/// The outcome of claiming an idempotency key.
#[derive(Debug)]
pub enum Claim {
    /// The effect is ours to do.
    Mine,
    /// It was done; this is its answer.
    Done(Answer),
    /// It is being done by a request that is still running.
    InFlight,
    /// The key was used for another request.
    Reused,
}

/// An open transaction that may write. Dropping it rolls it back, without delay.
#[async_trait]
pub trait TxBackend: Any + Send {
    /// For `db` to find its own type again.
    fn as_any(&mut self) -> &mut (dyn Any + Send);
    /// Puts an event on the outbox.
    async fn publish(&mut self, event: &NewEvent) -> Result<(), Fault>;
    /// Enqueues a job.
    async fn enqueue(&mut self, job: &Job) -> Result<(), Fault>;
    /// Raises an alarm, or notes that an open one was seen again.
    async fn alarm(&mut self, alarm: &Alarm) -> Result<(), Fault>;
    /// Settles the open alarms of a kind about these objects, under this name and with this note. For the platform alone.
    async fn settle_alarms(&mut self, kind: &str, over: &[String], by: &str, note: &str) -> Result<(), Fault>;
    /// Settles those of these alarms that are open as they were seen. For the platform alone.
    async fn settle_seen_alarms(&mut self, seen: &[SeenAlarm], by: &str, note: &str) -> Result<(), Fault>;
    /// Claims an idempotency key; blocks while a concurrent transaction holds the claim.
    async fn claim(&mut self, key: &IdempotencyKey) -> Result<Claim, Fault>;
    /// Stores the answer of a claimed key.
    async fn store_answer(&mut self, key: &IdempotencyKey, answer: &Answer) -> Result<(), Fault>;
    /// Marks a place to come back to.
    async fn savepoint(&mut self) -> Result<(), Fault>;
    /// Forgets the last savepoint, keeping what came after it.
    async fn release_savepoint(&mut self) -> Result<(), Fault>;
    /// Undoes everything since the last savepoint, the failure of a statement included.
    async fn rollback_to_savepoint(&mut self) -> Result<(), Fault>;
    /// Commits; refuses if a statement failed and nobody went back to a savepoint before it.
    async fn commit(self: Box<Self>) -> Result<(), Fault>;
    /// Rolls back.
    async fn rollback(self: Box<Self>) -> Result<(), Fault>;
}

/// A connection on which one reading transaction runs.
#[async_trait]
pub trait ReadBackend: Send + Sync {
    /// For `db` to find its own type again.
    fn as_any(&self) -> &(dyn Any + Send + Sync);
    /// Begins the transaction and enters the tenant; polled together with the first query, so that all goes out in one flush.
    fn enter(&self) -> BoxFuture<'_, Result<(), Fault>>;
    /// Ends the transaction behind the one query that is under way, if that is safe, else does nothing. Polled after the query's first poll.
    fn end_behind(&self) -> BoxFuture<'_, Result<(), Fault>>;
    /// Ends the transaction, if it is still open, and gives the connection back.
    async fn finish(self: Box<Self>, keep: bool) -> Result<(), Fault>;
}
