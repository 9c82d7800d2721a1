//! How this domain offers itself to the server. Its endpoints are in `users`: who signs in is a person.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Data, ServiceConfig};
use auth_api::{Authorizer, Passkeys, Proofs, SecondFactors, SignIn, SignInElsewhere, perm};
use jobs::Registry;
use module::{Module, Wired};

use crate::{Elsewhere, KeySettings, Policy, ProviderSettings, Service, Settings, SignOnSettings, TokenSettings};

/// Sign-in, sessions, permissions.
pub const MODULE: Module = Module {
    permissions: perm::ALL,
    settings: |reader| {
        Settings::read(reader);
        KeySettings::read(reader);
        ProviderSettings::read(reader);
        SignOnSettings::read(reader);
        TokenSettings::read(reader);
    },
    ..Module::named("auth")
};

/// An ended session is kept for so long, for questions about who was signed in.
const KEPT: chrono::TimeDelta = chrono::TimeDelta::days(30);

impl Wired for Service {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        let proofs: Arc<dyn Proofs> = self.clone();
        let passkeys: Arc<dyn Passkeys> = self.clone();
        let factors: Arc<dyn SecondFactors> = self.clone();
        config.app_data(Data::from(proofs)).app_data(Data::from(factors)).app_data(Data::from(passkeys));
        config.app_data(Data::from(self as Arc<dyn SignIn>));
    }

    fn register(self: Arc<Self>, registry: &mut Registry) {
        registry.every("auth.purge_sessions", Duration::from_secs(3600), &self, |auth| async move {
            auth.purge(chrono::Utc::now() - KEPT).await.map(drop)
        });
        registry.every("auth.end_over", Duration::from_secs(60), &self, |auth| async move { auth.end_over().await });
        registry.every("auth.end_support", Duration::from_secs(60), &self, |auth| async move { auth.end_support_over().await });
    }
}

impl Wired for Elsewhere {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self as Arc<dyn SignInElsewhere>));
    }
}

impl Wired for Policy {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self as Arc<dyn Authorizer>));
    }
}
