//! Wire types of tenders.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use tenants_api::ApprovalStatus;
use tenders_api::{
    Approval, AwardedContract, Awarding, Draft, Invitation, Invitee, Milestone, Side, Step, TenderLine, TenderView,
};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{CurrencyCode, Decimal4Out, Faults, MoneyOut, OneOf, Problem};

use super::examples;
use super::milestones::{MilestoneIn, MilestoneOut};

type ApprovalState = OneOf<ApprovalStatus>;
type ProcurementMethod = OneOf<tenders_api::ProcurementMethod>;
type LineKind = OneOf<projects_api::LineKind>;
type ContractStatus = OneOf<escrow_api::ContractStatus>;
type MilestoneStatus = OneOf<escrow_api::MilestoneStatus>;
/// Where a tender stands, on the wire.
pub type TenderStatus = OneOf<tenders_api::TenderStatus>;
/// Whose eyes a tender is seen with, on the wire.
pub type TenderRole = OneOf<Side>;

/// A tender as its owner writes it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = TenderDraft, example = examples::tender_in)]
pub struct TenderIn {
    /// The project; it never changes.
    pub project_id: Uuid,
    /// The schedule of quantities; frozen before publication.
    pub soq_id: Uuid,
    /// What is tendered.
    #[schema(min_length = 1, max_length = 200, example = "Construction of Villa Anfa")]
    pub title: String,
    /// What bidders are to know; may be left out.
    #[schema(max_length = 10000)]
    pub description: Option<String>,
    /// Who may bid.
    pub procurement_method: ProcurementMethod,
    /// Bids are taken before this instant of the server's clock.
    pub submission_deadline: DateTime<Utc>,
    /// Questions are taken before this instant.
    pub questions_until: Option<DateTime<Utc>>,
    /// With fewer bids the tender is unsuccessful and they stay sealed.
    #[schema(minimum = 1, maximum = 1000, default = 1)]
    pub min_bids: Option<u32>,
    /// Payable parts of the contract, all with a `percent`, or all with a `weight`, or all with an `amount`, of which one may be the
    /// `remainder` instead.
    #[schema(min_items = 1, max_items = 200)]
    pub milestones: Vec<MilestoneIn>,
}

impl TryFrom<TenderIn> for Draft {
    type Error = Problem;

    fn try_from(body: TenderIn) -> Result<Self, Problem> {
        let mut faults = Faults::new();
        let shares: Vec<_> = body.milestones.iter().enumerate().map(|(at, milestone)| milestone.share(at, &mut faults)).collect();
        faults.finish()?;
        let both = body.milestones.into_iter().zip(shares);
        let milestones = both.filter_map(|(m, share)| Some(Milestone { title: m.title, share: share?, due_on: m.due_on }));
        Ok(Self {
            project: body.project_id.into(),
            soq: body.soq_id.into(),
            title: body.title,
            description: body.description,
            method: body.procurement_method.0,
            submission_deadline: body.submission_deadline,
            questions_until: body.questions_until,
            min_bids: body.min_bids.unwrap_or(1),
            milestones: milestones.collect(),
        })
    }
}

impl From<&TenderView> for TenderIn {
    fn from(view: &TenderView) -> Self {
        let tender = &view.tender;
        Self {
            project_id: tender.project.into(),
            soq_id: tender.soq.into(),
            title: tender.title.clone(),
            description: tender.description.clone(),
            procurement_method: tender.method.into(),
            submission_deadline: tender.submission_deadline,
            questions_until: tender.questions_until,
            min_bids: Some(tender.min_bids),
            milestones: view.milestones.iter().map(Into::into).collect(),
        }
    }
}

