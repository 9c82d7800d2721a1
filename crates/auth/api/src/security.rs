//! Sessions, known devices and security events as their person sees them.

use std::net::IpAddr;

use kernel::{OrgId, SessionId, Timestamp};
use mail_api::Language;
use secrecy::SecretString;
use uuid::Uuid;

/// What a request tells of the program that sent it. Nothing is decided by it but how it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// Its address, if that is known.
    pub address: Option<IpAddr>,
    /// What it calls itself (`User-Agent`), cut off where that is long.
    pub agent: Option<String>,
    /// In which language its person is written to who has chosen none, if the request says.
    pub language: Option<Language>,
}

kernel::named! {
    /// By what a person proved who they are.
    pub enum SignInMethod {
        /// Their password.
        Password = "password",
        /// A link sent to their email.
        MagicLink = "magic_link",
        /// An identity provider, such as Google.
        IdentityProvider = "identity_provider",
        /// A passkey, with the authenticator seeing to it that it is its person.
        Passkey = "passkey",
        /// The organisation's own issuer.
        SingleSignOn = "single_sign_on",
    }
}

/// A live session of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession {
    /// Its id.
    pub id: SessionId,
    /// The organisation it is in.
    pub org: OrgId,
    /// On what it was begun, as far as the program said: such as `Firefox on Windows`.
    pub device: Option<String>,
    /// From which address it was begun, if that is known.
    pub address: Option<IpAddr>,
    /// By what the person proved who they are.
    pub method: SignInMethod,
    /// When they did.
    pub authenticated_at: Timestamp,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to a minute or two.
    pub last_seen_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// By what a device is known again when its person signs in there another time. It opens nothing: tries made there are counted apart from those of
/// strangers.
#[derive(Debug, Clone)]
pub struct KnownDevice {
    /// 256 random bits; only their hash is stored.
    pub token: SecretString,
    /// Until when it is known, unless its person signs in there again.
    pub expires_at: Timestamp,
}

/// What happened to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityEvent {
    /// Its id, which decides among those of one instant.
    pub id: Uuid,
    /// What it was.
    pub kind: SecurityEventKind,
    /// When.
    pub at: Timestamp,
    /// The client's address, if it is known.
    pub address: Option<IpAddr>,
}

kernel::named! {
    /// The kinds of security events.
    pub enum SecurityEventKind {
        /// A sign-in with a wrong password, or with an email that nobody has.
        SignInFailed = "sign_in_failed",
        /// So many sign-ins that no more are tried for a while.
        SignInLimited = "sign_in_limited",
        /// A change of the password by somebody who did not know it.
        PasswordChangeFailed = "password_change_failed",
        /// So many of them that no more are tried for a while.
        PasswordChangeLimited = "password_change_limited",
        /// The password was changed.
        PasswordChanged = "password_changed",
        /// So many requests of a person that no more are answered for a while.
        RequestsLimited = "requests_limited",
        /// So many requests of an organisation's people together.
        OrganizationLimited = "organization_limited",
        /// So many requests without a session from one address.
        AddressLimited = "address_limited",
        /// So many tries to sign in or register from one address.
        SignInAddressLimited = "sign_in_address_limited",
        /// A mail was asked for that proves the address.
        VerificationAsked = "verification_asked",
        /// The address was proven.
        AddressVerified = "address_verified",
        /// A mail was asked for that gives a new password, by whoever it was.
        PasswordResetAsked = "password_reset_asked",
        /// A new password was given by mail, and every session ended.
        PasswordReset = "password_reset",
        /// A mail was asked for that signs in, by whoever it was.
        MagicLinkAsked = "magic_link_asked",
        /// Somebody signed in by mail.
        MagicLinkFollowed = "magic_link_followed",
        /// Another address was asked for, with the password.
        AddressChangeAsked = "address_change_asked",
        /// The account has another address.
        AddressChanged = "address_changed",
        /// A code that is not the one of the mail.
        CodeFailed = "code_failed",
        /// A second factor was shown that is none.
        SecondFactorFailed = "second_factor_failed",
        /// So many of them that no more are tried for a while.
        SecondFactorLimited = "second_factor_limited",
        /// A second factor was set up, or took the place of another one.
        SecondFactorAdded = "second_factor_added",
        /// One was removed.
        SecondFactorRemoved = "second_factor_removed",
        /// All of them were, by the platform, whose operator made sure of the person.
        SecondFactorsReset = "second_factors_reset",
        /// Fresh recovery codes took the place of those there were.
        RecoveryCodesRenewed = "recovery_codes_renewed",
        /// A recovery code was used.
        RecoveryCodeUsed = "recovery_code_used",
        /// The address was proven, and what was set up before by whoever it was ended: the password and every session.
        UnprovenAccessEnded = "unproven_access_ended",
        /// Somebody signed in by an identity provider.
        SignedInElsewhere = "signed_in_elsewhere",
        /// An identity was linked with the account: it signs in from then on.
        IdentityLinked = "identity_linked",
        /// One was unlinked.
        IdentityUnlinked = "identity_unlinked",
        /// An identity provider told of the account's address, and whose it is was not proven on both sides: nobody was let in.
        IdentityRefused = "identity_refused",
        /// A passkey was added.
        PasskeyAdded = "passkey_added",
        /// A passkey was removed.
        PasskeyRemoved = "passkey_removed",
        /// A passkey that was right, but was used less often than it had been: there is a copy of it. It was refused.
        PasskeyCopied = "passkey_copied",
        /// Somebody signed in by the issuer of an organisation.
        SignedOn = "signed_on",
        /// The issuer of an organisation knows the account from now on: it signs in to that organisation by it.
        SignOnLinked = "sign_on_linked",
        /// The issuer of an organisation told of somebody who was not let in.
        SignOnRefused = "sign_on_refused",
        /// The person let operators of the platform look at the organisation, for a while.
        SupportAccessGranted = "support_access_granted",
        /// They took that back.
        SupportAccessRevoked = "support_access_revoked",
        /// An operator began to look at an organisation that consented to it.
        SupportSessionStarted = "support_session_started",
        /// That ended.
        SupportSessionEnded = "support_session_ended",
    }
}
