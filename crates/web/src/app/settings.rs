//! `Settings`: what a deployment decides about HTTP.

use std::time::Duration;

use auth_api::Network;

use crate::client::ClientIpHeader;

/// What a deployment decides about HTTP.
///
/// How long a slow or silent client is waited for while it sends no body belongs to the server around the App: [`crate::Listening`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// Origins of browsers' pages that may call us, such as `https://app.14build.dev`; besides our own.
    pub allowed_origins: Vec<String>,
    /// Our own origin, as clients reach us, such as `https://api.14build.dev`. `None`: whatever a request's `Host` says, which only a developer's server
    /// believes.
    pub public_origin: Option<String>,
    /// Proxies whose forwarding headers tell the client's address.
    pub trusted_proxies: Vec<Network>,
    /// The header in which they tell it; every other one is ignored.
    pub client_ip_header: ClientIpHeader,
    /// The largest body in bytes, unless its route says otherwise.
    pub body_limit: usize,
    /// How long the next piece of a body is waited for.
    pub body_idle_timeout: Duration,
    /// How long a whole body may take.
    pub body_timeout: Duration,
    /// Whether to send Strict-Transport-Security: everywhere but in development.
    pub hsts: bool,
    /// Whether the session cookie is Secure, and so called `__Host-session`: everywhere but in development.
    pub secure_cookie: bool,
    /// Whether to log a line per request.
    pub access_log: bool,
    /// Answers of at least so many bytes are compressed for clients that take gzip; 0 switches compression off.
    pub compress_from: usize,
    /// How often callers may call.
    pub rate_limits: RateLimits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allowed_origins: Vec::new(),
            public_origin: None,
            trusted_proxies: Vec::new(),
            client_ip_header: ClientIpHeader::default(),
            body_limit: 1 << 20,
            body_idle_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(120),
            hsts: true,
            secure_cookie: true,
            access_log: true,
            compress_from: 2048,
            rate_limits: RateLimits::default(),
        }
    }
}

/// So many requests in so many seconds; all of them may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many.
    pub requests: u32,
    /// In how many seconds.
    pub seconds: u32,
}

/// How often callers may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Whether there are limits at all.
    pub enabled: bool,
    /// Per address (IPv6: per /64), before authentication.
    pub address: Quota,
    /// Per person.
    pub user: Quota,
    /// Per organisation.
    pub organization: Quota,
    /// Per address, for register and login.
    pub auth: Quota,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            enabled: true,
            address: Quota { requests: 1200, seconds: 60 },
            user: Quota { requests: 600, seconds: 60 },
            organization: Quota { requests: 3000, seconds: 60 },
            auth: Quota { requests: 20, seconds: 60 },
        }
    }
}