/// A tender.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Tender, example = examples::tender)]
pub struct TenderOut {
    /// The tender's id.
    pub id: Uuid,
    /// The owner's side: the organisation that tenders.
    pub owner_organization_id: Uuid,
    /// Whose eyes this is seen with.
    pub role: TenderRole,
    /// The project of the owner's side.
    pub project_id: Uuid,
    /// The schedule of quantities that is priced.
    pub soq_id: Uuid,
    /// The version of the schedule that was published; null while it is a draft.
    pub soq_version: Option<u32>,
    /// What is tendered.
    pub title: String,
    /// What bidders are to know; null if nothing was written.
    pub description: Option<String>,
    /// Who may bid.
    pub procurement_method: ProcurementMethod,
    /// Where it stands.
    pub status: TenderStatus,
    /// The currency of every rate and total.
    pub currency: CurrencyCode,
    /// Bids are taken before this instant of the server's clock.
    pub submission_deadline: DateTime<Utc>,
    /// IANA name of the time zone in which its days are reckoned, as that of the deadline and the last one of a bid: the owner's as of publication; null in a
    /// draft, and where it is UTC.
    pub time_zone: Option<String>,
    /// Questions are taken before this instant; null if none was set.
    pub questions_until: Option<DateTime<Utc>>,
    /// With fewer bids it is unsuccessful and they stay sealed.
    pub min_bids: u32,
    /// The ended tender that this one repeats; null if it repeats none.
    pub related_tender_id: Option<Uuid>,
    /// When it was published; null while it is a draft.
    pub published_at: Option<DateTime<Utc>>,
    /// When it was closed, after the deadline; null before.
    pub closed_at: Option<DateTime<Utc>>,
    /// When its bids were opened; null before.
    pub opened_at: Option<DateTime<Utc>>,
    /// Merkle root of the sealed bids, hex, fixed at closing; null before.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub seal_root: Option<String>,
    /// Until when the award can be challenged; null before an award, and once it fell.
    pub standstill_until: Option<DateTime<Utc>>,
    /// Why it was cancelled; null unless it was.
    pub cancel_reason: Option<String>,
    /// Whether the caller's organisation is invited.
    pub invited: bool,
    /// The bid that is awarded, for the owner and the winner; null to others, and without an award.
    pub awarded_bid_id: Option<Uuid>,
    /// The contract of the award, for the owner and the winner; null to others, and before it is opened.
    pub contract_id: Option<Uuid>,
    /// Until when both parties must have signed the contract; else the award falls. For the owner and the winner; null to others, and without such a
    /// time.
    pub sign_by: Option<DateTime<Utc>>,
    /// Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub milestones: Option<Vec<MilestoneOut>>,
    /// The schedule to be priced, from publication on. Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lines: Option<Vec<LineOut>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Bids do not change it.
    pub updated_at: DateTime<Utc>,
}

/// A line to be priced: without the owner's estimate.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TenderLine)]
pub struct LineOut {
    /// The SOQ line's id: `soqLineId` of bids.
    pub id: Uuid,
    /// Its place, from 1.
    pub position: u32,
    /// Its number as written; may be empty.
    #[schema(example = "02.1.10")]
    pub code: String,
    /// What is to be done.
    pub description: String,
    /// How it counts.
    pub kind: LineKind,
    /// Code of UNECE Recommendation 20 or 21; null if the unit has none.
    #[schema(example = "MTQ")]
    pub unit_code: Option<String>,
    /// The unit of measure as written; null without one.
    pub unit_text: Option<String>,
    /// In units of measure; null where nothing is counted, as in a heading.
    pub quantity: Option<Decimal4Out>,
    /// The rate of a provisional sum, which every bid carries unchanged; null of other lines.
    pub fixed_rate: Option<Decimal4Out>,
    /// The unit (house, apartment) that it is for; null if for none.
    pub unit_id: Option<Uuid>,
}

impl From<&TenderLine> for LineOut {
    fn from(line: &TenderLine) -> Self {
        Self {
            id: line.soq_line.into(),
            position: line.position,
            code: line.code.clone(),
            description: line.description.clone(),
            kind: line.kind.into(),
            unit_code: line.unit_code.clone(),
            unit_text: line.unit_text.clone(),
            quantity: line.quantity.map(Into::into),
            fixed_rate: line.fixed_rate.map(Into::into),
            unit_id: line.unit.map(Into::into),
        }
    }
}

