//! SQL of what is mailed to prove an address. All of it runs as the platform.

use auth_api::Purpose;
use auth_api::email::Email;
use db::prelude::*;
use diesel::sql_types::{BigInt, Bytea, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Fault, SessionId, Timestamp, UserId};
use uuid::Uuid;

use crate::proof::{Hashes, MAILS_WINDOW, MOST_LINKS, MOST_TRIES, Proof, end_of};
use crate::schema::{mail_counts, mailed_proofs as proofs};

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
    since: Timestamp,
}

/// Counts a mail by this key: how many there were in the window with it, and since when these are counted.
pub(crate) async fn count(tx: &mut Tx, key: &[u8; 32], now: Timestamp) -> Result<(i32, Timestamp), Fault> {
    let sql = "insert into mail_counts as before (key, asked, since) values ($1, 1, $2)
        on conflict (key) do update set
            asked = case when before.since > $3 then before.asked + 1 else 1 end,
            since = case when before.since > $3 then before.since else excluded.since end
        returning asked, since";
    let counted: Count = diesel::sql_query(sql)
        .bind::<Bytea, _>(&key[..])
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(now - chrono::TimeDelta::seconds(i64::from(MAILS_WINDOW)))
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok((counted.asked, counted.since))
}

/// A proof that is made now.
pub(crate) struct NewProof<'a> {
    pub id: Uuid,
    pub purpose: Purpose,
    pub email: &'a Email,
    pub user: Option<UserId>,
    pub session: Option<SessionId>,
    /// From which network it is asked for.
    pub network: [u8; 32],
    pub hashes: &'a Hashes,
}

/// Keeps a proof beside those before for the same thing. Of each network that asked the last few go on to count.
pub(crate) async fn insert(tx: &mut Tx, new: &NewProof<'_>, now: Timestamp) -> Result<(), Fault> {
    diesel::insert_into(proofs::table)
        .values((
            proofs::id.eq(new.id),
            proofs::purpose.eq(new.purpose.name()),
            proofs::email.eq(new.email.as_str()),
            proofs::email_key.eq(new.email.key()),
            proofs::user_id.eq(new.user.map(|user| user.0)),
            proofs::session_id.eq(new.session.map(|session| session.0)),
            proofs::network_hash.eq(&new.network[..]),
            proofs::token_hash.eq(&new.hashes.token[..]),
            proofs::request_hash.eq(&new.hashes.request[..]),
            proofs::code_hash.eq(&new.hashes.code[..]),
            proofs::made_at.eq(now),
            proofs::expires_at.eq(end_of(now)),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    let sql = "update mailed_proofs set ended_at = $1 where id in (
            select id from mailed_proofs where purpose = $2 and email_key = $3 and user_id is not distinct from $4 and network_hash = $5
                and ended_at is null and expires_at > $1
            order by made_at desc, id desc offset $6)";
    diesel::sql_query(sql)
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(new.purpose.name())
        .bind::<Text, _>(new.email.key())
        .bind::<Nullable<SqlUuid>, _>(new.user.map(|user| user.0))
        .bind::<Bytea, _>(&new.network[..])
        .bind::<BigInt, _>(MOST_LINKS)
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
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

/// Uses one up; `false` if it does not count any more: of two who show it, one gets what it is for. Whatever else was mailed for the same thing ends
/// with it.
pub(crate) async fn consume(tx: &mut Tx, proof: &Proof, now: Timestamp) -> Result<bool, Fault> {
    let live = proofs::ended_at.is_null().and(proofs::expires_at.gt(now));
    let one = diesel::update(proofs::table.find(proof.id).filter(live)).set(proofs::ended_at.eq(now));
    if one.execute(tx.pg()).await.fault()? == 0 {
        return Ok(false);
    }
    let sql =
        "update mailed_proofs set ended_at = $1 where email_key = $2 and user_id is not distinct from $3 and ended_at is null
        and purpose = (select purpose from mailed_proofs where id = $4)";
    diesel::sql_query(sql)
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(&proof.email_key)
        .bind::<Nullable<SqlUuid>, _>(proof.user.map(|user| user.0))
        .bind::<SqlUuid, _>(proof.id)
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(true)
}

/// Ends all that still count of a person's account: what somebody asked for before must not undo what was done now.
pub(crate) async fn end_of_person(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<(), Fault> {
    let theirs = proofs::table.filter(proofs::user_id.eq(user.0).and(proofs::ended_at.is_null()));
    diesel::update(theirs).set(proofs::ended_at.eq(now)).execute(tx.pg()).await.fault()?;
    // And what servers of the version before mailed, which they go on to take.
    let before = "update address_proofs set ended_at = $1 where user_id = $2 and ended_at is null";
    let before = diesel::sql_query(before).bind::<Timestamptz, _>(now).bind::<SqlUuid, _>(user.0);
    before.execute(tx.pg()).await.fault().map(drop)
}

/// Removes those of a person's account, with the addresses in them.
pub(crate) async fn delete_of_person(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    diesel::delete(proofs::table.filter(proofs::user_id.eq(user.0))).execute(tx.pg()).await.fault()?;
    let before = diesel::sql_query("delete from address_proofs where user_id = $1").bind::<SqlUuid, _>(user.0);
    before.execute(tx.pg()).await.fault().map(drop)
}

/// Removes those that were over before `before`, and what was counted before.
pub(crate) async fn purge(tx: &mut Tx, before: Timestamp) -> Result<usize, Fault> {
    diesel::delete(mail_counts::table.filter(mail_counts::since.lt(before))).execute(tx.pg()).await.fault()?;
    let of_before = diesel::sql_query("delete from address_proofs where expires_at < $1").bind::<Timestamptz, _>(before);
    of_before.execute(tx.pg()).await.fault()?;
    diesel::delete(proofs::table.filter(proofs::expires_at.lt(before))).execute(tx.pg()).await.fault()
}
