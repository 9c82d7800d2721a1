//! SQL of when organisations ended the sessions of members.

use db::prelude::*;
use diesel::sql_types::{Timestamptz, Uuid as SqlUuid};
use kernel::{Fault, OrgId, Timestamp, UserId};

use crate::schema::session_ends;

/// Notes in this tenant's transaction that it ended the sessions of a member.
pub(crate) async fn note_sessions_ended(tx: &mut Tx, user: UserId, org: OrgId, at: Timestamp) -> Result<(), Fault> {
    diesel::sql_query("select app.note_sessions_ended($1, $2, $3)")
        .bind::<SqlUuid, _>(user.0)
        .bind::<SqlUuid, _>(org.0)
        .bind::<Timestamptz, _>(at)
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// When the organisation last ended the sessions of a member.
pub(crate) async fn sessions_ended_at(tx: &mut Tx, user: UserId, org: OrgId) -> Result<Option<Timestamp>, Fault> {
    let query = session_ends::table.find((org.0, user.0)).select(session_ends::ended_at);
    query.first(tx.pg()).await.optional().fault()
}

/// Forgets when organisations ended the sessions of people, of whom none lives any more that began before.
pub(crate) async fn purge_ends(tx: &mut Tx, before: Timestamp) -> Result<usize, Fault> {
    diesel::delete(session_ends::table.filter(session_ends::ended_at.lt(before))).execute(tx.pg()).await.fault()
}