impl TenderOut {
    /// As in a list.
    pub fn brief(view: &TenderView) -> Self {
        Self { milestones: None, lines: None, ..Self::from(view) }
    }
}

impl From<&TenderView> for TenderOut {
    fn from(view: &TenderView) -> Self {
        let tender = &view.tender;
        Self {
            id: tender.id.into(),
            owner_organization_id: tender.org.into(),
            role: view.side.into(),
            project_id: tender.project.into(),
            soq_id: tender.soq.into(),
            soq_version: tender.soq_version,
            title: tender.title.clone(),
            description: tender.description.clone(),
            procurement_method: tender.method.into(),
            status: tender.status.into(),
            currency: CurrencyCode(tender.currency),
            submission_deadline: tender.submission_deadline,
            time_zone: tender.time_zone.clone(),
            questions_until: tender.questions_until,
            min_bids: tender.min_bids,
            related_tender_id: tender.related.map(Into::into),
            published_at: tender.published_at,
            closed_at: tender.closed_at,
            opened_at: tender.opened_at,
            seal_root: tender.seal_root.map(hex::encode),
            standstill_until: tender.standstill_until,
            cancel_reason: tender.cancel_reason.clone(),
            invited: view.invited,
            awarded_bid_id: view.award.map(|award| award.bid.into()),
            contract_id: view.award.and_then(|award| award.contract).map(Into::into),
            sign_by: view.award.and_then(|award| award.sign_by),
            milestones: Some(view.milestones.iter().map(Into::into).collect()),
            lines: Some(view.lines.iter().map(Into::into).collect()),
            created_at: tender.created_at,
            updated_at: tender.updated_at,
        }
    }
}

/// How far a verb that needs two persons has come.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TenderApproval, example = examples::approval)]
pub struct ApprovalOut {
    /// Whether another person must ask for the same.
    pub status: ApprovalState,
    /// Who asked first, or alone.
    pub first_approver_id: Uuid,
    /// Who agreed; null if no second person was needed, or while one is awaited.
    pub second_approver_id: Option<Uuid>,
}

impl From<Approval> for ApprovalOut {
    fn from(approval: Approval) -> Self {
        match approval {
            Approval::Waiting { first } => {
                Self { status: ApprovalStatus::Waiting.into(), first_approver_id: first.into(), second_approver_id: None }
            }
            Approval::Complete { first, second } => Self {
                status: ApprovalStatus::Complete.into(),
                first_approver_id: first.into(),
                second_approver_id: second.map(Into::into),
            },
        }
    }
}

/// A tender after a transition.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TenderTransition)]
pub struct StepOut {
    /// The tender as it is now.
    pub tender: TenderOut,
    /// Null if the verb needs one person only.
    pub approval: Option<ApprovalOut>,
}

impl From<&Step> for StepOut {
    fn from(step: &Step) -> Self {
        Self { tender: (&step.tender).into(), approval: step.approval.map(Into::into) }
    }
}

/// The contract that an award opened.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AwardedContract, example = examples::awarded_contract)]
pub struct ContractOut {
    /// The contract's id.
    pub id: Uuid,
    /// The tender that was awarded.
    pub tender_id: Uuid,
    /// The bid that won.
    pub bid_id: Uuid,
    /// Where it stands.
    pub status: ContractStatus,
    /// What both parties sign, hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub document_sha256: String,
    /// The owner's side: the organisation that tendered.
    pub owner_organization_id: Uuid,
    /// The contractor's side: the organisation that bid.
    pub contractor_organization_id: Uuid,
    /// The contract sum.
    pub total: MoneyOut,
    /// Its payable parts, in order.
    pub milestones: Vec<ContractMilestoneOut>,
}

