//! Protected payments.

use std::collections::HashMap;

use db::prelude::*;
use escrow_api::{ContractId, Error, MilestoneId, MilestoneStatus, Payment, PaymentId, PaymentStatus};
use kernel::{Fault, Money, OrgId, Page, PageRequest, Position, Timestamp};
use uuid::Uuid;

use super::rows::{Visible, stored};
use super::{Reader, ledger, releases};
use crate::model::moved::{NewPayment, PaymentChange, StoredPayment};
use crate::model::stored::{StoredContract, StoredMilestone};
use crate::schema::{contracts, milestones, payments};

#[derive(Queryable, Selectable)]
#[diesel(table_name = payments)]
struct PaymentRow {
    org_id: Uuid,
    id: Uuid,
    contract_id: Uuid,
    milestone_id: Uuid,
    status: String,
    amount: i64,
    fee: i64,
    charged: i64,
    currency: String,
    intent: Option<String>,
    charge: Option<String>,
    available_on: Option<Timestamp>,
    funded_at: Option<Timestamp>,
    last_error: Option<String>,
    next_poll_at: Timestamp,
    created_at: Timestamp,
    updated_at: Timestamp,
    key_no: i32,
    looks: i32,
    looked_at: Option<Timestamp>,
}

impl TryFrom<PaymentRow> for StoredPayment {
    type Error = Fault;

    fn try_from(row: PaymentRow) -> Result<Self, Fault> {
        let currency = db::currency(&row.currency)?;
        let money = |minor| Money::from_minor(minor, currency);
        Ok(Self {
            owner: OrgId(row.org_id),
            id: PaymentId(row.id),
            contract: ContractId(row.contract_id),
            milestone: MilestoneId(row.milestone_id),
            status: db::named(&row.status)?,
            amount: money(row.amount),
            fee: money(row.fee),
            charged: money(row.charged),
            intent: row.intent,
            charge: row.charge,
            available_on: row.available_on,
            funded_at: row.funded_at,
            last_error: row.last_error,
            next_poll_at: row.next_poll_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            key_no: row.key_no,
            looks: row.looks,
            looked_at: row.looked_at,
        })
    }
}

pub(crate) async fn insert(tx: &mut Tx, milestone: &StoredMilestone, new: &NewPayment) -> Result<StoredPayment, Error> {
    let row: PaymentRow = diesel::insert_into(payments::table)
        .values((
            payments::org_id.eq(milestone.owner.0),
            payments::id.eq(new.id.0),
            payments::contract_id.eq(milestone.contract.0),
            payments::contractor_org_id.eq(milestone.contractor.0),
            payments::milestone_id.eq(milestone.id.0),
            payments::amount.eq(milestone.amount.minor()),
            payments::fee.eq(new.fee.minor()),
            payments::charged.eq(new.charged.minor()),
            payments::currency.eq(milestone.amount.currency().code()),
            payments::created_by.eq(new.by.map(Uuid::from)),
            payments::next_poll_at.eq(new.poll_at),
        ))
        .returning(PaymentRow::as_returning())
        .get_result(tx.pg())
        .await
        .on_constraint("payments_live", || {
            Error::state("milestone", MilestoneStatus::Funding.name(), "a payment is under way")
        })?;
    Ok(row.try_into()?)
}

pub(crate) async fn row(mut pg: Reader<'_>, id: PaymentId) -> Result<StoredPayment, Error> {
    let row: PaymentRow = payments::table
        .filter(payments::id.eq(id.0))
        .select(PaymentRow::as_select())
        .first(&mut pg)
        .await
        .not_found(|| Error::NotFound("escrow"))?;
    Ok(row.try_into()?)
}

/// Whose payment it is: the platform's own look-up, on `SystemUow`.
pub(crate) async fn owner(tx: &ReadTx<'_>, id: PaymentId) -> Result<Option<OrgId>, Fault> {
    let found: Option<Uuid> =
        payments::table.filter(payments::id.eq(id.0)).select(payments::org_id).first(&mut tx.pg()).await.optional().fault()?;
    Ok(found.map(OrgId))
}

pub(crate) async fn lock(tx: &mut Tx, owner: OrgId, id: PaymentId) -> Result<StoredPayment, Error> {
    let row: PaymentRow = payments::table
        .find((owner.0, id.0))
        .select(PaymentRow::as_select())
        .for_update()
        .first(tx.pg())
        .await
        .not_found(|| Error::NotFound("escrow"))?;
    Ok(row.try_into()?)
}

