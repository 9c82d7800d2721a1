//! A request as it came, before anything of it is checked.

/// A request as it came from the socket.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    pub body: Vec<u8>,
    pub authorization: Option<String>,
    pub account: Option<String>,
    pub idempotency_key: Option<String>,
    pub version: Option<String>,
}
