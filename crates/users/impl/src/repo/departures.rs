//! SQL of who leaves the platform. All of it runs as the platform.

use db::prelude::*;
use kernel::{Fault, OrgId, Timestamp, UserId};
use mail_api::Language;
use users_api::Departure;
use uuid::Uuid;

use crate::model::{DepartureState, Leaver, StoredDeparture};
use crate::schema::departures;

const WAITING: &str = DepartureState::Waiting.name();
const KEPT: &str = DepartureState::Kept.name();
const LEAVING: &str = DepartureState::Leaving.name();

/// So many are taken up at a time.
const AT_A_TIME: i64 = 100;

#[derive(Queryable, Selectable)]
#[diesel(table_name = departures)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    organization: Option<Uuid>,
    user_id: Option<Uuid>,
    asked_by: Uuid,
    asked_at: Timestamp,
    leaves_at: Timestamp,
    language: String,
    state: String,
    steps: i16,
}

impl TryFrom<Row> for StoredDeparture {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let Row { id, organization, user_id, asked_by, asked_at, leaves_at, language, state, steps } = row;
        let leaver = match (organization, user_id) {
            (Some(org), None) => Leaver::Organization(OrgId(org)),
            (None, Some(user)) => Leaver::Person(UserId(user)),
            _ => return Err(Fault::internal("a departure is of an organisation or of a person")),
        };
        let departure = Departure { id, asked_by: UserId(asked_by), asked_at, leaves_at };
        Ok(Self { departure, leaver, language: db::named(&language)?, state: db::named(&state)?, steps })
    }
}

fn of(leaver: Leaver) -> (Option<Uuid>, Option<Uuid>) {
    match leaver {
        Leaver::Organization(org) => (Some(org.0), None),
        Leaver::Person(user) => (None, Some(user.0)),
    }
}

/// Notes that somebody leaves; `false` if they do already.
pub(crate) async fn insert(
    tx: &mut Tx,
    departure: &Departure,
    leaver: Leaver,
    token_hash: Option<&[u8; 32]>,
    language: Language,
) -> Result<bool, Fault> {
    let (organization, user) = of(leaver);
    let at = db::touched(tx).await?;
    let inserted = diesel::insert_into(departures::table)
        .values((
            departures::id.eq(departure.id),
            departures::organization.eq(organization),
            departures::user_id.eq(user),
            departures::asked_by.eq(departure.asked_by.0),
            departures::asked_at.eq(departure.asked_at),
            departures::leaves_at.eq(departure.leaves_at),
            departures::token_hash.eq(token_hash.map(|hash| hash.to_vec())),
            departures::language.eq(language.name()),
            departures::state.eq(WAITING),
            departures::updated_at.eq(at),
        ))
        .on_conflict_do_nothing()
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(inserted == 1)
}

/// One.
pub(crate) async fn get(tx: &ReadTx<'_>, id: Uuid) -> Result<Option<StoredDeparture>, Fault> {
    let query = departures::table.find(id).select(Row::as_select());
    let row: Option<Row> = query.first(&mut tx.pg()).await.optional().fault()?;
    row.map(StoredDeparture::try_from).transpose()
}

/// One, locked.
pub(crate) async fn lock(tx: &mut Tx, id: Uuid) -> Result<Option<StoredDeparture>, Fault> {
    let query = departures::table.find(id).for_update().select(Row::as_select());
    let row: Option<Row> = query.first(tx.pg()).await.optional().fault()?;
    row.map(StoredDeparture::try_from).transpose()
}

/// The one of an organisation that can be taken back, locked.
pub(crate) async fn lock_waiting(tx: &mut Tx, org: OrgId) -> Result<Option<StoredDeparture>, Fault> {
    let waiting = departures::organization.eq(org.0).and(departures::state.eq(WAITING));
    let query = departures::table.filter(waiting).for_update().select(Row::as_select());
    let row: Option<Row> = query.first(tx.pg()).await.optional().fault()?;
    row.map(StoredDeparture::try_from).transpose()
}

/// Those of organisations that can be taken back.
pub(crate) async fn waiting_among(tx: &ReadTx<'_>, orgs: &[OrgId]) -> Result<Vec<(OrgId, Departure)>, Fault> {
    let orgs: Vec<Uuid> = orgs.iter().map(|org| org.0).collect();
    let waiting = departures::organization.assume_not_null().eq_any(orgs).and(departures::state.eq(WAITING));
    let query = departures::table.filter(waiting).order((departures::asked_at.desc(), departures::id.desc()));
    let rows: Vec<Row> = query.select(Row::as_select()).load(&mut tx.pg()).await.fault()?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        if let StoredDeparture { departure, leaver: Leaver::Organization(org), .. } = row.try_into()? {
            found.push((org, departure));
        }
    }
    Ok(found)
}

