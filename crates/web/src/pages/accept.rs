//! Who prefers a page to JSON (RFC 9110 §12.5.1).

use actix_web::http::header::{self, HeaderMap};

/// Whether HTML is preferred to JSON. Programs that take anything, or say nothing, get JSON.
pub fn prefers_html(headers: &HeaderMap) -> bool {
    let ranges: Vec<&str> =
        headers.get_all(header::ACCEPT).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect();
    let weight = |kind: &str, subtype: &str| weight_of(&ranges, kind, subtype);
    weight("text", "html") > weight("application", "json").max(weight("application", "problem+json"))
}

/// The weight of a media type: that of the narrowest range that takes it in, and none where no range does.
fn weight_of(ranges: &[&str], kind: &str, subtype: &str) -> f32 {
    let narrow = |range: &str| match range.trim().split_once('/') {
        Some((k, s)) if k.eq_ignore_ascii_case(kind) && s.eq_ignore_ascii_case(subtype) => Some(3),
        Some((k, "*")) if k.eq_ignore_ascii_case(kind) => Some(2),
        Some(("*", "*")) => Some(1),
        _ => None,
    };
    let fitting = ranges.iter().filter_map(|range| {
        let mut parts = range.split(';');
        let narrow = narrow(parts.next()?)?;
        let weight = parts.find_map(|part| part.trim().strip_prefix("q="));
        Some((narrow, weight.map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0))))
    });
    fitting.max_by_key(|(narrow, _)| *narrow).map_or(0.0, |(_, weight)| weight)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn browsers_prefer_pages_and_programs_do_not() {
        for (accept, html) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", true),
            ("text/html", true),
            ("text/*;q=0.5, application/json;q=0.4", true),
            ("TEXT/HTML;level=1;q=0.9, */*;q=0.1", true),
            ("*/*", false),
            ("", false),
            ("application/json", false),
            ("application/json, text/html", false),
            ("text/html;q=0.5, application/*", false),
            ("text/html;q=0.9, application/problem+json", false),
            ("text/html;q=0, */*", false),
            ("text/html;q=much", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(prefers_html(&headers), html, "{accept}");
        }
        assert!(!prefers_html(&HeaderMap::new()), "whoever says nothing");
    }
}
