//! SQL of sign-ins that wait for a second factor. All of it runs as the platform.

use auth_api::{ConnectionId, SignInMethod};
use db::prelude::*;
use kernel::{Fault, Timestamp, UserId};
use uuid::Uuid;

use crate::schema::pending_sign_ins as pending;
use crate::token::TokenHash;

/// So many wrong second factors, and it counts no more.
pub(crate) const MOST_TRIES: i16 = 5;

/// A sign-in that still waits.
pub(crate) struct Pending {
    pub id: Uuid,
    pub user: UserId,
    /// By what the person proved who they are so far.
    pub method: SignInMethod,
    /// How the trail calls such a sign-in.
    pub action: String,
    /// By which organisation's issuer, if it was by one.
    pub connection: Option<ConnectionId>,
}

/// One that begins.
pub(crate) struct NewPending<'a> {
    pub hash: TokenHash,
    pub user: UserId,
    pub method: SignInMethod,
    pub action: &'a str,
    pub connection: Option<ConnectionId>,
    pub expires_at: Timestamp,
}

/// Keeps one.
pub(crate) async fn insert(tx: &mut Tx, new: NewPending<'_>, now: Timestamp) -> Result<(), Fault> {
    diesel::insert_into(pending::table)
        .values((
            pending::id.eq(Uuid::now_v7()),
            pending::token_hash.eq(&new.hash[..]),
            pending::user_id.eq(new.user.0),
            pending::method.eq(new.method.name()),
            pending::action.eq(new.action),
            pending::made_at.eq(now),
            pending::expires_at.eq(new.expires_at),
            pending::connection_id.eq(new.connection.map(|connection| connection.0)),
        ))
        .execute(tx.pg())
        .await
        .fault()
        .map(drop)
}

/// The one of this token, if it still waits.
pub(crate) async fn of_token(tx: &ReadTx<'_>, hash: &TokenHash, now: Timestamp) -> Result<Option<Pending>, Fault> {
    type Row = (Uuid, Uuid, String, String, Option<Uuid>);
    let live = pending::ended_at.is_null().and(pending::expires_at.gt(now)).and(pending::tries.lt(MOST_TRIES));
    let query = pending::table.filter(pending::token_hash.eq(&hash[..]).and(live));
    let row: Option<Row> = query
        .select((pending::id, pending::user_id, pending::method, pending::action, pending::connection_id))
        .first(&mut tx.pg())
        .await
        .optional()
        .fault()?;
    let found = |(id, user, method, action, connection): Row| {
        let connection = connection.map(ConnectionId);
        Ok(Pending { id, user: UserId(user), method: db::named(&method)?, action, connection })
    };
    row.map(found).transpose()
}

/// Whether one still waits; locked, so that tries are counted one after another.
pub(crate) async fn lock(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<bool, Fault> {
    let live = pending::ended_at.is_null().and(pending::expires_at.gt(now)).and(pending::tries.lt(MOST_TRIES));
    let query = pending::table.find(id).filter(live).for_no_key_update().select(pending::id);
    let found: Option<Uuid> = query.first(tx.pg()).await.optional().fault()?;
    Ok(found.is_some())
}

/// Counts a second factor that is none, of one that is locked.
pub(crate) async fn was_wrong(tx: &mut Tx, id: Uuid) -> Result<(), Fault> {
    let one = diesel::update(pending::table.find(id)).set(pending::tries.eq(pending::tries + 1_i16));
    one.execute(tx.pg()).await.fault().map(drop)
}

/// Ends one that led to a session.
pub(crate) async fn end(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<(), Fault> {
    diesel::update(pending::table.find(id)).set(pending::ended_at.eq(now)).execute(tx.pg()).await.fault().map(drop)
}

/// Ends all of a person: what somebody proved before says nothing after this.
pub(crate) async fn end_of_person(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<(), Fault> {
    let theirs = pending::table.filter(pending::user_id.eq(user.0).and(pending::ended_at.is_null()));
    diesel::update(theirs).set(pending::ended_at.eq(now)).execute(tx.pg()).await.fault().map(drop)
}

/// Ends all that the issuer of an organisation began.
pub(crate) async fn end_of_connection(tx: &mut Tx, connection: ConnectionId, now: Timestamp) -> Result<(), Fault> {
    let its = pending::table.filter(pending::connection_id.eq(connection.0).and(pending::ended_at.is_null()));
    diesel::update(its).set(pending::ended_at.eq(now)).execute(tx.pg()).await.fault().map(drop)
}

/// Removes those of a person.
pub(crate) async fn delete_of_person(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    diesel::delete(pending::table.filter(pending::user_id.eq(user.0))).execute(tx.pg()).await.fault().map(drop)
}

/// Removes those that were over before `before`.
pub(crate) async fn purge(tx: &mut Tx, before: Timestamp) -> Result<usize, Fault> {
    diesel::delete(pending::table.filter(pending::expires_at.lt(before))).execute(tx.pg()).await.fault()
}
