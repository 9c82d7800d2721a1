//! SQL of identities, and of sign-ins elsewhere that have begun. All of it runs as the platform.

use auth_api::{Identity, IdentityId, Told};
use db::prelude::*;
use kernel::{Fault, SessionId, Timestamp, UserId};
use uuid::Uuid;

use crate::elsewhere::Pending;
use crate::schema::{identities, sign_ins_elsewhere};
use crate::token::TokenHash;

/// Keeps that a browser was sent to a provider.
pub(crate) async fn begin(
    tx: &mut Tx,
    (state, browser): (&TokenHash, &TokenHash),
    pending: &Pending,
    (now, until): (Timestamp, Timestamp),
) -> Result<(), Fault> {
    diesel::insert_into(sign_ins_elsewhere::table)
        .values((
            sign_ins_elsewhere::state_hash.eq(&state[..]),
            sign_ins_elsewhere::browser_hash.eq(&browser[..]),
            sign_ins_elsewhere::provider.eq(&pending.provider),
            sign_ins_elsewhere::user_id.eq(pending.linking.map(|(user, _)| user.0)),
            sign_ins_elsewhere::session_id.eq(pending.linking.map(|(_, session)| session.0)),
            sign_ins_elsewhere::return_to.eq(&pending.return_to),
            sign_ins_elsewhere::made_at.eq(now),
            sign_ins_elsewhere::expires_at.eq(until),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Ends what began in this browser with this state; `None` if it does not count any more: of two who come back with it, one goes on.
pub(crate) async fn end(tx: &mut Tx, state: &TokenHash, browser: &TokenHash, now: Timestamp) -> Result<Option<Pending>, Fault> {
    type Row = (String, Option<Uuid>, Option<Uuid>, String);
    let theirs = sign_ins_elsewhere::browser_hash.eq(&browser[..]);
    let live = sign_ins_elsewhere::ended_at.is_null().and(sign_ins_elsewhere::expires_at.gt(now));
    let row: Option<Row> = diesel::update(sign_ins_elsewhere::table.find(&state[..]).filter(theirs.and(live)))
        .set(sign_ins_elsewhere::ended_at.eq(now))
        .returning((
            sign_ins_elsewhere::provider,
            sign_ins_elsewhere::user_id,
            sign_ins_elsewhere::session_id,
            sign_ins_elsewhere::return_to,
        ))
        .get_result(tx.pg())
        .await
        .optional()
        .fault()?;
    Ok(row.map(|(provider, user, session, return_to)| Pending {
        provider,
        linking: user.zip(session).map(|(user, session)| (UserId(user), SessionId(session))),
        return_to,
    }))
}

/// How an identity stands that somebody had here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is this person's.
    Linked(IdentityId, UserId),
    /// It was this person's, who unlinked it: it leads nowhere until somebody who is signed in links it.
    Unlinked(IdentityId, UserId),
}

type StandingRow = (Uuid, Uuid, Option<Timestamp>);

fn standing_of((id, user, unlinked_at): StandingRow) -> Standing {
    let (id, user) = (IdentityId(id), UserId(user));
    if unlinked_at.is_some() { Standing::Unlinked(id, user) } else { Standing::Linked(id, user) }
}

/// How an identity stands, locked.
pub(crate) async fn lock_standing(tx: &mut Tx, told: &Told) -> Result<Option<Standing>, Fault> {
    let it = identities::issuer.eq(&told.issuer).and(identities::subject.eq(&told.subject));
    let query = identities::table.filter(it).for_no_key_update();
    let row: Option<StandingRow> =
        query.select((identities::id, identities::user_id, identities::unlinked_at)).first(tx.pg()).await.optional().fault()?;
    Ok(row.map(standing_of))
}

/// How an identity stands.
pub(crate) async fn standing(tx: &ReadTx<'_>, told: &Told) -> Result<Option<Standing>, Fault> {
    let it = identities::issuer.eq(&told.issuer).and(identities::subject.eq(&told.subject));
    let query = identities::table.filter(it).select((identities::id, identities::user_id, identities::unlinked_at));
    let row: Option<StandingRow> = query.first(&mut tx.pg()).await.optional().fault()?;
    Ok(row.map(standing_of))
}

/// The identities of a person, locked: of two that are unlinked at a time each sees what the other left.
pub(crate) async fn lock_of_person(tx: &mut Tx, user: UserId) -> Result<Vec<(IdentityId, String)>, Fault> {
    let theirs = identities::user_id.eq(user.0).and(identities::unlinked_at.is_null());
    let query = identities::table.filter(theirs).order(identities::id);
    let rows: Vec<(Uuid, String)> =
        query.for_update().select((identities::id, identities::provider)).load(tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(|(id, provider)| (IdentityId(id), provider)).collect())
}

/// Links an identity with a person; `false` if somebody was faster.
pub(crate) async fn link(
    tx: &mut Tx,
    id: IdentityId,
    user: UserId,
    (provider, told): (&str, &Told),
    now: Timestamp,
) -> Result<bool, Fault> {
    let linked = diesel::insert_into(identities::table)
        .values((
            identities::id.eq(id.0),
            identities::user_id.eq(user.0),
            identities::issuer.eq(&told.issuer),
            identities::subject.eq(&told.subject),
            identities::provider.eq(provider),
            identities::email.eq(&told.email),
            identities::linked_at.eq(now),
        ))
        .on_conflict((identities::issuer, identities::subject))
        .do_nothing()
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(linked == 1)
}

/// Notes that somebody signs in by it.
pub(crate) async fn used(tx: &mut Tx, id: IdentityId, now: Timestamp) -> Result<(), Fault> {
    diesel::update(identities::table.find(id.0)).set(identities::last_used_at.eq(now)).execute(tx.pg()).await.fault().map(drop)
}

/// The identities of a person, the oldest first.
pub(crate) async fn of_person(tx: &ReadTx<'_>, user: UserId) -> Result<Vec<Identity>, Fault> {
    type Row = (Uuid, String, String, Option<String>, Timestamp, Option<Timestamp>);
    let theirs = identities::user_id.eq(user.0).and(identities::unlinked_at.is_null());
    let rows: Vec<Row> = identities::table
        .filter(theirs)
        .order((identities::linked_at, identities::id))
        .select((
            identities::id,
            identities::provider,
            identities::issuer,
            identities::email,
            identities::linked_at,
            identities::last_used_at,
        ))
        .load(&mut tx.pg())
        .await
        .fault()?;
    let identity = |(id, provider, issuer, email, linked_at, last_used_at): Row| Identity {
        id: IdentityId(id),
        provider,
        issuer,
        email,
        linked_at,
        last_used_at,
    };
    Ok(rows.into_iter().map(identity).collect())
}

/// Unlinks one. What is left of it says that it leads nowhere: without, the next sign-in at its provider would link it again by its address.
pub(crate) async fn unlink(tx: &mut Tx, id: IdentityId, now: Timestamp) -> Result<(), Fault> {
    diesel::update(identities::table.find(id.0)).set(identities::unlinked_at.eq(now)).execute(tx.pg()).await.fault().map(drop)
}

/// Forgets one that was unlinked: somebody who is signed in links it.
pub(crate) async fn forget_unlinked(tx: &mut Tx, id: IdentityId) -> Result<(), Fault> {
    let unlinked = identities::table.find(id.0).filter(identities::unlinked_at.is_not_null());
    diesel::delete(unlinked).execute(tx.pg()).await.fault().map(drop)
}

/// Removes all of a person, also what is left of unlinked ones, and ends what they began; how many they were.
pub(crate) async fn delete_of_person(tx: &mut Tx, user: UserId) -> Result<usize, Fault> {
    let begun = sign_ins_elsewhere::table.filter(sign_ins_elsewhere::user_id.eq(user.0));
    diesel::delete(begun).execute(tx.pg()).await.fault()?;
    diesel::delete(identities::table.filter(identities::user_id.eq(user.0))).execute(tx.pg()).await.fault()
}

/// Removes what was over before `before`.
pub(crate) async fn purge(tx: &mut Tx, before: Timestamp) -> Result<usize, Fault> {
    let over = sign_ins_elsewhere::table.filter(sign_ins_elsewhere::expires_at.lt(before));
    diesel::delete(over).execute(tx.pg()).await.fault()
}
