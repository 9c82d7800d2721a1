//! SQL of API keys. An organisation reads its own, without their hashes; all else runs as the platform, [`revoke_of_leaver`] aside.

use auth_api::{ApiKey, Error, Leavers, Network, Revoked};
use db::prelude::*;
use diesel::sql_types::{Timestamptz, Uuid as SqlUuid};
use kernel::{ApiKeyId, Fault, OrgId, PageRequest, Timestamp, UserId};
use uuid::Uuid;

use crate::key_rules::StoredKey;
use crate::schema::{api_key_settings as settings, api_keys as keys};
use crate::token::TokenHash;

#[derive(Queryable, Selectable)]
#[diesel(table_name = keys)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    org_id: Uuid,
    id: Uuid,
    name: String,
    shown: String,
    scopes: Vec<String>,
    networks: Vec<String>,
    created_by: Uuid,
    created_at: Timestamp,
    expires_at: Timestamp,
    replaced_by: Option<Uuid>,
    overlap_ends_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    revoked_for: Option<String>,
    last_used_at: Option<Timestamp>,
}

#[derive(QueryableByName)]
struct RevokedRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

impl TryFrom<Row> for ApiKey {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let networks: Result<Vec<Network>, String> = row.networks.iter().map(|text| text.parse()).collect();
        let revoked = match (row.revoked_at, row.revoked_for) {
            (Some(at), Some(why)) => Some((at, db::named(&why)?)),
            _ => None,
        };
        Ok(Self {
            id: ApiKeyId(row.id),
            org: OrgId(row.org_id),
            name: row.name,
            shown: row.shown,
            scopes: row.scopes,
            networks: networks.map_err(Fault::internal)?,
            created_by: UserId(row.created_by),
            created_at: row.created_at,
            expires_at: row.expires_at,
            replaced: row.replaced_by.map(ApiKeyId).zip(row.overlap_ends_at),
            revoked,
            last_used_at: row.last_used_at,
        })
    }
}

fn texts(networks: &[Network]) -> Vec<String> {
    networks.iter().map(ToString::to_string).collect()
}

/// The key of a hash, unless it was revoked.
pub(crate) async fn find(tx: &ReadTx<'_>, hash: &TokenHash) -> Result<Option<StoredKey>, Fault> {
    let row: Option<(Row, Option<String>)> = keys::table
        .left_join(settings::table.on(settings::org_id.eq(keys::org_id)))
        .filter(keys::hash.eq(&hash[..]).and(keys::revoked_at.is_null()))
        .select((Row::as_select(), settings::of_leavers.nullable()))
        .first(&mut tx.pg())
        .await
        .optional()
        .fault()?;
    let Some((row, of_leavers)) = row else { return Ok(None) };
    let leavers = of_leavers.map_or(Ok(Leavers::Revoke), |name| db::named(&name))?;
    Ok(Some(StoredKey { key: row.try_into()?, leavers }))
}