/// A payable part of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AwardedMilestone)]
pub struct ContractMilestoneOut {
    /// The milestone's id.
    pub id: Uuid,
    /// Its place, from 1.
    pub position: u32,
    /// Where it stands.
    pub status: MilestoneStatus,
    /// What is to be done.
    pub title: String,
    /// What it pays, of the contract sum.
    pub amount: MoneyOut,
    /// The day by which it is to be done; null if none was set.
    pub due_on: Option<NaiveDate>,
}

/// A tender after the award.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TenderAwarded)]
pub struct AwardOut {
    /// The tender as it is now.
    pub tender: TenderOut,
    /// Null while a second person is awaited or the stand-still runs.
    pub contract: Option<ContractOut>,
    /// How far the approval has come.
    pub approval: ApprovalOut,
}

impl From<&Awarding> for AwardOut {
    fn from(awarding: &Awarding) -> Self {
        let tender = &awarding.tender.tender;
        let contract = |contract: &AwardedContract| ContractOut {
            id: contract.id.into(),
            tender_id: tender.id.into(),
            bid_id: contract.bid.into(),
            status: escrow_api::ContractStatus::Signing.into(),
            document_sha256: contract.document_sha256.clone(),
            owner_organization_id: tender.org.into(),
            contractor_organization_id: contract.contractor.into(),
            total: contract.total.into(),
            milestones: contract
                .milestones
                .iter()
                .zip(1..)
                .map(|(milestone, position)| ContractMilestoneOut {
                    id: milestone.id.into(),
                    position,
                    status: escrow_api::MilestoneStatus::Planned.into(),
                    title: milestone.title.clone(),
                    amount: milestone.amount.into(),
                    due_on: milestone.due_on,
                })
                .collect(),
        };
        Self {
            tender: (&awarding.tender).into(),
            contract: awarding.contract.as_ref().map(contract),
            approval: awarding.approval.into(),
        }
    }
}

/// Who is invited: an organisation or an e-mail address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewTenderInvitation, example = json!({"email": "bids@acme.example"}))]
pub struct InvitationIn {
    /// The organisation; either this or `email`.
    pub organization_id: Option<Uuid>,
    /// Counts for whoever signs in with it, in whichever of their organisations they act. Whether anybody does is not told.
    #[schema(min_length = 3, max_length = 254, example = "bids@acme.example")]
    pub email: Option<String>,
}

impl InvitationIn {
    /// Who is meant.
    pub fn into_invitee(self) -> Result<Invitee, Problem> {
        let mut faults = Faults::new();
        let invitee = match (self.organization_id, self.email) {
            (Some(org), None) => Some(Invitee::Organization(org.into())),
            (None, Some(email)) => Some(Invitee::Email(email)),
            (None, None) => {
                faults.push("/organizationId", "REQUIRED", "give organizationId or email");
                None
            }
            (Some(_), Some(_)) => {
                faults.push("/email", "NOT_ALLOWED", "give organizationId or email, not both");
                None
            }
        };
        faults.into_result(invitee)
    }
}

/// An invitation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TenderInvitation, example = examples::invitation)]
pub struct InvitationOut {
    /// The invitation's id.
    pub id: Uuid,
    /// Its tender.
    pub tender_id: Uuid,
    /// Null of an invitation by e-mail.
    pub organization_id: Option<Uuid>,
    /// The address, if it was sent to one; null otherwise.
    pub email: Option<String>,
    /// Null until the tender is published.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl From<&Invitation> for InvitationOut {
    fn from(invitation: &Invitation) -> Self {
        let (organization, email) = match &invitation.invitee {
            Invitee::Organization(org) => (Some(*org), None),
            Invitee::Email(email) => (None, Some(email.clone())),
        };
        Self {
            id: invitation.id,
            tender_id: invitation.tender.into(),
            organization_id: organization.map(Into::into),
            email,
            sent_at: invitation.sent_at,
            created_at: invitation.created_at,
        }
    }
}
