//! Protected payments.

use std::collections::HashMap;

use db::prelude::*;
use escrow_api::{ContractId, Error, MilestoneId, MilestoneStatus, Payment, PaymentId, PaymentStatus};
use kernel::{Fault, OrgId, Page, PageRequest, Position, Timestamp, UserId};
use uuid::Uuid;

use super::rows::{MilestoneRow, Visible};
use super::{Reader, ledger, money, releases};
use crate::schema::{contracts, milestones, payments};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = payments)]
pub(crate) struct PaymentRow {
    pub(crate) org_id: Uuid,
    pub(crate) id: Uuid,
    pub(crate) contract_id: Uuid,
    pub(crate) milestone_id: Uuid,
    pub(crate) status: String,
    pub(crate) amount: i64,
    pub(crate) fee: i64,
    pub(crate) charged: i64,
    pub(crate) currency: String,
    pub(crate) intent: Option<String>,
    pub(crate) charge: Option<String>,
    pub(crate) available_on: Option<Timestamp>,
    pub(crate) funded_at: Option<Timestamp>,
    pub(crate) last_error: Option<String>,
    pub(crate) next_poll_at: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) key_no: i32,
    pub(crate) looks: i32,
    pub(crate) looked_at: Option<Timestamp>,
}

impl PaymentRow {
    /// Where its ledger is.
    pub(crate) fn place(&self) -> ledger::Place {
        ledger::Place { org: self.org_id, contract: self.contract_id }
    }

    pub(crate) fn status(&self) -> Result<PaymentStatus, Fault> {
        db::named::<PaymentStatus>(&self.status)
    }
}

/// A payment to be.
pub(crate) struct NewPayment {
    pub(crate) id: PaymentId,
    pub(crate) fee: i64,
    pub(crate) charged: i64,
    pub(crate) by: Option<UserId>,
    pub(crate) poll_at: Timestamp,
}

pub(crate) async fn insert(tx: &mut Tx, milestone: &MilestoneRow, new: &NewPayment) -> Result<PaymentRow, Error> {
    diesel::insert_into(payments::table)
        .values((
            payments::org_id.eq(milestone.org_id),
            payments::id.eq(new.id.0),
            payments::contract_id.eq(milestone.contract_id),
            payments::contractor_org_id.eq(milestone.contractor_org_id),
            payments::milestone_id.eq(milestone.id),
            payments::amount.eq(milestone.amount),
            payments::fee.eq(new.fee),
            payments::charged.eq(new.charged),
            payments::currency.eq(&milestone.currency),
            payments::created_by.eq(new.by.map(Uuid::from)),
            payments::next_poll_at.eq(new.poll_at),
        ))
        .returning(PaymentRow::as_returning())
        .get_result(tx.pg())
        .await
        .on_constraint("payments_live", || Error::state("milestone", MilestoneStatus::Funding.name(), "a payment is under way"))
}

pub(crate) async fn row(mut pg: Reader<'_>, id: PaymentId) -> Result<PaymentRow, Error> {
    payments::table
        .filter(payments::id.eq(id.0))
        .select(PaymentRow::as_select())
        .first(&mut pg)
        .await
        .not_found(|| Error::NotFound("escrow"))
}

/// Whose payment it is: the platform's own look-up, on `SystemUow`.
pub(crate) async fn owner(tx: &ReadTx<'_>, id: PaymentId) -> Result<Option<OrgId>, Fault> {
    let found: Option<Uuid> =
        payments::table.filter(payments::id.eq(id.0)).select(payments::org_id).first(&mut tx.pg()).await.optional().fault()?;
    Ok(found.map(OrgId))
}

pub(crate) async fn lock(tx: &mut Tx, owner: Uuid, id: PaymentId) -> Result<PaymentRow, Error> {
    payments::table
        .find((owner, id.0))
        .select(PaymentRow::as_select())
        .for_update()
        .first(tx.pg())
        .await
        .not_found(|| Error::NotFound("escrow"))
}

/// The payments of a milestone, the newest first.
pub(crate) async fn of_milestone(mut pg: Reader<'_>, milestone: &MilestoneRow) -> Result<Vec<PaymentRow>, Fault> {
    payments::table
        .filter(payments::org_id.eq(milestone.org_id).and(payments::milestone_id.eq(milestone.id)))
        .select(PaymentRow::as_select())
        .order(payments::id.desc())
        .load(&mut pg)
        .await
        .fault()
}

