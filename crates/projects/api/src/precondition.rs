//! What a change may ask of the thing that it changes.

/// What must hold of the thing as it is now, such as the request's `If-Match`. Asked under the lock of the change, so that nothing
/// happens between the answer and the change; `false` ends in [`crate::Error::Stale`].
pub type Precondition<'a, T> = &'a (dyn Fn(&T) -> bool + Send + Sync);
