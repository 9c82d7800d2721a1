//! What mails say: one template each, with what it tells.

use std::fmt;
use std::time::Duration;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{FactorChange, KeyChange, Link, SignOnChange};

kernel::named! {
    /// What a mail is written from.
    pub enum Template {
        /// Whether an address is somebody's.
        VerifyAddress = "verify-address",
        /// A new password for one that was forgotten.
        ResetPassword = "reset-password",
        /// Signing in without a password.
        MagicLink = "magic-link",
        /// That there is no account whose password could be forgotten.
        NoAccount = "no-account",
        /// To the address that an account has, before it gets another one.
        AddressChangeAsked = "address-change-asked",
        /// To the address that an account had.
        AddressLeft = "address-left",
        /// To the address that an account has now.
        AddressTaken = "address-taken",
        /// A sign-in from where there was none before.
        NewDevice = "new-device",
        /// The password is another one.
        PasswordChanged = "password-changed",
        /// An identity provider, such as Google, signs in from now on.
        IdentityLinked = "identity-linked",
        /// It does no more.
        IdentityUnlinked = "identity-unlinked",
        /// A passkey more.
        PasskeyAdded = "passkey-added",
        /// A passkey less.
        PasskeyRemoved = "passkey-removed",
        /// A passkey of which there is a copy.
        PasskeyCopied = "passkey-copied",
        /// Second factors are others than before, or a recovery code was used.
        SecondFactorChanged = "second-factor-changed",
        /// That an API key which acts with somebody's rights is there, is another one, or is no more.
        ApiKeyChanged = "api-key-changed",
        /// A place in an organisation.
        MemberInvitation = "member-invitation",
        /// Somebody joined by a link or a domain.
        MemberJoined = "member-joined",
        /// What proves a domain is not published any more.
        DomainMissing = "domain-missing",
        /// An organisation was suspended.
        OrganizationSuspended = "organization-suspended",
        /// It is not any more.
        OrganizationResumed = "organization-resumed",
        /// How an organisation's people sign in by its own issuer is otherwise than before.
        SingleSignOnChanged = "single-sign-on-changed",
        /// An organisation's own issuer signs in to that organisation from now on.
        SingleSignOnLinked = "single-sign-on-linked",
        /// An operator of the platform looks at an organisation that consented to it.
        SupportStarted = "support-started",
        /// An organisation to take over.
        OwnershipOffered = "ownership-offered",
        /// It was taken over.
        OwnershipMoved = "ownership-moved",
        /// A tender to bid on.
        TenderInvitation = "tender-invitation",
        /// That an organisation leaves, to its owners.
        OrganizationLeaving = "organization-leaving",
        /// That it stays.
        OrganizationKept = "organization-kept",
        /// That an archive can be fetched.
        ExportReady = "export-ready",
        /// That an account leaves.
        AccountLeaving = "account-leaving",
        /// That it stays.
        AccountKept = "account-kept",
        /// Whether mail arrives at all.
        Test = "test",
    }
}

