//! SQL of offers of an organisation: of itself in its own transactions; who accepts does so as the platform.

use chrono::TimeDelta;
use db::prelude::*;
use kernel::{Fault, OrgId, PageRequest, Timestamp, UserId};
use users_api::{Error, OwnershipOffer};
use uuid::Uuid;

use crate::model::InvitationStatus;
use crate::schema::ownership_offers as offers;

const PENDING: &str = InvitationStatus::Pending.name();

/// For so many days it can be accepted.
const DAYS: i64 = 14;

#[derive(Queryable, Selectable)]
#[diesel(table_name = offers)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    offered_by: Uuid,
    offered_to: Uuid,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl From<Row> for OwnershipOffer {
    fn from(row: Row) -> Self {
        let Row { id, offered_by, offered_to, created_at, expires_at } = row;
        Self { id, offered_by: UserId(offered_by), offered_to: UserId(offered_to), created_at, expires_at }
    }
}

/// Notes an offer; what nobody answered in time makes room for it.
pub(crate) async fn insert(tx: &mut Tx, org: OrgId, by: UserId, to: UserId) -> Result<OwnershipOffer, Error> {
    let at = db::touched(tx).await?;
    let over = offers::org_id.eq(org.0).and(offers::status.eq(PENDING)).and(offers::expires_at.le(at));
    diesel::update(offers::table.filter(over))
        .set((offers::status.eq(InvitationStatus::Withdrawn.name()), offers::decided_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    let row: Row = diesel::insert_into(offers::table)
        .values((
            offers::org_id.eq(org.0),
            offers::id.eq(Uuid::now_v7()),
            offers::offered_by.eq(by.0),
            offers::offered_to.eq(to.0),
            offers::created_at.eq(at),
            offers::expires_at.eq(at + TimeDelta::days(DAYS)),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .on_constraint("ownership_offers_once", || Error::OwnershipOffered)?;
    Ok(row.into())
}

/// Those that wait for an answer, newest first, one more than the page has.
pub(crate) async fn page(tx: &ReadTx<'_>, org: OrgId, page: PageRequest) -> Result<Vec<OwnershipOffer>, Fault> {
    let now = db::instant(tx).await?;
    let mut query = offers::table
        .filter(offers::org_id.eq(org.0).and(offers::status.eq(PENDING)).and(offers::expires_at.gt(now)))
        .order((offers::created_at.desc(), offers::id.desc()))
        .limit(page.fetch())
        .select(Row::as_select())
        .into_boxed();
    query = db::after!(query, page, offers::created_at, offers::id);
    let rows: Vec<Row> = query.load(&mut tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(OwnershipOffer::from).collect())
}

/// One that waits for an answer, locked.
pub(crate) async fn lock(tx: &mut Tx, org: OrgId, id: Uuid) -> Result<OwnershipOffer, Error> {
    let now = db::touched(tx).await?;
    let waiting = offers::status.eq(PENDING).and(offers::expires_at.gt(now));
    let query = offers::table.find((org.0, id)).filter(waiting).for_update().select(Row::as_select());
    let row: Row = query.first(tx.pg()).await.not_found(|| Error::NotFound("ownership offer"))?;
    Ok(row.into())
}

/// Ends one, which is locked.
pub(crate) async fn decide(tx: &mut Tx, org: OrgId, id: Uuid, status: InvitationStatus) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(offers::table.find((org.0, id)))
        .set((offers::status.eq(status.name()), offers::decided_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Takes back what waits that a person has offered, or was offered, as it is asked; which ones. In the organisation's transaction or the platform's, which has
/// locked the organisation.
pub(crate) async fn withdraw_of(tx: &mut Tx, org: OrgId, user: UserId, (made, asked): (bool, bool)) -> Result<Vec<Uuid>, Fault> {
    let waiting = offers::org_id.eq(org.0).and(offers::status.eq(PENDING));
    let theirs = |is: bool| -> Vec<Uuid> { is.then_some(user.0).into_iter().collect() };
    let of_them = offers::offered_by.eq_any(theirs(made)).or(offers::offered_to.eq_any(theirs(asked)));
    let at = db::touched(tx).await?;
    diesel::update(offers::table.filter(waiting.and(of_them)))
        .set((offers::status.eq(InvitationStatus::Withdrawn.name()), offers::decided_at.eq(at)))
        .returning(offers::id)
        .get_results(tx.pg())
        .await
        .fault()
}
