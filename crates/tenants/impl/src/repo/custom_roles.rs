//! SQL of custom roles.

use std::collections::HashMap;

use db::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::AsyncPgConnection;
use kernel::{Fault, OrgId, OrgRole, Timestamp, UserId};
use tenants_api::{CustomRole, CustomRoleDetails, CustomRoleId, Error, GivenRole, NewCustomRole};
use uuid::Uuid;

use crate::model::{AddedGrant, Grant};
use crate::schema::{custom_role_permissions as permissions, custom_roles as roles, member_custom_roles as given, memberships};

/// A connection to read from, whether the transaction writes or not.
pub(crate) type Reader<'a> = &'a AsyncPgConnection;

/// The reading side of a writing transaction.
pub(crate) fn writing(tx: &mut Tx) -> Reader<'_> {
    tx.pg()
}

/// That of one that only reads.
pub(crate) fn reading<'a>(tx: &ReadTx<'a>) -> Reader<'a> {
    tx.pg()
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = roles)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    slug: String,
    name: String,
    description: String,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Row {
    fn with(self, mut permissions: Vec<String>) -> CustomRole {
        // By their bytes, whatever the database's language is.
        permissions.sort_unstable();
        let Self { id, slug, name, description, created_at, updated_at } = self;
        CustomRole { id: CustomRoleId(id), slug, name, description, permissions, created_at, updated_at }
    }
}

/// Every role of the organisation, by slug.
pub(crate) async fn list(mut pg: Reader<'_>, org: OrgId) -> Result<Vec<CustomRole>, Fault> {
    let rows: Vec<Row> =
        roles::table.filter(roles::org_id.eq(org.0)).order(roles::slug).select(Row::as_select()).load(&mut pg).await.fault()?;
    let held: Vec<(Uuid, String)> = permissions::table
        .filter(permissions::org_id.eq(org.0))
        .select((permissions::role_id, permissions::permission))
        .load(&mut pg)
        .await
        .fault()?;
    let mut of_role: HashMap<Uuid, Vec<String>> = HashMap::new();
    for (role, permission) in held {
        of_role.entry(role).or_default().push(permission);
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let permissions = of_role.remove(&row.id).unwrap_or_default();
            row.with(permissions)
        })
        .collect())
}

/// One role.
pub(crate) async fn get(mut pg: Reader<'_>, org: OrgId, id: CustomRoleId) -> Result<CustomRole, Error> {
    let row: Row =
        roles::table.find((org.0, id.0)).select(Row::as_select()).first(&mut pg).await.not_found(|| Error::NotFound("role"))?;
    let held: Vec<String> = permissions::table
        .filter(permissions::org_id.eq(org.0))
        .filter(permissions::role_id.eq(id.0))
        .select(permissions::permission)
        .load(&mut pg)
        .await
        .fault()?;
    Ok(row.with(held))
}

/// Who has which role, with the built-in one beside it.
pub(crate) async fn all_given(mut pg: Reader<'_>, org: OrgId) -> Result<Vec<(UserId, OrgRole, CustomRoleId)>, Fault> {
    let rows: Vec<(Uuid, String, Uuid)> = given::table
        .inner_join(memberships::table.on(memberships::org_id.eq(given::org_id).and(memberships::user_id.eq(given::user_id))))
        .filter(given::org_id.eq(org.0))
        .filter(memberships::org_id.eq(org.0))
        .order((given::user_id, given::role_id))
        .select((given::user_id, memberships::role, given::role_id))
        .load(&mut pg)
        .await
        .fault()?;
    rows.into_iter()
        .map(|(user, built_in, role)| Ok((UserId(user), db::named::<OrgRole>(&built_in)?, CustomRoleId(role))))
        .collect()
}

/// The roles of a member, in the order of their ids.
pub(crate) async fn of_member(mut pg: Reader<'_>, org: OrgId, user: UserId) -> Result<Vec<GivenRole>, Fault> {
    let rows: Vec<(Uuid, Option<Uuid>, Timestamp)> = given::table
        .filter(given::org_id.eq(org.0))
        .filter(given::user_id.eq(user.0))
        .order(given::role_id)
        .select((given::role_id, given::granted_by, given::granted_at))
        .load(&mut pg)
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(role, by, at)| GivenRole { role: CustomRoleId(role), by: by.map(UserId), at }).collect())
}