/// The payment that the platform looks at.
pub(crate) async fn find(tx: &ReadTx<'_>, org: OrgId, id: PaymentId) -> Result<Option<StoredPayment>, Fault> {
    let query = payments::table.find((org.0, id.0)).select(PaymentRow::as_select());
    let row: Option<PaymentRow> = query.first(&mut tx.pg()).await.optional().fault()?;
    row.map(StoredPayment::try_from).transpose()
}

/// Payments of a contract that nobody made yet, and that somebody still could.
pub(crate) async fn unpaid(mut pg: Reader<'_>, contract: &StoredContract) -> Result<Vec<StoredPayment>, Fault> {
    let waiting = [PaymentStatus::Created, PaymentStatus::RequiresAction, PaymentStatus::Failed].map(PaymentStatus::name);
    let of_contract = payments::org_id.eq(contract.owner.0).and(payments::contract_id.eq(contract.id.0));
    let rows: Vec<PaymentRow> = payments::table
        .filter(of_contract.and(payments::status.eq_any(waiting)))
        .order(payments::id)
        .select(PaymentRow::as_select())
        .load(&mut pg)
        .await
        .fault()?;
    stored(rows)
}

/// The payments of a milestone, the newest first.
pub(crate) async fn of_milestone(mut pg: Reader<'_>, milestone: &StoredMilestone) -> Result<Vec<StoredPayment>, Fault> {
    let rows: Vec<PaymentRow> = payments::table
        .filter(payments::org_id.eq(milestone.owner.0).and(payments::milestone_id.eq(milestone.id.0)))
        .select(PaymentRow::as_select())
        .order(payments::id.desc())
        .load(&mut pg)
        .await
        .fault()?;
    stored(rows)
}

/// The payments of an owner's milestones that may change at the provider without us.
pub(crate) async fn under_way(mut pg: Reader<'_>, owner: OrgId, milestones: &[MilestoneId]) -> Result<Vec<StoredPayment>, Fault> {
    let milestones: Vec<Uuid> = milestones.iter().map(|milestone| milestone.0).collect();
    let rows: Vec<PaymentRow> = payments::table
        .filter(payments::org_id.eq(owner.0).and(payments::milestone_id.eq_any(milestones)))
        .filter(payments::status.eq_any(["created", "requires_action", "processing", "succeeded"]))
        .select(PaymentRow::as_select())
        .load(&mut pg)
        .await
        .fault()?;
    stored(rows)
}

