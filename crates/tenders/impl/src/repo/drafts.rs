//! Drafts, their milestones, the snapshot of the schedule, invitations.

use auth_api::email::Email;
use db::prelude::*;
use kernel::{Ctx, Currency, Fault, Money, OrgId, PageRequest, TenderId, Timestamp};
use projects_api::Soq;
use tenders_api::{Draft, Error, Invitation, Invitee, Milestone, Share, Tender, TenderStatus};
use uuid::Uuid;

use super::{Conn, signed};
use crate::schema::{tender_invitations, tender_keys, tender_lines, tender_milestones, tenders};
use crate::seal::WrappedKey;

/// Writes a draft.
pub async fn insert(
    tx: &mut Tx,
    ctx: &Ctx,
    id: TenderId,
    draft: &Draft,
    currency: Currency,
    related: Option<TenderId>,
) -> Result<(), Error> {
    diesel::insert_into(tenders::table)
        .values((
            tenders::org_id.eq(ctx.org.0),
            tenders::id.eq(id.0),
            tenders::project_id.eq(draft.project.0),
            tenders::soq_id.eq(draft.soq.0),
            tenders::title.eq(crate::model::title::title(&draft.title)),
            tenders::description.eq(crate::model::title::description(draft.description.as_deref())),
            tenders::procurement_method.eq(draft.method.name()),
            tenders::status.eq(TenderStatus::Draft.name()),
            tenders::currency.eq(currency.code()),
            tenders::submission_deadline.eq(draft.submission_deadline),
            tenders::questions_until.eq(draft.questions_until),
            tenders::min_bids.eq(signed(draft.min_bids)),
            tenders::related_tender_id.eq(related.map(|tender| tender.0)),
            tenders::created_by.eq(ctx.user_id().map(|user| user.0)),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    insert_milestones(tx, ctx.org, id, &draft.milestones, currency).await
}

/// Replaces a draft whose row is locked; its project and currency stay.
pub async fn update(tx: &mut Tx, tender: &Tender, draft: &Draft) -> Result<(), Error> {
    let at = db::touched(tx).await?;
    diesel::update(tenders::table.find((tender.org.0, tender.id.0)))
        .set((
            tenders::soq_id.eq(draft.soq.0),
            tenders::title.eq(crate::model::title::title(&draft.title)),
            tenders::description.eq(crate::model::title::description(draft.description.as_deref())),
            tenders::procurement_method.eq(draft.method.name()),
            tenders::submission_deadline.eq(draft.submission_deadline),
            tenders::questions_until.eq(draft.questions_until),
            tenders::min_bids.eq(signed(draft.min_bids)),
            // Never the same twice, so that `If-Match` tells two changes of one transaction's instant apart.
            tenders::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    let old = tender_milestones::table
        .filter(tender_milestones::org_id.eq(tender.org.0).and(tender_milestones::tender_id.eq(tender.id.0)));
    diesel::delete(old).execute(tx.pg()).await.fault()?;
    insert_milestones(tx, tender.org, tender.id, &draft.milestones, tender.currency).await
}

async fn insert_milestones(
    tx: &mut Tx,
    org: OrgId,
    tender: TenderId,
    milestones: &[Milestone],
    currency: Currency,
) -> Result<(), Error> {
    use tender_milestones as m;
    let row = |(at, milestone): (usize, &Milestone)| {
        let (mut percent, mut amount, mut weight) = (None, None, None);
        match milestone.share {
            Share::Percent(share) => percent = Some(share),
            Share::Amount(stated) => amount = Some(Money::from_decimal(stated.value, currency).map_err(Fault::internal)?.minor()),
            Share::Weight(share) => weight = Some(share),
            Share::Remainder => {}
        }
        Ok::<_, Fault>((
            m::org_id.eq(org.0),
            m::tender_id.eq(tender.0),
            m::position.eq(i32::try_from(at + 1).unwrap_or(i32::MAX)),
            m::title.eq(crate::model::title::title(&milestone.title)),
            m::percent.eq(percent),
            m::amount.eq(amount),
            m::weight.eq(weight),
            m::remainder.eq(milestone.share == Share::Remainder),
            m::due_on.eq(milestone.due_on),
        ))
    };
    let rows = milestones.iter().enumerate().map(row).collect::<Result<Vec<_>, Fault>>()?;
    diesel::insert_into(m::table).values(rows).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Deletes a draft with its milestones and invitations.
pub async fn delete(tx: &mut Tx, tender: &Tender) -> Result<(), Fault> {
    diesel::delete(tenders::table.find((tender.org.0, tender.id.0))).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// The snapshot of the schedule that bidders see: without estimates, save for provisional sums.
pub async fn insert_lines(tx: &mut Tx, tender: &Tender, soq: &Soq) -> Result<(), Fault> {
    use tender_lines as l;
    let row = |line: &projects_api::SoqLine| {
        (
            l::org_id.eq(tender.org.0),
            l::tender_id.eq(tender.id.0),
            l::soq_line_id.eq(line.id.0),
            l::position.eq(signed(line.position)),
            l::code.eq(line.code.clone()),
            l::description.eq(line.description.clone()),
            l::kind.eq(line.kind.name()),
            l::unit_code.eq(line.unit_code.clone()),
            l::unit_text.eq(line.unit_text.clone()),
            l::quantity.eq(line.quantity),
            l::fixed_rate.eq(line.estimate_rate.filter(|_| line.kind.is_provisional())),
            l::unit_id.eq(line.unit.map(|unit| unit.0)),
        )
    };
    // 12 parameters a row; PostgreSQL takes 65535.
    for chunk in soq.lines.chunks(2000) {
        let rows: Vec<_> = chunk.iter().map(row).collect();
        diesel::insert_into(l::table).values(rows).execute(tx.pg()).await.fault()?;
    }
    Ok(())
}

/// The tender's wrapped key.
pub async fn insert_key(tx: &mut Tx, tender: &Tender, key: &WrappedKey) -> Result<(), Fault> {
    use tender_keys as k;
    diesel::insert_into(k::table)
        .values((
            k::org_id.eq(tender.org.0),
            k::tender_id.eq(tender.id.0),
            k::key_id.eq(&key.key_id),
            k::wrapped.eq(&key.wrapped),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tender_invitations)]
struct InvitationRow {
    id: Uuid,
    tender_id: Uuid,
    invited_org_id: Option<Uuid>,
    email: Option<String>,
    sent_at: Option<Timestamp>,
    created_at: Timestamp,
}

impl From<InvitationRow> for Invitation {
    fn from(row: InvitationRow) -> Self {
        // An address stays an address: whose it is, is not for the owner to know.
        let invitee = match (row.email, row.invited_org_id) {
            (None, Some(org)) => Invitee::Organization(org.into()),
            (email, _) => Invitee::Email(email.unwrap_or_default()),
        };
        Self { id: row.id, tender: row.tender_id.into(), invitee, sent_at: row.sent_at, created_at: row.created_at }
    }
}

/// Notes an invitation.
pub async fn invite(
    tx: &mut Tx,
    ctx: &Ctx,
    tender: &Tender,
    invitee: &Invitee,
    sent_at: Option<Timestamp>,
) -> Result<Invitation, Error> {
    use tender_invitations as i;
    let (org, email) = match invitee {
        Invitee::Organization(org) => (Some(org.0), None),
        Invitee::Email(email) => (None, Some(Email::parse(email).map_err(|flaw| Error::Invalid(vec![flaw.at("/email")]))?)),
    };
    let inserted = diesel::insert_into(i::table)
        .values((
            i::org_id.eq(tender.org.0),
            i::id.eq(Uuid::now_v7()),
            i::tender_id.eq(tender.id.0),
            i::invited_org_id.eq(org),
            i::email.eq(email.as_ref().map(Email::as_str)),
            i::email_key.eq(email.as_ref().map(Email::key)),
            i::invited_by.eq(ctx.user_id().map(|user| user.0)),
            i::sent_at.eq(sent_at),
        ))
        .returning(i::id)
        .get_result(tx.pg())
        .await;
    let constraint = if org.is_some() { "tender_invitations_org" } else { "tender_invitations_email" };
    let id: Uuid = inserted.on_constraint(constraint, || Error::AlreadyInvited)?;
    let row = i::table.find((tender.org.0, id)).select(InvitationRow::as_select());
    Ok(row.first(tx.pg()).await.fault()?.into())
}

/// Invitations newest first.
pub async fn invitations(mut conn: &Conn, tender: &Tender, page: PageRequest) -> Result<Vec<Invitation>, Fault> {
    use tender_invitations as i;
    let query = i::table.filter(i::org_id.eq(tender.org.0).and(i::tender_id.eq(tender.id.0))).into_boxed();
    let query = db::after!(query, page, i::created_at, i::id);
    let query = query.select(InvitationRow::as_select()).order((i::created_at.desc(), i::id.desc())).limit(page.fetch());
    let rows: Vec<InvitationRow> = query.load(&mut conn).await.fault()?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Invites the bidders of a tender to the one that repeats it.
pub async fn copy_invitations(tx: &mut Tx, ctx: &Ctx, from: &Tender, to: TenderId) -> Result<(), Fault> {
    use tender_invitations as i;
    let old = i::table.filter(i::org_id.eq(from.org.0).and(i::tender_id.eq(from.id.0))).order(i::created_at);
    type Columns = (Option<Uuid>, Option<String>, Option<String>);
    let old: Vec<Columns> = old.select((i::invited_org_id, i::email, i::email_key)).load(tx.pg()).await.fault()?;
    let row = |(org, email, key): Columns| {
        // One by e-mail is nobody's but the person's.
        let org = org.filter(|_| email.is_none());
        let by = i::invited_by.eq(ctx.user_id().map(|user| user.0));
        (
            i::org_id.eq(from.org.0),
            i::id.eq(Uuid::now_v7()),
            i::tender_id.eq(to.0),
            i::invited_org_id.eq(org),
            i::email.eq(email),
            i::email_key.eq(key),
            by,
        )
    };
    let rows: Vec<_> = old.into_iter().map(row).collect();
    diesel::insert_into(i::table).values(rows).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Sends the invitations out; answers the organisations invited.
pub async fn send_invitations(tx: &mut Tx, tender: &Tender, at: Timestamp) -> Result<Vec<OrgId>, Fault> {
    use tender_invitations as i;
    let all = i::table.filter(i::org_id.eq(tender.org.0).and(i::tender_id.eq(tender.id.0)));
    let orgs: Vec<Option<Uuid>> =
        diesel::update(all).set(i::sent_at.eq(at)).returning(i::invited_org_id).get_results(tx.pg()).await.fault()?;
    Ok(orgs.into_iter().flatten().map(Into::into).collect())
}

/// Whether anybody is invited.
pub async fn invites_somebody(mut conn: &Conn, tender: &Tender) -> Result<bool, Fault> {
    use tender_invitations as i;
    let all = i::table.filter(i::org_id.eq(tender.org.0).and(i::tender_id.eq(tender.id.0)));
    diesel::select(diesel::dsl::exists(all)).get_result(&mut conn).await.fault()
}
