//! The guard that knows whether this task is inside a transaction.

use kernel::Fault;

tokio::task_local! {
    static INSIDE: ();
}

/// Refuses to go on inside a transaction: every client of another system calls this before it sends anything, since an answer that
/// takes seconds would hold locks as long, and a rollback cannot undo what the other side did (docs/ARCHITECTURE.md).
///
/// # Errors
/// An internal fault naming `what`.
#[track_caller]
pub fn forbid_in_transaction(what: &str) -> Result<(), Fault> {
    match INSIDE.try_with(|()| ()) {
        Ok(()) => Err(Fault::internal(format!(
            "{what} inside a transaction: commit first, then do it from a job or after the unit of work"
        ))),
        Err(_) => Ok(()),
    }
}

/// Runs `work` as the inside of a transaction.
pub(crate) async fn inside<T>(work: impl Future<Output = T>) -> T {
    INSIDE.scope((), work).await
}
