//! Single sign-on: an organisation's own issuer says who its people are. What it says counts for addresses of domains that the organisation has proven, and
//! leads into that organisation alone.
//!
//! Locked are the person, what waits for them (an invitation), the organisation, the domain, the connection, sessions, in this order.

mod entering;
mod managing;

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use async_trait::async_trait;
use auth_api::email::Email;
use auth_api::{
    Asking, Authorizer, Begun, Client, Connection, Error, Issuers, Landed, Landing, NewConnection, Returned, SecurityEventKind,
    SignOnMode, SignOnRoute, SingleSignOn, Told, Untold, perm,
};
use kernel::{Ctx, OrgId, Scope, SessionId, Timestamp, UserId};
use mail_api::Language;
use module::Wired;
use secrecy::{ExposeSecret, SecretString};

use super::Service;
use super::asking::origin;
use super::elsewhere::refused;
use crate::elsewhere as rules;
use crate::repo::sign_on::{Begun as Pending, StoredConnection};
use crate::security_event::Whose;
use crate::{repo, security, token};

/// Where a browser goes on that tested a connection: its page says what came of it.
const AFTER_TEST: &str = "/";

/// Single sign-on, over sign-in here.
pub struct SignOn {
    auth: Arc<Service>,
    issuers: Arc<dyn Issuers>,
    authorizer: Arc<dyn Authorizer>,
}

impl SignOn {
    /// By the issuers of organisations, as they are asked there.
    #[must_use]
    pub fn new(auth: Arc<Service>, issuers: Arc<dyn Issuers>, authorizer: Arc<dyn Authorizer>) -> Self {
        Self { auth, issuers, authorizer }
    }

    /// The connection of an organisation, whether it is on or not.
    async fn stored(&self, org: OrgId) -> Result<StoredConnection, Error> {
        let stored = self.auth.system.read(async |tx| repo::sign_on::of(tx, org).await).await?;
        stored.ok_or(Error::NoSingleSignOn)
    }

    /// The connection by which people come in.
    async fn open(&self, org: OrgId) -> Result<StoredConnection, Error> {
        let stored = self.stored(org).await?;
        if stored.connection.mode == SignOnMode::Off {
            return Err(Error::NoSingleSignOn);
        }
        let rules = self.auth.system.read(async |tx| self.auth.directory.session_rules(tx, org).await).await?;
        if rules.suspended { Err(Error::OrganizationSuspended) } else { Ok(stored) }
    }

    /// The secret of a connection's client.
    fn secret_of(&self, stored: &StoredConnection) -> Result<SecretString, Error> {
        let of = (stored.connection.org, stored.connection.id);
        Ok(self.auth.sign_on_secret.open(of, &stored.secret)?.secret)
    }

    /// Sends a browser to the issuer of a connection, to show there who its person is even if they are signed in, if that is wanted.
    async fn send_off(
        &self,
        stored: &StoredConnection,
        tests: Option<(UserId, SessionId)>,
        (return_to, anew): (Option<&str>, bool),
        browser: Option<&SecretString>,
    ) -> Result<Begun, Error> {
        let return_to = rules::return_path(return_to).map_err(|fault| Error::Invalid(vec![fault]))?;
        let (browser, browser_hash) = rules::browser_of(browser)?;
        let (state, state_hash) = token::fresh()?;
        let question = rules::question(&self.auth.switch_secret, &browser, state)?;
        let (org, connection) = (stored.connection.org, stored.connection.id);
        let secret = self.secret_of(stored)?;
        let asked = self.issuers.ask(&client_of(&stored.connection, &secret), &question, anew).await;
        let url = asked.map_err(|untold| refused(&untold, &org.to_string()))?;
        let now = self.auth.instant();
        let (expires_at, hashes) = (rules::until(now), (&state_hash, &browser_hash));
        let pending = Pending { org, connection, tests, return_to };
        self.auth.system.write(async |tx| repo::sign_on::begin(tx, hashes, &pending, (now, expires_at)).await).await?;
        Ok(Begun { url, browser, expires_at })
    }

    /// Notes that the issuer of an organisation told of somebody who was not let in: of whom, where the address is of that organisation.
    async fn note_refusal(&self, org: OrgId, user: Option<UserId>, asking: &Asking<'_>) {
        let whose = Whose { user, org: Some(org) };
        security::note(&self.auth.system, SecurityEventKind::SignOnRefused, whose, origin(asking)).await;
    }
}

/// As whom an issuer is asked.
fn client_of<'a>(connection: &'a Connection, secret: &'a SecretString) -> auth_api::IssuerClient<'a> {
    let Connection { org, issuer, client_id, .. } = connection;
    auth_api::IssuerClient { org: *org, issuer, client_id, client_secret: secret }
}

#[async_trait]
impl SingleSignOn for SignOn {
    async fn connection(&self, ctx: &Ctx) -> Result<Connection, Error> {
        self.authorizer.check(ctx, perm::SIGN_ON_READ, Scope::Organization)?;
        Ok(self.stored(ctx.org).await?.connection)
    }

    async fn set(
        &self,
        ctx: &Ctx,
        session: SessionId,
        new: NewConnection,
        client: &Client,
        language: Language,
    ) -> Result<Connection, Error> {
        self.configure(ctx, session, new, (client, language)).await
    }

