//! SQL of memberships.

use db::prelude::*;
use diesel::result::Error as Refused;
use kernel::{Fault, OrgId, OrgRole, PageRequest, Timestamp, UserId};
use tenants_api::{Error, Member};
use uuid::Uuid;

use crate::model::GranterRole;
use crate::schema::{memberships, organizations};

/// The trigger behind 'an organisation with members has an owner'.
const LAST_OWNER: &str = "memberships_last_owner";

/// The trigger behind 'whom the directory has deactivated joins in no other way'.
const LET_IN: &str = "memberships_let_in";

#[derive(Queryable, Selectable)]
#[diesel(table_name = memberships)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    org_id: Uuid,
    user_id: Uuid,
    role: String,
    created_at: Timestamp,
}

impl TryFrom<Row> for Member {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self { user: UserId(row.user_id), org: OrgId(row.org_id), role: role_of(&row.role)?, created_at: row.created_at })
    }
}

pub(crate) fn role_of(name: &str) -> Result<OrgRole, Fault> {
    db::named(name)
}

fn all(rows: Vec<Row>) -> Result<Vec<Member>, Fault> {
    rows.into_iter().map(Member::try_from).collect()
}

/// A person's memberships in organisations that are not suspended, the oldest first. For the platform.
pub(crate) async fn of_person(tx: &ReadTx<'_>, user: UserId) -> Result<Vec<Member>, Fault> {
    let query = memberships::table
        .inner_join(organizations::table.on(organizations::org_id.eq(memberships::org_id)))
        .filter(memberships::user_id.eq(user.0).and(organizations::suspended_at.is_null()))
        .order((memberships::created_at, memberships::org_id));
    all(query.select(Row::as_select()).load(&mut tx.pg()).await.fault()?)
}

/// A person's membership of one organisation. For the platform.
pub(crate) async fn of_person_at(tx: &ReadTx<'_>, user: UserId, org: OrgId) -> Result<Option<Member>, Fault> {
    let query = memberships::table.find((org.0, user.0)).select(Row::as_select());
    let row: Option<Row> = query.first(&mut tx.pg()).await.optional().fault()?;
    row.map(Member::try_from).transpose()
}

/// A person's memberships, in the order in which their organisations are to be locked.
pub(crate) async fn of_person_in(tx: &mut Tx, user: UserId) -> Result<Vec<Member>, Fault> {
    let query = memberships::table.filter(memberships::user_id.eq(user.0)).order(memberships::org_id);
    all(query.select(Row::as_select()).load(tx.pg()).await.fault()?)
}

/// The organisation's members, newest first, one more than the page has.
pub(crate) async fn list(tx: &ReadTx<'_>, org: OrgId, page: PageRequest) -> Result<Vec<Member>, Fault> {
    let mut query = memberships::table
        .filter(memberships::org_id.eq(org.0))
        .order((memberships::created_at.desc(), memberships::user_id.desc()))
        .limit(page.fetch())
        .select(Row::as_select())
        .into_boxed();
    query = db::after!(query, page, memberships::created_at, memberships::user_id);
    all(query.load(&mut tx.pg()).await.fault()?)
}

/// One member.
pub(crate) async fn get(tx: &ReadTx<'_>, org: OrgId, user: UserId) -> Result<Member, Error> {
    let query = memberships::table.find((org.0, user.0)).select(Row::as_select());
    Ok(query.first(&mut tx.pg()).await.not_found(|| Error::NotFound("member"))?.try_into()?)
}

/// One member, locked.
pub(crate) async fn lock(tx: &mut Tx, org: OrgId, user: UserId) -> Result<Member, Error> {
    let query = memberships::table.find((org.0, user.0)).for_update().select(Row::as_select());
    Ok(query.first(tx.pg()).await.not_found(|| Error::NotFound("member"))?.try_into()?)
}

/// A person's role, if they are a member.
pub(crate) async fn role(tx: &mut Tx, org: OrgId, user: UserId) -> Result<Option<OrgRole>, Fault> {
    let query = memberships::table.find((org.0, user.0)).select(memberships::role);
    let role: Option<String> = query.first(tx.pg()).await.optional().fault()?;
    role.as_deref().map(role_of).transpose()
}

#[derive(QueryableByName)]
struct MembershipRow {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    here: bool,
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
    role: Option<String>,
}

/// As [`role`], refusing to answer about an organisation whose members the transaction does not see.
pub(crate) async fn role_here(tx: &mut Tx, org: OrgId, user: UserId) -> Result<Option<OrgRole>, Fault> {
    let sql = "select app.org() is not distinct from $1 as here, (select role from memberships where org_id = $1 and user_id = $2) as role";
    let query = diesel::sql_query(sql).bind::<diesel::sql_types::Uuid, _>(org.0).bind::<diesel::sql_types::Uuid, _>(user.0);
    let found: MembershipRow = query.get_result(tx.pg()).await.fault()?;
    if !found.here {
        return Err(Fault::internal(
            "the members of another organisation are not seen from here: ask a function of the platform",
        ));
    }
    found.role.as_deref().map(role_of).transpose()
}

