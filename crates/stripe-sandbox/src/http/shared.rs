//! What the server, the worker that delivers webhooks, and the handle share: the state under its lock.

use crate::world::State;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What the server's threads and the handle share.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Wakes the worker that delivers webhooks.
    pub wake: Notify,
    /// Posts webhooks.
    pub client: reqwest::Client,
}

impl Shared {
    pub fn new(state: State, client: reqwest::Client) -> Self {
        Self { state: Mutex::new(state), wake: Notify::new(), client }
    }

    /// The state, for as long as nobody waits: never across an await.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes what happened survive a kill. Answers whether it does.
    pub fn commit(&self, state: &mut State) -> bool {
        match state.store.commit() {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "the Stripe sandbox cannot write its journal");
                false
            }
        }
    }
}
