//! SQL of passwords and sessions. All but [`end_in_org`], [`is_registered`] and [`notify`] runs as the platform.

use auth_api::{Error, Session};
use db::prelude::*;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use kernel::{Fault, OrgId, SessionId, Timestamp, UserId};
use uuid::Uuid;

use crate::schema::{credentials, sessions};
use crate::token::TokenHash;

/// The channel on which ends of sessions are told.
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

/// Replaces a person's password hash, unless it changed meanwhile.
pub(crate) async fn replace_password(tx: &mut Tx, user: UserId, old: &str, new: &str) -> Result<(), Fault> {
    diesel::update(credentials::table.find(user.0).filter(credentials::password_hash.eq(old)))
        .set((
            credentials::password_hash.eq(new),
            credentials::updated_at.eq(diesel::dsl::sql::<diesel::sql_types::Timestamptz>("clock_timestamp()")),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    yes: bool,
}

/// Whether a member of this tenant's transaction has a password.
pub(crate) async fn is_registered(tx: &mut Tx, user: UserId) -> Result<bool, Fault> {
    let answer: Answer =
        diesel::sql_query("select app.is_registered($1) as yes").bind::<SqlUuid, _>(user.0).get_result(tx.pg()).await.fault()?;
    Ok(answer.yes)
}

/// Forgets a person's password.
pub(crate) async fn delete_password(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    diesel::delete(credentials::table.find(user.0)).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// A session as it is stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub(crate) struct Row {
    pub id: Uuid,
    pub user_id: Uuid,
    pub org_id: Uuid,
    pub expires_at: Timestamp,
}

/// The session of a token, unless it was ended.
pub(crate) async fn session(tx: &ReadTx<'_>, hash: &TokenHash) -> Result<Option<Row>, Fault> {
    sessions::table
        .find(&hash[..])
        .filter(sessions::ended_at.is_null())
        .select(Row::as_select())
        .first(&mut tx.pg())
        .await
        .optional()
        .fault()
}

/// Whether the session of a token began after `since`.
pub(crate) async fn is_younger(tx: &ReadTx<'_>, hash: &TokenHash, since: Timestamp) -> Result<bool, Fault> {
    let young = sessions::table.find(&hash[..]).filter(sessions::created_at.gt(since));
    diesel::select(diesel::dsl::exists(young)).get_result(&mut tx.pg()).await.fault()
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

/// Stores a fresh session.
pub(crate) async fn insert_session(tx: &mut Tx, hash: &TokenHash, session: &Session, now: Timestamp) -> Result<(), Fault> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::token_hash.eq(&hash[..]),
            sessions::id.eq(session.id.0),
            sessions::user_id.eq(session.user.0),
            sessions::org_id.eq(session.org.0),
            sessions::created_at.eq(now),
            sessions::expires_at.eq(session.expires_at),
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

/// Ends every session of a person.
pub(crate) async fn end_all(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<(), Fault> {
    let live = sessions::user_id.eq(user.0).and(sessions::ended_at.is_null());
    diesel::update(sessions::table.filter(live)).set(sessions::ended_at.eq(now)).execute(tx.pg()).await.fault()?;
    notify(tx, &user.to_string()).await
}

/// Ends a person's sessions in the organisation of this tenant's transaction.
pub(crate) async fn end_in_org(tx: &mut Tx, user: UserId, org: OrgId) -> Result<(), Fault> {
    diesel::sql_query("select app.end_sessions($1, $2)")
        .bind::<SqlUuid, _>(user.0)
        .bind::<SqlUuid, _>(org.0)
        .execute(tx.pg())
        .await
        .fault()?;
    notify(tx, &user.to_string()).await
}

/// Removes sessions that were over before `before`.
pub(crate) async fn purge(tx: &mut Tx, before: Timestamp) -> Result<usize, Fault> {
    diesel::delete(sessions::table.filter(sessions::expires_at.lt(before))).execute(tx.pg()).await.fault()
}

/// Tells every replica, once the transaction commits.
pub(crate) async fn notify(tx: &mut Tx, payload: &str) -> Result<(), Fault> {
    diesel::sql_query("select pg_notify($1, $2)")
        .bind::<Text, _>(CHANNEL)
        .bind::<Text, _>(payload)
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}
