//! What a sandbox is started with, and why it may refuse to start.

use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How a sandbox is started; `Config::default()` listens on any free port of the loopback interface and keeps nothing.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes any free one.
    pub address: SocketAddr,
    /// A key to accept besides every `sk_test_…`, which are all accepted.
    pub secret_key: String,
    /// Where events are delivered. More can be added later with [`crate::Sandbox::add_webhook_endpoint`].
    pub webhook_endpoints: Vec<Endpoint>,
    /// Unix seconds that the controllable clock shows at the very first start; the real time when absent.
    pub start_time: Option<i64>,
    /// Where the state survives a restart; nothing survives when absent. A journal `<state_file>.log` lies beside it.
    pub state_file: Option<PathBuf>,
    /// The address that browsers reach the sandbox by, if it differs from the one listened on.
    pub public_url: Option<String>,
    /// The `api_version` of events and of answers to requests that name none.
    pub api_version: String,
    /// How long to wait before a failed webhook delivery is tried again; doubles up to `webhook_max_delay`.
    pub webhook_base_delay: Duration,
    /// The longest wait between two attempts to deliver a webhook.
    pub webhook_max_delay: Duration,
    /// After how many attempts a delivery is given up.
    pub webhook_attempts: u32,
    /// How long a webhook receiver may take to answer.
    pub webhook_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            secret_key: "sk_test_sandbox".into(),
            webhook_endpoints: Vec::new(),
            start_time: None,
            state_file: None,
            public_url: None,
            api_version: "2026-09-30.endive".into(),
            webhook_base_delay: Duration::from_millis(200),
            webhook_max_delay: Duration::from_secs(30),
            webhook_attempts: 200,
            webhook_timeout: Duration::from_secs(20),
        }
    }
}

/// A URL that receives signed events.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Endpoint {
    /// Where events are posted.
    pub url: String,
    /// The `whsec_…` that signs them.
    pub secret: String,
    /// Whose events it receives.
    pub kind: EndpointKind,
}

/// Whose events an endpoint receives.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum EndpointKind {
    /// Events of the platform's own account: payments, transfers.
    Platform,
    /// Events of connected accounts; they carry `account`.
    Connect,
}

/// Why the sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("the Stripe sandbox cannot listen on {address}: {source}. Choose another address, or port 0 for any free port")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The state file cannot be read, understood or written.
    #[error("the Stripe sandbox cannot use its state file {path}: {reason}. Move it away to start with an empty sandbox")]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The thread that serves did not come up.
    #[error("the Stripe sandbox's server thread ended before it was ready: {0}")]
    Thread(String),
}
