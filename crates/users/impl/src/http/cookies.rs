//! How the session cookie is sent: part of the app data that the routes expect.

/// How the session cookie is sent.
#[derive(Debug, Clone)]
pub struct CookieSettings {
    /// Only over https: everywhere but in development.
    pub secure: bool,
}
