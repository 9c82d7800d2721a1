//! The root span of a request; a W3C `traceparent` that came in gives it its trace id.

use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use kernel::RequestId;
use tracing::Span;
use tracing::field::Empty;

/// A span around everything that the request causes. It tells `asked`, method and path, unless nobody is to know.
pub fn root_span(asked: Option<(&Method, &str)>, request: &RequestId, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        "request",
        method = Empty,
        path = Empty,
        request_id = request.as_str(),
        trace_id = Empty,
        parent_id = Empty
    );
    if let Some((method, path)) = asked {
        span.record("method", method.as_str()).record("path", path);
    }
    if let Some((trace, parent)) = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(parse) {
        span.record("trace_id", trace).record("parent_id", parent);
    }
    span
}

/// `00-<32 hex: trace>-<16 hex: parent>-<2 hex: flags>`; all zeros mean 'none'.
fn parse(value: &str) -> Option<(&str, &str)> {
    let mut parts = value.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let some = |part: &str| part.bytes().any(|b| b != b'0');
    // Later versions may append fields; version 00 has exactly four.
    let sane = hex(version, 2) && version != "ff" && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
    let whole = version != "00" || parts.next().is_none();
    (sane && whole && some(trace) && some(parent)).then_some((trace, parent))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn only_sane_parents_are_continued() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let parent = "00f067aa0ba902b7";
        assert_eq!(parse(&format!("00-{trace}-{parent}-01")), Some((trace, parent)));
        assert_eq!(parse(&format!("cc-{trace}-{parent}-01-later")), Some((trace, parent)));
        assert_eq!(parse(&format!("00-{trace}-{parent}-01-later")), None);
        assert_eq!(parse(&format!("ff-{trace}-{parent}-01")), None);
        assert_eq!(parse(&format!("00-{}-{parent}-01", "0".repeat(32))), None);
        assert_eq!(parse(&format!("00-{}-{parent}-01", trace.to_uppercase())), None);
        assert_eq!(parse("nonsense"), None);
    }
}
