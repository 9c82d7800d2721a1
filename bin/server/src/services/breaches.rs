//! Who is asked whether a password is known from a breach: Pwned Passwords, or whoever speaks as it does.

use std::time::Duration;

use async_trait::async_trait;
use auth_api::Breaches;
use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kernel::Fault;

/// The whole of asking: somebody waits for it who registers.
const TIMEOUT: Duration = Duration::from_secs(1);
/// An answer has some 60 kB.
const MOST_BYTES: usize = 1 << 20;

/// Ranges of hashes, from where the deployment says.
pub(super) struct Asked {
    url: String,
    client: Client<HttpsConnector<HttpConnector>, String>,
}

impl Asked {
    /// From below this address.
    pub(super) fn at(url: String) -> Self {
        let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        Self { url, client: Client::builder(TokioExecutor::new()).build(connector) }
    }
}

#[async_trait]
impl Breaches for Asked {
    async fn range(&self, digits: &str) -> Result<String, Fault> {
        // Padded, so that its length tells nobody on the way which range was asked for.
        let request = Request::get(format!("{}{digits}", self.url)).header("add-padding", "true").header("user-agent", "14build");
        let request = request.body(String::new()).map_err(Fault::internal)?;
        let asked = async {
            let response = self.client.request(request).await.map_err(Fault::unavailable)?;
            let status = response.status();
            if !status.is_success() {
                return Err(Fault::unavailable(format!("{} answers {status}", self.url)));
            }
            let body = Limited::new(response.into_body(), MOST_BYTES).collect().await.map_err(Fault::unavailable)?;
            Ok(body.to_bytes())
        };
        let body = tokio::time::timeout(TIMEOUT, asked).await.map_err(Fault::unavailable)??;
        String::from_utf8(body.to_vec()).map_err(Fault::unavailable)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use testkit::Ranges;

    use super::*;

    #[tokio::test]
    async fn five_digits_are_told_and_the_answer_is_padded() {
        // SHA-1 of "password" begins with these.
        let known = Ranges::start(&[("password", 3)]).await;
        let told = Asked::at(known.url.clone()).range("5BAA6").await.unwrap();
        assert_eq!(told, "1E4C9B93F3F0682250B6CF8331B7EE68FD8:3\r\n");
        let head = known.asked().remove(0).to_lowercase();
        assert!(head.starts_with("get /range/5baa6 http/1.1\r\n") && head.contains("\r\nadd-padding: true\r\n"), "{head}");
    }

    #[tokio::test]
    async fn who_does_not_answer_is_not_waited_for() {
        let silent = Ranges::silent().await;
        let fault = Asked::at(silent.url.clone()).range("5BAA6").await.unwrap_err();
        assert_eq!(*fault.kind(), kernel::FaultKind::Unavailable);
        let url = silent.url.clone();
        drop(silent);
        let fault = Asked::at(url).range("5BAA6").await.unwrap_err();
        assert_eq!(*fault.kind(), kernel::FaultKind::Unavailable);
    }
}
