//! SQL of users.

use std::collections::HashMap;

use auth_api::email::Email;
use db::prelude::*;
use diesel::result::Error as Refused;
use diesel::sql_types::{Array, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use directory_api::{
    DirectoryEmail, DirectoryGroupId, DirectoryUser, DirectoryUserId, Error, Found, GroupOfUser, Query, UserRecord,
};
use kernel::{Fault, OrgId, Timestamp, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::filter::{self, Place};
use crate::schema::{directory_group_members as members, directory_groups as groups, directory_users as users};

const PLACE: Place = Place {
    ids: "select d.id from directory_users d where d.org_id = $1",
    count: "select count(*) as total from directory_users d where d.org_id = $1",
    order: "order by d.created_at, d.id",
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    user_name: String,
    external_id: Option<String>,
    display_name: Option<String>,
    formatted_name: Option<String>,
    family_name: Option<String>,
    given_name: Option<String>,
    preferred_language: Option<String>,
    emails: Value,
    active: bool,
    person: Option<Uuid>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A user as it is kept, with who that is.
pub(crate) struct Kept {
    /// The user; its groups are not looked up.
    pub(crate) user: DirectoryUser,
    /// The person, if they were ever a member.
    pub(crate) person: Option<UserId>,
}

impl From<Row> for Kept {
    fn from(row: Row) -> Self {
        let record = UserRecord {
            user_name: row.user_name,
            external_id: row.external_id,
            display_name: row.display_name,
            formatted_name: row.formatted_name,
            family_name: row.family_name,
            given_name: row.given_name,
            preferred_language: row.preferred_language,
            emails: row.emails.as_array().into_iter().flatten().filter_map(email_of).collect(),
            active: row.active,
        };
        let user = DirectoryUser {
            id: DirectoryUserId(row.id),
            record,
            groups: Vec::new(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        Self { user, person: row.person.map(UserId) }
    }
}

fn email_of(value: &Value) -> Option<DirectoryEmail> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(DirectoryEmail { value: text("value")?, kind: text("type"), primary: value.get("primary").and_then(Value::as_bool) })
}

fn emails_of(record: &UserRecord) -> Value {
    let each = record.emails.iter().map(|email| json!({ "value": email.value, "type": email.kind, "primary": email.primary }));
    Value::Array(each.collect())
}

/// What makes the address that is invited the same one; none if there is no address.
fn email_key(record: &UserRecord) -> Option<String> {
    Email::parse(record.address()).ok().map(|email| email.key().to_owned())
}

/// What makes a name the same name.
fn name_key(record: &UserRecord) -> String {
    record.user_name.to_lowercase()
}

/// What a directory says of a user, and who that is, as it is written.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true)]
struct Written<'a> {
    user_name: &'a str,
    user_name_key: String,
    external_id: Option<&'a str>,
    display_name: Option<&'a str>,
    formatted_name: Option<&'a str>,
    family_name: Option<&'a str>,
    given_name: Option<&'a str>,
    preferred_language: Option<&'a str>,
    emails: Value,
    email_key: Option<String>,
    active: bool,
    person: Option<Uuid>,
    updated_at: Timestamp,
}

impl<'a> Written<'a> {
    fn of(record: &'a UserRecord, person: Option<UserId>, at: Timestamp) -> Self {
        Self {
            user_name: &record.user_name,
            user_name_key: name_key(record),
            external_id: record.external_id.as_deref(),
            display_name: record.display_name.as_deref(),
            formatted_name: record.formatted_name.as_deref(),
            family_name: record.family_name.as_deref(),
            given_name: record.given_name.as_deref(),
            preferred_language: record.preferred_language.as_deref(),
            emails: emails_of(record),
            email_key: email_key(record),
            active: record.active,
            person: person.map(|person| person.0),
            updated_at: at,
        }
    }
}

/// What two users must not have in common.
fn unique<T>(result: Result<T, Refused>) -> Result<T, Error> {
    let constraint = match &result {
        Err(Refused::DatabaseError(_, information)) => information.constraint_name().map(str::to_owned),
        _ => None,
    };
    match constraint.as_deref() {
        Some("directory_users_name") => Err(Error::NotUnique("another user has this `userName`")),
        Some("directory_users_address" | "directory_users_person") => Err(Error::NotUnique("another user is of this address")),
        _ => Ok(result.fault()?),
    }
}

/// Adds a user.
pub(crate) async fn insert(tx: &mut Tx, org: OrgId, record: &UserRecord, person: Option<UserId>) -> Result<Kept, Error> {
    let at = db::touched(tx).await?;
    let row: Result<Row, Refused> = diesel::insert_into(users::table)
        .values((
            users::org_id.eq(org.0),
            users::id.eq(DirectoryUserId::new().0),
            users::created_at.eq(at),
            Written::of(record, person, at),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await;
    Ok(unique(row)?.into())
}

/// Writes what a directory says of a user.
pub(crate) async fn save(
    tx: &mut Tx,
    org: OrgId,
    id: DirectoryUserId,
    record: &UserRecord,
    person: Option<UserId>,
) -> Result<Kept, Error> {
    let at = db::touched(tx).await?;
    let row: Result<Row, Refused> = diesel::update(users::table.find((org.0, id.0)))
        .set(Written::of(record, person, at))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await;
    Ok(unique(row)?.into())
}

/// One user, locked.
pub(crate) async fn lock(tx: &mut Tx, org: OrgId, id: DirectoryUserId) -> Result<Kept, Error> {
    let query = users::table.find((org.0, id.0)).for_update().select(Row::as_select());
    let row: Row = query.first(tx.pg()).await.not_found(|| Error::NotFound("user"))?;
    Ok(row.into())
}

/// One user.
pub(crate) async fn get(tx: &ReadTx<'_>, org: OrgId, id: DirectoryUserId) -> Result<DirectoryUser, Error> {
    let query = users::table.find((org.0, id.0)).select(Row::as_select());
    let row: Row = query.first(&mut tx.pg()).await.not_found(|| Error::NotFound("user"))?;
    let mut user = Kept::from(row).user;
    let name = user.id.to_string();
    user.groups = groups_of(tx, org, vec![name.clone()]).await?.remove(&name).unwrap_or_default();
    Ok(user)
}

/// Some users, the oldest first.
pub(crate) async fn list(tx: &ReadTx<'_>, org: OrgId, query: &Query) -> Result<Found<DirectoryUser>, Fault> {
    let (ids, total) = filter::find(tx, org, &PLACE, query).await?;
    let asked = users::table
        .filter(users::org_id.eq(org.0).and(users::id.eq_any(ids)))
        .order((users::created_at, users::id))
        .select(Row::as_select());
    let rows: Vec<Row> = asked.load(&mut tx.pg()).await.fault()?;
    let names = rows.iter().map(|row| row.id.to_string()).collect();
    let mut groups = groups_of(tx, org, names).await?;
    let items = rows.into_iter().map(|row| {
        let mut user = Kept::from(row).user;
        user.groups = groups.remove(&user.id.to_string()).unwrap_or_default();
        user
    });
    Ok(Found { total, items: items.collect() })
}

/// Which groups name these members.
const GROUPS: &str = "select m.member, g.id, g.display_name from directory_group_members m
    join directory_groups g on g.org_id = m.org_id and g.id = m.group_id
    where m.org_id = $1 and m.member = any($2) order by g.display_key, g.id";

#[derive(QueryableByName)]
struct NamedRow {
    #[diesel(sql_type = Text)]
    member: String,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    display_name: String,
}

/// The groups of these users, by the user.
async fn groups_of(tx: &ReadTx<'_>, org: OrgId, users: Vec<String>) -> Result<HashMap<String, Vec<GroupOfUser>>, Fault> {
    let asked = diesel::sql_query(GROUPS).bind::<SqlUuid, _>(org.0).bind::<Array<Text>, _>(users);
    Ok(by_member(asked.load(&mut tx.pg()).await.fault()?))
}

/// The groups of a user, in the transaction of a change.
pub(crate) async fn groups_in(tx: &mut Tx, org: OrgId, id: DirectoryUserId) -> Result<Vec<GroupOfUser>, Fault> {
    let asked = diesel::sql_query(GROUPS).bind::<SqlUuid, _>(org.0).bind::<Array<Text>, _>(vec![id.to_string()]);
    Ok(by_member(asked.load(tx.pg()).await.fault()?).remove(&id.to_string()).unwrap_or_default())
}

fn by_member(named: Vec<NamedRow>) -> HashMap<String, Vec<GroupOfUser>> {
    let mut all: HashMap<String, Vec<GroupOfUser>> = HashMap::new();
    for NamedRow { member, id, display_name } in named {
        all.entry(member).or_default().push(GroupOfUser { id: DirectoryGroupId(id), display_name });
    }
    all
}

/// Forgets a user, and takes them out of the groups that name them, which have changed by that.
pub(crate) async fn delete(tx: &mut Tx, org: OrgId, id: DirectoryUserId) -> Result<(), Fault> {
    diesel::delete(users::table.find((org.0, id.0))).execute(tx.pg()).await.fault()?;
    let theirs = members::org_id.eq(org.0).and(members::member.eq(id.to_string()));
    let left: Vec<Uuid> =
        diesel::delete(members::table.filter(theirs)).returning(members::group_id).get_results(tx.pg()).await.fault()?;
    let at = db::touched(tx).await?;
    diesel::update(groups::table.filter(groups::org_id.eq(org.0).and(groups::id.eq_any(left))))
        .set(groups::updated_at.eq(at))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Forgets all users of an organisation.
pub(crate) async fn erase(tx: &mut Tx, org: OrgId) -> Result<(), Fault> {
    diesel::delete(users::table.filter(users::org_id.eq(org.0))).execute(tx.pg()).await.fault()?;
    Ok(())
}

#[derive(QueryableByName)]
struct NotedRow {
    #[diesel(sql_type = Bool)]
    noted: bool,
}

/// Notes that the membership of whom a user is ends by this; whether there is one.
pub(crate) async fn note_end(tx: &mut Tx, org: OrgId, id: DirectoryUserId) -> Result<bool, Fault> {
    let at = db::touched(tx).await?;
    let row: NotedRow = diesel::sql_query("select app.note_directory_end($1, $2, $3) as noted")
        .bind::<SqlUuid, _>(org.0)
        .bind::<SqlUuid, _>(id.0)
        .bind::<Timestamptz, _>(at)
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok(row.noted)
}

#[derive(QueryableByName)]
struct RestoredRow {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    person: Option<Uuid>,
}

/// Makes whom a user is a member again, if the directory ended that; who it is.
pub(crate) async fn restore(tx: &mut Tx, org: OrgId, id: DirectoryUserId) -> Result<Option<UserId>, Fault> {
    let row: RestoredRow = diesel::sql_query("select app.restore_directory_member($1, $2) as person")
        .bind::<SqlUuid, _>(org.0)
        .bind::<SqlUuid, _>(id.0)
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok(row.person.map(UserId))
}