/// The keys of an organisation, newest first, one more than the page has.
pub(crate) async fn page(tx: &ReadTx<'_>, org: OrgId, page: PageRequest) -> Result<Vec<ApiKey>, Fault> {
    let mut query = keys::table
        .filter(keys::org_id.eq(org.0))
        .order((keys::created_at.desc(), keys::id.desc()))
        .limit(page.fetch())
        .select(Row::as_select())
        .into_boxed();
    query = db::after!(query, page, keys::created_at, keys::id);
    let rows: Vec<Row> = query.load(&mut tx.pg()).await.fault()?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

/// One of them.
pub(crate) async fn get(tx: &ReadTx<'_>, org: OrgId, id: ApiKeyId) -> Result<ApiKey, Error> {
    let query = keys::table.find((org.0, id.0)).select(Row::as_select());
    let row: Row = query.first(&mut tx.pg()).await.not_found(|| Error::NotFound("API key"))?;
    Ok(row.try_into()?)
}

/// One of them, locked.
pub(crate) async fn lock(tx: &mut Tx, org: OrgId, id: ApiKeyId) -> Result<ApiKey, Error> {
    let query = keys::table.find((org.0, id.0)).for_no_key_update().select(Row::as_select());
    let row: Row = query.first(tx.pg()).await.not_found(|| Error::NotFound("API key"))?;
    Ok(row.try_into()?)
}

/// The key of a hash, locked, whatever became of it. A report of a leak names no organisation.
pub(crate) async fn lock_by_hash(tx: &mut Tx, hash: &TokenHash) -> Result<Option<ApiKey>, Fault> {
    let query = keys::table.filter(keys::hash.eq(&hash[..])).for_no_key_update().select(Row::as_select());
    let row: Option<Row> = query.first(tx.pg()).await.optional().fault()?;
    row.map(ApiKey::try_from).transpose()
}

/// How many of them work.
pub(crate) async fn working(tx: &mut Tx, org: OrgId, now: Timestamp) -> Result<i64, Fault> {
    let not_replaced = keys::overlap_ends_at.is_null().or(keys::overlap_ends_at.gt(now));
    keys::table
        .filter(keys::org_id.eq(org.0).and(keys::revoked_at.is_null()).and(keys::expires_at.gt(now)))
        .filter(not_replaced)
        .count()
        .get_result(tx.pg())
        .await
        .fault()
}

/// Stores a fresh key.
pub(crate) async fn insert(tx: &mut Tx, key: &ApiKey, hash: &TokenHash) -> Result<(), Fault> {
    diesel::insert_into(keys::table)
        .values((
            keys::org_id.eq(key.org.0),
            keys::id.eq(key.id.0),
            keys::name.eq(&key.name),
            keys::shown.eq(&key.shown),
            keys::hash.eq(&hash[..]),
            keys::scopes.eq(&key.scopes),
            keys::networks.eq(texts(&key.networks)),
            keys::created_by.eq(key.created_by.0),
            keys::created_at.eq(key.created_at),
            keys::expires_at.eq(key.expires_at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Changes what can be changed of a key.
pub(crate) async fn save(tx: &mut Tx, key: &ApiKey) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(keys::table.find((key.org.0, key.id.0)))
        .set((keys::name.eq(&key.name), keys::networks.eq(texts(&key.networks)), keys::updated_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Notes which key took the place of one, and until when both work.
pub(crate) async fn replace(tx: &mut Tx, org: OrgId, id: ApiKeyId, by: ApiKeyId, until: Timestamp) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(keys::table.find((org.0, id.0)))
        .set((keys::replaced_by.eq(by.0), keys::overlap_ends_at.eq(until), keys::updated_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Revokes a key that is locked and not revoked; when that is.
pub(crate) async fn revoke(tx: &mut Tx, org: OrgId, id: ApiKeyId, why: Revoked) -> Result<Timestamp, Fault> {
    let at = db::touched(tx).await?;
    diesel::update(keys::table.find((org.0, id.0)))
        .set((keys::revoked_at.eq(at), keys::revoked_for.eq(why.name()), keys::updated_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(at)
}

/// Revokes the keys of somebody who is no member of the organisation, unless that keeps them: in its own transaction or in the platform's.
pub(crate) async fn revoke_of_leaver(tx: &mut Tx, org: OrgId, person: UserId) -> Result<Vec<ApiKeyId>, Fault> {
    revoke_by(tx, "select k as id from app.revoke_keys_of_leaver($1, $2, $3) k", org, person).await
}

/// Revokes the keys of somebody who was a plain member of the organisation and is none any more, whatever it decided: in the same transactions.
pub(crate) async fn revoke_of_member(tx: &mut Tx, org: OrgId, person: UserId) -> Result<Vec<ApiKeyId>, Fault> {
    revoke_by(tx, "select k as id from app.revoke_keys_of_member($1, $2, $3) k", org, person).await
}

async fn revoke_by(tx: &mut Tx, sql: &str, org: OrgId, person: UserId) -> Result<Vec<ApiKeyId>, Fault> {
    let at = db::touched(tx).await?;
    let revoked: Vec<RevokedRow> = diesel::sql_query(sql)
        .bind::<SqlUuid, _>(org.0)
        .bind::<SqlUuid, _>(person.0)
        .bind::<Timestamptz, _>(at)
        .load(tx.pg())
        .await
        .fault()?;
    Ok(revoked.into_iter().map(|one| ApiKeyId(one.id)).collect())
}

/// Revokes the keys that a person made, in whichever organisation, before it was known that the account is theirs. For after their sessions have ended.
pub(crate) async fn revoke_of_unproven(tx: &mut Tx, person: UserId) -> Result<Vec<(OrgId, ApiKeyId)>, Fault> {
    let at = db::touched(tx).await?;
    let theirs = keys::created_by.eq(person.0).and(keys::revoked_at.is_null());
    let revoked: Vec<(Uuid, Uuid)> = diesel::update(keys::table.filter(theirs))
        .set((keys::revoked_at.eq(at), keys::revoked_for.eq(Revoked::Person.name()), keys::updated_at.eq(at)))
        .returning((keys::org_id, keys::id))
        .get_results(tx.pg())
        .await
        .fault()?;
    Ok(revoked.into_iter().map(|(org, id)| (OrgId(org), ApiKeyId(id))).collect())
}

/// Revokes all keys of an organisation. For after its sessions have ended.
pub(crate) async fn revoke_all(tx: &mut Tx, org: OrgId) -> Result<Vec<ApiKeyId>, Fault> {
    let at = db::touched(tx).await?;
    let left = keys::org_id.eq(org.0).and(keys::revoked_at.is_null());
    let revoked: Vec<Uuid> = diesel::update(keys::table.filter(left))
        .set((keys::revoked_at.eq(at), keys::revoked_for.eq(Revoked::Person.name()), keys::updated_at.eq(at)))
        .returning(keys::id)
        .get_results(tx.pg())
        .await
        .fault()?;
    Ok(revoked.into_iter().map(ApiKeyId).collect())
}

/// Who made the keys of an organisation that are not revoked.
pub(crate) async fn creators(tx: &mut Tx, org: OrgId) -> Result<Vec<UserId>, Fault> {
    let query = keys::table.filter(keys::org_id.eq(org.0).and(keys::revoked_at.is_null())).select(keys::created_by).distinct();
    let found: Vec<Uuid> = query.load(tx.pg()).await.fault()?;
    Ok(found.into_iter().map(UserId).collect())
}

/// What becomes of the keys of leavers; until the transaction ends nobody else changes it, or makes keys.
pub(crate) async fn lock_leavers(tx: &mut Tx, org: OrgId) -> Result<Leavers, Fault> {
    let row = diesel::insert_into(settings::table).values(settings::org_id.eq(org.0)).on_conflict_do_nothing();
    row.execute(tx.pg()).await.fault()?;
    let query = settings::table.find(org.0).for_update().select(settings::of_leavers);
    let name: String = query.first(tx.pg()).await.fault()?;
    db::named(&name)
}

/// What becomes of the keys of leavers.
pub(crate) async fn leavers(tx: &ReadTx<'_>, org: OrgId) -> Result<Leavers, Fault> {
    let query = settings::table.find(org.0).select(settings::of_leavers);
    let name: Option<String> = query.first(&mut tx.pg()).await.optional().fault()?;
    name.map_or(Ok(Leavers::Revoke), |name| db::named(&name))
}

/// Decides what becomes of the keys of leavers.
pub(crate) async fn set_leavers(tx: &mut Tx, org: OrgId, leavers: Leavers) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(settings::table.find(org.0))
        .set((settings::of_leavers.eq(leavers.name()), settings::updated_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Notes that a key was used, unless that was noted `lately`.
pub(crate) async fn note_use(tx: &mut Tx, org: OrgId, id: ApiKeyId, at: Timestamp, lately: Timestamp) -> Result<(), Fault> {
    let due = keys::last_used_at.is_null().or(keys::last_used_at.le(lately));
    diesel::update(keys::table.find((org.0, id.0)).filter(keys::revoked_at.is_null().and(due)))
        .set(keys::last_used_at.eq(at))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}
