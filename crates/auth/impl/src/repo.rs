//! SQL of passwords and sessions. All but [`end_in_org`], [`is_registered`], [`note_sessions_ended`], [`tell_person`] and [`tell_role`] runs as the platform.

pub(crate) mod devices;
pub(crate) mod factors;
pub(crate) mod identities;
pub(crate) mod keys;
pub(crate) mod lives;
pub(crate) mod organization_events;
pub(crate) mod passkeys;
pub(crate) mod pending;
mod person;
pub(crate) mod proofs;
mod session_ends;
pub(crate) mod sign_on;
pub(crate) mod support;
pub(crate) mod token_keys;

pub(crate) use person::lock_person;
pub(crate) use session_ends::{note_sessions_ended, purge_ends, sessions_ended_at};

use std::net::IpAddr;

use auth_api::{ConnectionId, Error, LiveSession, SecurityEvent, SecurityEventKind, Session};
use db::prelude::*;
use diesel::sql_types::{BigInt, Bytea, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Fault, OrgId, PageRequest, ProjectId, SessionId, Timestamp, UserId};
use uuid::Uuid;

use crate::model::{Proof, StoredSession};
use crate::schema::{credentials, security_events, sessions};
use crate::security_event::{Origin, StoredEvent};
use crate::token::TokenHash;

/// The channel on which ends of sessions are told, by `app.send_sessions` alone, and what its proofs are for.
pub(crate) const CHANNEL: &str = "sessions";

/// The PHC string of a person's password, if they have one.
pub(crate) async fn password(tx: &ReadTx<'_>, user: UserId) -> Result<Option<String>, Fault> {
    credentials::table.find(user.0).select(credentials::password_hash).first(&mut tx.pg()).await.optional().fault()
}

/// Gives a person a first password.
pub(crate) async fn insert_password(tx: &mut Tx, user: UserId, phc: &str) -> Result<(), Error> {
    diesel::insert_into(credentials::table)
        .values((credentials::user_id.eq(user.0), credentials::password_hash.eq(phc)))
        .execute(tx.pg())
        .await
        .on_constraint("credentials_pkey", || Error::EmailTaken)?;
    Ok(())
}