/// The payments of an owner's milestones that may change at the provider without us.
pub(crate) async fn under_way(mut pg: Reader<'_>, owner: Uuid, milestones: &[Uuid]) -> Result<Vec<PaymentRow>, Fault> {
    payments::table
        .filter(payments::org_id.eq(owner).and(payments::milestone_id.eq_any(milestones)))
        .filter(payments::status.eq_any(["created", "requires_action", "processing", "succeeded"]))
        .select(PaymentRow::as_select())
        .load(&mut pg)
        .await
        .fault()
}

/// The payment of each milestone of these owners: the newest that is live or brought its money, else the newest of all.
pub(crate) async fn newest(mut pg: Reader<'_>, owners: &[Uuid], milestones: &[Uuid]) -> Result<HashMap<Uuid, Uuid>, Fault> {
    let rows: Vec<(Uuid, Uuid, String)> = payments::table
        .filter(payments::org_id.eq_any(owners).and(payments::milestone_id.eq_any(milestones)))
        .select((payments::milestone_id, payments::id, payments::status))
        .order(payments::id)
        .load(&mut pg)
        .await
        .fault()?;
    let idle = [PaymentStatus::Failed.name(), PaymentStatus::Canceled.name(), PaymentStatus::Suspense.name()];
    let (idle, live): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, _, status)| idle.contains(&status.as_str()));
    // The last of a milestone stays.
    Ok(idle.into_iter().chain(live).map(|(milestone, id, _)| (milestone, id)).collect())
}

pub(crate) async fn page(mut pg: Reader<'_>, visible: &Visible, page: PageRequest) -> Result<Page<PaymentRow>, Fault> {
    let mut query = payments::table.select(PaymentRow::as_select()).into_boxed();
    let (own, theirs) = (payments::org_id.eq(visible.org.0), payments::contractor_org_id.eq(visible.org.0));
    let reachable = |projects: Vec<Uuid>| {
        let of_projects = contracts::org_id.eq(visible.org.0).and(contracts::project_id.eq_any(projects));
        payments::contract_id.eq_any(contracts::table.filter(of_projects).select(contracts::id))
    };
    query = match (visible.projects(), visible.as_contractor) {
        (None, true) => query.filter(own.or(theirs)),
        (None, false) => query.filter(own),
        (Some(projects), true) => query.filter(own.and(reachable(projects)).or(theirs)),
        (Some(projects), false) => query.filter(own.and(reachable(projects))),
    };
    query = db::after!(query, page, payments::created_at, payments::id);
    let rows = query.order((payments::created_at.desc(), payments::id.desc())).limit(page.fetch()).load(&mut pg).await.fault()?;
    Ok(Page::cut(rows, page, |row: &PaymentRow| Position { created_at: row.created_at, id: row.id }))
}

/// The payments of rows, in their order, with milestone state, what is held and the newest release.
pub(crate) async fn views(mut pg: Reader<'_>, rows: Vec<PaymentRow>) -> Result<Vec<Payment>, Fault> {
    let (owners, ids): (Vec<Uuid>, Vec<Uuid>) = rows.iter().map(|row| (row.org_id, row.milestone_id)).unzip();
    let states: HashMap<Uuid, String> = milestones::table
        .filter(milestones::org_id.eq_any(&owners).and(milestones::id.eq_any(&ids)))
        .select((milestones::id, milestones::status))
        .load::<(Uuid, String)>(&mut pg)
        .await
        .fault()?
        .into_iter()
        .collect();
    let held = ledger::held(pg, &owners, &ids).await?;
    let payments: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut releases = releases::newest_of_payments(pg, &owners, &payments).await?;
    rows.into_iter()
        .map(|row| {
            let milestone = states.get(&row.milestone_id).map_or("", String::as_str);
            // What is held belongs to the payment that brought it.
            let brought = matches!(row.status()?, PaymentStatus::Succeeded | PaymentStatus::Available);
            let held = if brought { held.get(&row.milestone_id).copied().unwrap_or(0) } else { 0 };
            Ok(Payment {
                id: PaymentId(row.id),
                owner: OrgId(row.org_id),
                contract: ContractId(row.contract_id),
                milestone: MilestoneId(row.milestone_id),
                milestone_status: db::named::<MilestoneStatus>(milestone)?,
                status: row.status()?,
                amount: money(row.amount, &row.currency)?,
                fee: money(row.fee, &row.currency)?,
                charged: money(row.charged, &row.currency)?,
                held: money(held, &row.currency)?,
                release: releases.remove(&row.id).map(|release| release.view()).transpose()?,
                intent: row.intent,
                available_on: row.available_on,
                last_error: row.last_error,
                created_at: row.created_at,
                updated_at: row.updated_at,
            })
        })
        .collect()
}

