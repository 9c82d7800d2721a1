//! One line per request.

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use kernel::RequestId;

/// What is known about a request when its answer is ready.
pub struct Line<'a> {
    pub method: &'a Method,
    pub route: &'a str,
    /// None of what no route answers: it may be a sealed one, misspelt.
    pub path: Option<&'a str>,
    pub status: StatusCode,
    pub took: Duration,
    pub request: &'a RequestId,
    pub user: Option<kernel::UserId>,
    pub org: Option<kernel::OrgId>,
    /// The API key, if it was one.
    pub key: Option<kernel::ApiKeyId>,
    /// The support session, if it was one.
    pub support: Option<kernel::SupportSessionId>,
    pub address: Option<std::net::IpAddr>,
}

/// Writes it. The query is left out: it may hold what nobody should read in a log.
pub fn write(line: &Line<'_>) {
    tracing::info!(
        target: "access",
        method = %line.method,
        route = line.route,
        path = line.path,
        status = line.status.as_u16(),
        micros = u64::try_from(line.took.as_micros()).unwrap_or(u64::MAX),
        request_id = line.request.as_str(),
        user = line.user.map(tracing::field::display),
        organization = line.org.map(tracing::field::display),
        api_key = line.key.map(tracing::field::display),
        support_session = line.support.map(tracing::field::display),
        address = line.address.map(tracing::field::display),
    );
}

/// Writes that a request of a sealed route was answered: neither by whom nor about what, and not how long it took, which tells what it was.
pub fn write_sealed(status: StatusCode, request: &RequestId) {
    tracing::info!(target: "access", route = super::instruments::SEALED, status = super::instruments::class(status), request_id = request.as_str());
}
