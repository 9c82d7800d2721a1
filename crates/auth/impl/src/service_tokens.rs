//! `ServiceTokens`: tokens that tell other services who somebody is here, and the keys by which they are believed.
//!
//! A private key is derived when it is used: from the deployment's secret, which every replica has, and the key's id. What the database has are the
//! public halves, with their times. A replica that does not have the secret of the newest one yet goes on with the one before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::{Data, ServiceConfig};
use async_trait::async_trait;
use auth_api::{Authorizer, Bearer, Directory, Error, ServiceToken, TokenKey, Tokens};
use chrono::{DateTime, SubsecRound, TimeDelta};
use jobs::Registry;
use kernel::{Actor, Clock, Ctx, Fault, Operator, OrgRole, Permission, Timestamp, UserId};
use module::Wired;
use ring::signature::Ed25519KeyPair;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use uow::SystemUow;
use uuid::Uuid;

use crate::token_key::{Step, StoredTokenKey, Wanted, step};
use crate::token_settings::TokenSettings;
use crate::{jwt, repo};

/// Anybody may ask for the public keys: so long one answer stands for all.
const FRESH: Duration = Duration::from_secs(1);
/// How often it is looked whether another key is due.
const LOOKED_EVERY: Duration = Duration::from_secs(60);

/// What tokens for other services stand on.
pub struct ServiceTokensDependencies {
    /// The platform's door: nobody else sees the keys.
    pub system: SystemUow,
    /// Whether a person has proven their address.
    pub directory: Arc<dyn Directory>,
    /// What the caller may.
    pub authorizer: Arc<dyn Authorizer>,
    /// Ends tokens, and makes keys.
    pub clock: Arc<dyn Clock>,
    /// Who says it: where clients reach this deployment.
    pub issuer: String,
    /// The deployment's secret, from which keys are derived.
    pub secret: SecretString,
    /// Those that were in use before: their keys go on to sign until others are known.
    pub previous_secrets: Vec<SecretString>,
    /// What the deployment decides.
    pub settings: TokenSettings,
}

/// Tokens for other services over PostgreSQL.
pub struct ServiceTokens {
    system: SystemUow,
    directory: Arc<dyn Directory>,
    authorizer: Arc<dyn Authorizer>,
    clock: Arc<dyn Clock>,
    issuer: String,
    secrets: Vec<SecretString>,
    audiences: Vec<String>,
    life: TimeDelta,
    rotate_every: Duration,
    /// The last answer to who asked for the public keys. Whoever finds it old asks anew, the others wait for that.
    shown: Mutex<Option<(Instant, Vec<TokenKey>)>>,
}

/// What came of the wish for another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRotation {
    /// It is shown from now on, and signs later.
    Shown {
        /// Its id.
        kid: Uuid,
        /// From when on it signs.
        signs_from: Timestamp,
    },
    /// One is shown already that does not sign yet.
    OnItsWay,
}

/// Makes another key for tokens, as an operator wants.
///
/// # Errors
/// A fault of the database.
pub async fn rotate_token_keys(
    system: &SystemUow,
    secret: &SecretString,
    now: Timestamp,
    by: &Operator,
) -> Result<TokenRotation, Fault> {
    Ok(match make_key(system, secret, (Wanted::Now, Some(by)), now).await? {
        Some(StoredTokenKey { kid, signs_from, .. }) => TokenRotation::Shown { kid, signs_from },
        None => TokenRotation::OnItsWay,
    })
}

/// Makes another key, if it is time for one: of all replicas that look at a time, one does.
async fn make_key(
    system: &SystemUow,
    secret: &SecretString,
    (wanted, by): (Wanted, Option<&Operator>),
    now: Timestamp,
) -> Result<Option<StoredTokenKey>, Fault> {
    let now = now.trunc_subsecs(6);
    system
        .write(async |tx| {
            let newest = repo::token_keys::lock_newest(tx).await?;
            let signs_from = match (step(newest.as_ref(), wanted, now), &newest) {
                (Step::None, _) => return Ok(None),
                (Step::Next { signs_from, believed_until }, Some(newest)) => {
                    repo::token_keys::end(tx, newest.kid, believed_until).await?;
                    signs_from
                }
                (Step::First | Step::Next { .. }, _) => now,
            };
            let kid = Uuid::now_v7();
            let public = jwt::public(&jwt::pair(secret, kid)?).to_vec();
            let key = StoredTokenKey { kid, public, signs_from, verifies_until: None };
            repo::token_keys::insert(tx, &key, newest.is_none(), now, by).await?;
            Ok(Some(key))
        })
        .await
}

impl ServiceTokens {
    /// Over what they stand on.
    ///
    /// # Errors
    /// A fault if a setting is out of range.
    pub fn new(dependencies: ServiceTokensDependencies) -> Result<Self, Fault> {
        let ServiceTokensDependencies { system, directory, authorizer, clock, issuer, secret, previous_secrets, settings } =
            dependencies;
        Ok(Self {
            system,
            directory,
            authorizer,
            clock,
            issuer,
            secrets: std::iter::once(secret).chain(previous_secrets).collect(),
            audiences: settings.audiences,
            life: TimeDelta::from_std(settings.lifetime).map_err(Fault::internal)?,
            rotate_every: settings.rotate_every,
            shown: Mutex::default(),
        })
    }

