//! Metrics of requests: a counter and a histogram per method, route and status.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, histogram};

/// The route of what no route answers: one label value, whatever paths are tried.
pub const NO_ROUTE: &str = "none";

/// The route of every sealed route: reading a tender, changing it, bidding and withdrawing are one, so that no counter tells of bids.
pub const SEALED: &str = "sealed";

type Handles = HashMap<String, Vec<(&'static str, StatusCode, Counter, Histogram)>>;

thread_local! {
    /// Registered handles, so that a request does not build label sets. Per worker: no lock.
    static HANDLES: RefCell<Handles> = RefCell::default();
}

/// Tells the exporter what the metrics mean. Call it once, after the recorder is installed.
pub fn describe_metrics() {
    describe_counter!("http_requests_total", Unit::Count, "Requests answered, by method, route and status");
    describe_counter!("session_notices_refused_total", Unit::Count, "Notifications about sessions that nobody vouched for");
    describe_counter!(
        "session_notices_floods_total",
        Unit::Count,
        "Floods of notifications about sessions, in which none is looked at"
    );
    describe_counter!("breached_passwords_total", Unit::Count, "New passwords looked for among breached ones, by outcome");
    describe_counter!("service_tokens_total", Unit::Count, "Tokens for other services that were made");
    describe_counter!("rate_limits_spent_total", Unit::Count, "Requests refused because a limit was spent, by limit");
    describe_gauge!("http_connections", Unit::Count, "Clients' connections that are open");
    describe_counter!("http_connections_ended_total", Unit::Count, "Connections ended for being slow, or to make room, by why");
    describe_counter!("http_connections_refused_total", Unit::Count, "Connections refused since all others were being served");
    describe_histogram!("http_request_duration_seconds", Unit::Seconds, "Time from the request's head to the answer's head");
}

/// Counts one answered request.
pub fn record(method: &Method, route: &str, status: StatusCode, took: Duration) {
    HANDLES.with_borrow_mut(|handles| {
        if !handles.contains_key(route) {
            handles.insert(route.to_owned(), Vec::new());
        }
        let Some(of_route) = handles.get_mut(route) else { return };
        let name = method_label(method);
        let known = of_route.iter().position(|(m, s, _, _)| *m == name && *s == status);
        let index = known.unwrap_or_else(|| {
            let count = counter!("http_requests_total", "method" => name, "route" => route.to_owned(), "status" => status.as_str().to_owned());
            let time = histogram!("http_request_duration_seconds", "method" => name, "route" => route.to_owned());
            of_route.push((name, status, count, time));
            of_route.len() - 1
        });
        let (_, _, count, time) = &of_route[index];
        count.increment(1);
        time.record(took);
    });
}

/// Counts one answered request of a sealed route: neither method nor the very status, which tells what was made.
pub fn record_sealed(status: StatusCode, took: Duration) {
    counter!("http_requests_total", "method" => "any", "route" => SEALED, "status" => class(status)).increment(1);
    histogram!("http_request_duration_seconds", "method" => "any", "route" => SEALED).record(took);
}

/// The class of a status.
pub fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

/// Clients can invent methods; labels must not grow with them.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_methods_do_not_grow_anything() {
        for n in 0..100 {
            let method = Method::from_bytes(format!("M{n}").as_bytes()).expect("a token");
            record(&method, "/a", StatusCode::NOT_FOUND, Duration::ZERO);
        }
        HANDLES.with_borrow(|handles| assert_eq!(handles["/a"].len(), 1));
    }
}
