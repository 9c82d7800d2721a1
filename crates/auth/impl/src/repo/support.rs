//! SQL of support: who lets it look, who looks, and what was asked for. An organisation reads its own, without the hashes of tokens; all else runs as
//! the platform. Whoever locks a consent and its sessions locks the consent first.

use std::collections::HashMap;

use auth_api::{Error, SupportConsent, SupportConsentId, SupportEnd, SupportSession, SupportVisit};
use db::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Uuid as SqlUuid};
use kernel::{Fault, OrgId, PageRequest, SupportSessionId, Timestamp, UserId};
use uuid::Uuid;

use crate::schema::{support_consents as consents, support_requests as requests, support_sessions as sessions};
use crate::support_token::Sought;

/// So many of what is over are taken up at a time.
const AT_A_TIME: i64 = 100;

/// A consent that is open.
pub(crate) struct Open {
    pub id: SupportConsentId,
    pub granted_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A consent that is open, and whose.
pub(crate) struct OpenTo {
    pub org: OrgId,
    pub reason: String,
    pub expires_at: Timestamp,
}

/// A session that begins.
pub(crate) struct NewSession<'a> {
    pub id: SupportSessionId,
    pub consent: SupportConsentId,
    pub operator: &'a str,
    pub reason: &'a str,
    pub started_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A session that has ended just now.
pub(crate) struct EndedSession {
    pub id: SupportSessionId,
    pub operator: String,
}

/// How often a session asked for a route.
pub(crate) struct Asked {
    pub route: String,
    pub refused: bool,
    pub times: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = consents)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct ConsentRow {
    id: Uuid,
    reason: String,
    granted_by: Uuid,
    granted_at: Timestamp,
    expires_at: Timestamp,
    ended_at: Option<Timestamp>,
    ended_for: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct VisitRow {
    org_id: Uuid,
    id: Uuid,
    consent_id: Uuid,
    operator: String,
    reason: String,
    started_at: Timestamp,
    expires_at: Timestamp,
    ended_at: Option<Timestamp>,
    ended_for: Option<String>,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = SqlUuid)]
    session_id: Uuid,
    #[diesel(sql_type = Bool)]
    refused: bool,
    #[diesel(sql_type = BigInt)]
    times: i64,
}

fn ended(at: Option<Timestamp>, why: Option<String>) -> Result<Option<(Timestamp, SupportEnd)>, Fault> {
    match at.zip(why) {
        Some((at, why)) => Ok(Some((at, db::named(&why)?))),
        None => Ok(None),
    }
}

fn consent(row: ConsentRow, sessions: Vec<SupportVisit>, now: Timestamp) -> Result<SupportConsent, Fault> {
    let ended = ended(row.ended_at, row.ended_for)?;
    Ok(SupportConsent {
        id: SupportConsentId(row.id),
        reason: row.reason,
        granted_by: UserId(row.granted_by),
        granted_at: row.granted_at,
        expires_at: row.expires_at,
        ended,
        live: ended.is_none() && row.expires_at > now,
        sessions,
    })
}

/// As people see sessions, each with the consent by which it was.
async fn visits(tx: &ReadTx<'_>, rows: Vec<VisitRow>, now: Timestamp) -> Result<Vec<(Uuid, OrgId, SupportVisit)>, Fault> {
    let (orgs, ids): (Vec<Uuid>, Vec<Uuid>) = rows.iter().map(|row| (row.org_id, row.id)).unzip();
    let sql = "select session_id, refused, sum(times)::bigint as times from support_requests
        where org_id = any($1) and session_id = any($2) group by session_id, refused";
    let counted: Vec<CountRow> =
        diesel::sql_query(sql).bind::<Array<SqlUuid>, _>(orgs).bind::<Array<SqlUuid>, _>(ids).load(&mut tx.pg()).await.fault()?;
    let counts: HashMap<(Uuid, bool), i64> =
        counted.into_iter().map(|count| ((count.session_id, count.refused), count.times)).collect();
    let times = |id: Uuid, refused: bool| counts.get(&(id, refused)).map_or(0, |times| times.unsigned_abs());
    let visit = |row: VisitRow| {
        let ended = ended(row.ended_at, row.ended_for)?;
        let visit = SupportVisit {
            id: SupportSessionId(row.id),
            operator: row.operator,
            reason: row.reason,
            started_at: row.started_at,
            expires_at: row.expires_at,
            ended,
            live: ended.is_none() && row.expires_at > now,
            reads: times(row.id, false),
            refusals: times(row.id, true),
        };
        Ok((row.consent_id, OrgId(row.org_id), visit))
    };
    rows.into_iter().map(visit).collect()
}

