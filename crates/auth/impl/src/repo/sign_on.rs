//! SQL of single sign-on: connections, whom they know, and what began at issuers. All of it runs as the platform.

use auth_api::{Connection, ConnectionId, Error, SignOnMode};
use db::prelude::*;
use kernel::{Fault, OrgId, SessionId, Timestamp, UserId};
use uuid::Uuid;

use crate::schema::{
    sessions, sign_on_connections as connections, sign_on_identities as identities, sign_on_leavers as leavers,
    sign_ons_begun as begun,
};
use crate::token::TokenHash;

#[derive(Queryable, Selectable)]
#[diesel(table_name = connections)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    org_id: Uuid,
    id: Uuid,
    issuer: String,
    client_id: String,
    secret: Vec<u8>,
    mode: String,
    joins: bool,
    trusts_factor: bool,
    break_glass: Vec<Uuid>,
    tested_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A connection with what is sealed of it.
#[derive(Clone)]
pub(crate) struct StoredConnection {
    pub connection: Connection,
    pub secret: Vec<u8>,
}

impl TryFrom<Row> for StoredConnection {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let connection = Connection {
            id: ConnectionId(row.id),
            org: OrgId(row.org_id),
            issuer: row.issuer,
            client_id: row.client_id,
            mode: db::named(&row.mode)?,
            joins: row.joins,
            trusts_factor: row.trusts_factor,
            break_glass: row.break_glass.into_iter().map(UserId).collect(),
            tested_at: row.tested_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        Ok(Self { connection, secret: row.secret })
    }
}

fn ids(people: &[UserId]) -> Vec<Uuid> {
    people.iter().map(|user| user.0).collect()
}

/// The connection of an organisation, if it has one.
pub(crate) async fn of(tx: &ReadTx<'_>, org: OrgId) -> Result<Option<StoredConnection>, Fault> {
    let query = connections::table.filter(connections::org_id.eq(org.0)).select(Row::as_select());
    let row: Option<Row> = query.first(&mut tx.pg()).await.optional().fault()?;
    row.map(StoredConnection::try_from).transpose()
}

/// Of these organisations the connections by which alone people come in.
pub(crate) async fn enforced_among(tx: &ReadTx<'_>, orgs: &[OrgId]) -> Result<Vec<Connection>, Fault> {
    let orgs: Vec<Uuid> = orgs.iter().map(|org| org.0).collect();
    let enforced = connections::org_id.eq_any(orgs).and(connections::mode.eq(SignOnMode::Enforced.name()));
    let rows: Vec<Row> = connections::table.filter(enforced).select(Row::as_select()).load(&mut tx.pg()).await.fault()?;
    rows.into_iter().map(|row| StoredConnection::try_from(row).map(|stored| stored.connection)).collect()
}

/// The connection of an organisation, locked.
pub(crate) async fn lock(tx: &mut Tx, org: OrgId) -> Result<Option<StoredConnection>, Fault> {
    let query = connections::table.filter(connections::org_id.eq(org.0)).for_update().select(Row::as_select());
    let row: Option<Row> = query.first(tx.pg()).await.optional().fault()?;
    row.map(StoredConnection::try_from).transpose()
}

/// A connection that is on, and stays so until the transaction ends.
pub(crate) async fn hold(tx: &mut Tx, org: OrgId, id: ConnectionId) -> Result<Option<Connection>, Fault> {
    let on = connections::table.find((org.0, id.0)).filter(connections::mode.ne(SignOnMode::Off.name()));
    let row: Option<Row> = on.for_share().select(Row::as_select()).first(tx.pg()).await.optional().fault()?;
    row.map(|row| StoredConnection::try_from(row).map(|stored| stored.connection)).transpose()
}

/// The organisation of a connection.
pub(crate) async fn organization_of(tx: &ReadTx<'_>, id: ConnectionId) -> Result<Option<OrgId>, Fault> {
    let query = connections::table.filter(connections::id.eq(id.0)).select(connections::org_id);
    let org: Option<Uuid> = query.first(&mut tx.pg()).await.optional().fault()?;
    Ok(org.map(OrgId))
}

