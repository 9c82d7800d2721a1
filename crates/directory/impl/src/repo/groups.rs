//! SQL of groups.

use std::collections::HashMap;

use db::prelude::*;
use diesel::result::Error as Refused;
use directory_api::{DirectoryGroup, DirectoryGroupId, Error, Found, GroupRecord, Query};
use kernel::{Fault, OrgId, Timestamp};
use uuid::Uuid;

use super::filter::{self, Place};
use crate::schema::{directory_group_members as members, directory_groups as groups};

const PLACE: Place = Place {
    ids: "select d.id from directory_groups d where d.org_id = $1",
    count: "select count(*) as total from directory_groups d where d.org_id = $1",
    order: "order by d.created_at, d.id",
};

/// So many members are told in one list, of as many groups as have them together.
const MOST_MEMBERS_OF_A_LIST: i64 = 20_000;
/// So many are written with one statement: each has three binds, of which one has at most 65,535.
const AT_ONCE: usize = 5_000;

#[derive(Queryable, Selectable)]
#[diesel(table_name = groups)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    display_name: String,
    external_id: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Row {
    fn with(self, members: Vec<String>) -> DirectoryGroup {
        let Self { id, display_name, external_id, created_at, updated_at } = self;
        let record = GroupRecord { display_name, external_id, members };
        DirectoryGroup { id: DirectoryGroupId(id), record, created_at, updated_at }
    }
}

/// What two groups must not have in common.
fn unique<T>(result: Result<T, Refused>) -> Result<T, Error> {
    result.on_constraint("directory_groups_name", || Error::NotUnique("another group has this `displayName`"))
}

