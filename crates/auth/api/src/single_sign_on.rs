//! Single sign-on: an organisation's own issuer says who its people are. What it says lets them into that organisation, and into nothing else.

use async_trait::async_trait;
use kernel::{Ctx, OrgId, SessionId, Timestamp, UserId};
use mail_api::Language;
use secrecy::SecretString;

use crate::elsewhere::{Begun, Granted, Question, Returned, Told, Untold};
use crate::proof::Asking;
use crate::security::Client;
use crate::{Entered, Error};

kernel::ids! {
    /// An organisation's connection with its issuer.
    ConnectionId;
}

kernel::named! {
    /// Whether an organisation's people sign in by its own issuer: `off`, `optional`, or `enforced`, for addresses of its proven domains.
    pub enum SignOnMode {
        /// Nobody does.
        Off = "off",
        /// Who wants to.
        Optional = "optional",
        /// Whoever has an address of a proven domain, but for the owners who are named.
        Enforced = "enforced",
    }
}

/// An organisation's connection with its issuer. The client's secret is told to nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its id: of another issuer or client it is another one.
    pub id: ConnectionId,
    /// Whose it is.
    pub org: OrgId,
    /// The issuer, as it names itself.
    pub issuer: String,
    /// What the issuer knows this server by.
    pub client_id: String,
    /// Whether it is on.
    pub mode: SignOnMode,
    /// Whether whom it signs in, and who is no member, becomes one by that.
    pub joins: bool,
    /// Whether a second factor that the issuer says it asked for counts here.
    pub trusts_factor: bool,
    /// The owners who come in without it, where it is enforced.
    pub break_glass: Vec<UserId>,
    /// When somebody last came back from the issuer as it should be; `None`: nobody yet.
    pub tested_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How a connection is to be.
#[derive(Debug)]
pub struct NewConnection {
    /// The issuer, as it names itself.
    pub issuer: String,
    /// What the issuer knows this server by.
    pub client_id: String,
    /// By what this server proves that; `None`: the one that is there already.
    pub client_secret: Option<SecretString>,
    /// [`Connection::joins`].
    pub joins: bool,
    /// [`Connection::trusts_factor`].
    pub trusts_factor: bool,
    /// [`Connection::break_glass`].
    pub break_glass: Vec<UserId>,
}

/// As whom an issuer is asked.
#[derive(Debug, Clone, Copy)]
pub struct IssuerClient<'a> {
    /// Whose connection it is: each organisation has a place of its own where browsers come back.
    pub org: OrgId,
    /// The issuer, as it names itself.
    pub issuer: &'a str,
    /// What it knows this server by.
    pub client_id: &'a str,
    /// By what this server proves that.
    pub client_secret: &'a SecretString,
}

/// What an organisation's issuer says of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asserted {
    /// Who it is.
    pub told: Told,
    /// Whether it says in so many words that the address is not proven. Many issuers say nothing of that.
    pub disowned: bool,
    /// Whether it says that more than one factor was asked for (`amr` of RFC 8176).
    pub factor: bool,
    /// When they last showed it who they are, if it says that (`auth_time`): who is signed in there already shows nothing when they are sent here.
    pub shown_at: Option<Timestamp>,
}

/// The issuers of organisations. Each organisation says itself where its issuer is. Implemented over HTTP by an adapter.
#[async_trait]
pub trait Issuers: Send + Sync {
    /// What is wrong with an issuer's name, if anything is: it must be an address that may be asked.
    fn flaw(&self, issuer: &str) -> Option<&'static str>;

    /// Where a browser is sent, so that its person says there who they are; `anew` also if they are signed in there already.
    ///
    /// # Errors
    /// [`Untold`].
    async fn ask(&self, client: &IssuerClient<'_>, question: &Question, anew: bool) -> Result<String, Untold>;

    /// Who came back.
    ///
    /// # Errors
    /// [`Untold`].
    async fn hear(&self, client: &IssuerClient<'_>, question: &Question, granted: &Granted) -> Result<Asserted, Untold>;
}

/// Where people with an address of a domain sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignOnRoute {
    /// At whose issuer.
    pub org: OrgId,
    /// Whether there is no other way into that organisation.
    pub enforced: bool,
}

/// What an issuer told in a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOnTest {
    /// The address, if one was told.
    pub email: Option<String>,
    /// Whether that is of a proven domain of the organisation: else it would let nobody in.
    pub at_home: bool,
}

