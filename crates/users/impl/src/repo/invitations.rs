//! SQL of invitations: of the organisation in its own transactions, of the invited person as the platform.

use auth_api::email::Email;
use chrono::TimeDelta;
use db::prelude::*;
use kernel::{Ctx, Fault, OrgId, PageRequest, Timestamp, UserId};
use users_api::{Error, MemberInvitation};
use uuid::Uuid;

use crate::model::{Invitation, InvitationStatus};
use crate::schema::{member_invitations as invitations, users};

const PENDING: &str = InvitationStatus::Pending.name();

#[derive(Queryable, Selectable)]
#[diesel(table_name = invitations)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    org_id: Uuid,
    id: Uuid,
    email: String,
    name: Option<String>,
    invited_by: Uuid,
    status: String,
    created_at: Timestamp,
}

impl From<Row> for MemberInvitation {
    fn from(row: Row) -> Self {
        let Row { id, email, name, invited_by, created_at, .. } = row;
        Self { id, email, name, invited_by: UserId(invited_by), created_at }
    }
}

impl TryFrom<Row> for Invitation {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let Row { org_id, id, invited_by, created_at, .. } = row;
        let status = db::named(&row.status)?;
        Ok(Self { org: OrgId(org_id), id, invited_by: UserId(invited_by), status, created_at })
    }
}

/// Whether the address is that of a member of this transaction's organisation, who are known to each other.
pub(crate) async fn is_members(tx: &mut Tx, email: &Email) -> Result<bool, Fault> {
    // Row-level security shows the organisation its own people alone.
    let known = users::table.filter(users::email_key.eq(email.key()));
    diesel::select(diesel::dsl::exists(known)).get_result(tx.pg()).await.fault()
}

/// The member of this transaction's organisation with an email, or who acts, if it is theirs.
pub(crate) async fn person_of_email(tx: &mut Tx, key: &str) -> Result<Option<UserId>, Fault> {
    // Row-level security shows the organisation its own people alone, and each person themself.
    let query = users::table.filter(users::email_key.eq(key).and(users::removed_at.is_null())).select(users::id);
    let id: Option<Uuid> = query.first(tx.pg()).await.optional().fault()?;
    Ok(id.map(UserId))
}

/// Whether an invitation waits for an email.
pub(crate) async fn waits_for(tx: &mut Tx, org: OrgId, key: &str) -> Result<bool, Fault> {
    let waiting = invitations::org_id.eq(org.0).and(invitations::email_key.eq(key)).and(invitations::status.eq(PENDING));
    diesel::select(diesel::dsl::exists(invitations::table.filter(waiting))).get_result(tx.pg()).await.fault()
}

/// The invitation that waits for an email, locked. Whoever is accepting it at this moment is waited for, or the other way round.
pub(crate) async fn lock_for_email(tx: &mut Tx, org: OrgId, key: &str) -> Result<Option<Uuid>, Fault> {
    let waiting = invitations::org_id.eq(org.0).and(invitations::email_key.eq(key)).and(invitations::status.eq(PENDING));
    let query = invitations::table.filter(waiting).for_update().select(invitations::id);
    query.first(tx.pg()).await.optional().fault()
}

/// Who gave an invitation. For the platform.
pub(crate) async fn inviter_in(tx: &mut Tx, org: OrgId, id: Uuid) -> Result<UserId, Fault> {
    let by: Uuid = invitations::table.find((org.0, id)).select(invitations::invited_by).first(tx.pg()).await.fault()?;
    Ok(UserId(by))
}

