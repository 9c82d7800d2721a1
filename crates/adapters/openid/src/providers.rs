//! `Providers`: the port, over the providers of a deployment.

use async_trait::async_trait;
use auth_api::{Granted, IdentityProvider, IdentityProviders, Question, Told, Untold, callback_path};
use openidconnect::{IssuerUrl, RedirectUrl};

use crate::github::GitHub;
use crate::http::Http;
use crate::issuer::Issuer;
use crate::settings::{Kind, ProviderSettings, Settings, SettingsError};

/// The identity providers of a deployment.
pub struct Providers {
    http: Http,
    providers: Vec<(IdentityProvider, Way)>,
}

/// How one of them is spoken to.
enum Way {
    OpenId(Box<Issuer>),
    GitHub(Box<GitHub>),
}

impl Providers {
    /// Asks nobody yet: a provider that does not answer keeps no server from starting.
    ///
    /// # Errors
    /// If an address is no URL.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let base = settings.public_url.trim_end_matches('/');
        let each = settings.providers.iter().map(|one| {
            let provider = IdentityProvider { key: one.key.clone(), name: one.name.clone() };
            way(one, base).map(|way| (provider, way)).ok_or_else(|| SettingsError(one.key.clone()))
        });
        Ok(Self { http: Http::new(settings.timeout), providers: each.collect::<Result<_, _>>()? })
    }

    fn way(&self, provider: &str) -> Result<&Way, Untold> {
        self.providers.iter().find(|(known, _)| known.key == provider).map(|(_, way)| way).ok_or(Untold::Unknown)
    }
}

fn way(settings: &ProviderSettings, base: &str) -> Option<Way> {
    let ProviderSettings { key, client_id, client_secret, kind, .. } = settings;
    let redirect = RedirectUrl::new(format!("{base}{}", callback_path(key))).ok()?;
    Some(match kind {
        Kind::OpenId { issuer } => {
            let issuer = IssuerUrl::new(issuer.clone()).ok()?;
            Way::OpenId(Box::new(Issuer::new(issuer, client_id.clone(), client_secret.clone(), redirect)))
        }
        Kind::GitHub { base, api_base } => {
            Way::GitHub(Box::new(GitHub::new((base, api_base), client_id.clone(), client_secret, redirect)?))
        }
    })
}

#[async_trait]
impl IdentityProviders for Providers {
    fn all(&self) -> Vec<IdentityProvider> {
        self.providers.iter().map(|(provider, _)| provider.clone()).collect()
    }

    async fn ask(&self, provider: &str, question: &Question) -> Result<String, Untold> {
        match self.way(provider)? {
            Way::OpenId(issuer) => issuer.ask(&self.http, question, false).await,
            Way::GitHub(github) => Ok(github.ask(question)),
        }
    }

    async fn hear(&self, provider: &str, question: &Question, granted: &Granted) -> Result<Told, Untold> {
        match self.way(provider)? {
            Way::OpenId(issuer) => Ok(issuer.hear(&self.http, question, granted).await?.told),
            Way::GitHub(github) => github.hear(&self.http, question, granted).await,
        }
    }
}
