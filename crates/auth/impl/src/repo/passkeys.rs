//! SQL of passkeys and of what authenticators were asked. All of it runs as the platform.

use auth_api::{Error, KeptKey, Passkey, PasskeyId};
use db::prelude::*;
use kernel::{Fault, Timestamp, UserId};
use uuid::Uuid;

use crate::challenge::{AskedBy, AskedFor, end_of};
use crate::schema::{passkey_challenges as challenges, passkeys};
use crate::token::TokenHash;

/// So many passkeys a person has at most.
pub(crate) const MOST: u8 = 20;

#[derive(Queryable, Selectable)]
#[diesel(table_name = passkeys)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    name: String,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    backup_eligible: bool,
    backed_up: bool,
}

impl From<Row> for Passkey {
    fn from(row: Row) -> Self {
        let Row { id, name, created_at, last_used_at, backup_eligible, backed_up } = row;
        Self { id: PasskeyId(id), name, created_at, last_used_at, backup_eligible, backed_up }
    }
}

/// A key of somebody, as it is compared with an answer.
pub(crate) struct Known {
    pub id: PasskeyId,
    pub name: String,
    pub credential: String,
}

/// Keeps what is asked, in the place of what the same session asked before for the same.
pub(crate) async fn put_challenge(
    tx: &mut Tx,
    hash: &TokenHash,
    asked: AskedFor,
    by: AskedBy,
    sealed: &[u8],
    now: Timestamp,
) -> Result<(), Fault> {
    if let Some((_, from)) = by {
        let before = challenges::asked_by.eq(from).and(challenges::purpose.eq(asked.name()));
        diesel::delete(challenges::table.filter(before)).execute(tx.pg()).await.fault()?;
    }
    diesel::insert_into(challenges::table)
        .values((
            challenges::request_hash.eq(&hash[..]),
            challenges::purpose.eq(asked.name()),
            challenges::user_id.eq(by.map(|(user, _)| user.0)),
            challenges::asked_by.eq(by.map(|(_, from)| from)),
            challenges::state.eq(sealed),
            challenges::made_at.eq(now),
            challenges::expires_at.eq(end_of(now)),
        ))
        .execute(tx.pg())
        .await
        // Two requests of one session at a time: the later one may come again.
        .on_constraint("passkey_challenges_one_each", || Fault::unavailable("the session asks for another challenge just now"))
        .map(drop)
}

/// Takes away what was asked, if that still counts for this: of two answers one finds it. By whom it was asked, its seal tells.
pub(crate) async fn take_challenge(
    tx: &mut Tx,
    hash: &TokenHash,
    asked: AskedFor,
    now: Timestamp,
) -> Result<Option<Vec<u8>>, Fault> {
    let its = challenges::purpose.eq(asked.name()).and(challenges::expires_at.gt(now));
    diesel::delete(challenges::table.filter(challenges::request_hash.eq(&hash[..]).and(its)))
        .returning(challenges::state)
        .get_result(tx.pg())
        .await
        .optional()
        .fault()
}

/// Removes what was asked of authenticators and is over.
pub(crate) async fn purge_challenges(tx: &mut Tx, now: Timestamp) -> Result<usize, Fault> {
    diesel::delete(challenges::table.filter(challenges::expires_at.le(now))).execute(tx.pg()).await.fault()
}

/// The passkeys of a person, newest first.
pub(crate) async fn of_person(tx: &ReadTx<'_>, user: UserId) -> Result<Vec<Passkey>, Fault> {
    let theirs = passkeys::table.filter(passkeys::user_id.eq(user.0)).order((passkeys::created_at.desc(), passkeys::id.desc()));
    let rows: Vec<Row> = theirs.select(Row::as_select()).load(&mut tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(Passkey::from).collect())
}

/// What authenticators call the passkeys of a person.
pub(crate) async fn credentials_of(tx: &ReadTx<'_>, user: UserId) -> Result<Vec<Vec<u8>>, Fault> {
    let theirs = passkeys::table.filter(passkeys::user_id.eq(user.0)).order(passkeys::place);
    theirs.select(passkeys::credential_id).load(&mut tx.pg()).await.fault()
}

