//! `Issuers`: implements the port of `auth` for the issuers of organisations. Each organisation says itself where its issuer is.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use auth_api::{Asserted, Granted, IssuerClient, Question, Untold, sign_on_callback_path};
use hyper::Uri;
use openidconnect::{IssuerUrl, RedirectUrl};

use crate::guard::may_be_asked;
use crate::http::Http;
use crate::issuer::{Issuer, Kept};

/// The descriptions of so many issuers are kept. With one more all of them are let go, and read anew when they are needed.
const MOST_KEPT: usize = 1_000;

/// How the issuers of organisations are asked.
#[derive(Debug, Clone)]
pub struct IssuerSettings {
    /// Under which browsers reach this server: they are sent back below it.
    pub public_url: String,
    /// How long one request may take.
    pub timeout: Duration,
    /// Whether one may be at a private address, and without TLS.
    pub private_issuers: bool,
}

/// The issuers of organisations.
pub struct Issuers {
    http: Http,
    base: String,
    private: bool,
    kept: Mutex<HashMap<String, Kept>>,
}

impl Issuers {
    /// Asks nobody yet.
    #[must_use]
    pub fn new(settings: IssuerSettings) -> Self {
        let IssuerSettings { public_url, timeout, private_issuers } = settings;
        let http = if private_issuers { Http::new(timeout) } else { Http::guarded(timeout) };
        let base = public_url.trim_end_matches('/').to_owned();
        Self { http, base, private: private_issuers, kept: Mutex::default() }
    }

    /// What is kept of an issuer: one description, however many organisations have people there.
    fn kept(&self, issuer: &str) -> Kept {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT && !kept.contains_key(issuer) {
            kept.clear();
        }
        kept.entry(issuer.to_owned()).or_default().clone()
    }

    /// The issuer, as an organisation's client speaks to it.
    fn of(&self, client: &IssuerClient<'_>) -> Result<Issuer, Untold> {
        let unusable = |_| Untold::Refused("its name is no URL".to_owned());
        let issuer = IssuerUrl::new(client.issuer.to_owned()).map_err(unusable)?;
        let redirect = RedirectUrl::new(format!("{}{}", self.base, sign_on_callback_path(client.org))).map_err(unusable)?;
        let (id, secret) = (client.client_id.to_owned(), client.client_secret.clone());
        Ok(Issuer::sharing(issuer, id, secret, redirect, self.kept(client.issuer)))
    }
}

#[async_trait]
impl auth_api::Issuers for Issuers {
    fn flaw(&self, issuer: &str) -> Option<&'static str> {
        let uri: Option<Uri> = issuer.parse().ok();
        let is_plain = !issuer.contains(['?', '#', '@']) && IssuerUrl::new(issuer.to_owned()).is_ok();
        let local = ["http://", "https://"].iter().any(|start| issuer.starts_with(start));
        let may = uri.is_some_and(|uri| may_be_asked(&uri) || (self.private && local && uri.host().is_some()));
        (!is_plain || !may).then_some("must be a URL that begins with https://, at a public name, as the issuer names itself: no query, no name or password in it")
    }

    async fn ask(&self, client: &IssuerClient<'_>, question: &Question, anew: bool) -> Result<String, Untold> {
        self.of(client)?.ask(&self.http, question, anew).await
    }

    async fn hear(&self, client: &IssuerClient<'_>, question: &Question, granted: &Granted) -> Result<Asserted, Untold> {
        self.of(client)?.hear(&self.http, question, granted).await
    }
}
