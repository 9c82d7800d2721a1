//! Asking a provider over HTTP: bounded in time and in what is read, never inside a transaction, and never where an answer would send it on to.

use std::pin::Pin;
use std::time::Duration;

use auth_api::Untold;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderValue, USER_AGENT};
use hyper::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use serde::de::DeserializeOwned;

use crate::guard::{Resolver, may_be_asked};

/// More is no answer of a provider.
const LONGEST_ANSWER: usize = 512 << 10;

/// A client of providers.
pub(crate) struct Http {
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    timeout: Duration,
    /// Whether others say who is asked: then nobody is who is not public.
    guarded: bool,
}

/// A provider did not answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unanswered(String);

impl Http {
    /// Asks whom the operator names.
    pub(crate) fn new(timeout: Duration) -> Self {
        Self::of(timeout, false)
    }

    /// Asks whom others name, at public addresses and over TLS alone.
    pub(crate) fn guarded(timeout: Duration) -> Self {
        Self::of(timeout, true)
    }

    fn of(timeout: Duration, guarded: bool) -> Self {
        let mut plain = HttpConnector::new_with_resolver(Resolver::new(guarded));
        // Which scheme it is the other one sees to.
        plain.enforce_http(false);
        let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().wrap_connector(plain);
        // What the other side closed meanwhile would lose a code, which counts once.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Self { client, timeout, guarded }
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unanswered> {
        uow::forbid_in_transaction("a call to an identity provider").map_err(|fault| Unanswered(fault.to_string()))?;
        if self.guarded && !may_be_asked(request.uri()) {
            return Err(Unanswered("it names an address that is not public, or not protected by TLS".to_owned()));
        }
        let (mut parts, body) = request.into_parts();
        // GitHub answers nobody without a name.
        parts.headers.insert(USER_AGENT, HeaderValue::from_static(concat!("14Build/", env!("CARGO_PKG_VERSION"))));
        let request = Request::from_parts(parts, Full::new(Bytes::from(body)));
        let asked = async {
            let response = self.client.request(request).await.map_err(|error| Unanswered(causes(&error)))?;
            let (parts, body) = response.into_parts();
            if parts.status.is_server_error() {
                return Err(Unanswered(format!("it answers {}", parts.status)));
            }
            let body = Limited::new(body, LONGEST_ANSWER).collect().await.map_err(|error| Unanswered(error.to_string()))?;
            Ok(Response::from_parts(parts, body.to_bytes().to_vec()))
        };
        let late = || Unanswered("it does not answer in time".to_owned());
        tokio::time::timeout(self.timeout, asked).await.unwrap_or_else(|_| Err(late()))
    }

    /// What is to be had at an address, as JSON.
    pub(crate) async fn get<T: DeserializeOwned>(&self, url: &str, token: Option<&str>) -> Result<T, Untold> {
        let body = self.get_bytes(url, token).await?;
        read(url, &body)
    }

    pub(crate) async fn get_bytes(&self, url: &str, token: Option<&str>) -> Result<Vec<u8>, Untold> {
        let mut request = Request::get(url).header(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Vec::new()).map_err(|error| Untold::Refused(error.to_string()))?;
        let response = self.send(request).await.map_err(|error| Untold::Unreachable(format!("{url}: {error}")))?;
        let status = response.status();
        if !status.is_success() {
            return Err(Untold::Refused(format!("{url} answers {status}")));
        }
        Ok(response.into_body())
    }
}

/// What a provider says, as JSON. The text itself is nobody's to read in a log.
pub(crate) fn read<T: DeserializeOwned>(url: &str, body: &[u8]) -> Result<T, Untold> {
    serde_json::from_slice(body).map_err(|_| Untold::Refused(format!("{url} does not answer as it should")))
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Unanswered;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Unanswered>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// An error with its causes: by itself it says only that there was one.
fn causes(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        told = format!("{told}: {cause}");
        next = cause.source();
    }
    told
}