/// The payment of each milestone of these owners: the newest that is live or brought its money, else the newest of all.
pub(super) async fn newest(mut pg: Reader<'_>, owners: &[Uuid], milestones: &[Uuid]) -> Result<HashMap<Uuid, Uuid>, Fault> {
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

pub(crate) async fn page(mut pg: Reader<'_>, visible: &Visible, page: PageRequest) -> Result<Page<StoredPayment>, Fault> {
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
    let rows: Vec<PaymentRow> =
        query.order((payments::created_at.desc(), payments::id.desc())).limit(page.fetch()).load(&mut pg).await.fault()?;
    Ok(Page::cut(stored(rows)?, page, |row: &StoredPayment| Position { created_at: row.created_at, id: row.id.0 }))
}

/// The payments as parties are shown them, in their order, with milestone state, what is held and the newest release.
pub(crate) async fn views(mut pg: Reader<'_>, rows: Vec<StoredPayment>) -> Result<Vec<Payment>, Fault> {
    let (owners, ids): (Vec<Uuid>, Vec<Uuid>) = rows.iter().map(|row| (row.owner.0, row.milestone.0)).unzip();
    let states: HashMap<Uuid, String> = milestones::table
        .filter(milestones::org_id.eq_any(&owners).and(milestones::id.eq_any(&ids)))
        .select((milestones::id, milestones::status))
        .load::<(Uuid, String)>(&mut pg)
        .await
        .fault()?
        .into_iter()
        .collect();
    let held = ledger::held(pg, &owners, &ids).await?;
    let payments: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
    let mut releases = releases::newest_of_payments(pg, &owners, &payments).await?;
    rows.into_iter()
        .map(|row| {
            let milestone = states.get(&row.milestone.0).map_or("", String::as_str);
            // What is held belongs to the payment that brought it.
            let brought = matches!(row.status, PaymentStatus::Succeeded | PaymentStatus::Available);
            let held = if brought { held.get(&row.milestone.0).copied().unwrap_or(0) } else { 0 };
            Ok(Payment {
                id: row.id,
                owner: row.owner,
                contract: row.contract,
                milestone: row.milestone,
                milestone_status: db::named::<MilestoneStatus>(milestone)?,
                status: row.status,
                amount: row.amount,
                fee: row.fee,
                charged: row.charged,
                held: Money::from_minor(held, row.amount.currency()),
                release: releases.remove(&row.id.0).map(|release| release.view()),
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

#[derive(AsChangeset)]
#[diesel(table_name = payments)]
struct Changes<'a> {
    status: &'a str,
    intent: Option<&'a str>,
    charge: Option<&'a str>,
    balance_transaction: Option<&'a str>,
    available_on: Option<Timestamp>,
    funded_at: Option<Timestamp>,
    #[diesel(treat_none_as_null = true)]
    last_error: Option<&'a str>,
    next_poll_at: Timestamp,
    looks: i32,
    looked_at: Option<Timestamp>,
    updated_at: Timestamp,
}

/// The next key of a payment whose key `spent` brings nothing more; another attempt may have moved on already. Gives back the one to use.
pub(crate) async fn next_key(tx: &mut Tx, payment: &StoredPayment, spent: i32) -> Result<i32, Fault> {
    let row = payments::table.find((payment.owner.0, payment.id.0));
    diesel::update(row).filter(payments::key_no.eq(spent)).set(payments::key_no.eq(spent + 1)).execute(tx.pg()).await.fault()?;
    row.select(payments::key_no).first(tx.pg()).await.fault()
}

/// The client secret was handed out: the payer is about to act, so it is looked at soon.
pub(crate) async fn expect_soon(tx: &mut Tx, payment: &StoredPayment, at: Timestamp) -> Result<(), Fault> {
    diesel::update(payments::table.filter(payments::org_id.eq(payment.owner.0)).filter(payments::id.eq(payment.id.0)))
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
pub(crate) async fn insert_stray(
    tx: &mut Tx,
    named: &StoredPayment,
    contractor: OrgId,
    intent: &str,
) -> Result<PaymentId, Fault> {
    diesel::insert_into(payments::table)
        .values((
            payments::org_id.eq(named.owner.0),
            payments::id.eq(PaymentId::new().0),
            payments::contract_id.eq(named.contract.0),
            payments::contractor_org_id.eq(contractor.0),
            payments::milestone_id.eq(named.milestone.0),
            payments::status.eq(PaymentStatus::Failed.name()),
            payments::amount.eq(named.amount.minor()),
            payments::fee.eq(named.fee.minor()),
            payments::charged.eq(named.charged.minor()),
            payments::currency.eq(named.amount.currency().code()),
            payments::intent.eq(intent),
        ))
        .on_conflict((payments::org_id, payments::intent))
        .do_nothing()
        .execute(tx.pg())
        .await
        .fault()?;
    let id: Uuid = payments::table
        .filter(payments::org_id.eq(named.owner.0))
        .filter(payments::intent.eq(intent))
        .select(payments::id)
        .first(tx.pg())
        .await
        .fault()?;
    Ok(PaymentId(id))
}

pub(crate) async fn save(tx: &mut Tx, payment: &StoredPayment, change: &PaymentChange) -> Result<(), Fault> {
    let changes = Changes {
        status: change.status.name(),
        intent: change.intent.as_deref(),
        charge: change.charge.as_deref(),
        balance_transaction: change.balance_transaction.as_deref(),
        available_on: change.available_on,
        funded_at: change.funded_at,
        last_error: change.last_error.as_deref(),
        next_poll_at: change.next_poll_at,
        looks: change.looks,
        looked_at: change.looked_at,
        updated_at: db::touched(tx).await?,
    };
    let row = payments::table.find((payment.owner.0, payment.id.0));
    let changed = diesel::update(row).set(changes).execute(tx.pg()).await.fault()?;
    if changed == 1 { Ok(()) } else { Err(Fault::internal(format!("payment {} is not this tenant's to change", payment.id))) }
}
