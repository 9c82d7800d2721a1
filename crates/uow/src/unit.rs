//! `Uow` and `SystemUow`: the only two doors to the database.

use std::sync::Arc;

use futures::future::{join, join3};
use kernel::{Actor, Ctx, Fault, FaultKind, Once};

use crate::guard::{forbid_in_transaction, inside};
use crate::{Claim, Database, ReadBackend, ReadTx, Tx};

/// The door of the tenants: every transaction sees the rows of one organisation, whatever its SQL says.
#[derive(Clone)]
pub struct Uow(Arc<dyn Database>);

impl Uow {
    /// Over a database whose role is subject to row-level security.
    pub fn new(database: Arc<dyn Database>) -> Self {
        Self(database)
    }

    /// Runs `f` in a transaction as the context's organisation and commits if it returns `Ok`, together with its events, its jobs and
    /// the answer of the context's idempotency key.
    ///
    /// # Errors
    /// What `f` returned, after rolling back; [`FaultKind::Replayed`], [`FaultKind::InFlight`] or [`FaultKind::KeyReused`] by the
    /// idempotency key; a fault if a transaction is open in this task already, if the database does not answer in time, or if the context is of support,
    /// which only reads.
    pub async fn write<T: 'static, E: From<Fault>>(
        &self,
        ctx: &Ctx,
        f: impl AsyncFnOnce(&mut Tx) -> Result<T, E>,
    ) -> Result<T, E> {
        forbid_in_transaction("opening a transaction")?;
        refuse_reader(ctx)?;
        let tx = Tx::new(self.0.begin(Some(ctx)).await?);
        inside(run(tx, ctx.once.as_deref(), f)).await
    }

    /// Refuses a repetition before anything is done outside of the database. The key is claimed and let go again: one that is free stays
    /// free, so that a call that fails half-way can be repeated at once.
    ///
    /// # Errors
    /// By the idempotency key as [`Uow::write`]; a fault.
    pub async fn refuse_repetition(&self, ctx: &Ctx) -> Result<(), Fault> {
        let Some(once) = ctx.once.as_deref() else { return Ok(()) };
        forbid_in_transaction("opening a transaction")?;
        refuse_reader(ctx)?;
        let mut tx = Tx::new(self.0.begin(Some(ctx)).await?);
        inside(async {
            let claimed = claim(&mut tx, once).await;
            tx.into_backend().rollback().await?;
            claimed
        })
        .await
    }

    /// Runs `f` in a transaction that only reads. The first statement of `f` travels in one flush with `BEGIN` and the tenant's entry.
    ///
    /// # Errors
    /// What `f` returned, or a fault as for [`Uow::write`].
    pub async fn read<T, E: From<Fault>>(&self, ctx: &Ctx, f: impl AsyncFnOnce(&ReadTx<'_>) -> Result<T, E>) -> Result<T, E> {
        forbid_in_transaction("opening a transaction")?;
        read(self.0.read(Some(ctx)).await?, f).await
    }

    /// As [`Uow::read`] for an `f` of exactly one statement: what ends the transaction travels in the same flush when the statement is known to
    /// be prepared on this connection (docs/QUALITY.md).
    ///
    /// # Errors
    /// As for [`Uow::read`]; an internal fault if `f` ran more than one statement.
    pub async fn read_one<T, E: From<Fault>>(&self, ctx: &Ctx, f: impl AsyncFnOnce(&ReadTx<'_>) -> Result<T, E>) -> Result<T, E> {
        forbid_in_transaction("opening a transaction")?;
        read_one(self.0.read(Some(ctx)).await?, f).await
    }
}

/// The door of the platform's own few cross-tenant paths: session look-up, webhook routing, relays and workers. Its database role has
/// grants on just those tables.
#[derive(Clone)]
pub struct SystemUow(Arc<dyn Database>);

impl SystemUow {
    /// Over a database whose role is the platform's.
    pub fn new(database: Arc<dyn Database>) -> Self {
        Self(database)
    }

    /// Runs `f` in a transaction and commits if it returns `Ok`.
    ///
    /// # Errors
    /// What `f` returned, after rolling back, or a fault.
    pub async fn write<T: 'static, E: From<Fault>>(&self, f: impl AsyncFnOnce(&mut Tx) -> Result<T, E>) -> Result<T, E> {
        forbid_in_transaction("opening a transaction")?;
        let tx = Tx::new(self.0.begin(None).await?);
        inside(run(tx, None, f)).await
    }

    /// Runs `f` in a transaction that only reads.
    ///
    /// # Errors
    /// What `f` returned, or a fault.
    pub async fn read<T, E: From<Fault>>(&self, f: impl AsyncFnOnce(&ReadTx<'_>) -> Result<T, E>) -> Result<T, E> {
        forbid_in_transaction("opening a transaction")?;
        read(self.0.read(None).await?, f).await
    }
}

/// Whoever only reads is given no transaction that could write, whatever called for one: those that read are the database's to keep so.
fn refuse_reader(ctx: &Ctx) -> Result<(), Fault> {
    match ctx.actor {
        Actor::Support(session) => {
            Err(Fault::internal(format!("the support session {session} only reads, and was about to write")))
        }
        Actor::User(..) | Actor::System => Ok(()),
    }
}

/// Claims the key of a verb, unless it did so in a transaction before.
async fn claim(tx: &mut Tx, once: &Once) -> Result<(), Fault> {
    if once.is_claimed() {
        return Ok(());
    }
    let (kind, why) = match tx.backend().claim(&once.key).await? {
        Claim::Mine => return Ok(()),
        Claim::Done(answer) => (FaultKind::Replayed(answer), "this request was answered before"),
        Claim::InFlight => (FaultKind::InFlight, "a request with this Idempotency-Key is still running"),
        Claim::Reused => (FaultKind::KeyReused, "this Idempotency-Key was used for another request"),
    };
    Err(Fault::new(kind, why))
}

async fn run<T: 'static, E: From<Fault>>(
    mut tx: Tx,
    once: Option<&Once>,
    f: impl AsyncFnOnce(&mut Tx) -> Result<T, E>,
) -> Result<T, E> {
    if let Some(once) = once
        && let Err(refusal) = claim(&mut tx, once).await
    {
        tx.into_backend().rollback().await?;
        return Err(refusal.into());
    }
    match f(&mut tx).await {
        Ok(value) => {
            let answer = once.and_then(|once| once.render(&value));
            if let (Some(once), Some(answer)) = (once, &answer) {
                tx.backend().store_answer(&once.key, answer).await?;
            }
            tx.commit().await?;
            if let Some(once) = once {
                once.set_claimed();
                if let Some(answer) = answer {
                    once.set_answer(answer);
                }
            }
            Ok(value)
        }
        Err(error) => {
            tx.into_backend().rollback().await?;
            Err(error)
        }
    }
}

async fn read<T, E: From<Fault>>(held: Box<dyn ReadBackend>, f: impl AsyncFnOnce(&ReadTx<'_>) -> Result<T, E>) -> Result<T, E> {
    let result = {
        let tx = ReadTx::new(held.as_any());
        let (entered, rows) = inside(join(held.enter(), f(&tx))).await;
        entered.map_err(E::from).and(rows)
    };
    held.finish(result.is_ok()).await?;
    result
}

async fn read_one<T, E: From<Fault>>(
    held: Box<dyn ReadBackend>,
    f: impl AsyncFnOnce(&ReadTx<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let result = {
        let tx = ReadTx::new(held.as_any());
        // `join3` polls in this order: the end looks at what the query's first poll sent.
        let (entered, rows, ended) = inside(join3(held.enter(), f(&tx), held.end_behind())).await;
        entered.and(ended).map_err(E::from).and(rows)
    };
    held.finish(result.is_ok()).await?;
    result
}