/// The connection whose issuer made a session; none: it is the person's own.
pub(crate) async fn made_by(tx: &ReadTx<'_>, session: SessionId) -> Result<Option<ConnectionId>, Fault> {
    let query = sessions::table.filter(sessions::id.eq(session.0)).select(sessions::connection_id);
    let found: Option<Option<Uuid>> = query.first(&mut tx.pg()).await.optional().fault()?;
    Ok(found.flatten().map(ConnectionId))
}

/// Stores a new connection.
pub(crate) async fn insert(tx: &mut Tx, connection: Connection, secret: &[u8]) -> Result<Connection, Fault> {
    let at = db::touched(tx).await?;
    let connection = Connection { created_at: at, updated_at: at, ..connection };
    diesel::insert_into(connections::table)
        .values((
            connections::org_id.eq(connection.org.0),
            connections::id.eq(connection.id.0),
            connections::issuer.eq(&connection.issuer),
            connections::client_id.eq(&connection.client_id),
            connections::secret.eq(secret),
            connections::mode.eq(connection.mode.name()),
            connections::joins.eq(connection.joins),
            connections::trusts_factor.eq(connection.trusts_factor),
            connections::break_glass.eq(ids(&connection.break_glass)),
            connections::created_at.eq(at),
            connections::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(connection)
}

/// Writes what of a connection can change; what it is then.
pub(crate) async fn save(tx: &mut Tx, connection: Connection) -> Result<Connection, Fault> {
    let connection = Connection { updated_at: db::touched(tx).await?, ..connection };
    diesel::update(connections::table.find((connection.org.0, connection.id.0)))
        .set((
            connections::mode.eq(connection.mode.name()),
            connections::joins.eq(connection.joins),
            connections::trusts_factor.eq(connection.trusts_factor),
            connections::break_glass.eq(ids(&connection.break_glass)),
            connections::tested_at.eq(connection.tested_at),
            connections::updated_at.eq(connection.updated_at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(connection)
}

/// Gives a connection another secret, or the same one sealed anew.
pub(crate) async fn set_secret(tx: &mut Tx, org: OrgId, id: ConnectionId, secret: &[u8]) -> Result<(), Fault> {
    let one = diesel::update(connections::table.find((org.0, id.0))).set(connections::secret.eq(secret));
    one.execute(tx.pg()).await.fault().map(drop)
}

/// Removes the connection of an organisation, with whom it knew; which it was.
pub(crate) async fn delete(tx: &mut Tx, org: OrgId) -> Result<Option<ConnectionId>, Fault> {
    let gone = diesel::delete(connections::table.filter(connections::org_id.eq(org.0))).returning(connections::id);
    let id: Option<Uuid> = gone.get_result(tx.pg()).await.optional().fault()?;
    Ok(id.map(ConnectionId))
}

/// Every connection with its sealed secret, locked.
pub(crate) async fn lock_all(tx: &mut Tx) -> Result<Vec<StoredConnection>, Fault> {
    let query = connections::table.order(connections::org_id).for_no_key_update().select(Row::as_select());
    let rows: Vec<Row> = query.load(tx.pg()).await.fault()?;
    rows.into_iter().map(StoredConnection::try_from).collect()
}

/// Whom a connection knows by a subject.
pub(crate) async fn known(tx: &ReadTx<'_>, of: (OrgId, ConnectionId), subject: &str) -> Result<Option<UserId>, Fault> {
    let query = identities::table.find((of.0.0, of.1.0, subject)).select(identities::user_id);
    let user: Option<Uuid> = query.first(&mut tx.pg()).await.optional().fault()?;
    Ok(user.map(UserId))
}

/// By which subject a connection knows a person, locked.
pub(crate) async fn lock_subject(tx: &mut Tx, of: (OrgId, ConnectionId), user: UserId) -> Result<Option<String>, Fault> {
    let its = identities::org_id.eq(of.0.0).and(identities::connection_id.eq(of.1.0)).and(identities::user_id.eq(user.0));
    identities::table.filter(its).for_update().select(identities::subject).first(tx.pg()).await.optional().fault()
}

/// Knows a person from now on; `false` if somebody else is known by the subject.
pub(crate) async fn know(
    tx: &mut Tx,
    of: (OrgId, ConnectionId),
    subject: &str,
    user: UserId,
    now: Timestamp,
) -> Result<bool, Fault> {
    let known = diesel::insert_into(identities::table)
        .values((
            identities::org_id.eq(of.0.0),
            identities::connection_id.eq(of.1.0),
            identities::subject.eq(subject),
            identities::user_id.eq(user.0),
            identities::known_at.eq(now),
            identities::last_used_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(known == 1)
}

/// Notes that somebody came by a subject.
pub(crate) async fn used(tx: &mut Tx, of: (OrgId, ConnectionId), subject: &str, now: Timestamp) -> Result<(), Fault> {
    let one = diesel::update(identities::table.find((of.0.0, of.1.0, subject))).set(identities::last_used_at.eq(now));
    one.execute(tx.pg()).await.fault().map(drop)
}

/// Knows a person no more.
pub(crate) async fn forget(tx: &mut Tx, of: (OrgId, ConnectionId), user: UserId) -> Result<(), Fault> {
    let its = identities::org_id.eq(of.0.0).and(identities::connection_id.eq(of.1.0)).and(identities::user_id.eq(user.0));
    diesel::delete(identities::table.filter(its)).execute(tx.pg()).await.fault().map(drop)
}

/// Whether a member had an address of the organisation's domains while it let such members in by its issuer alone, and has one elsewhere since: the
/// database notes that with the change of the address.
pub(crate) async fn has_left(tx: &ReadTx<'_>, org: OrgId, user: UserId) -> Result<bool, Fault> {
    let one = leavers::table.find((org.0, user.0));
    diesel::select(diesel::dsl::exists(one)).get_result(&mut tx.pg()).await.fault()
}

/// Removes all of a person, whose account goes.
pub(crate) async fn delete_of_person(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    diesel::delete(begun::table.filter(begun::user_id.eq(user.0))).execute(tx.pg()).await.fault()?;
    diesel::delete(identities::table.filter(identities::user_id.eq(user.0))).execute(tx.pg()).await.fault().map(drop)
}

/// A browser that was sent to an issuer.
pub(crate) struct Begun {
    pub org: OrgId,
    pub connection: ConnectionId,
    /// Who tests the connection, and in which session.
    pub tests: Option<(UserId, SessionId)>,
    pub return_to: String,
}

/// Keeps that a browser was sent to an issuer.
pub(crate) async fn begin(
    tx: &mut Tx,
    (state, browser): (&TokenHash, &TokenHash),
    one: &Begun,
    (now, until): (Timestamp, Timestamp),
) -> Result<(), Fault> {
    diesel::insert_into(begun::table)
        .values((
            begun::state_hash.eq(&state[..]),
            begun::browser_hash.eq(&browser[..]),
            begun::organization.eq(one.org.0),
            begun::connection_id.eq(one.connection.0),
            begun::user_id.eq(one.tests.map(|(user, _)| user.0)),
            begun::session_id.eq(one.tests.map(|(_, session)| session.0)),
            begun::return_to.eq(&one.return_to),
            begun::made_at.eq(now),
            begun::expires_at.eq(until),
        ))
        .execute(tx.pg())
        .await
        .fault()
        .map(drop)
}

/// Ends what began in this browser with this state: of two who come back with it, one goes on.
pub(crate) async fn end(tx: &mut Tx, state: &TokenHash, browser: &TokenHash, now: Timestamp) -> Result<Begun, Error> {
    type Row = (Uuid, Uuid, Option<Uuid>, Option<Uuid>, String);
    let theirs = begun::browser_hash.eq(&browser[..]);
    let live = begun::ended_at.is_null().and(begun::expires_at.gt(now));
    let row: Option<Row> = diesel::update(begun::table.find(&state[..]).filter(theirs.and(live)))
        .set(begun::ended_at.eq(now))
        .returning((begun::organization, begun::connection_id, begun::user_id, begun::session_id, begun::return_to))
        .get_result(tx.pg())
        .await
        .optional()
        .fault()?;
    let (org, connection, user, session, return_to) = row.ok_or(Error::SignInSpent)?;
    let tests = user.zip(session).map(|(user, session)| (UserId(user), SessionId(session)));
    Ok(Begun { org: OrgId(org), connection: ConnectionId(connection), tests, return_to })
}

/// Removes what was over before `before`.
pub(crate) async fn purge(tx: &mut Tx, before: Timestamp) -> Result<usize, Fault> {
    diesel::delete(begun::table.filter(begun::expires_at.lt(before))).execute(tx.pg()).await.fault()
}