    async fn set_mode(
        &self,
        ctx: &Ctx,
        session: SessionId,
        mode: SignOnMode,
        client: &Client,
        language: Language,
    ) -> Result<Connection, Error> {
        self.turn(ctx, session, mode, (client, language)).await
    }

    async fn remove(&self, ctx: &Ctx, session: SessionId, client: &Client, language: Language) -> Result<(), Error> {
        self.forget(ctx, session, (client, language)).await
    }

    async fn test(&self, ctx: &Ctx, session: SessionId, browser: Option<&SecretString>) -> Result<Begun, Error> {
        let user = self.manager(ctx)?;
        let stored = self.stored(ctx.org).await?;
        self.send_off(&stored, Some((user, session)), (Some(AFTER_TEST), false), browser).await
    }

    async fn route(&self, email: &str) -> Result<Option<SignOnRoute>, Error> {
        let email = Email::parse(email).map_err(|flaw| Error::Invalid(vec![flaw.at("/email")]))?;
        let found = self
            .auth
            .system
            .read(async |tx| match self.auth.directory.owner_of_domain(tx, email.domain()).await? {
                Some(org) => repo::sign_on::of(tx, org).await,
                None => Ok(None),
            })
            .await?;
        let on = found.map(|stored| stored.connection).filter(|connection| connection.mode != SignOnMode::Off);
        Ok(on.map(|connection| SignOnRoute { org: connection.org, enforced: connection.mode == SignOnMode::Enforced }))
    }

    async fn begin(
        &self,
        org: OrgId,
        return_to: Option<&str>,
        anew: bool,
        browser: Option<&SecretString>,
    ) -> Result<Begun, Error> {
        let stored = self.open(org).await?;
        self.send_off(&stored, None, (return_to, anew), browser).await
    }

    async fn finish(
        &self,
        org: OrgId,
        returned: Returned,
        asking: Asking<'_>,
        device: Option<&SecretString>,
    ) -> Result<Landing, Error> {
        let Returned { state, browser, granted, declined } = returned;
        let browser = rules::known_browser(browser.as_ref()).ok_or(Error::SignInSpent)?;
        let hashes = token::hash(state.expose_secret()).zip(token::hash(browser.expose_secret()));
        let (state_hash, browser_hash) = hashes.ok_or(Error::SignInSpent)?;
        let (now, provider) = (self.auth.clock.now(), org.to_string());
        let system = &self.auth.system;
        let Pending { org: asked, connection, tests, return_to } =
            system.write(async |tx| repo::sign_on::end(tx, &state_hash, &browser_hash, now).await).await?;
        // Whom one organisation's issuer was asked for, no other one tells.
        if asked != org {
            return Err(refused(&Untold::Refused(format!("the issuer of {asked} was asked")), &provider));
        }
        if declined {
            return Err(Error::SignInDeclined);
        }
        let Some(granted) = granted else {
            return Err(refused(&Untold::Refused("it grants no code".to_owned()), &provider));
        };
        let stored = if tests.is_some() { self.stored(org).await? } else { self.open(org).await? };
        // Another issuer, or another client, is asked anew.
        if stored.connection.id != connection {
            return Err(Error::SignInSpent);
        }
        let question = rules::question(&self.auth.switch_secret, &browser, state)?;
        let secret = self.secret_of(&stored)?;
        let heard = self.issuers.hear(&client_of(&stored.connection, &secret), &question, &granted).await;
        let asserted = heard.map_err(|untold| refused(&untold, &provider))?;
        let unsound = || refused(&Untold::Refused("it tells no issuer, no subject, or one without end".to_owned()), &provider);
        let told = rules::checked(asserted.told).ok_or_else(unsound)?;
        let (disowned, factor, shown_at) = (asserted.disowned, asserted.factor, asserted.shown_at);
        let heard = Heard { told: &told, disowned, factor, shown_at, asking: &asking, device };
        if let Some(by) = tests {
            let shown = self.note_test(&stored.connection, by, heard).await?;
            return Ok(Landing { landed: Landed::Tested(shown), return_to });
        }
        let entered = self.enter(&stored.connection, heard).await?;
        let entered = self.auth.complete_entered(entered).await?;
        Ok(Landing { landed: Landed::Entered(Box::new(entered)), return_to })
    }
}

/// What was heard of whom.
#[derive(Clone, Copy)]
struct Heard<'a> {
    pub told: &'a Told,
    /// Whether the issuer says that the address is not proven.
    pub disowned: bool,
    /// Whether it says that it asked for a second factor.
    pub factor: bool,
    /// When they showed the issuer who they are, if it says that.
    pub shown_at: Option<Timestamp>,
    pub asking: &'a Asking<'a>,
    /// What the device presents.
    pub device: Option<&'a SecretString>,
}

impl Heard<'_> {
    /// The address that the issuer tells, unless it says itself that nobody proved it.
    fn address(&self) -> Option<Email> {
        let email = self.told.email.as_deref().filter(|_| !self.disowned)?;
        Email::parse(email).ok()
    }
}

impl Wired for SignOn {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self as Arc<dyn SingleSignOn>));
    }
}