/// Whose the passkey is that authenticators call so.
pub(crate) async fn owner(tx: &ReadTx<'_>, credential_id: &[u8]) -> Result<Option<UserId>, Fault> {
    let query = passkeys::table.filter(passkeys::credential_id.eq(credential_id)).select(passkeys::user_id);
    let user: Option<Uuid> = query.first(&mut tx.pg()).await.optional().fault()?;
    Ok(user.map(UserId))
}

/// That passkey; locked, so that its uses are counted one after another.
pub(crate) async fn lock(tx: &mut Tx, user: UserId, credential_id: &[u8]) -> Result<Option<Known>, Fault> {
    let its = passkeys::credential_id.eq(credential_id).and(passkeys::user_id.eq(user.0));
    let query = passkeys::table.filter(its).for_no_key_update().select((passkeys::id, passkeys::name, passkeys::credential));
    let row: Option<(Uuid, String, String)> = query.first(tx.pg()).await.optional().fault()?;
    Ok(row.map(|(id, name, credential)| Known { id: PasskeyId(id), name, credential }))
}

/// The places that the passkeys of a person take; locked, so that they are counted one request after another.
pub(crate) async fn lock_places(tx: &mut Tx, user: UserId) -> Result<Vec<i16>, Fault> {
    let theirs = passkeys::table.filter(passkeys::user_id.eq(user.0)).order(passkeys::place);
    theirs.for_update().select(passkeys::place).load(tx.pg()).await.fault()
}

/// Keeps a key that was just made.
pub(crate) async fn insert(
    tx: &mut Tx,
    (user, place): (UserId, i16),
    key: &KeptKey,
    name: &str,
    now: Timestamp,
) -> Result<Passkey, Error> {
    let at = db::touched(tx).await?;
    let row: Row = diesel::insert_into(passkeys::table)
        .values((
            passkeys::id.eq(Uuid::now_v7()),
            passkeys::user_id.eq(user.0),
            passkeys::place.eq(place),
            passkeys::credential_id.eq(&key.credential_id[..]),
            passkeys::credential.eq(&key.credential),
            passkeys::name.eq(name),
            passkeys::counter.eq(i64::from(key.counter)),
            passkeys::backup_eligible.eq(key.backup_eligible),
            passkeys::backed_up.eq(key.backed_up),
            passkeys::created_at.eq(now),
            passkeys::updated_at.eq(at),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .on_constraint("passkeys_credential_unique", || Error::PasskeyKnown)?;
    Ok(row.into())
}

/// Notes that a passkey, which is locked, was used, and what changed of it.
pub(crate) async fn was_used(tx: &mut Tx, id: PasskeyId, key: &KeptKey, now: Timestamp) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(passkeys::table.find(id.0))
        .set((
            passkeys::credential.eq(&key.credential),
            passkeys::counter.eq(i64::from(key.counter)),
            passkeys::backed_up.eq(key.backed_up),
            passkeys::last_used_at.eq(now),
            passkeys::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()
        .map(drop)
}

/// Calls a passkey of a person otherwise; answers what it is called now.
pub(crate) async fn rename(tx: &mut Tx, user: UserId, id: PasskeyId, name: &str) -> Result<Option<Passkey>, Fault> {
    let at = db::touched(tx).await?;
    let theirs = passkeys::table.find(id.0).filter(passkeys::user_id.eq(user.0));
    let renamed: Option<Row> = diesel::update(theirs)
        .set((passkeys::name.eq(name), passkeys::updated_at.eq(at)))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .optional()
        .fault()?;
    Ok(renamed.map(Passkey::from))
}

/// Removes a passkey of a person; answers what it was called.
pub(crate) async fn delete(tx: &mut Tx, user: UserId, id: PasskeyId) -> Result<Option<String>, Fault> {
    let theirs = passkeys::table.find(id.0).filter(passkeys::user_id.eq(user.0));
    diesel::delete(theirs).returning(passkeys::name).get_result(tx.pg()).await.optional().fault()
}

/// Removes every passkey of a person, and what they were asked.
pub(crate) async fn delete_all(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    diesel::delete(challenges::table.filter(challenges::user_id.eq(user.0))).execute(tx.pg()).await.fault()?;
    diesel::delete(passkeys::table.filter(passkeys::user_id.eq(user.0))).execute(tx.pg()).await.fault().map(drop)
}