/// Notes an invitation.
pub(crate) async fn insert(
    tx: &mut Tx,
    ctx: &Ctx,
    by: UserId,
    email: &Email,
    name: Option<&str>,
) -> Result<MemberInvitation, Error> {
    let row: Row = diesel::insert_into(invitations::table)
        .values((
            invitations::org_id.eq(ctx.org.0),
            invitations::id.eq(Uuid::now_v7()),
            invitations::email.eq(email.as_str()),
            invitations::email_key.eq(email.key()),
            invitations::name.eq(name),
            invitations::invited_by.eq(by.0),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .on_constraint("member_invitations_once", || Error::AlreadyInvited)?;
    Ok(row.into())
}

/// Those that nobody has answered, newest first, one more than the page has.
pub(crate) async fn page(tx: &ReadTx<'_>, org: OrgId, page: PageRequest) -> Result<Vec<MemberInvitation>, Fault> {
    let mut query = invitations::table
        .filter(invitations::org_id.eq(org.0).and(invitations::status.eq(PENDING)))
        .order((invitations::created_at.desc(), invitations::id.desc()))
        .limit(page.fetch())
        .select(Row::as_select())
        .into_boxed();
    query = db::after!(query, page, invitations::created_at, invitations::id);
    let rows: Vec<Row> = query.load(&mut tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(MemberInvitation::from).collect())
}

/// One that nobody has answered.
pub(crate) async fn get(tx: &ReadTx<'_>, org: OrgId, id: Uuid) -> Result<MemberInvitation, Error> {
    let query = invitations::table.find((org.0, id)).filter(invitations::status.eq(PENDING)).select(Row::as_select());
    Ok(query.first(&mut tx.pg()).await.not_found(|| Error::NotFound("invitation"))?.into())
}

/// One that nobody has answered, locked: how often it was mailed, when last, and what time it is.
pub(crate) async fn lock_mailed(
    tx: &mut Tx,
    org: OrgId,
    id: Uuid,
) -> Result<(MemberInvitation, i16, Timestamp, Timestamp), Error> {
    let query = invitations::table.find((org.0, id)).filter(invitations::status.eq(PENDING)).for_update().select((
        Row::as_select(),
        invitations::mailed,
        invitations::mailed_at,
    ));
    let (row, mailed, last): (Row, i16, Timestamp) = query.first(tx.pg()).await.not_found(|| Error::NotFound("invitation"))?;
    let now = db::touched(tx).await?;
    Ok((row.into(), mailed, last, now))
}

/// Notes that one, which is locked, was mailed again.
pub(crate) async fn note_mailed(tx: &mut Tx, org: OrgId, id: Uuid, mailed: i16) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(invitations::table.find((org.0, id)))
        .set((invitations::mailed.eq(mailed), invitations::mailed_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Takes one back.
pub(crate) async fn withdraw(tx: &mut Tx, org: OrgId, id: Uuid) -> Result<(), Error> {
    decide(tx, org, id, InvitationStatus::Withdrawn).await
}

/// Takes back all that a person has given and nobody has answered; how many there were. Not the one that somebody is accepting at this moment:
/// whoever accepts locks it before the organisation, and finds that who gave it may no longer.
pub(crate) async fn withdraw_of(tx: &mut Tx, org: OrgId, by: UserId) -> Result<usize, Fault> {
    let given = invitations::org_id.eq(org.0).and(invitations::invited_by.eq(by.0)).and(invitations::status.eq(PENDING));
    let free: Vec<Uuid> = invitations::table
        .filter(given)
        .order(invitations::id)
        .for_update()
        .skip_locked()
        .select(invitations::id)
        .load(tx.pg())
        .await
        .fault()?;
    let at = db::touched(tx).await?;
    diesel::update(invitations::table.filter(invitations::org_id.eq(org.0).and(invitations::id.eq_any(free))))
        .set((invitations::status.eq(InvitationStatus::Withdrawn.name()), invitations::decided_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()
}

/// Takes back all that nobody has answered, whoever gave them; how many there were. Those that somebody is accepting at this moment find that the
/// organisation leaves. For the platform.
pub(crate) async fn withdraw_all(tx: &mut Tx, org: OrgId) -> Result<usize, Fault> {
    let pending = invitations::org_id.eq(org.0).and(invitations::status.eq(PENDING));
    let free: Vec<Uuid> = invitations::table
        .filter(pending)
        .order(invitations::id)
        .for_update()
        .skip_locked()
        .select(invitations::id)
        .load(tx.pg())
        .await
        .fault()?;
    let at = db::touched(tx).await?;
    diesel::update(invitations::table.filter(invitations::org_id.eq(org.0).and(invitations::id.eq_any(free))))
        .set((invitations::status.eq(InvitationStatus::Withdrawn.name()), invitations::decided_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()
}

/// Forgets whom an organisation invited, and by which address. For the platform.
pub(crate) async fn delete_all(tx: &mut Tx, org: OrgId) -> Result<usize, Fault> {
    diesel::delete(invitations::table.filter(invitations::org_id.eq(org.0))).execute(tx.pg()).await.fault()
}

/// Forgets whom organisations invited by the address that a person has proven; by one that they have not, they may have invited somebody else. For the platform.
pub(crate) async fn delete_of_person(tx: &mut Tx, user: UserId) -> Result<usize, Fault> {
    let proven = users::table.find(user.0).filter(users::email_verified).select(users::email_key);
    let key: Option<String> = proven.first(tx.pg()).await.optional().fault()?;
    let Some(key) = key else { return Ok(0) };
    diesel::delete(invitations::table.filter(invitations::email_key.eq(key))).execute(tx.pg()).await.fault()
}

/// Forgets those that were answered long ago. For the platform.
pub(crate) async fn purge(tx: &mut Tx, kept: TimeDelta) -> Result<usize, Fault> {
    let before = db::touched(tx).await? - kept;
    let over = invitations::status.ne(PENDING).and(invitations::decided_at.le(before));
    diesel::delete(invitations::table.filter(over)).execute(tx.pg()).await.fault()
}

/// Ends one that is pending. In the organisation's transaction, or for the platform once the row is locked.
pub(crate) async fn decide(tx: &mut Tx, org: OrgId, id: Uuid, status: InvitationStatus) -> Result<(), Error> {
    let one = invitations::table.find((org.0, id)).filter(invitations::status.eq(PENDING));
    let at = db::touched(tx).await?;
    let changed = diesel::update(one)
        .set((invitations::status.eq(status.name()), invitations::decided_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    if changed == 0 { Err(Error::NotFound("invitation")) } else { Ok(()) }
}

/// Those that wait for a person's address, newest first, one more than the page has. For the platform.
pub(crate) async fn of_person(tx: &ReadTx<'_>, user: UserId, page: PageRequest) -> Result<Vec<Invitation>, Fault> {
    let mut query = invitations::table
        .inner_join(users::table.on(users::email_key.eq(invitations::email_key)))
        .filter(users::id.eq(user.0).and(users::removed_at.is_null()).and(invitations::status.eq(PENDING)))
        .order((invitations::created_at.desc(), invitations::id.desc()))
        .limit(page.fetch())
        .select(Row::as_select())
        .into_boxed();
    query = db::after!(query, page, invitations::created_at, invitations::id);
    let rows: Vec<Row> = query.load(&mut tx.pg()).await.fault()?;
    rows.into_iter().map(Invitation::try_from).collect()
}

/// One for a person's address, which they have proven, that is pending or accepted, locked. For the platform.
pub(crate) async fn lock_of_person(tx: &mut Tx, user: UserId, id: Uuid) -> Result<Invitation, Error> {
    let person: Option<(String, bool)> = users::table
        .find(user.0)
        .filter(users::removed_at.is_null())
        // The person before their organisations: an account is not removed meanwhile.
        .for_key_share()
        .select((users::email_key, users::email_verified))
        .first(tx.pg())
        .await
        .optional()
        .fault()?;
    let (key, is_verified) = person.ok_or(Error::NotFound("invitation"))?;
    let open = invitations::status.eq_any([PENDING, InvitationStatus::Accepted.name()]);
    let query = invitations::table
        .filter(invitations::id.eq(id).and(invitations::email_key.eq(key)).and(open))
        .for_update()
        .select(Row::as_select());
    let row: Row = query.first(tx.pg()).await.not_found(|| Error::NotFound("invitation"))?;
    if is_verified { Ok(row.try_into()?) } else { Err(Error::EmailNotVerified) }
}