/// Those organisations, of some, in which nobody acts any more.
pub(crate) async fn closed_among(tx: &ReadTx<'_>, orgs: &[OrgId]) -> Result<Vec<OrgId>, Fault> {
    let orgs: Vec<Uuid> = orgs.iter().map(|org| org.0).collect();
    let closed = departures::organization.assume_not_null().eq_any(orgs).and(departures::state.ne(KEPT));
    let found: Vec<Option<Uuid>> =
        departures::table.filter(closed).select(departures::organization).load(&mut tx.pg()).await.fault()?;
    Ok(found.into_iter().flatten().map(OrgId).collect())
}

/// Whether a person, or the organisation, leaves or has left.
pub(crate) async fn is_over(tx: &ReadTx<'_>, user: UserId, org: OrgId) -> Result<bool, Fault> {
    let theirs = departures::organization.eq(org.0).or(departures::user_id.eq(user.0));
    let over = departures::table.filter(theirs.and(departures::state.ne(KEPT)));
    diesel::select(diesel::dsl::exists(over)).get_result(&mut tx.pg()).await.fault()
}

/// Whether somebody leaves or has left.
pub(crate) async fn has_left(tx: &mut Tx, leaver: Leaver) -> Result<bool, Fault> {
    let theirs = match leaver {
        Leaver::Organization(org) => {
            let its = departures::organization.eq(org.0).and(departures::state.ne(KEPT));
            departures::table.filter(its).count().get_result::<i64>(tx.pg()).await
        }
        Leaver::Person(user) => {
            let its = departures::user_id.eq(user.0).and(departures::state.ne(KEPT));
            departures::table.filter(its).count().get_result::<i64>(tx.pg()).await
        }
    };
    Ok(theirs.fault()? > 0)
}

/// The person whose account a link keeps, if it still does.
pub(crate) async fn of_token(tx: &ReadTx<'_>, hash: &[u8; 32]) -> Result<Option<StoredDeparture>, Fault> {
    let its = departures::token_hash.eq(hash.to_vec()).and(departures::state.eq(WAITING));
    let row: Option<Row> = departures::table.filter(its).select(Row::as_select()).first(&mut tx.pg()).await.optional().fault()?;
    row.map(StoredDeparture::try_from).transpose()
}

/// The organisations that leave along with a person.
pub(crate) async fn along(tx: &mut Tx, with: &Departure) -> Result<Vec<StoredDeparture>, Fault> {
    let theirs = departures::asked_by.eq(with.asked_by.0).and(departures::asked_at.eq(with.asked_at));
    let open = departures::organization.is_not_null().and(departures::state.eq(WAITING));
    let query = departures::table.filter(theirs.and(open)).order(departures::organization).select(Row::as_select());
    let rows: Vec<Row> = query.load(tx.pg()).await.fault()?;
    rows.into_iter().map(StoredDeparture::try_from).collect()
}

/// That of the person with whom an organisation leaves along, if it can be taken back, locked.
pub(crate) async fn lock_account_of(tx: &mut Tx, along: &Departure) -> Result<Option<StoredDeparture>, Fault> {
    let theirs = departures::user_id.eq(along.asked_by.0).and(departures::asked_at.eq(along.asked_at));
    let query = departures::table.filter(theirs.and(departures::state.eq(WAITING))).for_update().select(Row::as_select());
    let row: Option<Row> = query.first(tx.pg()).await.optional().fault()?;
    row.map(StoredDeparture::try_from).transpose()
}

/// Takes one back, which is locked; nobody did but the platform without `by`.
pub(crate) async fn keep(tx: &mut Tx, id: Uuid, by: Option<UserId>) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(departures::table.find(id))
        .set((departures::state.eq(KEPT), departures::decided_by.eq(by.map(|by| by.0)), departures::updated_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Notes that so many steps of one, which is locked, are done.
pub(crate) async fn advance(tx: &mut Tx, id: Uuid, steps: i16, state: DepartureState) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(departures::table.find(id))
        .set((departures::state.eq(state.name()), departures::steps.eq(steps), departures::updated_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Those whose time came before `at`, and that are not over, the oldest first.
pub(crate) async fn due(tx: &ReadTx<'_>, at: Timestamp) -> Result<Vec<Uuid>, Fault> {
    let open = departures::state.eq_any([WAITING, LEAVING]).and(departures::leaves_at.le(at));
    let query = departures::table.filter(open).order((departures::leaves_at, departures::id)).limit(AT_A_TIME);
    query.select(departures::id).load(&mut tx.pg()).await.fault()
}