pub(crate) async fn view(pg: Reader<'_>, id: PaymentId) -> Result<Payment, Error> {
    let row = row(pg, id).await?;
    views(pg, vec![row]).await?.pop().ok_or(Error::NotFound("escrow"))
}

/// What was learnt of a payment.
#[derive(AsChangeset)]
#[diesel(table_name = payments)]
pub(crate) struct PaymentChange {
    pub(crate) status: &'static str,
    pub(crate) intent: Option<String>,
    pub(crate) charge: Option<String>,
    pub(crate) balance_transaction: Option<String>,
    pub(crate) available_on: Option<Timestamp>,
    pub(crate) funded_at: Option<Timestamp>,
    #[diesel(treat_none_as_null = true)]
    pub(crate) last_error: Option<String>,
    pub(crate) next_poll_at: Timestamp,
    pub(crate) looks: i32,
    pub(crate) looked_at: Option<Timestamp>,
}

/// The next key of a payment whose key `spent` brings nothing more; another attempt may have moved on already. Gives back the one to use.
pub(crate) async fn next_key(tx: &mut Tx, payment: &PaymentRow, spent: i32) -> Result<i32, Fault> {
    let row = payments::table.find((payment.org_id, payment.id));
    diesel::update(row).filter(payments::key_no.eq(spent)).set(payments::key_no.eq(spent + 1)).execute(tx.pg()).await.fault()?;
    row.select(payments::key_no).first(tx.pg()).await.fault()
}

/// The client secret was handed out: the payer is about to act, so it is looked at soon.
pub(crate) async fn expect_soon(tx: &mut Tx, payment: &PaymentRow, at: Timestamp) -> Result<(), Fault> {
    diesel::update(payments::table.filter(payments::org_id.eq(payment.org_id)).filter(payments::id.eq(payment.id)))
        .set((payments::looks.eq(0), payments::next_poll_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// How many looks found nothing new, and when the next one is planned; locked.
pub(crate) async fn next_look(tx: &mut Tx, org: OrgId, id: PaymentId) -> Result<Option<(i32, Timestamp)>, Fault> {
    payments::table
        .find((org.0, id.0))
        .select((payments::looks, payments::next_poll_at))
        .for_update()
        .first(tx.pg())
        .await
        .optional()
        .fault()
}

/// Plans the next look.
pub(crate) async fn look_later(tx: &mut Tx, org: OrgId, id: PaymentId, looks: i32, at: Timestamp) -> Result<(), Fault> {
    diesel::update(payments::table.find((org.0, id.0)))
        .set((payments::looks.eq(looks), payments::next_poll_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// A row of its own for an intent that names a payment which has another one: the first to see it makes it.
pub(crate) async fn insert_stray(tx: &mut Tx, named: &PaymentRow, contractor: Uuid, intent: &str) -> Result<PaymentId, Fault> {
    diesel::insert_into(payments::table)
        .values((
            payments::org_id.eq(named.org_id),
            payments::id.eq(PaymentId::new().0),
            payments::contract_id.eq(named.contract_id),
            payments::contractor_org_id.eq(contractor),
            payments::milestone_id.eq(named.milestone_id),
            payments::status.eq(PaymentStatus::Failed.name()),
            payments::amount.eq(named.amount),
            payments::fee.eq(named.fee),
            payments::charged.eq(named.charged),
            payments::currency.eq(&named.currency),
            payments::intent.eq(intent),
        ))
        .on_conflict((payments::org_id, payments::intent))
        .do_nothing()
        .execute(tx.pg())
        .await
        .fault()?;
    let id: Uuid = payments::table
        .filter(payments::org_id.eq(named.org_id))
        .filter(payments::intent.eq(intent))
        .select(payments::id)
        .first(tx.pg())
        .await
        .fault()?;
    Ok(PaymentId(id))
}

pub(crate) async fn save(tx: &mut Tx, payment: &PaymentRow, change: &PaymentChange) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    let row = payments::table.find((payment.org_id, payment.id));
    let changed = diesel::update(row).set((change, payments::updated_at.eq(at))).execute(tx.pg()).await.fault()?;
    if changed == 1 { Ok(()) } else { Err(Fault::internal(format!("payment {} is not this tenant's to change", payment.id))) }
}
