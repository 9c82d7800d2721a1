//! Where browsers go to, and come back from, an organisation's issuer.

use kernel::OrgId;

/// The path of this server at which a sign-in at an organisation's issuer begins.
#[must_use]
pub fn sign_on_path(org: OrgId) -> String {
    format!("/auth/single-sign-on/{org}/start")
}

/// The path to which an organisation's issuer sends browsers back. Each organisation has one of its own, so that none is taken for another.
#[must_use]
pub fn sign_on_callback_path(org: OrgId) -> String {
    format!("/auth/single-sign-on/{org}/callback")
}