/// What came of a browser that came back.
#[derive(Debug)]
pub enum Landed {
    /// The person is signed in, or asked for their second factor.
    Entered(Box<Entered>),
    /// It was a test: nobody is signed in.
    Tested(SignOnTest),
}

/// Somebody came back.
#[derive(Debug)]
pub struct Landing {
    /// What came of it.
    pub landed: Landed,
    /// The path of this server at which they go on.
    pub return_to: String,
}

/// The verbs of single sign-on.
#[async_trait]
pub trait SingleSignOn: Send + Sync {
    /// The connection of the context's organisation.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NoSingleSignOn`].
    async fn connection(&self, ctx: &Ctx) -> Result<Connection, Error>;

    /// Makes it, or changes it. With another issuer or client it is another connection: off, untested, whom the one before knew unknown, and its sessions
    /// ended. The route sees to it that the person proved a moment ago who they are. All owners are told.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Invalid`].
    async fn set(
        &self,
        ctx: &Ctx,
        session: SessionId,
        new: NewConnection,
        client: &Client,
        language: Language,
    ) -> Result<Connection, Error>;

    /// Turns it on, enforces it, or turns it off: then its sessions end at once, everywhere. All owners are told.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NoSingleSignOn`]; [`Error::SignOnUntested`], [`Error::NoProvenDomain`]; [`Error::Invalid`] without owners who come in
    /// without it.
    async fn set_mode(
        &self,
        ctx: &Ctx,
        session: SessionId,
        mode: SignOnMode,
        client: &Client,
        language: Language,
    ) -> Result<Connection, Error>;

    /// Removes it, with whom it knew; its sessions end at once, everywhere. All owners are told.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NoSingleSignOn`].
    async fn remove(&self, ctx: &Ctx, session: SessionId, client: &Client, language: Language) -> Result<(), Error>;

    /// Begins a sign-in at the issuer that signs nobody in: it shows what the issuer says. `browser` is the cookie of an earlier one.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NoSingleSignOn`], [`Error::ProviderUnreachable`], [`Error::ProviderRefused`].
    async fn test(&self, ctx: &Ctx, session: SessionId, browser: Option<&SecretString>) -> Result<Begun, Error>;

    /// Where whoever has this address signs in: by its domain alone, whoever has the address, if anybody does.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no address.
    async fn route(&self, email: &str) -> Result<Option<SignOnRoute>, Error>;

    /// Begins a sign-in at the issuer of an organisation; `anew` asks for a fresh proof of who somebody is there.
    ///
    /// # Errors
    /// [`Error::NoSingleSignOn`], [`Error::OrganizationSuspended`], [`Error::ProviderUnreachable`], [`Error::ProviderRefused`]; [`Error::Invalid`] for a
    /// `return_to` that leads elsewhere.
    async fn begin(
        &self,
        org: OrgId,
        return_to: Option<&str>,
        anew: bool,
        browser: Option<&SecretString>,
    ) -> Result<Begun, Error>;

    /// Ends what began: a session in that organisation, or the question for the second factor, or what a test shows. `device` is what a device presents on
    /// which somebody signed in before.
    ///
    /// # Errors
    /// As [`crate::SignInElsewhere::finish`]; [`Error::NoSingleSignOn`], [`Error::AddressNotAtHome`], [`Error::NotInvited`], [`Error::NotLetIn`],
    /// [`Error::SubjectChanged`].
    async fn finish(
        &self,
        org: OrgId,
        returned: Returned,
        asking: Asking<'_>,
        device: Option<&SecretString>,
    ) -> Result<Landing, Error>;
}
