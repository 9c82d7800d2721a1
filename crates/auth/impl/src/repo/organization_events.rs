//! SQL of what organisations are told. An organisation reads its own; all else runs as the platform.

use auth_api::{EventFilter, OrganizationEvent};
use db::prelude::*;
use kernel::{ApiKeyId, Fault, OrgId, PageRequest, Timestamp, UserId};
use uuid::Uuid;

use crate::organization_events::Told;
use crate::schema::organization_events as events;
use crate::security_event::Origin;

#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    at: Timestamp,
    kind: String,
    user_id: Option<Uuid>,
    api_key_id: Option<Uuid>,
    permission: Option<String>,
    address: Option<String>,
    request_id: String,
}

impl TryFrom<Row> for OrganizationEvent {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            id: row.id,
            at: row.at,
            kind: db::named(&row.kind)?,
            user: row.user_id.map(UserId),
            api_key: row.api_key_id.map(ApiKeyId),
            permission: row.permission,
            address: row.address.and_then(|address| address.parse().ok()),
            request: row.request_id,
        })
    }
}

/// Tells an organisation; where there is none, nobody, after the same work.
pub(crate) async fn insert(tx: &mut Tx, told: &Told<'_>, origin: &Origin<'_>) -> Result<(), Fault> {
    diesel::insert_into(events::table)
        .values((
            events::org_id.eq(told.org.map_or(Uuid::nil(), |org| org.0)),
            events::id.eq(Uuid::now_v7()),
            events::kind.eq(told.kind.name()),
            events::user_id.eq(told.user.map(|user| user.0)),
            events::api_key_id.eq(told.api_key.map(|key| key.0)),
            events::permission.eq(told.permission),
            events::address.eq(origin.address.map(|address| address.to_string())),
            events::request_id.eq(origin.request.as_str()),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Those of an organisation that fit, newest first, one more than the page has.
pub(crate) async fn page(
    tx: &ReadTx<'_>,
    org: OrgId,
    filter: EventFilter,
    page: PageRequest,
) -> Result<Vec<OrganizationEvent>, Fault> {
    let mut query = events::table
        .filter(events::org_id.eq(org.0))
        .order((events::at.desc(), events::id.desc()))
        .limit(page.fetch())
        .select(Row::as_select())
        .into_boxed();
    query = db::after!(query, page, events::at, events::id);
    if let Some(kind) = filter.kind {
        query = query.filter(events::kind.eq(kind.name()));
    }
    if let Some(user) = filter.user {
        query = query.filter(events::user_id.eq(user.0));
    }
    if let Some(since) = filter.since {
        query = query.filter(events::at.ge(since));
    }
    if let Some(before) = filter.before {
        query = query.filter(events::at.lt(before));
    }
    let rows: Vec<Row> = query.load(&mut tx.pg()).await.fault()?;
    rows.into_iter().map(OrganizationEvent::try_from).collect()
}

/// Behind whatever was told until now.
pub(crate) async fn now(tx: &mut Tx) -> Result<Timestamp, Fault> {
    db::touched(tx).await
}

/// Removes those from before `before`.
pub(crate) async fn purge(tx: &mut Tx, before: Timestamp) -> Result<usize, Fault> {
    diesel::delete(events::table.filter(events::at.lt(before))).execute(tx.pg()).await.fault()
}

/// Forgets from where somebody came who removed the account. What happened in organisations stays theirs.
pub(crate) async fn forget_addresses(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    let theirs = events::table.filter(events::user_id.eq(user.0).and(events::address.is_not_null()));
    diesel::update(theirs).set(events::address.eq(None::<String>)).execute(tx.pg()).await.fault().map(drop)
}
