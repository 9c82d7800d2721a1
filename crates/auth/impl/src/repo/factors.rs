//! SQL of second factors. All of it runs as the platform.

use auth_api::FactorKind;
use db::prelude::*;
use diesel::sql_types::{Bytea, Timestamptz, Uuid as SqlUuid};
use kernel::{Fault, Timestamp, UserId};

use crate::schema::{passkeys, recovery_codes, totp_factors};

/// Whether the person has a second factor that counts. Codes of recovery are none by themselves.
pub(crate) async fn has_any(tx: &ReadTx<'_>, user: UserId) -> Result<bool, Fault> {
    let totp = totp_factors::table.filter(totp_factors::user_id.eq(user.0)).filter(totp_factors::confirmed_at.is_not_null());
    let passkey = passkeys::table.filter(passkeys::user_id.eq(user.0));
    let any = diesel::dsl::exists(totp).or(diesel::dsl::exists(passkey));
    diesel::select(any).get_result(&mut tx.pg()).await.fault()
}

/// What the person can show as a second factor: nothing, if they have none. Every kind of factor is asked for here.
pub(crate) async fn kinds(tx: &mut Tx, user: UserId) -> Result<Vec<FactorKind>, Fault> {
    let totp = totp_factors::table.filter(totp_factors::user_id.eq(user.0)).filter(totp_factors::confirmed_at.is_not_null());
    let has_totp: bool = diesel::select(diesel::dsl::exists(totp)).get_result(tx.pg()).await.fault()?;
    let passkey = passkeys::table.filter(passkeys::user_id.eq(user.0));
    let has_passkey: bool = diesel::select(diesel::dsl::exists(passkey)).get_result(tx.pg()).await.fault()?;
    let mut kinds = Vec::new();
    if has_totp {
        kinds.push(FactorKind::Totp);
    }
    if has_passkey {
        kinds.push(FactorKind::Passkey);
    }
    if !kinds.is_empty() && codes_left(tx, user).await? > 0 {
        kinds.push(FactorKind::RecoveryCode);
    }
    Ok(kinds)
}

/// Since when the person has an authenticator, how many passkeys they have, and how many recovery codes are left.
pub(crate) async fn own(tx: &ReadTx<'_>, user: UserId) -> Result<(Option<Timestamp>, u32, u32), Fault> {
    let theirs = passkeys::table.filter(passkeys::user_id.eq(user.0));
    let keys: i64 = theirs.count().get_result(&mut tx.pg()).await.fault()?;
    let query = totp_factors::table.find(user.0).select(totp_factors::confirmed_at);
    let since: Option<Option<Timestamp>> = query.first(&mut tx.pg()).await.optional().fault()?;
    let unused = recovery_codes::table.filter(recovery_codes::user_id.eq(user.0)).filter(recovery_codes::used_at.is_null());
    let left: i64 = unused.count().get_result(&mut tx.pg()).await.fault()?;
    let number = |count: i64| u32::try_from(count).map_err(Fault::internal);
    Ok((since.flatten(), number(keys)?, number(left)?))
}

/// Since when the person has an authenticator; asked within a change.
pub(crate) async fn totp_since(tx: &mut Tx, user: UserId) -> Result<Option<Timestamp>, Fault> {
    let query = totp_factors::table.find(user.0).select(totp_factors::confirmed_at);
    let since: Option<Option<Timestamp>> = query.first(tx.pg()).await.optional().fault()?;
    Ok(since.flatten())
}

/// How many recovery codes the person has left.
pub(crate) async fn codes_left(tx: &mut Tx, user: UserId) -> Result<u32, Fault> {
    let unused = recovery_codes::table.filter(recovery_codes::user_id.eq(user.0)).filter(recovery_codes::used_at.is_null());
    let left: i64 = unused.count().get_result(tx.pg()).await.fault()?;
    u32::try_from(left).map_err(Fault::internal)
}

/// The sealed secret of the person's authenticator; locked, so that codes are looked at one after another.
pub(crate) async fn lock_totp(tx: &mut Tx, user: UserId) -> Result<Option<Vec<u8>>, Fault> {
    let query = totp_factors::table.find(user.0).for_no_key_update().select(totp_factors::secret);
    let secret: Option<Option<Vec<u8>>> = query.first(tx.pg()).await.optional().fault()?;
    Ok(secret.flatten())
}

/// The sealed secret of the authenticator that the person has been setting up since `since` or later; locked.
pub(crate) async fn lock_next_totp(tx: &mut Tx, user: UserId, since: Timestamp) -> Result<Option<Vec<u8>>, Fault> {
    let young = totp_factors::table.find(user.0).filter(totp_factors::next_made_at.gt(since));
    let secret: Option<Option<Vec<u8>>> =
        young.for_no_key_update().select(totp_factors::next_secret).first(tx.pg()).await.optional().fault()?;
    Ok(secret.flatten())
}