/// The permissions of a person's roles. For the platform.
pub(crate) async fn permissions_of(mut pg: Reader<'_>, org: OrgId, user: UserId) -> Result<Vec<String>, Fault> {
    given::table
        .inner_join(permissions::table.on(permissions::org_id.eq(given::org_id).and(permissions::role_id.eq(given::role_id))))
        .filter(given::org_id.eq(org.0))
        .filter(permissions::org_id.eq(org.0))
        .filter(given::user_id.eq(user.0))
        .select(permissions::permission)
        .load(&mut pg)
        .await
        .fault()
}

/// What a person's roles are called by programs. For the platform.
pub(crate) async fn slugs_of(mut pg: Reader<'_>, org: OrgId, user: UserId) -> Result<Vec<String>, Fault> {
    let mut slugs: Vec<String> = given::table
        .inner_join(roles::table.on(roles::org_id.eq(given::org_id).and(roles::id.eq(given::role_id))))
        .filter(given::org_id.eq(org.0))
        .filter(roles::org_id.eq(org.0))
        .filter(given::user_id.eq(user.0))
        .select(roles::slug)
        .load(&mut pg)
        .await
        .fault()?;
    slugs.sort_unstable();
    Ok(slugs)
}

/// Whether a role of the member holds a permission. Under the organisation's lock nobody changes it meanwhile.
pub(crate) async fn holds(tx: &mut Tx, org: OrgId, user: UserId, permission: &str) -> Result<bool, Fault> {
    let held = permissions_of(tx.pg(), org, user).await?;
    Ok(held.iter().any(|held| held == permission))
}

/// Those who have a role.
pub(crate) async fn holders(tx: &mut Tx, org: OrgId, role: CustomRoleId) -> Result<Vec<Uuid>, Fault> {
    let query = given::table.filter(given::org_id.eq(org.0)).filter(given::role_id.eq(role.0)).order(given::user_id);
    query.select(given::user_id).load(tx.pg()).await.fault()
}

