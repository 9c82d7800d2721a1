//! SQL of known devices. All of it runs as the platform.

use db::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use kernel::{Fault, Timestamp, UserId};

use crate::schema::known_devices;
use crate::token::TokenHash;

/// Of each person so many devices are known that came back, and so many that did not yet; of more those that were used last.
const MOST: i64 = 20;

/// Where somebody comes from: hashes of the cookie and of the person's network, as far as they are known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whence {
    pub(crate) device: Option<TokenHash>,
    pub(crate) network: Option<[u8; 32]>,
}

/// Whether the person has signed in on this device, and from this network. The same questions whoever it is.
pub(crate) async fn is_known(tx: &ReadTx<'_>, user: UserId, whence: &Whence, now: Timestamp) -> Result<(bool, bool), Fault> {
    // What is not known equals nothing that is kept.
    let bytes = |hash: Option<[u8; 32]>| hash.map_or_else(Vec::new, |hash| hash.to_vec());
    let kept = || known_devices::table.filter(known_devices::user_id.eq(user.0)).filter(known_devices::expires_at.gt(now));
    let device = kept().filter(known_devices::token_hash.eq(bytes(whence.device)));
    let network = kept().filter(known_devices::network_hash.eq(bytes(whence.network)));
    let device: bool = diesel::select(diesel::dsl::exists(device)).get_result(&mut tx.pg()).await.fault()?;
    let network: bool = diesel::select(diesel::dsl::exists(network)).get_result(&mut tx.pg()).await.fault()?;
    Ok((device, network))
}

/// Whether the person has signed in on this device or from this network.
pub(crate) async fn is_known_in(tx: &mut Tx, user: UserId, whence: &Whence, now: Timestamp) -> Result<bool, Fault> {
    let bytes = |hash: Option<[u8; 32]>| hash.map_or_else(Vec::new, |hash| hash.to_vec());
    let (device, network) = (bytes(whence.device), bytes(whence.network));
    let either = known_devices::token_hash.eq(device).or(known_devices::network_hash.eq(network));
    let kept = known_devices::table.filter(known_devices::user_id.eq(user.0)).filter(known_devices::expires_at.gt(now));
    diesel::select(diesel::dsl::exists(kept.filter(either))).get_result(tx.pg()).await.fault()
}

/// Notes that the person signed in on a device that is theirs; `false` if it is not, or no longer.
pub(crate) async fn seen_again(
    tx: &mut Tx,
    user: UserId,
    whence: &Whence,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<bool, Fault> {
    let Some(device) = whence.device else { return Ok(false) };
    let own = known_devices::token_hash.eq(device.to_vec()).and(known_devices::user_id.eq(user.0));
    let seen = diesel::update(known_devices::table.filter(own).filter(known_devices::expires_at.gt(now)))
        .set((
            known_devices::returned.eq(true),
            known_devices::network_hash.eq(whence.network.map(|hash| hash.to_vec())),
            known_devices::last_seen_at.eq(now),
            known_devices::expires_at.eq(expires_at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(seen == 1)
}

/// Keeps a new device of a person.
pub(crate) async fn insert(
    tx: &mut Tx,
    user: UserId,
    whence: &Whence,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), Fault> {
    diesel::insert_into(known_devices::table)
        .values((
            known_devices::token_hash.eq(whence.device.map_or_else(Vec::new, |hash| hash.to_vec())),
            known_devices::user_id.eq(user.0),
            known_devices::network_hash.eq(whence.network.map(|hash| hash.to_vec())),
            known_devices::created_at.eq(now),
            known_devices::last_seen_at.eq(now),
            known_devices::expires_at.eq(expires_at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Forgets those of a person beyond the most that are kept.
pub(crate) async fn forget_oldest(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    let sql = "delete from known_devices where user_id = $1 and token_hash in (
        select ranked.token_hash from (
            select token_hash, row_number() over (partition by returned order by last_seen_at desc, token_hash) as place
            from known_devices where user_id = $1) ranked
        where ranked.place > $2)";
    diesel::sql_query(sql).bind::<SqlUuid, _>(user.0).bind::<BigInt, _>(MOST).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Forgets all of a person.
pub(crate) async fn forget_all(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    diesel::delete(known_devices::table.filter(known_devices::user_id.eq(user.0))).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Removes those that were over before `before`.
pub(crate) async fn purge(tx: &mut Tx, before: Timestamp) -> Result<usize, Fault> {
    diesel::delete(known_devices::table.filter(known_devices::expires_at.lt(before))).execute(tx.pg()).await.fault()
}
