//! The rows of contracts and milestones, which payments, releases and terminations belong to, and whose of them a reader sees.

use db::prelude::*;
use escrow_api::{ContractId, ContractStatus, CostBearer, MilestoneStatus, Party, Terms};
use kernel::{Fault, Money, OrgId, ProjectId, Timestamp};
use uuid::Uuid;

use super::ledger::Place;
use super::{count, money};
use crate::schema::{contracts, milestones};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = contracts)]
pub(crate) struct ContractRow {
    pub(crate) org_id: Uuid,
    pub(crate) id: Uuid,
    pub(crate) contractor_org_id: Uuid,
    pub(crate) project_id: Uuid,
    pub(crate) tender_id: Uuid,
    pub(crate) bid_id: Uuid,
    pub(crate) title: String,
    pub(crate) currency: String,
    pub(crate) total: i64,
    pub(crate) status: String,
    pub(crate) fee_bps: i32,
    pub(crate) processing_cost_bearer: String,
    pub(crate) processing_bps: i32,
    pub(crate) processing_fixed: i64,
    pub(crate) document_sha256: String,
    pub(crate) cancel_reason: Option<String>,
    pub(crate) activated_at: Option<Timestamp>,
    pub(crate) completed_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl ContractRow {
    pub(crate) fn status(&self) -> Result<ContractStatus, Fault> {
        db::named::<ContractStatus>(&self.status)
    }

    /// Which side an organisation is.
    pub(crate) fn side_of(&self, org: OrgId) -> Party {
        if self.org_id == org.0 { Party::Owner } else { Party::Contractor }
    }

    /// Where its ledger is.
    pub(crate) fn place(&self) -> Place {
        Place { org: self.org_id, contract: self.id }
    }

    pub(crate) fn terms(&self) -> Result<Terms, Fault> {
        Ok(Terms {
            fee_bps: count(self.fee_bps),
            bearer: db::named::<CostBearer>(&self.processing_cost_bearer)?,
            processing_bps: count(self.processing_bps),
            processing_fixed: self.processing_fixed,
        })
    }
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = milestones)]
pub(crate) struct MilestoneRow {
    pub(crate) org_id: Uuid,
    pub(crate) id: Uuid,
    pub(crate) contract_id: Uuid,
    pub(crate) contractor_org_id: Uuid,
    pub(crate) position: i32,
    pub(crate) title: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) due_on: Option<chrono::NaiveDate>,
    pub(crate) status: String,
    pub(crate) frozen: bool,
    pub(crate) submissions: i32,
    pub(crate) submitted_by: Option<Uuid>,
    pub(crate) submitted_at: Option<Timestamp>,
    pub(crate) review_due_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl MilestoneRow {
    pub(crate) fn status(&self) -> Result<MilestoneStatus, Fault> {
        db::named::<MilestoneStatus>(&self.status)
    }

    pub(crate) fn contract(&self) -> ContractId {
        ContractId(self.contract_id)
    }

    pub(crate) fn amount(&self) -> Result<Money, Fault> {
        money(self.amount, &self.currency)
    }
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