/// Makes a role.
pub(crate) async fn insert(tx: &mut Tx, org: OrgId, new: &NewCustomRole) -> Result<CustomRole, Error> {
    let (id, at) = (CustomRoleId::new(), db::touched(tx).await?);
    diesel::insert_into(roles::table)
        .values((
            roles::org_id.eq(org.0),
            roles::id.eq(id.0),
            roles::slug.eq(&new.slug),
            roles::name.eq(&new.details.name),
            roles::description.eq(&new.details.description),
            roles::created_at.eq(at),
            roles::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .on_constraint("custom_roles_slug_unique", || Error::RoleSlugTaken)?;
    let wanted: Vec<&str> = new.details.permissions.iter().map(String::as_str).collect();
    add_permissions(tx, org, id, &wanted).await?;
    get(tx.pg(), org, id).await
}

/// Saves what a role is called, and adds to and takes from what it holds.
pub(crate) async fn save(
    tx: &mut Tx,
    org: OrgId,
    id: CustomRoleId,
    after: &CustomRoleDetails,
    (added, taken): (&[&str], &[&str]),
) -> Result<CustomRole, Error> {
    let at = db::touched(tx).await?;
    diesel::update(roles::table.find((org.0, id.0)))
        .set((roles::name.eq(&after.name), roles::description.eq(&after.description), roles::updated_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    if !taken.is_empty() {
        diesel::delete(
            permissions::table
                .filter(permissions::org_id.eq(org.0))
                .filter(permissions::role_id.eq(id.0))
                .filter(permissions::permission.eq_any(taken.to_vec())),
        )
        .execute(tx.pg())
        .await
        .fault()?;
    }
    add_permissions(tx, org, id, added).await?;
    get(tx.pg(), org, id).await
}

/// Adds what a role does not hold yet. Who added it, as what and when, the database notes.
async fn add_permissions(tx: &mut Tx, org: OrgId, id: CustomRoleId, wanted: &[&str]) -> Result<(), Fault> {
    if wanted.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = wanted
        .iter()
        .map(|permission| (permissions::org_id.eq(org.0), permissions::role_id.eq(id.0), permissions::permission.eq(*permission)))
        .collect();
    diesel::insert_into(permissions::table).values(rows).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Removes a role that nobody has, with what it holds.
pub(crate) async fn delete(tx: &mut Tx, org: OrgId, id: CustomRoleId) -> Result<(), Error> {
    let deleted = diesel::delete(roles::table.find((org.0, id.0))).execute(tx.pg()).await.fault()?;
    if deleted == 0 { Err(Error::NotFound("role")) } else { Ok(()) }
}

/// Gives a member roles that they do not have.
pub(crate) async fn give(tx: &mut Tx, org: OrgId, user: UserId, wanted: &[CustomRoleId]) -> Result<(), Fault> {
    if wanted.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> =
        wanted.iter().map(|role| (given::org_id.eq(org.0), given::user_id.eq(user.0), given::role_id.eq(role.0))).collect();
    diesel::insert_into(given::table).values(rows).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Takes roles from a member.
pub(crate) async fn take(tx: &mut Tx, org: OrgId, user: UserId, taken: &[Uuid]) -> Result<(), Fault> {
    let theirs = given::table.filter(given::org_id.eq(org.0)).filter(given::user_id.eq(user.0));
    diesel::delete(theirs.filter(given::role_id.eq_any(taken))).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Takes every role from somebody who leaves.
pub(crate) async fn take_all(tx: &mut Tx, org: OrgId, user: UserId) -> Result<(), Fault> {
    let theirs = given::table.filter(given::org_id.eq(org.0)).filter(given::user_id.eq(user.0));
    diesel::delete(theirs).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Takes every role from everybody: for an organisation that leaves.
pub(crate) async fn take_from_all(tx: &mut Tx, org: OrgId) -> Result<(), Fault> {
    diesel::delete(given::table.filter(given::org_id.eq(org.0))).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Gives a member roles anew that they have: the database notes it of an owner, and of nobody else.
pub(crate) async fn confirm(tx: &mut Tx, org: OrgId, user: UserId, roles: &[Uuid]) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    let theirs = given::table.filter(given::org_id.eq(org.0)).filter(given::user_id.eq(user.0));
    diesel::update(theirs.filter(given::role_id.eq_any(roles))).set(given::granted_at.eq(at)).execute(tx.pg()).await.fault()?;
    Ok(())
}

#[derive(QueryableByName)]
struct AddedRow {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    given_by: Option<Uuid>,
    #[diesel(sql_type = Text)]
    given_as: String,
    #[diesel(sql_type = Timestamptz)]
    given_at: Timestamp,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    added_by: Option<Uuid>,
    #[diesel(sql_type = Text)]
    added_as: String,
    #[diesel(sql_type = Timestamptz)]
    added_at: Timestamp,
}

/// By which roles of theirs a member holds a permission: when each was given to them, and when the permission was put into it. Both stay as they are
/// until the transaction ends. And what time it is.
pub(crate) async fn hold_grants(
    tx: &mut Tx,
    org: OrgId,
    user: UserId,
    permission: &str,
) -> Result<(Vec<AddedGrant>, Timestamp), Fault> {
    let rows: Vec<AddedRow> = diesel::sql_query(
        "select g.granted_by as given_by, g.granter_role as given_as, g.granted_at as given_at,
             p.granted_by as added_by, p.granter_role as added_as, p.granted_at as added_at
         from member_custom_roles g join custom_role_permissions p on p.org_id = $1 and p.role_id = g.role_id
         where g.org_id = $1 and g.user_id = $2 and p.permission = $3 order by g.role_id for share",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<SqlUuid, _>(user.0)
    .bind::<Text, _>(permission)
    .load(tx.pg())
    .await
    .fault()?;
    let grants: Result<Vec<AddedGrant>, Fault> = rows
        .into_iter()
        .map(|row| {
            Ok(AddedGrant {
                given: Grant { by: row.given_by.map(UserId), granter: db::named(&row.given_as)?, at: row.given_at },
                added: Grant { by: row.added_by.map(UserId), granter: db::named(&row.added_as)?, at: row.added_at },
            })
        })
        .collect();
    Ok((grants?, db::touched(tx).await?))
}
