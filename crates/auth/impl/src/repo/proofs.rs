//! SQL of what is mailed to prove an address. All of it runs as the platform.

use auth_api::Purpose;
use auth_api::email::Email;
use db::prelude::*;
use diesel::sql_types::{Bytea, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Fault, SessionId, Timestamp, UserId};
use uuid::Uuid;

use crate::proof::{Hashes, MAILS_WINDOW, MOST_TRIES, Proof, end_of};
use crate::schema::address_proofs as proofs;

#[derive(Queryable, Selectable)]
#[diesel(table_name = proofs)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    email: String,
    email_key: String,
    user_id: Option<Uuid>,
    session_id: Option<Uuid>,
    code_hash: Vec<u8>,
}

impl From<Row> for Proof {
    fn from(row: Row) -> Self {
        let Row { id, email, email_key, user_id, session_id, code_hash } = row;
        Self { id, email, email_key, user: user_id.map(UserId), session: session_id.map(SessionId), code: code_hash }
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Integer)]
    asked: i32,
    #[diesel(sql_type = Timestamptz)]
    asked_since: Timestamp,
}

/// Keeps a proof of `id` in the place of the one before for the same thing; how often it was asked for, and since when that is counted.
pub(crate) async fn put(
    tx: &mut Tx,
    id: Uuid,
    purpose: Purpose,
    email: &Email,
    (user, session): (Option<UserId>, Option<SessionId>),
    hashes: &Hashes,
    now: Timestamp,
) -> Result<(i32, Timestamp), Fault> {
    let sql = "insert into address_proofs as before
            (id, purpose, email, email_key, user_id, session_id, token_hash, request_hash, code_hash, made_at, expires_at, asked, asked_since)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $10)
        on conflict (purpose, email_key, user_id) do update set
            id = excluded.id, email = excluded.email, session_id = excluded.session_id, token_hash = excluded.token_hash,
            request_hash = excluded.request_hash, code_hash = excluded.code_hash, tries = 0, made_at = excluded.made_at,
            expires_at = excluded.expires_at, ended_at = null,
            asked = case when before.asked_since > $12 then before.asked + 1 else 1 end,
            asked_since = case when before.asked_since > $12 then before.asked_since else excluded.asked_since end
        returning asked, asked_since";
    let counted: Count = diesel::sql_query(sql)
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(purpose.name())
        .bind::<Text, _>(email.as_str())
        .bind::<Text, _>(email.key())
        .bind::<Nullable<SqlUuid>, _>(user.map(|user| user.0))
        .bind::<Nullable<SqlUuid>, _>(session.map(|session| session.0))
        .bind::<Bytea, _>(&hashes.token[..])
        .bind::<Bytea, _>(&hashes.request[..])
        .bind::<Bytea, _>(&hashes.code[..])
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(end_of(now))
        .bind::<Timestamptz, _>(now - chrono::TimeDelta::seconds(i64::from(MAILS_WINDOW)))
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok((counted.asked, counted.asked_since))
}

/// The one of this token, if it still counts for this.
pub(crate) async fn of_token(tx: &ReadTx<'_>, purpose: Purpose, hash: &[u8; 32], now: Timestamp) -> Result<Option<Proof>, Fault> {
    let live = proofs::ended_at.is_null().and(proofs::expires_at.gt(now)).and(proofs::purpose.eq(purpose.name()));
    let query = proofs::table.filter(proofs::token_hash.eq(&hash[..]).and(live)).select(Row::as_select());
    let row: Option<Row> = query.first(&mut tx.pg()).await.optional().fault()?;
    Ok(row.map(Proof::from))
}

/// The one that this program asked for, if it still counts for this and not too many codes were tried; locked, so that tries are counted one
/// after another.
pub(crate) async fn lock_of_request(
    tx: &mut Tx,
    purpose: Purpose,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Proof>, Fault> {
    let live = proofs::ended_at.is_null().and(proofs::expires_at.gt(now)).and(proofs::purpose.eq(purpose.name()));
    let open = live.and(proofs::tries.lt(MOST_TRIES));
    let query = proofs::table.filter(proofs::request_hash.eq(&hash[..]).and(open)).for_no_key_update().select(Row::as_select());
    let row: Option<Row> = query.first(tx.pg()).await.optional().fault()?;
    Ok(row.map(Proof::from))
}

/// Counts a code that was not the one of a proof, which is locked.
pub(crate) async fn was_wrong(tx: &mut Tx, id: Uuid) -> Result<(), Fault> {
    let one = diesel::update(proofs::table.find(id)).set(proofs::tries.eq(proofs::tries + 1_i16));
    one.execute(tx.pg()).await.fault().map(drop)
}

/// Uses one up; `false` if it does not count any more: of two who show it, one gets what it is for.
pub(crate) async fn consume(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<bool, Fault> {
    let live = proofs::ended_at.is_null().and(proofs::expires_at.gt(now));
    let one = diesel::update(proofs::table.find(id).filter(live)).set(proofs::ended_at.eq(now));
    Ok(one.execute(tx.pg()).await.fault()? == 1)
}

/// Ends all that still count of a person's account: what somebody asked for before must not undo what was done now.
pub(crate) async fn end_of_person(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<(), Fault> {
    let theirs = proofs::table.filter(proofs::user_id.eq(user.0).and(proofs::ended_at.is_null()));
    diesel::update(theirs).set(proofs::ended_at.eq(now)).execute(tx.pg()).await.fault().map(drop)
}

/// Removes those of a person's account, with the addresses in them.
pub(crate) async fn delete_of_person(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    diesel::delete(proofs::table.filter(proofs::user_id.eq(user.0))).execute(tx.pg()).await.fault().map(drop)
}

/// Removes those that were over before `before`.
pub(crate) async fn purge(tx: &mut Tx, before: Timestamp) -> Result<usize, Fault> {
    diesel::delete(proofs::table.filter(proofs::expires_at.lt(before))).execute(tx.pg()).await.fault()
}