/// Adds a group.
pub(crate) async fn insert(tx: &mut Tx, org: OrgId, record: &GroupRecord) -> Result<DirectoryGroup, Error> {
    let at = db::touched(tx).await?;
    let row: Result<Row, Refused> = diesel::insert_into(groups::table)
        .values((
            groups::org_id.eq(org.0),
            groups::id.eq(DirectoryGroupId::new().0),
            groups::display_name.eq(&record.display_name),
            groups::display_key.eq(record.display_name.to_lowercase()),
            groups::external_id.eq(&record.external_id),
            groups::created_at.eq(at),
            groups::updated_at.eq(at),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await;
    let row = unique(row)?;
    add_members(tx, org, row.id, &record.members).await?;
    Ok(row.with(record.members.clone()))
}

/// Writes what a directory says of a group, of which `before` is what it said.
pub(crate) async fn save(
    tx: &mut Tx,
    org: OrgId,
    before: &DirectoryGroup,
    record: &GroupRecord,
) -> Result<DirectoryGroup, Error> {
    let at = db::touched(tx).await?;
    let row: Result<Row, Refused> = diesel::update(groups::table.find((org.0, before.id.0)))
        .set((
            groups::display_name.eq(&record.display_name),
            groups::display_key.eq(record.display_name.to_lowercase()),
            groups::external_id.eq(&record.external_id),
            groups::updated_at.eq(at),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await;
    let row = unique(row)?;
    let (were, are) = (sorted(&before.record.members), sorted(&record.members));
    let gone: Vec<String> = were.iter().filter(|member| are.binary_search(member).is_err()).map(|one| (*one).clone()).collect();
    let new: Vec<String> = are.iter().filter(|member| were.binary_search(member).is_err()).map(|one| (*one).clone()).collect();
    let of_group = members::org_id.eq(org.0).and(members::group_id.eq(row.id));
    diesel::delete(members::table.filter(of_group.and(members::member.eq_any(gone)))).execute(tx.pg()).await.fault()?;
    add_members(tx, org, row.id, &new).await?;
    Ok(row.with(record.members.clone()))
}

fn sorted(members: &[String]) -> Vec<&String> {
    let mut all: Vec<&String> = members.iter().collect();
    all.sort_unstable();
    all
}

async fn add_members(tx: &mut Tx, org: OrgId, group: Uuid, new: &[String]) -> Result<(), Fault> {
    for some in new.chunks(AT_ONCE) {
        let rows: Vec<_> = some
            .iter()
            .map(|member| (members::org_id.eq(org.0), members::group_id.eq(group), members::member.eq(member.as_str())))
            .collect();
        diesel::insert_into(members::table).values(rows).execute(tx.pg()).await.fault()?;
    }
    Ok(())
}

/// One group, locked.
pub(crate) async fn lock(tx: &mut Tx, org: OrgId, id: DirectoryGroupId) -> Result<DirectoryGroup, Error> {
    let query = groups::table.find((org.0, id.0)).for_update().select(Row::as_select());
    let row: Row = query.first(tx.pg()).await.not_found(|| Error::NotFound("group"))?;
    let query = members::table.filter(members::org_id.eq(org.0).and(members::group_id.eq(id.0))).order(members::member);
    let named: Vec<String> = query.select(members::member).load(tx.pg()).await.fault()?;
    Ok(row.with(named))
}

/// One group.
pub(crate) async fn get(tx: &ReadTx<'_>, org: OrgId, id: DirectoryGroupId) -> Result<DirectoryGroup, Error> {
    let query = groups::table.find((org.0, id.0)).select(Row::as_select());
    let row: Row = query.first(&mut tx.pg()).await.not_found(|| Error::NotFound("group"))?;
    let named = members_of(tx, org, &[id.0]).await?.remove(&id.0).unwrap_or_default();
    Ok(row.with(named))
}

async fn members_of(tx: &ReadTx<'_>, org: OrgId, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<String>>, Fault> {
    let query = members::table
        .filter(members::org_id.eq(org.0).and(members::group_id.eq_any(ids)))
        .order((members::group_id, members::member))
        .select((members::group_id, members::member));
    let rows: Vec<(Uuid, String)> = query.load(&mut tx.pg()).await.fault()?;
    let mut all: HashMap<Uuid, Vec<String>> = HashMap::new();
    for (group, member) in rows {
        all.entry(group).or_default().push(member);
    }
    Ok(all)
}

/// Some groups, the oldest first.
pub(crate) async fn list(tx: &ReadTx<'_>, org: OrgId, query: &Query) -> Result<Found<DirectoryGroup>, Fault> {
    let (ids, total) = filter::find(tx, org, &PLACE, query).await?;
    let asked = groups::table
        .filter(groups::org_id.eq(org.0).and(groups::id.eq_any(&ids)))
        .order((groups::created_at, groups::id))
        .select(Row::as_select());
    let mut rows: Vec<Row> = asked.load(&mut tx.pg()).await.fault()?;
    let mut named = HashMap::new();
    if query.with_members {
        let counted = members::table
            .filter(members::org_id.eq(org.0).and(members::group_id.eq_any(&ids)))
            .group_by(members::group_id)
            .select((members::group_id, diesel::dsl::count_star()));
        let counts: HashMap<Uuid, i64> = counted.load::<(Uuid, i64)>(&mut tx.pg()).await.fault()?.into_iter().collect();
        let mut sum = 0;
        let fitting = rows.iter().take_while(|row| {
            sum += counts.get(&row.id).copied().unwrap_or_default();
            sum <= MOST_MEMBERS_OF_A_LIST
        });
        // One at least, so that who asks for the next part gets on.
        let fitting = fitting.count().max(1);
        rows.truncate(fitting);
        let told: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        named = members_of(tx, org, &told).await?;
    }
    let items = rows.into_iter().map(|row| {
        let members = named.remove(&row.id).unwrap_or_default();
        row.with(members)
    });
    Ok(Found { total, items: items.collect() })
}

/// Forgets a group.
pub(crate) async fn delete(tx: &mut Tx, org: OrgId, id: DirectoryGroupId) -> Result<(), Fault> {
    diesel::delete(groups::table.find((org.0, id.0))).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Forgets all groups of an organisation, and whom they name.
pub(crate) async fn erase(tx: &mut Tx, org: OrgId) -> Result<(), Fault> {
    diesel::delete(groups::table.filter(groups::org_id.eq(org.0))).execute(tx.pg()).await.fault()?;
    Ok(())
}