/// Gives a person this password, whichever they had.
pub(crate) async fn set_password(tx: &mut Tx, user: UserId, phc: &str) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::insert_into(credentials::table)
        .values((credentials::user_id.eq(user.0), credentials::password_hash.eq(phc)))
        .on_conflict(credentials::user_id)
        .do_update()
        .set((credentials::password_hash.eq(phc), credentials::updated_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Replaces a person's password hash, unless it changed meanwhile: then it is `false`.
pub(crate) async fn replace_password(tx: &mut Tx, user: UserId, old: &str, new: &str) -> Result<bool, Fault> {
    let at = db::touched(tx).await?;
    let replaced = diesel::update(credentials::table.find(user.0).filter(credentials::password_hash.eq(old)))
        .set((credentials::password_hash.eq(new), credentials::updated_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(replaced == 1)
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    yes: bool,
}

/// Whether a member of this tenant's transaction, which is the organisation's, has a password.
pub(crate) async fn is_registered(tx: &mut Tx, org: OrgId, user: UserId) -> Result<bool, Fault> {
    let query = diesel::sql_query("select app.is_registered($1, $2) as yes");
    let answer: Answer = query.bind::<SqlUuid, _>(org.0).bind::<SqlUuid, _>(user.0).get_result(tx.pg()).await.fault()?;
    Ok(answer.yes)
}

/// Forgets a person's password.
pub(crate) async fn delete_password(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    diesel::delete(credentials::table.find(user.0)).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// A session's row: id, person, organisation, when it began and ends, when it was last used, when and by which means its person signed in, the
/// sign-in, and the organisation's issuer that it was by.
type SessionRow =
    (Uuid, Uuid, Uuid, Timestamp, Timestamp, Option<Timestamp>, Option<Timestamp>, String, Option<Uuid>, Option<Uuid>, bool);

/// The columns of a [`SessionRow`].
type SessionColumns = (
    sessions::id,
    sessions::user_id,
    sessions::org_id,
    sessions::created_at,
    sessions::expires_at,
    sessions::last_seen_at,
    sessions::authenticated_at,
    sessions::method,
    sessions::sign_in_id,
    sessions::connection_id,
    sessions::issuer_factor,
);

const SESSION: SessionColumns = (
    sessions::id,
    sessions::user_id,
    sessions::org_id,
    sessions::created_at,
    sessions::expires_at,
    sessions::last_seen_at,
    sessions::authenticated_at,
    sessions::method,
    sessions::sign_in_id,
    sessions::connection_id,
    sessions::issuer_factor,
);

/// Of a row of before, which says no more, the session is a sign-in of its own.
fn stored(row: SessionRow) -> Result<StoredSession, Fault> {
    let (id, user, org, created_at, expires_at, last_seen_at, authenticated_at, method, sign_in, connection, issuer_factor) = row;
    let at = authenticated_at.unwrap_or(created_at);
    let (method, connection) = (db::named(&method)?, connection.map(ConnectionId));
    let sign_in = Proof { id: sign_in.unwrap_or(id), method, at, connection, issuer_factor };
    let (id, user, org) = (SessionId(id), UserId(user), OrgId(org));
    Ok(StoredSession { id, user, org, expires_at, last_seen_at: last_seen_at.unwrap_or(created_at), sign_in })
}

/// The session of a token, unless it was ended.
pub(crate) async fn session(tx: &ReadTx<'_>, hash: &TokenHash) -> Result<Option<StoredSession>, Fault> {
    let row: Option<SessionRow> = sessions::table
        .find(&hash[..])
        .filter(sessions::ended_at.is_null())
        .select(SESSION)
        .first(&mut tx.pg())
        .await
        .optional()
        .fault()?;
    row.map(stored).transpose()
}

/// The session of a token, and whether it was ended.
pub(crate) async fn session_of(tx: &mut Tx, hash: &TokenHash) -> Result<Option<(StoredSession, bool)>, Fault> {
    let row: Option<(SessionRow, Option<Timestamp>)> =
        sessions::table.find(&hash[..]).select((SESSION, sessions::ended_at)).first(tx.pg()).await.optional().fault()?;
    row.map(|(row, ended_at)| Ok((stored(row)?, ended_at.is_some()))).transpose()
}

/// A session of a person, unless it was ended.
pub(crate) async fn session_by_id(tx: &mut Tx, user: UserId, id: SessionId) -> Result<Option<StoredSession>, Fault> {
    let its = sessions::id.eq(id.0).and(sessions::user_id.eq(user.0)).and(sessions::ended_at.is_null());
    let row: Option<SessionRow> = sessions::table.filter(its).select(SESSION).first(tx.pg()).await.optional().fault()?;
    row.map(stored).transpose()
}

/// Whether a session lives; until the transaction ends nobody else ends it.
pub(crate) async fn hold_session(tx: &mut Tx, user: UserId, id: SessionId) -> Result<bool, Fault> {
    let its = sessions::id.eq(id.0).and(sessions::user_id.eq(user.0)).and(sessions::ended_at.is_null());
    let held: Option<Uuid> =
        sessions::table.filter(its).for_share().select(sessions::id).first(tx.pg()).await.optional().fault()?;
    Ok(held.is_some())
}

/// The organisation of a person's newest session.
pub(crate) async fn last_org(tx: &ReadTx<'_>, user: UserId) -> Result<Option<OrgId>, Fault> {
    let org: Option<Uuid> = sessions::table
        .filter(sessions::user_id.eq(user.0))
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .select(sessions::org_id)
        .first(&mut tx.pg())
        .await
        .optional()
        .fault()?;
    Ok(org.map(OrgId))
}

/// A fresh session as it is to be stored.
pub(crate) struct NewSession<'a> {
    pub session: &'a Session,
    pub sign_in: Proof,
    pub device: Option<String>,
    pub address: Option<IpAddr>,
}

/// Stores a fresh session.
pub(crate) async fn insert_session(tx: &mut Tx, hash: &TokenHash, new: NewSession<'_>, now: Timestamp) -> Result<(), Fault> {
    let NewSession { session, sign_in, device, address } = new;
    diesel::insert_into(sessions::table)
        .values((
            sessions::token_hash.eq(&hash[..]),
            sessions::id.eq(session.id.0),
            sessions::user_id.eq(session.user.0),
            sessions::org_id.eq(session.org.0),
            sessions::created_at.eq(now),
            sessions::expires_at.eq(session.expires_at),
            sessions::device.eq(device),
            sessions::address.eq(address.map(|address| address.to_string())),
            sessions::last_seen_at.eq(now),
            sessions::authenticated_at.eq(sign_in.at),
            sessions::sign_in_id.eq(sign_in.id),
            sessions::method.eq(sign_in.method.name()),
            sessions::connection_id.eq(sign_in.connection.map(|connection| connection.0)),
            sessions::issuer_factor.eq(sign_in.issuer_factor),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Ends a session of a person and tells everybody; `None` if it had ended before.
pub(crate) async fn end(tx: &mut Tx, user: UserId, session: SessionId, now: Timestamp) -> Result<Option<TokenHash>, Fault> {
    let live = sessions::id.eq(session.0).and(sessions::user_id.eq(user.0)).and(sessions::ended_at.is_null());
    let ended: Option<Vec<u8>> = diesel::update(sessions::table.filter(live))
        .set(sessions::ended_at.eq(now))
        .returning(sessions::token_hash)
        .get_result(tx.pg())
        .await
        .optional()
        .fault()?;
    let Some(hash) = ended else { return Ok(None) };
    let hash: TokenHash = hash.as_slice().try_into().map_err(Fault::internal)?;
    notify(tx, &hex::encode(hash)).await?;
    Ok(Some(hash))
}

#[derive(QueryableByName)]
struct Ended {
    #[diesel(sql_type = Bytea)]
    token_hash: Vec<u8>,
}

/// Tells everybody of each of them.
async fn tell_ended(tx: &mut Tx, ended: Vec<Ended>) -> Result<Vec<TokenHash>, Fault> {
    let mut hashes = Vec::with_capacity(ended.len());
    for one in ended {
        let hash: TokenHash = one.token_hash.as_slice().try_into().map_err(Fault::internal)?;
        notify(tx, &hex::encode(hash)).await?;
        hashes.push(hash);
    }
    Ok(hashes)
}

/// Ends the sessions of the oldest sign-ins of a person beyond `most`, and tells everybody.
pub(crate) async fn end_oldest(tx: &mut Tx, user: UserId, most: u32, now: Timestamp) -> Result<Vec<TokenHash>, Fault> {
    let sql = "update sessions set ended_at = $3 where user_id = $1 and ended_at is null and coalesce(sign_in_id, id) in (
            select coalesce(sign_in_id, id) from sessions where user_id = $1 and ended_at is null and expires_at > $3
            group by coalesce(sign_in_id, id) order by max(created_at) desc, coalesce(sign_in_id, id) desc offset $2)
        returning token_hash";
    let ended: Vec<Ended> = diesel::sql_query(sql)
        .bind::<SqlUuid, _>(user.0)
        .bind::<BigInt, _>(i64::from(most))
        .bind::<Timestamptz, _>(now)
        .load(tx.pg())
        .await
        .fault()?;
    tell_ended(tx, ended).await
}

/// Ends those sessions of one sign-in beyond `most` that went unused for longest, and tells everybody.
pub(crate) async fn end_least_used(
    tx: &mut Tx,
    user: UserId,
    sign_in: Uuid,
    most: u32,
    now: Timestamp,
) -> Result<Vec<TokenHash>, Fault> {
    let sql = "update sessions set ended_at = $3 where token_hash in (
            select token_hash from sessions
            where user_id = $1 and ended_at is null and expires_at > $3 and coalesce(sign_in_id, id) = $4
            order by coalesce(last_seen_at, created_at) desc, created_at desc, id desc offset $2)
        returning token_hash";
    let ended: Vec<Ended> = diesel::sql_query(sql)
        .bind::<SqlUuid, _>(user.0)
        .bind::<BigInt, _>(i64::from(most))
        .bind::<Timestamptz, _>(now)
        .bind::<SqlUuid, _>(sign_in)
        .load(tx.pg())
        .await
        .fault()?;
    tell_ended(tx, ended).await
}

/// Ends a session of a person with the others of the same sign-in, and tells everybody; none if it had ended before.
pub(crate) async fn end_sign_in(tx: &mut Tx, user: UserId, session: SessionId, now: Timestamp) -> Result<Vec<TokenHash>, Fault> {
    let sql = "update sessions set ended_at = $3 where user_id = $1 and ended_at is null and coalesce(sign_in_id, id) = (
            select coalesce(sign_in_id, id) from sessions where id = $2 and user_id = $1 and ended_at is null)
        returning token_hash";
    let ended: Vec<Ended> = diesel::sql_query(sql)
        .bind::<SqlUuid, _>(user.0)
        .bind::<SqlUuid, _>(session.0)
        .bind::<Timestamptz, _>(now)
        .load(tx.pg())
        .await
        .fault()?;
    tell_ended(tx, ended).await
}

/// A live session and what is stored of it.
pub(crate) struct Listed {
    pub live: LiveSession,
    pub stored: StoredSession,
}

/// The live sessions of a person, newest first.
pub(crate) async fn live(tx: &ReadTx<'_>, user: UserId, now: Timestamp) -> Result<Vec<Listed>, Fault> {
    type Row = (SessionRow, Option<String>, Option<String>);
    let live = sessions::user_id.eq(user.0).and(sessions::ended_at.is_null()).and(sessions::expires_at.gt(now));
    let rows: Vec<Row> = sessions::table
        .filter(live)
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .select((SESSION, sessions::device, sessions::address))
        .load(&mut tx.pg())
        .await
        .fault()?;
    let listed = |(row, device, address): Row| {
        let created_at = row.3;
        let stored = stored(row)?;
        let live = LiveSession {
            id: stored.id,
            org: stored.org,
            device,
            address: address.and_then(|address| address.parse().ok()),
            method: stored.sign_in.method,
            authenticated_at: stored.sign_in.at,
            created_at,
            last_seen_at: stored.last_seen_at,
            expires_at: stored.expires_at,
        };
        Ok(Listed { live, stored })
    };
    rows.into_iter().map(listed).collect()
}

/// Ends every session of a person but one.
pub(crate) async fn end_others(tx: &mut Tx, user: UserId, but: SessionId, now: Timestamp) -> Result<usize, Fault> {
    let others = sessions::user_id.eq(user.0).and(sessions::id.ne(but.0)).and(sessions::ended_at.is_null());
    let ended = diesel::update(sessions::table.filter(others)).set(sessions::ended_at.eq(now)).execute(tx.pg()).await.fault()?;
    notify(tx, &user.to_string()).await?;
    Ok(ended)
}

/// Stores a security event.
pub(crate) async fn insert_event(
    tx: &mut Tx,
    kind: SecurityEventKind,
    (user, organization): (Option<UserId>, Option<OrgId>),
    origin: &Origin<'_>,
) -> Result<(), Fault> {
    diesel::insert_into(security_events::table)
        .values((
            security_events::id.eq(Uuid::now_v7()),
            security_events::kind.eq(kind.name()),
            security_events::user_id.eq(user.map(|user| user.0)),
            security_events::organization.eq(organization.map(|organization| organization.0)),
            security_events::address.eq(origin.address.map(|address| address.to_string())),
            security_events::request_id.eq(origin.request.as_str()),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// The events of a person's account, newest first, one more than the page has.
pub(crate) async fn events_of(tx: &ReadTx<'_>, user: UserId, page: PageRequest) -> Result<Vec<SecurityEvent>, Fault> {
    type Row = (Uuid, String, Timestamp, Option<String>);
    let mut query = security_events::table
        .filter(security_events::user_id.eq(user.0))
        .order((security_events::at.desc(), security_events::id.desc()))
        .limit(page.fetch())
        .select((security_events::id, security_events::kind, security_events::at, security_events::address))
        .into_boxed();
    query = db::after!(query, page, security_events::at, security_events::id);
    let rows: Vec<Row> = query.load(&mut tx.pg()).await.fault()?;
    let event = |(id, kind, at, address): Row| {
        let kind = db::named(&kind)?;
        Ok(SecurityEvent { id, kind, at, address: address.and_then(|address| address.parse().ok()) })
    };
    rows.into_iter().map(event).collect()
}

/// The newest events since `since`.
pub(crate) async fn events_since(tx: &ReadTx<'_>, since: Timestamp, most: u32) -> Result<Vec<StoredEvent>, Fault> {
    type Row = (String, Timestamp, Option<Uuid>, Option<Uuid>, Option<String>, String);
    let rows: Vec<Row> = security_events::table
        .filter(security_events::at.ge(since))
        .order((security_events::at.desc(), security_events::id.desc()))
        .limit(i64::from(most))
        .select((
            security_events::kind,
            security_events::at,
            security_events::user_id,
            security_events::organization,
            security_events::address,
            security_events::request_id,
        ))
        .load(&mut tx.pg())
        .await
        .fault()?;
    let event = |(kind, at, user, organization, address, request): Row| {
        let (user, organization) = (user.map(UserId), organization.map(OrgId));
        Ok(StoredEvent { kind: db::named(&kind)?, at, user, organization, address, request })
    };
    rows.into_iter().map(event).collect()
}

/// Removes events from before `before`.
pub(crate) async fn purge_events(tx: &mut Tx, before: Timestamp) -> Result<usize, Fault> {
    diesel::delete(security_events::table.filter(security_events::at.lt(before))).execute(tx.pg()).await.fault()
}

/// Removes what was noted about a person's account, and with it the addresses it was used from.
pub(crate) async fn delete_events(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    diesel::delete(security_events::table.filter(security_events::user_id.eq(user.0))).execute(tx.pg()).await.fault().map(drop)
}

/// Ends every session of a person.
pub(crate) async fn end_all(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<usize, Fault> {
    let live = sessions::user_id.eq(user.0).and(sessions::ended_at.is_null());
    let ended = diesel::update(sessions::table.filter(live)).set(sessions::ended_at.eq(now)).execute(tx.pg()).await.fault()?;
    notify(tx, &user.to_string()).await?;
    Ok(ended)
}

/// Forgets from where and on what a person signed in.
pub(crate) async fn forget_clients(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    let nothing = (sessions::device.eq(None::<String>), sessions::address.eq(None::<String>));
    diesel::update(sessions::table.filter(sessions::user_id.eq(user.0))).set(nothing).execute(tx.pg()).await.fault().map(drop)
}

/// Ends a person's sessions in the organisation of this tenant's transaction.
pub(crate) async fn end_in_org(tx: &mut Tx, user: UserId, org: OrgId) -> Result<(), Fault> {
    diesel::sql_query("select app.end_sessions($1, $2)")
        .bind::<SqlUuid, _>(user.0)
        .bind::<SqlUuid, _>(org.0)
        .execute(tx.pg())
        .await
        .fault()?;
    tell_person(tx, user).await
}

/// Removes sessions that were over before `before`.
pub(crate) async fn purge(tx: &mut Tx, before: Timestamp) -> Result<usize, Fault> {
    diesel::delete(sessions::table.filter(sessions::expires_at.lt(before))).execute(tx.pg()).await.fault()
}

/// Tells every replica of the hash of a token or of a person, once the transaction commits.
async fn notify(tx: &mut Tx, payload: &str) -> Result<(), Fault> {
    diesel::sql_query("select app.send_sessions($1)").bind::<Text, _>(payload).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Tells every replica, once the transaction commits, that something of a person changed: in a tenant's transaction, in its organisation.
pub(crate) async fn tell_person(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    diesel::sql_query("select app.tell_sessions(app.org(), $1, null)")
        .bind::<SqlUuid, _>(user.0)
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// The same of a person's role in the team of one project.
pub(crate) async fn tell_role(tx: &mut Tx, user: UserId, org: OrgId, project: ProjectId) -> Result<(), Fault> {
    diesel::sql_query("select app.tell_sessions($1, $2, $3)")
        .bind::<SqlUuid, _>(org.0)
        .bind::<SqlUuid, _>(user.0)
        .bind::<SqlUuid, _>(project.0)
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}
