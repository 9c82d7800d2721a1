//! Why authentication or authorisation refuses.

use std::time::Duration;

use kernel::{OrgId, Spent};

use crate::sign_on_paths::sign_on_path;

kernel::refusals! {
    /// Why authentication or authorisation refuses.
    #[derive(Debug, thiserror::Error)]
    pub enum Error {
        /// No token, or not a live one.
        #[error("sign in first: send `Authorization: Bearer <accessToken>` or the session cookie")]
        NotAuthenticated = Unauthenticated("NOT_AUTHENTICATED"),
        /// Email or password is wrong; which one is not told.
        #[error("the email or the password is wrong")]
        WrongCredentials = Unauthenticated("WRONG_CREDENTIALS"),
        /// The email, or one that nobody tells apart from it, belongs to an account already.
        #[error("an account with this email, or with one that looks the same, exists already: sign in instead")]
        EmailTaken = Conflict("EMAIL_TAKEN"),
        /// The person is not a member of the organisation.
        #[error("you are not a member of that organisation")]
        NotAMember = NotFound("NOT_FOUND"),
        /// No live session of the person has this id.
        #[error("you have no such live session")]
        NoSuchSession = NotFound("NOT_FOUND"),
        /// The sign-in is older than the organisation lets one be.
        #[error("your sign-in is older than that organisation allows: tell your password again (POST /api/auth/reauthenticate), then switch")]
        AuthenticateAgain = Conflict("AUTHENTICATE_AGAIN"),
        /// What a link holds proves nothing, whether it was used, replaced by newer ones, too old, for something else, or never ours.
        #[error("this link was used already, is too old, or was replaced by a newer one: ask for another")]
        LinkSpent = Conflict("LINK_SPENT"),
        /// The code is not the one of the mail, or proves nothing any more; which of them is not told.
        #[error("the code is wrong, or counts no more: after 5 tries or 10 minutes ask for another")]
        WrongCode = Conflict("WRONG_CODE"),
        /// A pending sign-in counts no more, or never was one.
        #[error("this sign-in was ended already, or has taken too long or too many tries: sign in again")]
        PendingSpent = Conflict("MFA_TOKEN_SPENT"),
        /// What was shown is no second factor of the person, or was used already; which of them is not told.
        #[error("this code is wrong, or was used already: type the one that the authenticator shows next, or a recovery code")]
        WrongSecondFactor = Unauthenticated("WRONG_SECOND_FACTOR"),
        /// So many wrong codes that no more are tried for a while.
        #[error("too many wrong codes: try again after Retry-After seconds")]
        TooManyCodes(Spent) = TooMany("RATE_LIMITED"),
        /// Who has not shown that the account's address is theirs sets up no second factor, links no identity, and other services are told of nobody who may
        /// be anybody.
        #[error("prove your address first: POST /api/auth/verification mails what does")]
        EmailNotVerified = Forbidden("EMAIL_NOT_VERIFIED"),
        /// The last second factor of somebody whom an organisation asks for one.
        #[error("an organisation of yours asks you for a second factor: set up another authenticator in its place (POST /api/user/factors/totp)")]
        SecondFactorRequired = Conflict("SECOND_FACTOR_REQUIRED"),
        /// The address is known to be the person's.
        #[error("this address is proven already")]
        VerifiedAlready = Conflict("VERIFIED_ALREADY"),
        /// So many mails went to an address that no more are sent for a while, whether anybody has it or not.
        #[error("too many mails to this address: look for the last one, or try again after Retry-After seconds")]
        TooManyMails(Spent) = TooMany("RATE_LIMITED"),
        /// Nobody signs in by such a provider here.
        #[error("there is no such identity provider here")]
        NoSuchProvider = NotFound("NOT_FOUND"),
        /// What began at an identity provider counts no more: it was ended, is too old, or began in another browser.
        #[error("this sign-in was ended already, is older than ten minutes, or began in another browser: begin anew")]
        SignInSpent = Conflict("SIGN_IN_SPENT"),
        /// The person did not agree there.
        #[error("you declined at the identity provider: nothing happened")]
        SignInDeclined = Conflict("SIGN_IN_DECLINED"),
        /// The identity provider does not answer.
        #[error("the identity provider does not answer: try again later, or sign in another way")]
        ProviderUnreachable = Unavailable("PROVIDER_UNREACHABLE"),
        /// What the identity provider says is not to be believed; the log says why.
        #[error("what the identity provider says cannot be relied on: begin anew, or sign in another way")]
        ProviderRefused = Conflict("PROVIDER_REFUSED"),
        /// The identity provider does not say that the address is the person's.
        #[error("the identity provider does not vouch for your address: sign in by mail (POST /api/auth/magic-link), then link it in your account")]
        AddressNotVouched = Conflict("ADDRESS_NOT_VOUCHED"),
        /// Nobody has proven yet that the account's address is theirs.
        #[error("nobody has proven yet that the address of the account is theirs: sign in by mail (POST /api/auth/magic-link) first")]
        AccountUnproven = Conflict("ACCOUNT_UNPROVEN"),
        /// The account of the address has a second factor, before which no identity is linked with it.
        #[error("the account of your address has a second factor, and this identity is not linked with it: sign in here another way, then link it in your account (POST /api/user/identities)")]
        LinkWhileSignedIn = Conflict("LINK_WHILE_SIGNED_IN"),
        /// Whoever had the identity here unlinked it.
        #[error("this identity was unlinked from its account here: sign in another way, then link it in your account (POST /api/user/identities)")]
        IdentityUnlinked = Conflict("IDENTITY_UNLINKED"),
        /// The identity is another account's.
        #[error("this identity is linked with another account: unlink it there first")]
        IdentityTaken = Conflict("IDENTITY_TAKEN"),
        /// No identity of the person has this id.
        #[error("you have no such identity")]
        NoSuchIdentity = NotFound("NOT_FOUND"),
        /// Without it the person would have neither a password nor a passkey nor an identity.
        #[error("this is your last way in: set a password by mail (POST /api/auth/password-reset), add a passkey or link an identity first")]
        LastWayIn = Conflict("LAST_WAY_IN"),
        /// The person has as many identities as one may have.
        #[error("an account has at most {0} identities: unlink one first")]
        TooManyIdentities(u32) = Conflict("TOO_MANY_IDENTITIES"),
        /// The passkey proves nothing here, whatever is wrong with it: unknown, removed, an answer to another challenge, of another page.
        #[error("this passkey signs nobody in here, or the challenge counts no more: ask for another (POST /api/auth/passkey/options)")]
        WrongPasskey = Unauthenticated("WRONG_PASSKEY"),
        /// The challenge was answered already, is too old, or was another session's.
        #[error("this challenge was answered already, is too old, or is not this session's: ask for another")]
        ChallengeSpent = Conflict("CHALLENGE_SPENT"),
        /// The authenticator's key is some account's already.
        #[error("this passkey is in use already")]
        PasskeyKnown = Conflict("PASSKEY_KNOWN"),
        /// The person has as many as a person may have.
        #[error("a person has at most {0} passkeys: remove one that is not used")]
        TooManyPasskeys(u32) = Conflict("TOO_MANY_PASSKEYS"),
        /// The person has none.
        #[error("you have no passkey")]
        NoPasskey = Conflict("NO_PASSKEY"),
        /// No passkey of the person has this id.
        #[error("you have no such passkey")]
        NoSuchPasskey = NotFound("NOT_FOUND"),
        /// The server's address has no name that a passkey could be bound to.
        #[error("passkeys are bound to a name, and this server has none: its operator sets server.public_url")]
        PasskeysUnavailable = Conflict("PASSKEYS_UNAVAILABLE"),
        /// The account is being removed, which only the link of the mail that said so takes back.
        #[error("this account is being removed: the link of the mail that told you so takes that back, then sign in")]
        AccountLeaving = Forbidden("ACCOUNT_LEAVING"),
        /// The API key is not to be used from where it came.
        #[error("this API key may not be used from this address: its allowedNetworks name those that it may be used from")]
        AddressNotAllowed = Forbidden("ADDRESS_NOT_ALLOWED"),
        /// The platform suspended the organisation: nobody acts in it.
        #[error("this organisation is suspended: nobody acts in it until the platform resumes it. Sign in again to act in another of yours")]
        OrganizationSuspended = Forbidden("ORGANIZATION_SUSPENDED"),
        /// The organisation has its people signed in by its own issuer, and this session is none of that.
        #[error("this organisation signs its people in itself: begin at signInPath, in a browser")]
        SingleSignOnRequired(OrgId) = Forbidden("SINGLE_SIGN_ON_REQUIRED"),
        /// An organisation's issuer made the session: it is for that organisation alone.
        #[error("your organisation's single sign-on made this session, for that organisation alone: sign in another way for what is your own")]
        SingleSignOnSession = Forbidden("SINGLE_SIGN_ON_SESSION"),
        /// The organisation has no connection with an issuer, or none that is on.
        #[error("there is no single sign-on here: an owner sets it up (PUT /api/organization/single-sign-on) and turns it on (PUT …/mode)")]
        NoSingleSignOn = NotFound("NOT_FOUND"),
        /// Nobody has come back from the issuer yet as it should be.
        #[error("test the connection first (POST /api/organization/single-sign-on/test): its sign-in has to tell an address of a proven domain")]
        SignOnUntested = Conflict("SINGLE_SIGN_ON_UNTESTED"),
        /// The organisation has proven no domain: its issuer could tell of nobody.
        #[error("prove a domain of the organisation first (POST /api/organization/domains): single sign-on is for addresses there")]
        NoProvenDomain = Conflict("NO_PROVEN_DOMAIN"),
        /// The issuer tells no address, or one that is of no proven domain of its organisation.
        #[error("your organisation's sign-on tells no address of a domain that it has proven to be its own: it lets in nobody else")]
        AddressNotAtHome = Conflict("ADDRESS_NOT_AT_HOME"),
        /// Nobody has invited the person, and the issuer's word makes nobody a member.
        #[error("you are no member of this organisation: ask who manages its members to invite you, then sign in again")]
        NotInvited = Forbidden("NOT_INVITED"),
        /// The organisation's directory has deactivated the person.
        #[error("the organisation's directory does not let you in: ask who keeps it")]
        NotLetIn = Conflict("NOT_LET_IN"),
        /// The issuer knows somebody else by the member's address.
        #[error("your organisation's sign-on knew another person by your address: who manages its members removes you and invites you anew")]
        SubjectChanged = Conflict("SUBJECT_CHANGED"),
        /// The organisation has as many keys as it may have.
        #[error("an organisation has at most {0} API keys that work: revoke one that is not used")]
        TooManyKeys(u32) = Conflict("TOO_MANY_KEYS"),
        /// So many passwords wait to be checked that another would wait too long: for about this time.
        #[error("too many sign-ins are under way: try again after Retry-After seconds")]
        Busy(Duration) = Unavailable("UNAVAILABLE"),
        /// Too many wrong passwords were tried, for one email, whether it is known or not, or from one network.
        #[error("too many wrong passwords, for this email or from this network: try again after Retry-After seconds")]
        TooManyAttempts(Spent) = TooMany("RATE_LIMITED"),
    }
    extra {
        Self::SingleSignOnRequired(org) => vec![("signInPath", sign_on_path(*org))],
    }
    retry_after {
        Self::Busy(wait) => Some(*wait),
    }
    spent {
        Self::TooManyAttempts(spent) | Self::TooManyMails(spent) | Self::TooManyCodes(spent) => Some(*spent),
    }
}
