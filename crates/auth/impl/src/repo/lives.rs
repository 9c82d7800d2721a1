//! SQL of how long sessions live: when they were last used, and which are over by the rules of their organisation, or with it. Runs as the platform.

use std::collections::BTreeSet;

use auth_api::{ConnectionId, SessionRules};
use chrono::TimeDelta;
use db::prelude::*;
use diesel::sql_types::{Array, Nullable, Timestamptz, Uuid as SqlUuid};
use kernel::{Fault, OrgId, SessionId, Timestamp};
use uuid::Uuid;

use super::notify;
use crate::model;
use crate::schema::sessions;

/// Writes down when sessions were last used. Whoever has one of them locked, to end it or to write the same, is not waited for.
pub(crate) async fn note_seen(tx: &mut Tx, seen: &[(SessionId, Timestamp)]) -> Result<(), Fault> {
    let (ids, at): (Vec<Uuid>, Vec<Timestamp>) = seen.iter().map(|(session, at)| (session.0, *at)).unzip();
    let sql = "with used as (
            select s.token_hash, u.at from unnest($1, $2) as u (id, at) join sessions s on s.id = u.id
            where s.ended_at is null for no key update of s skip locked)
        update sessions s set last_seen_at = greatest(s.last_seen_at, used.at) from used where s.token_hash = used.token_hash";
    diesel::sql_query(sql).bind::<Array<SqlUuid>, _>(ids).bind::<Array<Timestamptz>, _>(at).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Ends every session in an organisation, and tells everybody.
pub(crate) async fn end_of_organization(tx: &mut Tx, org: OrgId, now: Timestamp) -> Result<(), Fault> {
    let live = sessions::org_id.eq(org.0).and(sessions::ended_at.is_null());
    diesel::update(sessions::table.filter(live)).set(sessions::ended_at.eq(now)).execute(tx.pg()).await.fault()?;
    notify(tx, &format!("org:{org}")).await
}

/// Ends every session that the issuer of an organisation made, and tells everybody.
pub(crate) async fn end_of_connection(tx: &mut Tx, org: OrgId, connection: ConnectionId, now: Timestamp) -> Result<usize, Fault> {
    let its = sessions::org_id.eq(org.0).and(sessions::connection_id.eq(connection.0)).and(sessions::ended_at.is_null());
    let ended = diesel::update(sessions::table.filter(its)).set(sessions::ended_at.eq(now)).execute(tx.pg()).await.fault()?;
    notify(tx, &format!("org:{org}")).await?;
    Ok(ended)
}

#[derive(QueryableByName)]
struct EndedIn {
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
}

/// Ends what is over by the rules of its organisation, and tells everybody of the organisations in which something was; answers which they are.
pub(crate) async fn end_over(tx: &mut Tx, rules: &[(OrgId, SessionRules)], now: Timestamp) -> Result<Vec<OrgId>, Fault> {
    let orgs: Vec<Uuid> = rules.iter().map(|(org, _)| org.0).collect();
    let before = |life: Option<TimeDelta>| life.and_then(|life| now.checked_sub_signed(life));
    let unused: Vec<Option<Timestamp>> = rules.iter().map(|(_, rules)| before(model::idle(*rules))).collect();
    let old: Vec<Option<Timestamp>> = rules.iter().map(|(_, rules)| before(model::lifetime(*rules))).collect();
    let sql = "with over as (
            select s.token_hash from unnest($2, $3, $4) as r (org_id, unused, old) join sessions s on s.org_id = r.org_id
            where s.ended_at is null
                and (coalesce(s.last_seen_at, s.created_at) <= r.unused or coalesce(s.authenticated_at, s.created_at) <= r.old)
            for no key update of s skip locked)
        update sessions s set ended_at = $1 from over where s.token_hash = over.token_hash returning s.org_id";
    let ended: Vec<EndedIn> = diesel::sql_query(sql)
        .bind::<Timestamptz, _>(now)
        .bind::<Array<SqlUuid>, _>(orgs)
        .bind::<Array<Nullable<Timestamptz>>, _>(unused)
        .bind::<Array<Nullable<Timestamptz>>, _>(old)
        .load(tx.pg())
        .await
        .fault()?;
    let orgs: BTreeSet<Uuid> = ended.into_iter().map(|ended| ended.org_id).collect();
    for org in &orgs {
        notify(tx, &format!("org:{org}")).await?;
    }
    Ok(orgs.into_iter().map(OrgId).collect())
}
