//! The rows of contracts and milestones, which payments, releases and terminations belong to, and whose of them a reader sees.

use db::prelude::*;
use escrow_api::{ContractId, CostBearer, MilestoneId, Terms};
use kernel::{Fault, OrgId, ProjectId, Timestamp, UserId};
use uuid::Uuid;

use super::count;
use crate::model::stored::{StoredContract, StoredMilestone};
use crate::schema::{contracts, milestones};

#[derive(Queryable, Selectable)]
#[diesel(table_name = contracts)]
pub(super) struct ContractRow {
    org_id: Uuid,
    id: Uuid,
    contractor_org_id: Uuid,
    project_id: Uuid,
    tender_id: Uuid,
    bid_id: Uuid,
    title: String,
    currency: String,
    total: i64,
    status: String,
    fee_bps: i32,
    processing_cost_bearer: String,
    processing_bps: i32,
    processing_fixed: i64,
    document_sha256: String,
    cancel_reason: Option<String>,
    activated_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<ContractRow> for StoredContract {
    type Error = Fault;

    fn try_from(row: ContractRow) -> Result<Self, Fault> {
        Ok(Self {
            owner: OrgId(row.org_id),
            id: ContractId(row.id),
            contractor: OrgId(row.contractor_org_id),
            project: ProjectId(row.project_id),
            tender: row.tender_id.into(),
            bid: row.bid_id.into(),
            title: row.title,
            total: db::money(row.total, &row.currency)?,
            status: db::named(&row.status)?,
            terms: Terms {
                fee_bps: count(row.fee_bps),
                bearer: db::named::<CostBearer>(&row.processing_cost_bearer)?,
                processing_bps: count(row.processing_bps),
                processing_fixed: row.processing_fixed,
            },
            document_sha256: row.document_sha256,
            cancel_reason: row.cancel_reason,
            activated_at: row.activated_at,
            completed_at: row.completed_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = milestones)]
pub(super) struct MilestoneRow {
    org_id: Uuid,
    id: Uuid,
    contract_id: Uuid,
    contractor_org_id: Uuid,
    position: i32,
    title: String,
    amount: i64,
    currency: String,
    due_on: Option<chrono::NaiveDate>,
    status: String,
    frozen: bool,
    submissions: i32,
    submitted_by: Option<Uuid>,
    submitted_at: Option<Timestamp>,
    review_due_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<MilestoneRow> for StoredMilestone {
    type Error = Fault;

    fn try_from(row: MilestoneRow) -> Result<Self, Fault> {
        Ok(Self {
            owner: OrgId(row.org_id),
            id: MilestoneId(row.id),
            contract: ContractId(row.contract_id),
            contractor: OrgId(row.contractor_org_id),
            position: count(row.position),
            title: row.title,
            amount: db::money(row.amount, &row.currency)?,
            due_on: row.due_on,
            status: db::named(&row.status)?,
            frozen: row.frozen,
            submissions: count(row.submissions),
            submitted_by: row.submitted_by.map(UserId),
            submitted_at: row.submitted_at,
            review_due_at: row.review_due_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// As they are kept, a fault for the first that this program does not understand.
pub(super) fn stored<R, T: TryFrom<R, Error = Fault>>(rows: Vec<R>) -> Result<Vec<T>, Fault> {
    rows.into_iter().map(T::try_from).collect()
}

/// Whose rows a list shows.
#[derive(Debug, Clone)]
pub(crate) struct Visible {
    /// The reader.
    pub(crate) org: OrgId,
    /// Of the reader's own projects, these; `None` for all.
    pub(crate) projects: Option<Vec<ProjectId>>,
    /// And those in which the reader is the contractor.
    pub(crate) as_contractor: bool,
}

impl Visible {
    /// The projects as an array, `None` for all.
    pub(crate) fn projects(&self) -> Option<Vec<Uuid>> {
        Some(self.projects.as_ref()?.iter().map(|project| project.0).collect())
    }
}
