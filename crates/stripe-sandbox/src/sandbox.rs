//! The handle of a running sandbox: starts it, stops it, looks into it.

use crate::config::{Config, Endpoint, StartError};
use crate::control::faults::{self, Fault};
use crate::control::request_log::{self, RequestRecord};
use crate::control::{onboarding, verbs};
use crate::http::shared::Shared;
use crate::http::{delivery, server};
use crate::objects::{due, payment_attempts, topups, transfers};
use crate::webhooks::endpoints;
use crate::webhooks::queue::{self, FlushOrder};
use crate::world::deliveries::DeliveryMode;
use crate::world::store::Store;
use crate::world::{Origin, PLATFORM, State, table};
use serde_json::Value;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// A running sandbox; it stops when the handle is dropped.
pub struct Sandbox {
    shared: Arc<Shared>,
    address: SocketAddr,
    base_url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Starts a sandbox on a thread of its own; any runtime may host it.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let store = match &config.state_file {
            None => Store::in_memory(),
            Some(path) => Store::open(path).map_err(|e| StartError::State { path: path.clone(), reason: e.to_string() })?,
        };
        let bind = |source| StartError::Bind { address: config.address, source };
        let listener = TcpListener::bind(config.address).map_err(bind)?;
        listener.set_nonblocking(true).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let base_url = config.public_url.clone().unwrap_or_else(|| format!("http://{address}")).trim_end_matches('/').to_owned();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(config.webhook_timeout)
            .build()
            .map_err(|e| StartError::Thread(e.to_string()))?;
        let endpoints = config.webhook_endpoints.clone();
        let mut state = State::new(store, config);
        state.base_url = base_url.clone();
        for endpoint in &endpoints {
            endpoints::add_host(&mut state, endpoint);
        }
        let path = state.config.state_file.clone().unwrap_or_default();
        state.store.commit().map_err(|e| StartError::State { path, reason: e.to_string() })?;
        let shared = Arc::new(Shared::new(state, client));
        let (ready, is_ready) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let for_thread = shared.clone();
        let thread = std::thread::Builder::new()
            .name("stripe-sandbox".into())
            .spawn(move || server::run(listener, &for_thread, ready, stopped))
            .map_err(|e| StartError::Thread(e.to_string()))?;
        match is_ready.await {
            Ok(Ok(())) => Ok(Self { shared, address, base_url, stop: Some(stop), thread: Some(thread) }),
            Ok(Err(reason)) => Err(StartError::Thread(reason)),
            Err(_) => Err(StartError::Thread("no word from it".into())),
        }
    }

    /// `http://127.0.0.1:<port>` without a slash at the end; Stripe's API is under `/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.base_url.clone()
    }

    /// The address listened on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a receiver of events. The n-th one added in a run takes over what the n-th one of the run before did not get.
    pub fn add_webhook_endpoint(&self, endpoint: &Endpoint) -> String {
        self.with(|state| endpoints::add_host(state, endpoint))
    }

    /// Moves the clock forward; debits settle, money becomes available, events are sent. Answers the new time.
    pub fn advance(&self, seconds: i64) -> i64 {
        self.with(|state| {
            due::advance(state, seconds);
            state.now
        })
    }

    /// The sandbox's time in Unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.with(|state| state.now)
    }

    /// What was asked, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.with(|state| request_log::all(state).into_iter().filter_map(|row| serde_json::from_value(row).ok()).collect())
    }

    /// The platform's transfers, oldest first.
    #[must_use]
    pub fn transfers(&self) -> Vec<Value> {
        self.with(|state| transfers::all(state))
    }

    /// All payment intents, oldest first.
    #[must_use]
    pub fn payment_intents(&self) -> Vec<Value> {
        self.all(table::PAYMENT_INTENTS)
    }

    /// All charges, oldest first; among them the payments that transfers make at connected accounts.
    #[must_use]
    pub fn charges(&self) -> Vec<Value> {
        self.all(table::CHARGES)
    }

    /// All refunds, oldest first.
    #[must_use]
    pub fn refunds(&self) -> Vec<Value> {
        self.all(table::REFUNDS)
    }

    /// All connected accounts, oldest first.
    #[must_use]
    pub fn accounts(&self) -> Vec<Value> {
        self.all(table::ACCOUNTS)
    }

    /// All balance transactions of all accounts, oldest first.
    #[must_use]
    pub fn balance_transactions(&self) -> Vec<Value> {
        self.all(table::BALANCE_TRANSACTIONS)
    }

    /// All events, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.all(table::EVENTS)
    }

    /// All deliveries of webhooks, oldest first.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Value> {
        self.with(|state| queue::all(state))
    }

    /// Orders a fault; faults wait in order.
    pub fn inject(&self, fault: Fault) -> Fault {
        self.with(|state| faults::add(state, fault))
    }

    /// Removes all faults that still wait.
    pub fn clear_faults(&self) {
        self.with(faults::clear);
    }

    /// Sets how webhooks misbehave from now on.
    pub fn set_delivery_mode(&self, mode: DeliveryMode) {
        self.with(|state| state.webhooks.mode = mode);
    }

    /// Posts the deliveries that are held, one after the other; answers how many once each was attempted.
    pub async fn flush_webhooks(&self, order: FlushOrder) -> usize {
        let parcels = self.with(|state| queue::release(state, order));
        let released = parcels.len();
        for parcel in parcels {
            delivery::post_and_record(&self.shared, parcel).await;
        }
        self.shared.wake.notify_one();
        released
    }

    /// Confirms a payment intent as its payer would; the answer is the payment intent, declined or not.
    /// The error is the content of Stripe's `error`.
    pub fn confirm(&self, payment_intent: &str, payment_method: &str) -> Result<Value, Value> {
        self.with(|state| verbs::confirm(state, payment_intent, payment_method).map_err(|e| Value::Object(e.error)))
    }

    /// The payer authenticates a payment (or fails to). The error is the content of Stripe's `error`.
    pub fn authenticate(&self, payment_intent: &str, succeed: bool) -> Result<Value, Value> {
        self.with(|state| {
            let intent = payment_attempts::authenticate(state, payment_intent, succeed);
            intent.map(|i| state.present(&i)).map_err(|e| Value::Object(e.error))
        })
    }

    /// The holder of a connected account completes the onboarding; nothing when there is no such account.
    pub fn complete_onboarding(&self, account: &str) -> Option<Value> {
        self.with(|state| onboarding::complete(state, account).map(|account| state.present(&account)))
    }

    /// Puts money of its own on the platform's balance, available at once.
    pub fn top_up(&self, amount: i64, currency: &str) {
        self.with(|state| {
            let _never_refused = topups::open(state, PLATFORM, amount, currency, false);
        });
    }

    /// Stops the sandbox and writes its snapshot.
    pub async fn stop(mut self) {
        let thread = self.halt();
        let (done, is_done) = oneshot::channel();
        std::thread::spawn(move || {
            if let Some(thread) = thread {
                let _ = thread.join();
            }
            let _ = done.send(());
        });
        let _ = is_done.await;
    }

    fn halt(&mut self) -> Option<JoinHandle<()>> {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        self.thread.take()
    }

    fn all(&self, table: &str) -> Vec<Value> {
        self.with(|state| state.store.rows(table).map(|(_, row)| state.present(row)).collect())
    }

    /// Does something with the state, lets it survive, and wakes the worker.
    fn with<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.shared.lock();
        due::enter(&mut state, Origin::default());
        let result = action(&mut state);
        self.shared.commit(&mut state);
        drop(state);
        self.shared.wake.notify_one();
        result
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(thread) = self.halt() {
            let _ = thread.join();
        }
    }
}
