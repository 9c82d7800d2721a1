//! The tables' statements: one for whoever leaves a mail behind, all others on `SystemUow`.

use db::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Text, Uuid as SqlUuid};
use kernel::{Fault, Timestamp};
use mail_api::MailId;
use uuid::Uuid;

use crate::model::{Cause, MailState, NewMail, QueuedMail};
use crate::schema::{mail_suppressions as suppressions, mails};

#[derive(QueryableByName)]
struct QueuedRow {
    #[diesel(sql_type = SqlUuid)]
    mail: Uuid,
    #[diesel(sql_type = Bool)]
    is_new: bool,
}

/// Keeps a mail, unless there is one of its event already; the mail of the event, and whether it is new.
pub(crate) async fn queue(tx: &mut Tx, new: &NewMail) -> Result<(MailId, bool), Fault> {
    let row: QueuedRow = diesel::sql_query("select mail, is_new from app.queue_mail($1, $2, $3, $4, $5, $6)")
        .bind::<SqlUuid, _>(new.id.0)
        .bind::<Array<Bytea>, _>(&new.digests)
        .bind::<Text, _>(&new.address)
        .bind::<Text, _>(new.template)
        .bind::<Text, _>(new.language.name())
        .bind::<Bytea, _>(&new.content)
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok((MailId(row.mail), row.is_new))
}

/// A mail as it is tried.
#[derive(Queryable, Selectable)]
#[diesel(table_name = mails)]
struct MailRow {
    id: Uuid,
    key_digest: Vec<u8>,
    address: String,
    template: String,
    language: String,
    content: Option<Vec<u8>>,
    message_id: Option<String>,
    created_at: Timestamp,
}

impl MailRow {
    fn queued(self) -> Option<QueuedMail> {
        let Self { id, key_digest, address, template, language, content, message_id, created_at } = self;
        let (id, digest) = (MailId(id), key_digest);
        Some(QueuedMail { id, digest, address, template, language, content: content?, message_id: message_id?, created_at })
    }
}

/// Counts an attempt and gives the mail its `Message-ID`, if it has none yet. `None` if it does not wait to be sent.
pub(crate) async fn begin_attempt(tx: &mut Tx, id: MailId, message_id: &str) -> Result<Option<QueuedMail>, Fault> {
    let at = db::touched(tx).await?;
    let waiting = || mails::table.find(id.0).filter(mails::state.eq(MailState::Queued.name()));
    diesel::update(waiting().filter(mails::message_id.is_null()))
        .set(mails::message_id.eq(message_id))
        .execute(tx.pg())
        .await
        .fault()?;
    let row: Option<MailRow> = diesel::update(waiting())
        .set((mails::attempts.eq(mails::attempts + 1), mails::updated_at.eq(at)))
        .returning(MailRow::as_select())
        .get_result(tx.pg())
        .await
        .optional()
        .fault()?;
    Ok(row.and_then(MailRow::queued))
}

/// What became of a mail that waited: what it says is erased. False if it did not wait any more.
pub(crate) async fn settle(
    tx: &mut Tx,
    id: MailId,
    state: MailState,
    provider_id: Option<&str>,
    reason: Option<&str>,
) -> Result<bool, Fault> {
    let at = db::touched(tx).await?;
    let settled = diesel::update(mails::table.find(id.0).filter(mails::state.eq(MailState::Queued.name())))
        .set((
            mails::state.eq(state.name()),
            mails::content.eq(None::<Vec<u8>>),
            mails::provider_id.eq(provider_id),
            mails::reason.eq(reason),
            mails::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(settled == 1)
}

/// Why the last attempt came to nothing.
pub(crate) async fn note(tx: &mut Tx, id: MailId, reason: &str) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(mails::table.find(id.0))
        .set((mails::reason.eq(reason), mails::updated_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// What a provider told of a mail that it took, found by our id or else by its own: its address, if it is one of ours. It may tell before we noted
/// that it took it.
pub(crate) async fn report(
    tx: &mut Tx,
    id: Option<MailId>,
    provider_id: &str,
    state: MailState,
    reason: Option<&str>,
) -> Result<Option<String>, Fault> {
    let at = db::touched(tx).await?;
    let found: Option<Uuid> = match id {
        Some(id) => mails::table.find(id.0).select(mails::id).first(tx.pg()).await.optional().fault()?,
        None => {
            let theirs = mails::table.filter(mails::provider_id.eq(provider_id));
            theirs.select(mails::id).first(tx.pg()).await.optional().fault()?
        }
    };
    let Some(found) = found else { return Ok(None) };
    diesel::update(mails::table.find(found))
        .set((
            mails::state.eq(state.name()),
            mails::content.eq(None::<Vec<u8>>),
            mails::reason.eq(reason),
            mails::updated_at.eq(at),
        ))
        .returning(mails::address)
        .get_result(tx.pg())
        .await
        .optional()
        .fault()
}

/// How an address is compared.
fn folded(address: &str) -> String {
    address.to_lowercase()
}

/// Whether an address gets no mail.
pub(crate) async fn is_suppressed(tx: &mut Tx, address: &str) -> Result<bool, Fault> {
    let found: Option<String> =
        suppressions::table.find(folded(address)).select(suppressions::address).first(tx.pg()).await.optional().fault()?;
    Ok(found.is_some())
}

/// From now on an address gets no mail.
pub(crate) async fn suppress(tx: &mut Tx, address: &str, cause: Cause, reason: Option<&str>) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::insert_into(suppressions::table)
        .values((
            suppressions::address.eq(folded(address)),
            suppressions::cause.eq(cause.name()),
            suppressions::reason.eq(reason),
            suppressions::created_at.eq(at),
        ))
        .on_conflict_do_nothing()
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// An address gets mail again. False if it did.
pub(crate) async fn allow(tx: &mut Tx, address: &str) -> Result<bool, Fault> {
    let lifted = diesel::delete(suppressions::table.find(folded(address))).execute(tx.pg()).await.fault()?;
    Ok(lifted == 1)
}

/// Forgets mails that were asked for long ago, so many at most. How many that were.
pub(crate) async fn prune(tx: &mut Tx, most: i64) -> Result<usize, Fault> {
    diesel::sql_query(
        "delete from mails where id = any (array(
             select id from mails where created_at < now() - interval '90 days' limit $1))",
    )
    .bind::<BigInt, _>(most)
    .execute(tx.pg())
    .await
    .fault()
}

#[derive(QueryableByName)]
struct StuckRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    detail: String,
}

/// Mails that have waited for more than a day: which, and what is known of them.
pub(crate) async fn stuck(tx: &ReadTx<'_>) -> Result<Vec<(String, String)>, Fault> {
    let rows: Vec<StuckRow> = diesel::sql_query(
        "select id::text as id, format('a mail from the template %s waits since %s, after %s attempts%s', template,
             to_char(created_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), attempts, coalesce(': ' || reason, '')) as detail
         from mails where state = 'queued' and created_at < now() - interval '1 day' order by created_at limit 1000",
    )
    .load(&mut tx.pg())
    .await
    .fault()?;
    Ok(rows.into_iter().map(|row| (row.id, row.detail)).collect())
}