/// The consents of an organisation with their sessions, newest first, one more than the page has.
pub(crate) async fn page(tx: &ReadTx<'_>, org: OrgId, page: PageRequest, now: Timestamp) -> Result<Vec<SupportConsent>, Fault> {
    let mut query = consents::table
        .filter(consents::org_id.eq(org.0))
        .order((consents::granted_at.desc(), consents::id.desc()))
        .limit(page.fetch())
        .select(ConsentRow::as_select())
        .into_boxed();
    query = db::after!(query, page, consents::granted_at, consents::id);
    let rows: Vec<ConsentRow> = query.load(&mut tx.pg()).await.fault()?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let theirs: Vec<VisitRow> = sessions::table
        .filter(sessions::org_id.eq(org.0).and(sessions::consent_id.eq_any(&ids)))
        .order((sessions::started_at, sessions::id))
        .select(VisitRow::as_select())
        .load(&mut tx.pg())
        .await
        .fault()?;
    let mut by_consent: HashMap<Uuid, Vec<SupportVisit>> = HashMap::new();
    for (of, _, visit) in visits(tx, theirs, now).await? {
        by_consent.entry(of).or_default().push(visit);
    }
    let shown = |row: ConsentRow| {
        let sessions = by_consent.remove(&row.id).unwrap_or_default();
        consent(row, sessions, now)
    };
    rows.into_iter().map(shown).collect()
}

/// Keeps a consent, unless another one is open.
pub(crate) async fn insert_consent(tx: &mut Tx, org: OrgId, new: &SupportConsent) -> Result<(), Error> {
    diesel::insert_into(consents::table)
        .values((
            consents::org_id.eq(org.0),
            consents::id.eq(new.id.0),
            consents::reason.eq(&new.reason),
            consents::granted_by.eq(new.granted_by.0),
            consents::granted_at.eq(new.granted_at),
            consents::expires_at.eq(new.expires_at),
        ))
        .execute(tx.pg())
        .await
        .on_constraint("support_consents_open", || {
            Error::state("support access", "granted", "it ends at its time, or take it back first")
        })?;
    Ok(())
}

/// The consent of an organisation that is open, whether its time is over or not; locked.
pub(crate) async fn lock_open(tx: &mut Tx, org: OrgId) -> Result<Option<Open>, Fault> {
    let open = consents::org_id.eq(org.0).and(consents::ended_at.is_null());
    let columns = (consents::id, consents::granted_at, consents::expires_at);
    let query = consents::table.filter(open).for_no_key_update().select(columns);
    let row: Option<(Uuid, Timestamp, Timestamp)> = query.first(tx.pg()).await.optional().fault()?;
    Ok(row.map(|(id, granted_at, expires_at)| Open { id: SupportConsentId(id), granted_at, expires_at }))
}

