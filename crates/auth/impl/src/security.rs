//! `Security`: what happens to accounts and addresses that somebody should know of: failed sign-ins, spent limits, changed passwords.
//!
//! The platform keeps the events for a while, counts them and writes them to its log; a person sees those of their own account. No event
//! names the email or the password that was tried: one of an unknown email is nobody's.

use auth_api::{SecurityEvent, SecurityEventKind};
use kernel::{Fault, OrgId, Page, PageRequest, Position, Timestamp, UserId};
use uow::SystemUow;

use crate::repo;
use crate::security_event::{Origin, SpentLimit, StoredEvent};

/// Counts and logs an event; without a `user` it is of an email that nobody has.
fn tell(kind: SecurityEventKind, user: Option<UserId>, origin: &Origin<'_>) {
    metrics::counter!("security_events_total", "kind" => kind.name()).increment(1);
    let (user, address) = (user.map(|user| user.to_string()), origin.address.map(|address| address.to_string()));
    tracing::warn!(target: "security", kind = kind.name(), user, address, request = %origin.request, "security event");
}

/// Notes an event in a transaction of its own. Never fails the request that it is about: what cannot be written is in the log.
pub(crate) async fn note(system: &SystemUow, kind: SecurityEventKind, user: Option<UserId>, origin: Origin<'_>) {
    tell(kind, user, &origin);
    store(system, kind, (user, None), &origin).await;
}

/// Notes that a limit of requests was spent: the person's is theirs to see, every other one the platform's alone.
pub(crate) async fn note_spent(system: &SystemUow, limit: SpentLimit, origin: Origin<'_>) {
    let (kind, user, organization) = match limit {
        SpentLimit::Address => (SecurityEventKind::AddressLimited, None, None),
        SpentLimit::Person(user) => (SecurityEventKind::RequestsLimited, Some(user), None),
        SpentLimit::Organization(org) => (SecurityEventKind::OrganizationLimited, None, Some(org)),
        SpentLimit::SignIns => (SecurityEventKind::SignInAddressLimited, None, None),
    };
    tell(kind, user, &origin);
    store(system, kind, (user, organization), &origin).await;
}

async fn store(system: &SystemUow, kind: SecurityEventKind, whose: (Option<UserId>, Option<OrgId>), origin: &Origin<'_>) {
    // As many statements for an unknown address as for a known one.
    let noted = system.write(async |tx| repo::insert_event(tx, kind, whose, origin).await).await;
    if let Err(fault) = noted {
        tracing::error!(error = %fault, "a security event could not be stored");
    }
}

/// Notes an event together with what it tells of; of an email that nobody has, without a `user`.
pub(crate) async fn note_in(
    tx: &mut uow::Tx,
    kind: SecurityEventKind,
    user: impl Into<Option<UserId>>,
    origin: &Origin<'_>,
) -> Result<(), Fault> {
    let user = user.into();
    tell(kind, user, origin);
    repo::insert_event(tx, kind, (user, None), origin).await
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
