//! The identity providers of a deployment, as its settings name them, and the issuers of organisations, which name themselves.

use auth::{ProviderKind, ProviderSettings, SignOnSettings};

use crate::config::Settings;

/// Over HTTP; browsers come back below `public_url`.
///
/// # Errors
/// If a setting cannot be used.
pub(super) fn providers(settings: &Settings, public_url: &str) -> anyhow::Result<openid::Providers> {
    let configured = ProviderSettings::read(&mut settings.reader());
    // All have the same.
    let timeout = configured.first().map(|one| one.timeout).unwrap_or_default();
    let providers = configured.into_iter().map(|one| {
        let ProviderSettings { key, name, client_id, client_secret, kind, .. } = one;
        let kind = match kind {
            ProviderKind::OpenId(issuer) => openid::Kind::OpenId { issuer },
            ProviderKind::GitHub(base, api_base) => openid::Kind::GitHub { base, api_base },
        };
        openid::ProviderSettings { key, name, client_id, client_secret, kind }
    });
    let providers = providers.collect();
    Ok(openid::Providers::new(&openid::Settings { public_url: public_url.to_owned(), timeout, providers })?)
}

/// Over HTTP, at public addresses alone; browsers come back below `public_url`.
pub(super) fn issuers(settings: &Settings, public_url: &str) -> openid::Issuers {
    let SignOnSettings { timeout, private_issuers } = SignOnSettings::read(&mut settings.reader());
    openid::Issuers::new(openid::IssuerSettings { public_url: public_url.to_owned(), timeout, private_issuers })
}