/// Ends a consent that is locked and open.
pub(crate) async fn end_consent(
    tx: &mut Tx,
    org: OrgId,
    id: SupportConsentId,
    (at, why): (Timestamp, SupportEnd),
) -> Result<(), Fault> {
    diesel::update(consents::table.find((org.0, id.0)))
        .set((consents::ended_at.eq(at), consents::ended_for.eq(why.name())))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// How many sessions there were by a consent.
pub(crate) async fn count_sessions(tx: &mut Tx, org: OrgId, consent: SupportConsentId) -> Result<i64, Fault> {
    let its = sessions::org_id.eq(org.0).and(sessions::consent_id.eq(consent.0));
    sessions::table.filter(its).count().get_result(tx.pg()).await.fault()
}

/// Keeps a session.
pub(crate) async fn insert_session(tx: &mut Tx, sought: &Sought, new: &NewSession<'_>) -> Result<(), Fault> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::org_id.eq(sought.org.0),
            sessions::id.eq(new.id.0),
            sessions::consent_id.eq(new.consent.0),
            sessions::operator.eq(new.operator),
            sessions::reason.eq(new.reason),
            sessions::token_hash.eq(&sought.hash[..]),
            sessions::started_at.eq(new.started_at),
            sessions::expires_at.eq(new.expires_at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// The session of a token, if it lives, and its consent does.
pub(crate) async fn find(tx: &ReadTx<'_>, sought: &Sought, now: Timestamp) -> Result<Option<SupportSession>, Fault> {
    let its_own = consents::org_id.eq(sessions::org_id).and(consents::id.eq(sessions::consent_id));
    let row: Option<(Uuid, String, Timestamp)> = sessions::table
        .inner_join(consents::table.on(its_own))
        .filter(sessions::org_id.eq(sought.org.0).and(sessions::token_hash.eq(&sought.hash[..])))
        .filter(sessions::ended_at.is_null().and(sessions::expires_at.gt(now)).and(consents::ended_at.is_null()))
        .select((sessions::id, sessions::operator, sessions::expires_at))
        .first(&mut tx.pg())
        .await
        .optional()
        .fault()?;
    let found = |(id, operator, until)| SupportSession { id: SupportSessionId(id), org: sought.org, operator, until };
    Ok(row.map(found))
}

/// Passes if the session lives, which it does until the transaction has ended.
pub(crate) async fn hold(tx: &mut Tx, org: OrgId, id: SupportSessionId, now: Timestamp) -> Result<bool, Fault> {
    let live = sessions::ended_at.is_null().and(sessions::expires_at.gt(now));
    let query = sessions::table.find((org.0, id.0)).filter(live).for_share().select(sessions::id);
    let found: Option<Uuid> = query.first(tx.pg()).await.optional().fault()?;
    Ok(found.is_some())
}

/// Counts that a session asked for a route; whether it did for the first time.
pub(crate) async fn count(
    tx: &mut Tx,
    (org, session): (OrgId, SupportSessionId),
    (route, refused): (&str, bool),
    now: Timestamp,
) -> Result<bool, Fault> {
    let times: i64 = diesel::insert_into(requests::table)
        .values((
            requests::org_id.eq(org.0),
            requests::session_id.eq(session.0),
            requests::route.eq(route),
            requests::refused.eq(refused),
            requests::times.eq(1_i64),
            requests::first_at.eq(now),
            requests::last_at.eq(now),
        ))
        .on_conflict((requests::org_id, requests::session_id, requests::route, requests::refused))
        .do_update()
        .set((requests::times.eq(requests::times + 1_i64), requests::last_at.eq(now)))
        .returning(requests::times)
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok(times == 1)
}

/// What a session asked for, by route.
pub(crate) async fn asked(tx: &mut Tx, org: OrgId, session: SupportSessionId) -> Result<Vec<Asked>, Fault> {
    let rows: Vec<(String, bool, i64)> = requests::table
        .filter(requests::org_id.eq(org.0).and(requests::session_id.eq(session.0)))
        .order((requests::refused, requests::route))
        .select((requests::route, requests::refused, requests::times))
        .load(tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(route, refused, times)| Asked { route, refused, times }).collect())
}

/// Ends every session in an organisation; answers which they were.
pub(crate) async fn end_sessions(
    tx: &mut Tx,
    org: OrgId,
    (at, why): (Timestamp, SupportEnd),
) -> Result<Vec<EndedSession>, Fault> {
    let open = sessions::org_id.eq(org.0).and(sessions::ended_at.is_null());
    let rows: Vec<(Uuid, String)> = diesel::update(sessions::table.filter(open))
        .set((sessions::ended_at.eq(at), sessions::ended_for.eq(why.name())))
        .returning((sessions::id, sessions::operator))
        .get_results(tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(id, operator)| EndedSession { id: SupportSessionId(id), operator }).collect())
}

/// Ends one session; `None` if it was ended already.
pub(crate) async fn end_session(
    tx: &mut Tx,
    org: OrgId,
    id: SupportSessionId,
    (at, why): (Timestamp, SupportEnd),
) -> Result<Option<EndedSession>, Fault> {
    let row: Option<String> = diesel::update(sessions::table.find((org.0, id.0)).filter(sessions::ended_at.is_null()))
        .set((sessions::ended_at.eq(at), sessions::ended_for.eq(why.name())))
        .returning(sessions::operator)
        .get_result(tx.pg())
        .await
        .optional()
        .fault()?;
    Ok(row.map(|operator| EndedSession { id, operator }))
}

/// Ends the session of a token that was found in public: which it is, and that it has ended just now, unless it was ended already. `None` if the token is
/// nobody's.
pub(crate) async fn end_leaked(tx: &mut Tx, sought: &Sought) -> Result<Option<(SupportSessionId, Option<EndedSession>)>, Fault> {
    let its = sessions::org_id.eq(sought.org.0).and(sessions::token_hash.eq(&sought.hash[..]));
    let query = sessions::table.filter(its).select(sessions::id);
    let found: Option<Uuid> = query.first(tx.pg()).await.optional().fault()?;
    let Some(id) = found.map(SupportSessionId) else { return Ok(None) };
    let at = db::touched(tx).await?;
    Ok(Some((id, end_session(tx, sought.org, id, (at, SupportEnd::Leak)).await?)))
}

/// In which organisation a session is.
pub(crate) async fn org_of(tx: &ReadTx<'_>, id: SupportSessionId) -> Result<Option<OrgId>, Fault> {
    let query = sessions::table.filter(sessions::id.eq(id.0)).select(sessions::org_id);
    let org: Option<Uuid> = query.first(&mut tx.pg()).await.optional().fault()?;
    Ok(org.map(OrgId))
}

/// The organisations whose consent is open and over.
pub(crate) async fn consents_over(tx: &ReadTx<'_>, now: Timestamp) -> Result<Vec<OrgId>, Fault> {
    let over = consents::ended_at.is_null().and(consents::expires_at.le(now));
    let query = consents::table.filter(over).order(consents::expires_at).limit(AT_A_TIME).select(consents::org_id);
    let orgs: Vec<Uuid> = query.load(&mut tx.pg()).await.fault()?;
    Ok(orgs.into_iter().map(OrgId).collect())
}

/// The sessions that are open and over, with their organisations.
pub(crate) async fn sessions_over(tx: &ReadTx<'_>, now: Timestamp) -> Result<Vec<(OrgId, SupportSessionId)>, Fault> {
    let over = sessions::ended_at.is_null().and(sessions::expires_at.le(now));
    let query = sessions::table.filter(over).order(sessions::expires_at).limit(AT_A_TIME);
    let rows: Vec<(Uuid, Uuid)> = query.select((sessions::org_id, sessions::id)).load(&mut tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(|(org, id)| (OrgId(org), SupportSessionId(id))).collect())
}

/// Who consents to support now, those first whose consent ends first.
pub(crate) async fn open_to(tx: &ReadTx<'_>, now: Timestamp, most: u32) -> Result<Vec<OpenTo>, Fault> {
    let live = consents::ended_at.is_null().and(consents::expires_at.gt(now));
    let rows: Vec<(Uuid, String, Timestamp)> = consents::table
        .filter(live)
        .order((consents::expires_at, consents::id))
        .limit(most.into())
        .select((consents::org_id, consents::reason, consents::expires_at))
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(org, reason, expires_at)| OpenTo { org: OrgId(org), reason, expires_at }).collect())
}

/// Who looks, or looked, at whom, the newest first.
pub(crate) async fn looked(tx: &ReadTx<'_>, now: Timestamp, all: bool, most: u32) -> Result<Vec<(OrgId, SupportVisit)>, Fault> {
    let mut query = sessions::table
        .order((sessions::started_at.desc(), sessions::id.desc()))
        .limit(most.into())
        .select(VisitRow::as_select())
        .into_boxed();
    if !all {
        query = query.filter(sessions::ended_at.is_null().and(sessions::expires_at.gt(now)));
    }
    let rows: Vec<VisitRow> = query.load(&mut tx.pg()).await.fault()?;
    Ok(visits(tx, rows, now).await?.into_iter().map(|(_, org, visit)| (org, visit)).collect())
}
