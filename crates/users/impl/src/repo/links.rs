//! SQL of invitations by a link: of the organisation in its own transactions, of who joins as the platform. What a link holds is known by its hash alone,
//! which no organisation reads.

use chrono::TimeDelta;
use db::prelude::*;
use kernel::{Ctx, Fault, OrgId, PageRequest, Timestamp, UserId};
use users_api::{Error, InvitationLink, NewInvitationLink};
use uuid::Uuid;

use crate::link_rules::Sought;
use crate::schema::{invitation_links as links, users};

#[derive(Queryable, Selectable)]
#[diesel(table_name = links)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    label: Option<String>,
    domains: Vec<String>,
    most_uses: i32,
    uses: i32,
    created_by: Uuid,
    created_at: Timestamp,
    expires_at: Timestamp,
    revoked_at: Option<Timestamp>,
}

impl From<Row> for InvitationLink {
    fn from(row: Row) -> Self {
        let Row { id, label, domains, most_uses, uses, created_by, created_at, expires_at, revoked_at } = row;
        Self {
            id,
            label,
            domains,
            most_uses: most_uses.unsigned_abs(),
            uses: uses.unsigned_abs(),
            created_by: UserId(created_by),
            created_at,
            expires_at,
            revoked_at,
        }
    }
}

/// Notes a link.
pub(crate) async fn insert(
    tx: &mut Tx,
    ctx: &Ctx,
    by: UserId,
    new: &NewInvitationLink,
    hash: &[u8],
) -> Result<InvitationLink, Fault> {
    let at = db::touched(tx).await?;
    let row: Row = diesel::insert_into(links::table)
        .values((
            links::org_id.eq(ctx.org.0),
            links::id.eq(Uuid::now_v7()),
            links::token_hash.eq(hash),
            links::label.eq(&new.label),
            links::domains.eq(&new.domains),
            links::most_uses.eq(i32::try_from(new.most_uses).map_err(Fault::internal)?),
            links::created_by.eq(by.0),
            links::created_at.eq(at),
            links::expires_at.eq(at + TimeDelta::days(new.days.into())),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok(row.into())
}

/// How many of an organisation's links count now.
pub(crate) async fn count_live(tx: &mut Tx, org: OrgId) -> Result<i64, Fault> {
    let now = db::touched(tx).await?;
    let live = links::revoked_at.is_null().and(links::expires_at.gt(now)).and(links::uses.lt(links::most_uses));
    links::table.filter(links::org_id.eq(org.0).and(live)).count().get_result(tx.pg()).await.fault()
}

/// The organisation's links, newest first, one more than the page has.
pub(crate) async fn page(tx: &ReadTx<'_>, org: OrgId, page: PageRequest) -> Result<Vec<InvitationLink>, Fault> {
    let mut query = links::table
        .filter(links::org_id.eq(org.0))
        .order((links::created_at.desc(), links::id.desc()))
        .limit(page.fetch())
        .select(Row::as_select())
        .into_boxed();
    query = db::after!(query, page, links::created_at, links::id);
    let rows: Vec<Row> = query.load(&mut tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(InvitationLink::from).collect())
}

/// One of them.
pub(crate) async fn get(tx: &ReadTx<'_>, org: OrgId, id: Uuid) -> Result<InvitationLink, Error> {
    let query = links::table.find((org.0, id)).select(Row::as_select());
    let row: Row = query.first(&mut tx.pg()).await.not_found(|| Error::NotFound("invitation link"))?;
    Ok(row.into())
}

/// Takes one back; whether that changed anything.
pub(crate) async fn revoke(tx: &mut Tx, org: OrgId, id: Uuid) -> Result<bool, Error> {
    let query = links::table.find((org.0, id)).for_update().select(links::revoked_at);
    let revoked: Option<Timestamp> = query.first(tx.pg()).await.not_found(|| Error::NotFound("invitation link"))?;
    if revoked.is_some() {
        return Ok(false);
    }
    let at = db::touched(tx).await?;
    diesel::update(links::table.find((org.0, id))).set(links::revoked_at.eq(at)).execute(tx.pg()).await.fault()?;
    Ok(true)
}

/// Takes back all that a person has made; how many there were. Under the organisation's lock, as who joins by one has it.
pub(crate) async fn revoke_of(tx: &mut Tx, org: OrgId, by: UserId) -> Result<usize, Fault> {
    let at = db::touched(tx).await?;
    let theirs = links::org_id.eq(org.0).and(links::created_by.eq(by.0)).and(links::revoked_at.is_null());
    diesel::update(links::table.filter(theirs)).set(links::revoked_at.eq(at)).execute(tx.pg()).await.fault()
}

/// Takes back all, whoever made them; how many there were. Under the organisation's lock. For the platform.
pub(crate) async fn revoke_all(tx: &mut Tx, org: OrgId) -> Result<usize, Fault> {
    let at = db::touched(tx).await?;
    let open = links::org_id.eq(org.0).and(links::revoked_at.is_null());
    diesel::update(links::table.filter(open)).set(links::revoked_at.eq(at)).execute(tx.pg()).await.fault()
}

/// Forgets all of an organisation. For the platform.
pub(crate) async fn delete_all(tx: &mut Tx, org: OrgId) -> Result<usize, Fault> {
    diesel::delete(links::table.filter(links::org_id.eq(org.0))).execute(tx.pg()).await.fault()
}

/// The link that holds this, whether it counts or not, and what time it is. For the platform.
pub(crate) async fn find(tx: &ReadTx<'_>, sought: &Sought) -> Result<Option<(InvitationLink, Timestamp)>, Fault> {
    let held = links::org_id.eq(sought.org.0).and(links::token_hash.eq(sought.hash.as_slice()));
    let row: Option<Row> = links::table.filter(held).select(Row::as_select()).first(&mut tx.pg()).await.optional().fault()?;
    let now = db::instant(tx).await?;
    Ok(row.map(|row| (row.into(), now)))
}

/// Whether there is a link that holds this. For the platform.
pub(crate) async fn is_known(tx: &mut Tx, sought: &Sought) -> Result<bool, Fault> {
    let held = links::org_id.eq(sought.org.0).and(links::token_hash.eq(sought.hash.as_slice()));
    diesel::select(diesel::dsl::exists(links::table.filter(held))).get_result(tx.pg()).await.fault()
}

/// The same, locked. For the platform.
pub(crate) async fn lock(tx: &mut Tx, sought: &Sought) -> Result<Option<(InvitationLink, Timestamp)>, Fault> {
    let held = links::org_id.eq(sought.org.0).and(links::token_hash.eq(sought.hash.as_slice()));
    let query = links::table.filter(held).for_update().select(Row::as_select());
    let row: Option<Row> = query.first(tx.pg()).await.optional().fault()?;
    let now = db::touched(tx).await?;
    Ok(row.map(|row| (row.into(), now)))
}

/// Notes that somebody joined by a link, which is locked. For the platform.
pub(crate) async fn was_used(tx: &mut Tx, org: OrgId, link: &InvitationLink) -> Result<(), Fault> {
    let uses = i32::try_from(link.uses + 1).map_err(Fault::internal)?;
    diesel::update(links::table.find((org.0, link.id))).set(links::uses.eq(uses)).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// The key of a person's address, if they have proven it; they are not removed meanwhile. For the platform.
pub(crate) async fn proven_address(tx: &mut Tx, user: UserId) -> Result<Option<String>, Fault> {
    let person: Option<(String, bool)> = users::table
        .find(user.0)
        .filter(users::removed_at.is_null())
        // The person before their organisations.
        .for_key_share()
        .select((users::email_key, users::email_verified))
        .first(tx.pg())
        .await
        .optional()
        .fault()?;
    Ok(person.filter(|(_, is_verified)| *is_verified).map(|(key, _)| key))
}
