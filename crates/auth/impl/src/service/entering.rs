//! Signing in: whose password is tried, from where, and whether it may be tried at all.

use std::net::IpAddr;

use auth_api::{Client, Entered, Error, KnownDevice, SecurityEventKind, SignInMethod};
use kernel::{Fault, RequestId, UserId};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uow::Tx;
use uuid::Uuid;

use super::Service;
use super::admitting::Admission;
use super::asking::whose;
use crate::attempts::{Familiar, network_of};
use crate::budget::Limited;
use crate::hasher::Verified;
use crate::repo::devices::Whence;
use crate::security_event::{Origin, Whose};
use crate::token::TokenHash;
use crate::{repo, security, token};

fn hash_of(device: Option<&SecretString>) -> Option<TokenHash> {
    token::hash(device?.expose_secret())
}

/// A person's network as it is kept: of another person it is another hash.
fn network_hash(user: UserId, from: Option<IpAddr>) -> Option<[u8; 32]> {
    network_of(from).map(|network| Sha256::digest(format!("{user} {network}")).into())
}

impl Service {
    pub(super) async fn enter(
        &self,
        request: &RequestId,
        email: &str,
        password: SecretString,
        client: &Client,
        device: Option<&SecretString>,
    ) -> Result<Entered, Error> {
        let from = client.address;
        let origin = || Origin { request, address: from };
        let limited = SecurityEventKind::SignInLimited;
        if hash_of(device).is_none()
            && let Err(pause) = self.attempts.look(email, from, self.clock.now())
        {
            // Once for a pause: whoever goes on trying writes nothing.
            let known = if pause.first { self.known(email).await? } else { None };
            return Err(self.refused(pause, limited, whose(known.as_ref()), origin()).await);
        }
        let known = self.known(email).await?;
        let whose = whose(known.as_ref());
        let familiar = self.familiar(whose.user, device, from).await?;
        // Before the password is looked at: of a burst no more are, than may turn out wrong.
        let tries = match self.attempts.enter(email, from, familiar, &*self.clock).await {
            Ok(tries) => tries,
            Err(pause) => return Err(self.refused(pause, limited, whose, origin()).await),
        };
        let phc = known.as_ref().and_then(|known| known.password.clone());
        let Verified { right, stronger } = self.hasher.verify(password, phc).await?;
        let Some(known) = known.filter(|_| right) else {
            tries.were_wrong(self.clock.now());
            drop(tries);
            security::note(&self.system, SecurityEventKind::SignInFailed, whose, origin()).await;
            return Err(Error::WrongCredentials);
        };
        self.attempts.forget(email, from, familiar);
        drop(tries);
        let user = known.person.id;
        self.system
            .write(async |tx| {
                // Changed while the old one was being checked: that one no longer opens anything.
                if repo::lock_person(tx, user).await? != known.password {
                    return Err(Error::WrongCredentials);
                }
                if let (Some(old), Some(new)) = (&known.password, &stronger) {
                    repo::replace_password(tx, user, old, new).await?;
                }
                let (known, method, action) = (&known, SignInMethod::Password, "auth.login");
                self.admit_in(tx, Admission { request, known, client, method, action, device, by: None }).await
            })
            .await
    }

    /// What a limit answers; the first time in its pause it is a security event.
    pub(super) async fn refused(
        &self,
        limited: Limited,
        kind: SecurityEventKind,
        whose: impl Into<Whose>,
        origin: Origin<'_>,
    ) -> Error {
        if limited.first {
            security::note(&self.system, kind, whose, origin).await;
        }
        limited.error
    }

    /// Whether the person has signed in before where this comes from. Of an unknown email the same is asked.
    pub(super) async fn familiar(
        &self,
        user: Option<UserId>,
        device: Option<&SecretString>,
        from: Option<IpAddr>,
    ) -> Result<Familiar, Fault> {
        let (user, now) = (user.unwrap_or(UserId(Uuid::nil())), self.clock.now());
        let whence = Whence { device: hash_of(device), network: network_hash(user, from) };
        let known = self.system.read(async |tx| repo::devices::is_known(tx, user, &whence, now).await).await?;
        Ok(match (known, whence.device) {
            ((true, _), Some(device)) => Familiar::Device(device),
            ((_, true), _) => Familiar::Network,
            _ => Familiar::Stranger,
        })
    }

    /// Whether the person has signed in neither on this device before nor from this network. Where nobody knows from where they come, nobody can tell.
    pub(super) async fn is_strange_in(
        &self,
        tx: &mut Tx,
        user: UserId,
        device: Option<&SecretString>,
        from: Option<IpAddr>,
    ) -> Result<bool, Fault> {
        let whence = Whence { device: hash_of(device), network: network_hash(user, from) };
        Ok(whence.network.is_some() && !repo::devices::is_known_in(tx, user, &whence, self.clock.now()).await?)
    }

    /// Notes where the person signs in: on the device that they present, if it is theirs, or on a new one.
    pub(super) async fn know_device_in(
        &self,
        tx: &mut Tx,
        user: UserId,
        presented: Option<&SecretString>,
        from: Option<IpAddr>,
    ) -> Result<KnownDevice, Fault> {
        let now = self.clock.now();
        let (expires_at, network) = (now + self.device_kept, network_hash(user, from));
        let known = Whence { device: hash_of(presented), network };
        let seen = repo::devices::seen_again(tx, user, &known, now, expires_at).await?;
        let token = match presented {
            Some(token) if seen => token.clone(),
            _ => {
                let (token, hash) = token::fresh()?;
                repo::devices::insert(tx, user, &Whence { device: Some(hash), network }, now, expires_at).await?;
                token
            }
        };
        repo::devices::forget_oldest(tx, user).await?;
        Ok(KnownDevice { token, expires_at })
    }
}