/// What a mail says. It may wait in the queue while a newer program starts, so fields are only added, as `Option`.
///
/// Names, titles and the like are what people wrote: they may consist of anything, the templates escape them. `minutes` is how long a link or a code counts.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "template", rename_all = "kebab-case")]
pub enum Content {
    /// Whether an address is somebody's.
    VerifyAddress {
        /// Where it is confirmed with a click.
        link: Link,
        /// What may be typed instead: digits.
        code: String,
        /// How long both count.
        minutes: u32,
        /// Whether it is an account's first address: opened where nobody is signed in, the link ends what was set up before.
        ends_what_was_before: Option<bool>,
    },
    /// A new password for one that was forgotten.
    ResetPassword {
        /// Where it is chosen.
        link: Link,
        /// What may be typed instead: digits.
        code: Option<String>,
        /// How long both count.
        minutes: u32,
    },
    /// Somebody asked for a new password for this address, and no account has it.
    NoAccount {
        /// When.
        at: Timestamp,
    },
    /// To the address that an account has: somebody who knows the password asked for another one, which is not proven yet.
    AddressChangeAsked {
        /// The new one, or as much of it as whoever reads this may know.
        new_address: String,
        /// When.
        at: Timestamp,
        /// For how long it can be proven.
        minutes: u32,
    },
    /// Signing in without a password.
    MagicLink {
        /// Where one is signed in.
        link: Link,
        /// What may be typed instead: digits.
        code: String,
        /// How long both count.
        minutes: u32,
    },
    /// To the address that an account had: it has another one now.
    AddressLeft {
        /// The new one, or as much of it as its former owner may know.
        new_address: String,
        /// When it changed.
        at: Timestamp,
        /// Where this is taken back by whom it was not.
        link: Option<Link>,
    },
    /// To the address that an account has now.
    AddressTaken {
        /// When it changed.
        at: Timestamp,
    },
    /// A sign-in from where there was none before.
    NewDevice {
        /// With what, such as `Firefox on Windows`.
        device: String,
        /// From where, such as an address of the network.
        from: Option<String>,
        /// When.
        at: Timestamp,
        /// Where one sees one's sessions and ends them.
        link: Option<Link>,
    },
    /// The password is another one.
    PasswordChanged {
        /// When.
        at: Timestamp,
        /// Where whoever did not do it gets a new one.
        link: Option<Link>,
    },
    /// An identity provider, such as Google, signs in from now on.
    IdentityLinked {
        /// What it is called.
        provider: String,
        /// When.
        at: Timestamp,
        /// Where one sees what is linked, and unlinks it.
        link: Option<Link>,
    },
    /// It does no more.
    IdentityUnlinked {
        /// What it is called.
        provider: String,
        /// When.
        at: Timestamp,
        /// Where one sees what is linked.
        link: Option<Link>,
    },
    /// A passkey was added.
    PasskeyAdded {
        /// What it is called.
        passkey: String,
        /// When.
        at: Timestamp,
    },
    /// A passkey was removed.
    PasskeyRemoved {
        /// What it was called.
        passkey: String,
        /// When.
        at: Timestamp,
    },
    /// A passkey was refused: it counts fewer uses than it had before, so there is a copy of it.
    PasskeyCopied {
        /// What it is called.
        passkey: String,
        /// When.
        at: Timestamp,
    },
    /// Second factors are others than before, or a recovery code was used.
    SecondFactorChanged {
        /// What happened.
        change: FactorChange,
        /// When.
        at: Timestamp,
        /// How many recovery codes are left, if that is worth telling.
        recovery_codes_left: Option<u32>,
    },
    /// An API key that acts with somebody's rights is there, is another one, or is no more.
    ApiKeyChanged {
        /// What it is called.
        api_key: String,
        /// How it begins.
        prefix: String,
        /// What happened.
        change: KeyChange,
        /// When.
        at: Timestamp,
    },
    /// A place in an organisation.
    MemberInvitation {
        /// Who invites.
        inviter: String,
        /// Into which organisation.
        organization: String,
        /// Where it is accepted.
        link: Link,
        /// Until when, if there is an end to it.
        until: Option<Timestamp>,
    },
    /// To who made a link by which somebody joined, or to an owner if it was by a domain.
    MemberJoined {
        /// Who.
        member: String,
        /// With which address.
        address: String,
        /// Which organisation.
        organization: String,
        /// For whom the link was, in its maker's words.
        label: Option<String>,
        /// By which domain, if it was by one.
        domain: Option<String>,
    },
    /// To an owner, when what proves a domain of the organisation is not published any more.
    DomainMissing {
        /// Which.
        domain: String,
        /// Whose.
        organization: String,
        /// Under which name it is looked for.
        record: String,
        /// Until when it counts as proven; `None`: no more.
        until: Option<Timestamp>,
    },
    /// To the owners of an organisation that the platform suspended.
    OrganizationSuspended {
        /// Which.
        organization: String,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// To the owners of an organisation that is suspended no more.
    OrganizationResumed {
        /// Which.
        organization: String,
        /// When.
        at: Timestamp,
    },
    /// To the owners of an organisation, when somebody changes by which issuer its people sign in.
    SingleSignOnChanged {
        /// Which.
        organization: String,
        /// What happened.
        change: SignOnChange,
        /// Who did it.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// To whom an organisation's issuer signed in for the first time.
    SingleSignOnLinked {
        /// Which organisation.
        organization: String,
        /// When.
        at: Timestamp,
    },
    /// To the owners of an organisation at which an operator of the platform looks, as it consented to.
    SupportStarted {
        /// Which.
        organization: String,
        /// Who looks.
        operator: String,
        /// Why.
        reason: String,
        /// Since when.
        at: Timestamp,
        /// Until when, unless it is ended before.
        until: Timestamp,
    },
    /// To a member, to whom an owner offers the organisation.
    OwnershipOffered {
        /// Who offers it.
        owner: String,
        /// Which organisation.
        organization: String,
        /// Where it is accepted.
        link: Link,
        /// Until when.
        until: Timestamp,
    },
    /// To both, when it has passed from one to the other.
    OwnershipMoved {
        /// Which organisation.
        organization: String,
        /// Who is its owner now.
        owner: String,
        /// Who was.
        former: String,
    },
    /// A tender to bid on.
    TenderInvitation {
        /// Whose tender it is.
        organization: String,
        /// What it is called.
        tender: String,
        /// Until when bids can be submitted.
        deadline: Timestamp,
        /// Where it is.
        link: Link,
    },
    /// To an owner of an organisation that leaves.
    OrganizationLeaving {
        /// Which.
        organization: String,
        /// When it was asked for.
        at: Timestamp,
        /// Until when it can be taken back.
        until: Timestamp,
        /// Where.
        link: Option<Link>,
    },
    /// To an owner of one that stays after all.
    OrganizationKept {
        /// Which.
        organization: String,
        /// Since when.
        at: Timestamp,
    },
    /// To whom asked for an archive: it can be fetched.
    ExportReady {
        /// Of which organisation; of the person without it.
        organization: Option<String>,
        /// Until when.
        until: Timestamp,
        /// Where, for whoever is signed in as that person.
        link: Link,
    },
    /// To whom the account is that leaves.
    AccountLeaving {
        /// When it was asked for.
        at: Timestamp,
        /// Until when it can be taken back.
        until: Timestamp,
        /// Where.
        link: Link,
    },
    /// To whom it is if it stays after all.
    AccountKept {
        /// Since when.
        at: Timestamp,
    },
    /// Whether mail arrives at all: `build14 mail test`.
    Test {
        /// When it was asked for.
        at: Timestamp,
    },
}

impl Content {
    /// What it is written from.
    #[must_use]
    pub const fn template(&self) -> Template {
        match self {
            Self::VerifyAddress { .. } => Template::VerifyAddress,
            Self::ResetPassword { .. } => Template::ResetPassword,
            Self::MagicLink { .. } => Template::MagicLink,
            Self::NoAccount { .. } => Template::NoAccount,
            Self::AddressChangeAsked { .. } => Template::AddressChangeAsked,
            Self::AddressLeft { .. } => Template::AddressLeft,
            Self::AddressTaken { .. } => Template::AddressTaken,
            Self::NewDevice { .. } => Template::NewDevice,
            Self::PasswordChanged { .. } => Template::PasswordChanged,
            Self::IdentityLinked { .. } => Template::IdentityLinked,
            Self::IdentityUnlinked { .. } => Template::IdentityUnlinked,
            Self::PasskeyAdded { .. } => Template::PasskeyAdded,
            Self::PasskeyRemoved { .. } => Template::PasskeyRemoved,
            Self::PasskeyCopied { .. } => Template::PasskeyCopied,
            Self::SecondFactorChanged { .. } => Template::SecondFactorChanged,
            Self::ApiKeyChanged { .. } => Template::ApiKeyChanged,
            Self::MemberInvitation { .. } => Template::MemberInvitation,
            Self::MemberJoined { .. } => Template::MemberJoined,
            Self::DomainMissing { .. } => Template::DomainMissing,
            Self::OrganizationSuspended { .. } => Template::OrganizationSuspended,
            Self::OrganizationResumed { .. } => Template::OrganizationResumed,
            Self::SingleSignOnChanged { .. } => Template::SingleSignOnChanged,
            Self::SingleSignOnLinked { .. } => Template::SingleSignOnLinked,
            Self::SupportStarted { .. } => Template::SupportStarted,
            Self::OwnershipOffered { .. } => Template::OwnershipOffered,
            Self::OwnershipMoved { .. } => Template::OwnershipMoved,
            Self::TenderInvitation { .. } => Template::TenderInvitation,
            Self::OrganizationLeaving { .. } => Template::OrganizationLeaving,
            Self::OrganizationKept { .. } => Template::OrganizationKept,
            Self::ExportReady { .. } => Template::ExportReady,
            Self::AccountLeaving { .. } => Template::AccountLeaving,
            Self::AccountKept { .. } => Template::AccountKept,
            Self::Test { .. } => Template::Test,
        }
    }

    /// Where it leads, and for how long it is worth being read, if not for ever. Each says it here, so that none that is new is forgotten.
    fn leads(&self) -> (Option<&Link>, Option<Counts>) {
        match self {
            Self::VerifyAddress { link, minutes, .. }
            | Self::ResetPassword { link, minutes, .. }
            | Self::MagicLink { link, minutes, .. } => (Some(link), Some(Counts::Minutes(*minutes))),
            Self::MemberInvitation { link, until, .. } => (Some(link), until.map(Counts::Until)),
            Self::OwnershipOffered { link, until, .. }
            | Self::TenderInvitation { link, deadline: until, .. }
            | Self::ExportReady { link, until, .. }
            | Self::AccountLeaving { link, until, .. } => (Some(link), Some(Counts::Until(*until))),
            Self::OrganizationLeaving { link, until, .. } => (link.as_ref(), Some(Counts::Until(*until))),
            Self::AddressLeft { link, .. }
            | Self::NewDevice { link, .. }
            | Self::PasswordChanged { link, .. }
            | Self::IdentityLinked { link, .. }
            | Self::IdentityUnlinked { link, .. } => (link.as_ref(), None),
            Self::NoAccount { .. }
            | Self::AddressChangeAsked { .. }
            | Self::AddressTaken { .. }
            | Self::PasskeyAdded { .. }
            | Self::PasskeyRemoved { .. }
            | Self::PasskeyCopied { .. }
            | Self::OrganizationKept { .. }
            | Self::AccountKept { .. }
            | Self::SecondFactorChanged { .. }
            | Self::ApiKeyChanged { .. }
            | Self::MemberJoined { .. }
            | Self::DomainMissing { .. }
            | Self::OrganizationSuspended { .. }
            | Self::OrganizationResumed { .. }
            | Self::SingleSignOnChanged { .. }
            | Self::SingleSignOnLinked { .. }
            | Self::SupportStarted { .. }
            | Self::OwnershipMoved { .. }
            | Self::Test { .. } => (None, None),
        }
    }

    /// Where it leads, if it leads anywhere.
    #[must_use]
    pub fn link(&self) -> Option<&Link> {
        self.leads().0
    }

    /// Until when it is worth being read, if it was written at `since`: what is later than that is not sent any more.
    #[must_use]
    pub fn counts_until(&self, since: Timestamp) -> Option<Timestamp> {
        self.leads().1.map(|counts| match counts {
            Counts::Minutes(minutes) => since + Duration::from_secs(60 * u64::from(minutes)),
            Counts::Until(end) => end,
        })
    }
}

/// For how long a mail is worth being read.
enum Counts {
    /// So long from when it was written.
    Minutes(u32),
    /// Until then.
    Until(Timestamp),
}

/// Links and codes are secrets, the rest is personal: only the template is told.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({}…)", self.template())
    }
}
