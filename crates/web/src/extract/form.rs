//! `FormBody`: what the form of a page sends. Only pages of this server may send one.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpRequest, dev};
use futures::future::LocalBoxFuture;

use super::auth::is_own_origin;
use super::body::{check_media_type, read};
use crate::Problem;

/// The fields of a form. 403 for one that a page of another origin sends: whoever is led there signs nobody in by it.
#[derive(Clone)]
pub struct FormBody(Vec<(String, String)>);

impl FormBody {
    /// The value of a field; empty if it is not there.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// A parameter of the query, for pages: where nobody but a link wrote the query, nothing is refused.
#[must_use]
pub fn parameter(request: &HttpRequest, name: &str) -> Option<String> {
    form_urlencoded::parse(request.query_string().as_bytes())
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

/// Our own origin, if the deployment said which it is.
#[derive(Debug, Clone)]
pub(crate) struct PublicOrigin(pub Option<String>);

impl FromRequest for FormBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let public = request.app_data::<PublicOrigin>().and_then(|origin| origin.0.as_deref());
            if !is_own(request.headers(), public) {
                let detail = "this form is sent by its own page alone: open the link of the mail, and press the button there";
                return Err(Problem::new(StatusCode::FORBIDDEN, "ORIGIN_NOT_ALLOWED", detail));
            }
            check_media_type(&request, &["application/x-www-form-urlencoded"])?;
            let body = read(&request, payload).await?;
            Ok(Self(form_urlencoded::parse(&body).into_owned().collect()))
        })
    }
}

/// Whether a page of this server sends it, or a program, which no page can steer. A page that sends no `Referer` names its origin `null`, and is
/// known by what browsers say of where a request comes from (Fetch Metadata).
fn is_own(headers: &HeaderMap, public: Option<&str>) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => is_own_origin(origin, public, headers),
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_form_is_sent_by_its_own_page_or_by_a_program() {
        let cases: &[(&[(&'static str, &'static str)], bool)] = &[
            (&[("sec-fetch-site", "same-origin"), ("origin", "null")], true),
            (&[("sec-fetch-site", "same-site"), ("origin", "https://build14.example")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("origin", "https://build14.example")], true),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "null")], false),
            (&[], true),
        ];
        for (given, own) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("build14.example"));
            for (name, value) in *given {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(is_own(&headers, None), *own, "{given:?}");
            // Behind a proxy that calls it otherwise, and whatever a page makes of its host.
            headers.insert(header::HOST, HeaderValue::from_static("evil.example"));
            assert_eq!(is_own(&headers, Some("https://build14.example")), *own, "{given:?}");
        }
    }

    #[test]
    fn a_page_of_another_host_that_leads_here_is_not_ours() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("evil.example"));
        headers.insert(header::ORIGIN, HeaderValue::from_static("https://evil.example"));
        assert!(is_own(&headers, None) && !is_own(&headers, Some("https://build14.example")));
        headers.insert(header::ORIGIN, HeaderValue::from_static("http://build14.example"));
        assert!(!is_own(&headers, Some("https://build14.example")), "another scheme is another origin");
    }
}
