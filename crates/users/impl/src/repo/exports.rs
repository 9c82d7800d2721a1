//! SQL of archives. All of it runs as the platform.

use db::prelude::*;
use kernel::{Fault, OrgId, Timestamp, UserId};
use mail_api::Language;
use users_api::{Export, ExportState};
use uuid::Uuid;

use crate::model::{Leaver, StoredExport};
use crate::schema::{export_parts as parts, exports};

/// So many are shown: more than anybody asks for while they last.
const MOST: i64 = 100;

#[derive(Queryable, Selectable)]
#[diesel(table_name = exports)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    user_id: Uuid,
    organization: Option<Uuid>,
    language: String,
    state: String,
    size: Option<i64>,
    digest: Option<Vec<u8>>,
    asked_at: Timestamp,
    expires_at: Timestamp,
}

impl TryFrom<Row> for StoredExport {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let made = match (row.size, row.digest) {
            (Some(size), Some(digest)) => {
                let size = u64::try_from(size).map_err(Fault::internal)?;
                let digest: [u8; 32] = digest.as_slice().try_into().map_err(Fault::internal)?;
                Some((size, digest))
            }
            _ => None,
        };
        let export = Export {
            id: row.id,
            organization: row.organization.map(OrgId),
            state: db::named(&row.state)?,
            made,
            asked_at: row.asked_at,
            expires_at: row.expires_at,
        };
        Ok(Self { export, user: UserId(row.user_id), language: db::named(&row.language)? })
    }
}

/// Notes one that is to be made; `false` if one is being made already.
pub(crate) async fn insert(tx: &mut Tx, export: &Export, user: UserId, language: Language) -> Result<bool, Fault> {
    let at = db::touched(tx).await?;
    let inserted = diesel::insert_into(exports::table)
        .values((
            exports::id.eq(export.id),
            exports::user_id.eq(user.0),
            exports::organization.eq(export.organization.map(|org| org.0)),
            exports::language.eq(language.name()),
            exports::state.eq(export.state.name()),
            exports::asked_at.eq(export.asked_at),
            exports::expires_at.eq(export.expires_at),
            exports::updated_at.eq(at),
        ))
        .on_conflict_do_nothing()
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(inserted == 1)
}

/// Those of a person that are not over, the newest first.
pub(crate) async fn of_person(tx: &ReadTx<'_>, user: UserId, now: Timestamp) -> Result<Vec<StoredExport>, Fault> {
    let theirs = exports::user_id.eq(user.0).and(exports::expires_at.gt(now));
    let query = exports::table.filter(theirs).order((exports::asked_at.desc(), exports::id.desc())).limit(MOST);
    let rows: Vec<Row> = query.select(Row::as_select()).load(&mut tx.pg()).await.fault()?;
    rows.into_iter().map(StoredExport::try_from).collect()
}

/// One.
pub(crate) async fn get(tx: &ReadTx<'_>, id: Uuid) -> Result<Option<StoredExport>, Fault> {
    let query = exports::table.find(id).select(Row::as_select());
    let row: Option<Row> = query.first(&mut tx.pg()).await.optional().fault()?;
    row.map(StoredExport::try_from).transpose()
}

/// One that is being made, locked.
pub(crate) async fn lock_making(tx: &mut Tx, id: Uuid) -> Result<Option<StoredExport>, Fault> {
    let making = exports::table.find(id).filter(exports::state.eq(ExportState::Making.name()));
    let row: Option<Row> = making.for_update().select(Row::as_select()).first(tx.pg()).await.optional().fault()?;
    row.map(StoredExport::try_from).transpose()
}

/// Keeps a piece.
pub(crate) async fn put_piece(tx: &mut Tx, id: Uuid, position: i32, content: &[u8]) -> Result<(), Fault> {
    diesel::insert_into(parts::table)
        .values((parts::export_id.eq(id), parts::position.eq(position), parts::content.eq(content)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// A piece.
pub(crate) async fn piece(tx: &ReadTx<'_>, id: Uuid, position: i32) -> Result<Option<Vec<u8>>, Fault> {
    parts::table.find((id, position)).select(parts::content).first(&mut tx.pg()).await.optional().fault()
}

/// Notes what became of one, which is locked: its size and its digest, if it could be made.
pub(crate) async fn finish(tx: &mut Tx, id: Uuid, made: Option<(i64, [u8; 32])>) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    let state = if made.is_some() { ExportState::Ready } else { ExportState::TooLarge };
    diesel::update(exports::table.find(id))
        .set((
            exports::state.eq(state.name()),
            exports::size.eq(made.map(|(size, _)| size)),
            exports::digest.eq(made.map(|(_, digest)| digest.to_vec())),
            exports::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Removes one.
pub(crate) async fn delete(tx: &mut Tx, id: Uuid) -> Result<(), Fault> {
    diesel::delete(exports::table.find(id)).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Removes those of whoever is gone.
pub(crate) async fn delete_of(tx: &mut Tx, leaver: Leaver) -> Result<(), Fault> {
    match leaver {
        Leaver::Organization(org) => {
            diesel::delete(exports::table.filter(exports::organization.eq(org.0))).execute(tx.pg()).await.fault()?;
        }
        Leaver::Person(user) => {
            diesel::delete(exports::table.filter(exports::user_id.eq(user.0))).execute(tx.pg()).await.fault()?;
        }
    }
    Ok(())
}

/// Removes those that are over.
pub(crate) async fn purge(tx: &mut Tx, now: Timestamp) -> Result<usize, Fault> {
    diesel::delete(exports::table.filter(exports::expires_at.le(now))).execute(tx.pg()).await.fault()
}