/// Notes that the code of a half minute was used; `false` if it, or a later one, was before: of two who show it, one gets in.
pub(crate) async fn use_step(tx: &mut Tx, user: UserId, step: i64) -> Result<bool, Fault> {
    let earlier = totp_factors::confirmed_at.is_not_null().and(totp_factors::last_step.lt(step));
    let used = diesel::update(totp_factors::table.find(user.0).filter(earlier)).set(totp_factors::last_step.eq(step));
    Ok(used.execute(tx.pg()).await.fault()? == 1)
}

/// Seals the secret of an authenticator anew.
pub(crate) async fn reseal(tx: &mut Tx, user: UserId, sealed: &[u8]) -> Result<(), Fault> {
    let confirmed = totp_factors::table.find(user.0).filter(totp_factors::confirmed_at.is_not_null());
    diesel::update(confirmed).set(totp_factors::secret.eq(sealed)).execute(tx.pg()).await.fault().map(drop)
}

/// Every authenticator that counts, with its sealed secret; locked.
pub(crate) async fn lock_all(tx: &mut Tx) -> Result<Vec<(UserId, Vec<u8>)>, Fault> {
    let query = totp_factors::table.order(totp_factors::user_id).for_no_key_update();
    let rows: Vec<(uuid::Uuid, Option<Vec<u8>>)> =
        query.select((totp_factors::user_id, totp_factors::secret)).load(tx.pg()).await.fault()?;
    Ok(rows.into_iter().filter_map(|(user, secret)| Some((UserId(user), secret?))).collect())
}

/// Keeps the secret of an authenticator that the person sets up, in the place of the last one that they did not confirm.
pub(crate) async fn put_next(tx: &mut Tx, user: UserId, sealed: &[u8], now: Timestamp) -> Result<(), Fault> {
    let sql = "insert into totp_factors (user_id, next_secret, next_made_at) values ($1, $2, $3)
        on conflict (user_id) do update set next_secret = excluded.next_secret, next_made_at = excluded.next_made_at";
    let query = diesel::sql_query(sql).bind::<SqlUuid, _>(user.0).bind::<Bytea, _>(sealed).bind::<Timestamptz, _>(now);
    query.execute(tx.pg()).await.fault().map(drop)
}

/// The authenticator that the person sets up counts from now on, and none before it; the code of that half minute is used.
pub(crate) async fn confirm_next(tx: &mut Tx, user: UserId, step: i64, now: Timestamp) -> Result<(), Fault> {
    diesel::update(totp_factors::table.find(user.0))
        .set((
            totp_factors::secret.eq(totp_factors::next_secret),
            totp_factors::confirmed_at.eq(now),
            totp_factors::last_step.eq(step),
            totp_factors::next_secret.eq(None::<Vec<u8>>),
            totp_factors::next_made_at.eq(None::<Timestamp>),
        ))
        .execute(tx.pg())
        .await
        .fault()
        .map(drop)
}

/// Removes the person's authenticator, and one that they set up; `false` if there was none that counts.
pub(crate) async fn delete_totp(tx: &mut Tx, user: UserId) -> Result<bool, Fault> {
    let had = lock_totp(tx, user).await?.is_some();
    diesel::delete(totp_factors::table.find(user.0)).execute(tx.pg()).await.fault()?;
    Ok(had)
}

/// Removes every second factor of the person, of whichever kind, and the recovery codes.
pub(crate) async fn delete_all(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    delete_totp(tx, user).await?;
    super::passkeys::delete_all(tx, user).await?;
    delete_codes(tx, user).await
}

/// Uses a recovery code up; `false` if the person has none of this hash, or used it before.
pub(crate) async fn use_code(tx: &mut Tx, user: UserId, hash: &[u8; 32], now: Timestamp) -> Result<bool, Fault> {
    let unused = recovery_codes::table.find((user.0, &hash[..])).filter(recovery_codes::used_at.is_null());
    Ok(diesel::update(unused).set(recovery_codes::used_at.eq(now)).execute(tx.pg()).await.fault()? == 1)
}

/// Puts codes of these hashes in the place of those that the person has.
pub(crate) async fn replace_codes(tx: &mut Tx, user: UserId, hashes: &[[u8; 32]], now: Timestamp) -> Result<(), Fault> {
    delete_codes(tx, user).await?;
    let rows: Vec<_> = hashes
        .iter()
        .map(|hash| {
            (recovery_codes::user_id.eq(user.0), recovery_codes::code_hash.eq(hash.to_vec()), recovery_codes::made_at.eq(now))
        })
        .collect();
    diesel::insert_into(recovery_codes::table).values(rows).execute(tx.pg()).await.fault().map(drop)
}

/// Removes the person's recovery codes.
pub(crate) async fn delete_codes(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    let all = recovery_codes::table.filter(recovery_codes::user_id.eq(user.0));
    diesel::delete(all).execute(tx.pg()).await.fault().map(drop)
}
