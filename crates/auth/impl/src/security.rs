//! `Security`: what happens to accounts and addresses that somebody should know of: failed sign-ins, spent limits, changed passwords.
//!
//! The platform keeps the events for a while, counts them and writes them to its log; a person sees those of their own account. No event
//! names the email or the password that was tried: one of an unknown email is nobody's.

use auth_api::{OrganizationEventKind, SecurityEvent, SecurityEventKind};
use kernel::{Fault, Page, PageRequest, Position, Timestamp, UserId};
use uow::SystemUow;

use crate::organization_events::{self, Told};
use crate::repo;
use crate::security_event::{Origin, SpentLimit, StoredEvent, Whose};

/// Counts and logs an event; without a `user` it is of an email that nobody has.
fn tell(kind: SecurityEventKind, user: Option<UserId>, origin: &Origin<'_>) {
    metrics::counter!("security_events_total", "kind" => kind.name()).increment(1);
    let (user, address) = (user.map(|user| user.to_string()), origin.address.map(|address| address.to_string()));
    tracing::warn!(target: "security", kind = kind.name(), user, address, request = %origin.request, "security event");
}

/// Notes an event in a transaction of its own. Never fails the request that it is about: what cannot be written is in the log.
pub(crate) async fn note(system: &SystemUow, kind: SecurityEventKind, whose: impl Into<Whose>, origin: Origin<'_>) {
    let whose = whose.into();
    // As many statements for an unknown address as for a known one.
    let noted = system.write(async |tx| note_in(tx, kind, whose, &origin).await).await;
    if let Err(fault) = noted {
        tracing::error!(error = %fault, kind = kind.name(), "a security event could not be stored");
    }
}

/// Notes that a limit of requests was spent: the person's is theirs to see, and an organisation's the organisation's; every other one the platform's
/// alone.
pub(crate) async fn note_spent(system: &SystemUow, limit: SpentLimit, origin: Origin<'_>) {
    let (kind, whose) = match limit {
        SpentLimit::Address => (SecurityEventKind::AddressLimited, Whose::default()),
        SpentLimit::Person(user, org) => (SecurityEventKind::RequestsLimited, Whose { user: Some(user), org: Some(org) }),
        SpentLimit::Organization(org) => (SecurityEventKind::OrganizationLimited, Whose { user: None, org: Some(org) }),
        SpentLimit::SignIns => (SecurityEventKind::SignInAddressLimited, Whose::default()),
    };
    note(system, kind, whose, origin).await;
}

/// Notes an event together with what it tells of; of an email that nobody has, without a person. Its organisation, if it is one's, is told.
pub(crate) async fn note_in(
    tx: &mut uow::Tx,
    kind: SecurityEventKind,
    whose: impl Into<Whose>,
    origin: &Origin<'_>,
) -> Result<(), Fault> {
    let Whose { user, org } = whose.into();
    tell(kind, user, origin);
    // The platform's own list names an organisation where it is the organisation's, whoever did it.
    let of_organization = org.filter(|_| is_of_an_organization(kind));
    repo::insert_event(tx, kind, (user, of_organization), origin).await?;
    match told_as(kind) {
        Some(told) => organization_events::tell_in(tx, &Told::of(org, told, user), origin).await,
        None => Ok(()),
    }
}

/// Whether it is an organisation's, rather than of somebody's account.
fn is_of_an_organization(kind: SecurityEventKind) -> bool {
    matches!(
        kind,
        SecurityEventKind::OrganizationLimited
            | SecurityEventKind::SupportAccessGranted
            | SecurityEventKind::SupportAccessRevoked
            | SecurityEventKind::SupportSessionStarted
            | SecurityEventKind::SupportSessionEnded
    )
}

/// As what an organisation is told of it, if it is told of such things.
fn told_as(kind: SecurityEventKind) -> Option<OrganizationEventKind> {
    Some(match kind {
        SecurityEventKind::SignInFailed | SecurityEventKind::PasskeyCopied => OrganizationEventKind::SignInFailed,
        SecurityEventKind::SignInLimited => OrganizationEventKind::SignInLimited,
        SecurityEventKind::PasswordChangeFailed => OrganizationEventKind::PasswordChangeFailed,
        SecurityEventKind::PasswordChangeLimited => OrganizationEventKind::PasswordChangeLimited,
        SecurityEventKind::PasswordChanged => OrganizationEventKind::PasswordChanged,
        SecurityEventKind::PasswordReset => OrganizationEventKind::PasswordReset,
        SecurityEventKind::AddressChanged => OrganizationEventKind::AddressChanged,
        SecurityEventKind::UnprovenAccessEnded => OrganizationEventKind::UnprovenAccessEnded,
        SecurityEventKind::RequestsLimited => OrganizationEventKind::RequestsLimited,
        SecurityEventKind::OrganizationLimited => OrganizationEventKind::OrganizationLimited,
        SecurityEventKind::SecondFactorFailed => OrganizationEventKind::SecondFactorFailed,
        SecurityEventKind::SecondFactorAdded | SecurityEventKind::PasskeyAdded => OrganizationEventKind::SecondFactorAdded,
        SecurityEventKind::SecondFactorRemoved | SecurityEventKind::PasskeyRemoved => OrganizationEventKind::SecondFactorRemoved,
        SecurityEventKind::RecoveryCodesRenewed => OrganizationEventKind::RecoveryCodesRenewed,
        SecurityEventKind::IdentityLinked | SecurityEventKind::SignOnLinked => OrganizationEventKind::IdentityLinked,
        SecurityEventKind::SignOnRefused => OrganizationEventKind::SignOnRefused,
        SecurityEventKind::IdentityUnlinked => OrganizationEventKind::IdentityUnlinked,
        SecurityEventKind::SupportAccessGranted => OrganizationEventKind::SupportAccessGranted,
        SecurityEventKind::SupportAccessRevoked => OrganizationEventKind::SupportAccessRevoked,
        SecurityEventKind::SupportSessionStarted => OrganizationEventKind::SupportSessionStarted,
        SecurityEventKind::SupportSessionEnded => OrganizationEventKind::SupportSessionEnded,
        _ => return None,
    })
}

/// The events of a person's account, newest first.
pub(crate) async fn of(system: &SystemUow, user: UserId, page: PageRequest) -> Result<Page<SecurityEvent>, Fault> {
    let rows = system.read(async |tx| repo::events_of(tx, user, page).await).await?;
    Ok(Page::cut(rows, page, |event| Position { created_at: event.at, id: event.id }))
}

/// The newest events of all accounts since `since`, at most `most`. For the platform's people.
///
/// # Errors
/// A fault of the database.
pub async fn security_events(system: &SystemUow, since: Timestamp, most: u32) -> Result<Vec<StoredEvent>, Fault> {
    system.read(async |tx| repo::events_since(tx, since, most).await).await
}

/// Removes events from before `before`.
pub(crate) async fn purge(system: &SystemUow, before: Timestamp) -> Result<usize, Fault> {
    system.write(async |tx| repo::purge_events(tx, before).await).await
}