/// A person's role, if they are a member, locked against change until the transaction ends.
pub(crate) async fn hold_role(tx: &mut Tx, org: OrgId, user: UserId) -> Result<Option<OrgRole>, Fault> {
    let query = memberships::table.find((org.0, user.0)).for_share().select(memberships::role);
    let role: Option<String> = query.first(tx.pg()).await.optional().fault()?;
    role.as_deref().map(role_of).transpose()
}

/// Adds a member; `granter` is as what `granted_by` did that. For the platform: a tenant adds nobody.
pub(crate) async fn insert(
    tx: &mut Tx,
    org: OrgId,
    user: UserId,
    role: OrgRole,
    (granted_by, granter): (UserId, GranterRole),
) -> Result<Member, Error> {
    let at = db::touched(tx).await?;
    let inserted: Result<Row, Refused> = diesel::insert_into(memberships::table)
        .values((
            memberships::org_id.eq(org.0),
            memberships::user_id.eq(user.0),
            memberships::role.eq(role.name()),
            memberships::granted_by.eq(granted_by.0),
            memberships::granter_role.eq(granter.name()),
            // They asked for it themselves, by accepting or founding.
            memberships::taken_up_at.eq(at),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await;
    if let Err(Refused::DatabaseError(_, information)) = &inserted
        && information.constraint_name() == Some(LET_IN)
    {
        return Err(Error::NotLetIn);
    }
    Ok(inserted.on_constraint("memberships_pkey", || Error::AlreadyMember)?.try_into()?)
}

/// Gives a member another role.
pub(crate) async fn set_role(tx: &mut Tx, org: OrgId, user: UserId, role: OrgRole) -> Result<Member, Error> {
    let rows: Vec<Row> = diesel::update(memberships::table.find((org.0, user.0)))
        .set(memberships::role.eq(role.name()))
        .returning(Row::as_returning())
        .get_results(tx.pg())
        .await
        .on_constraint(LAST_OWNER, || Error::LastOwner)?;
    Ok(rows.into_iter().next().ok_or(Error::NotFound("member"))?.try_into()?)
}

/// Gives a member another role in the name of `granted_by`, who is not the person of this transaction. For the platform.
pub(crate) async fn grant(
    tx: &mut Tx,
    org: OrgId,
    user: UserId,
    role: OrgRole,
    (granted_by, granter): (UserId, GranterRole),
) -> Result<(), Error> {
    let at = db::touched(tx).await?;
    let granted = diesel::update(memberships::table.find((org.0, user.0)))
        .set((
            memberships::role.eq(role.name()),
            memberships::granted_by.eq(granted_by.0),
            memberships::granter_role.eq(granter.name()),
            memberships::granted_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .on_constraint(LAST_OWNER, || Error::LastOwner)?;
    if granted == 0 { Err(Error::NotFound("member")) } else { Ok(()) }
}

/// Removes a member, with the custom roles that they had: who comes back begins without.
pub(crate) async fn delete(tx: &mut Tx, org: OrgId, user: UserId) -> Result<(), Error> {
    super::custom_roles::take_all(tx, org, user).await?;
    let deleted = diesel::delete(memberships::table.find((org.0, user.0)))
        .execute(tx.pg())
        .await
        .on_constraint(LAST_OWNER, || Error::LastOwner)?;
    if deleted == 0 { Err(Error::NotFound("member")) } else { Ok(()) }
}

/// Everybody who belongs to an organisation. For the platform.
pub(crate) async fn all_of(tx: &mut Tx, org: OrgId) -> Result<Vec<Member>, Fault> {
    let query = memberships::table.filter(memberships::org_id.eq(org.0)).order(memberships::user_id);
    all(query.select(Row::as_select()).load(tx.pg()).await.fault()?)
}

/// Removes everybody. For the platform.
pub(crate) async fn delete_all(tx: &mut Tx, org: OrgId) -> Result<(), Fault> {
    super::custom_roles::take_from_all(tx, org).await?;
    diesel::delete(memberships::table.filter(memberships::org_id.eq(org.0))).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Whether somebody else belongs to the organisation.
pub(crate) async fn any_but(tx: &mut Tx, org: OrgId, user: UserId) -> Result<bool, Fault> {
    let others = memberships::table.filter(memberships::org_id.eq(org.0).and(memberships::user_id.ne(user.0)));
    diesel::select(diesel::dsl::exists(others)).get_result(tx.pg()).await.fault()
}

/// The owners of an organisation, the first ones first.
pub(crate) async fn owners(tx: &mut Tx, org: OrgId) -> Result<Vec<UserId>, Fault> {
    let query = memberships::table
        .filter(memberships::org_id.eq(org.0).and(memberships::role.eq(OrgRole::Owner.name())))
        .order((memberships::created_at, memberships::user_id))
        .select(memberships::user_id);
    let owners: Vec<Uuid> = query.load(tx.pg()).await.fault()?;
    Ok(owners.into_iter().map(UserId).collect())
}

/// Whether the organisation has members.
pub(crate) async fn any(tx: &mut Tx, org: OrgId) -> Result<bool, Fault> {
    diesel::select(diesel::dsl::exists(memberships::table.filter(memberships::org_id.eq(org.0))))
        .get_result(tx.pg())
        .await
        .fault()
}