    /// Makes another key, if it is time for one. For a job.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn rotate_if_due(&self) -> Result<(), Fault> {
        self.make(Wanted::After(self.rotate_every)).await
    }

    async fn make(&self, wanted: Wanted) -> Result<(), Fault> {
        let Some(secret) = self.secrets.first() else { return Ok(()) };
        if let Some(key) = make_key(&self.system, secret, (wanted, None), self.clock.now()).await? {
            tracing::info!(kid = %key.kid, signs_from = %key.signs_from, "another key for tokens is shown");
        }
        Ok(())
    }

    /// The keys that are believed, the newest first. There is one as soon as somebody asks.
    async fn believed(&self) -> Result<Vec<StoredTokenKey>, Fault> {
        let keys = self.look().await?;
        if !keys.is_empty() {
            return Ok(keys);
        }
        self.make(Wanted::First).await?;
        self.look().await
    }

    async fn look(&self) -> Result<Vec<StoredTokenKey>, Fault> {
        let now = self.clock.now();
        self.system.read(async |tx| repo::token_keys::believed(tx, now).await).await
    }

    /// The pair of a key, if this process has the secret that it was derived from.
    fn pair_of(&self, key: &StoredTokenKey) -> Result<Option<Ed25519KeyPair>, Fault> {
        for secret in &self.secrets {
            let pair = jwt::pair(secret, key.kid)?;
            if jwt::public(&pair) == key.public.as_slice() {
                return Ok(Some(pair));
            }
        }
        Ok(None)
    }

    /// With which of the keys is signed now what is to be believed until then.
    fn signer(&self, keys: &[StoredTokenKey], now: Timestamp, until: Timestamp) -> Result<(Uuid, Ed25519KeyPair), Fault> {
        for key in keys.iter().filter(|key| key.signs(now, until)) {
            if let Some(pair) = self.pair_of(key)? {
                return Ok((key.kid, pair));
            }
            tracing::warn!(kid = %key.kid, "a key for tokens is of a secret that this process has not got: looking for one before it");
        }
        Err(Fault::unavailable("no key for tokens is of this deployment's secret: `build14 tokens rotate` makes one"))
    }

    /// Passes if the person has proven their address. Of a key that is kept, its creator may have removed the account.
    async fn check_proven(&self, ctx: &Ctx, user: UserId) -> Result<(), Error> {
        match self.system.read(async |tx| self.directory.person(tx, user).await).await? {
            Some(person) if person.email_verified => Ok(()),
            Some(_) => Err(Error::EmailNotVerified),
            None if ctx.key.as_ref().is_some_and(|key| key.of_leaver) => Ok(()),
            None => Err(Error::NotAuthenticated),
        }
    }

    /// What is told of the caller: what they may in the organisation as a whole now, and of a person the roles, the built-in one first. Of an API key never
    /// what its creator is.
    async fn told(&self, bearer: &Bearer, user: UserId, role: OrgRole) -> Result<Value, Fault> {
        let ctx = &bearer.ctx;
        let scope: Vec<&str> = self.authorizer.permissions(ctx).into_iter().map(Permission::name).collect();
        let scope = scope.join(" ");
        Ok(match &ctx.key {
            None => {
                let mut roles = vec![role.name().to_owned()];
                roles.extend(self.system.read(async |tx| self.directory.custom_roles(tx, user, ctx.org).await).await?);
                json!({
                    "sub": user, "sub_kind": "person", "roles": roles, "scope": scope,
                    "auth_time": bearer.authenticated_at.map(|at| at.timestamp()),
                })
            }
            Some(key) => json!({ "sub": key.id, "sub_kind": "api_key", "roles": [], "scope": scope }),
        })
    }
}

#[async_trait]
impl Tokens for ServiceTokens {
    async fn issue(&self, bearer: &Bearer, audience: &str) -> Result<ServiceToken, Error> {
        let Actor::User(user, role) = bearer.ctx.actor else { return Err(Error::NotAuthenticated) };
        if !self.audiences.iter().any(|known| known == audience) {
            let detail = "is no service that tokens may be for here";
            return Err(Error::invalid("/audience", "AUDIENCE_NOT_ALLOWED", detail));
        }
        self.check_proven(&bearer.ctx, user).await?;
        let keys = self.believed().await?;
        // After the first key may have been made, which signs from then on.
        let now = self.clock.now();
        let (issued, ends) = (now.timestamp(), (now + self.life).min(bearer.until).timestamp());
        let expires_at = DateTime::from_timestamp(ends, 0).filter(|_| issued < ends).ok_or(Error::NotAuthenticated)?;
        let (kid, pair) = self.signer(&keys, now, expires_at)?;
        let mut claims = self.told(bearer, user, role).await?;
        for (name, value) in [
            ("iss", json!(self.issuer)),
            ("aud", json!(audience)),
            ("org", json!(bearer.ctx.org)),
            ("jti", json!(Uuid::now_v7())),
            ("iat", json!(issued)),
            ("nbf", json!(issued)),
            ("exp", json!(ends)),
        ] {
            claims[name] = value;
        }
        metrics::counter!("service_tokens_total").increment(1);
        Ok(ServiceToken { token: jwt::signed(&pair, kid, &claims), expires_at })
    }

    async fn keys(&self) -> Result<Vec<TokenKey>, Fault> {
        let mut shown = self.shown.lock().await;
        if let Some((at, keys)) = shown.as_ref()
            && at.elapsed() < FRESH
        {
            return Ok(keys.clone());
        }
        let keys: Vec<_> = self.believed().await?.into_iter().map(|key| TokenKey { kid: key.kid, public: key.public }).collect();
        *shown = Some((Instant::now(), keys.clone()));
        Ok(keys)
    }
}

impl Wired for ServiceTokens {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self as Arc<dyn Tokens>));
    }

    fn register(self: Arc<Self>, registry: &mut Registry) {
        registry.every("auth.rotate_token_keys", LOOKED_EVERY, &self, |tokens| async move { tokens.rotate_if_due().await });
    }
}
