//! What goes over the wire.

use chrono::{DateTime, NaiveDate, Utc};
use escrow_api::{Contract, Hold, Milestone, MilestoneStory, Payment, Release, RequestedAmount};
use kernel::OrgId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AmountOrMoney, MoneyOut, OneOf, Problem};

use super::evidence::Evidence;
use super::examples;

type ContractStatus = OneOf<escrow_api::ContractStatus>;
type CostBearer = OneOf<escrow_api::CostBearer>;
type PaymentStatus = OneOf<escrow_api::PaymentStatus>;
type HoldKind = OneOf<escrow_api::HoldKind>;
type HoldScope = OneOf<escrow_api::HoldScope>;
type MilestoneStatus = OneOf<escrow_api::MilestoneStatus>;
type Party = OneOf<escrow_api::Party>;
type ReviewKind = OneOf<escrow_api::ReviewKind>;
type ReleaseStatus = OneOf<escrow_api::ReleaseStatus>;

/// The amount meant.
pub(super) fn requested_amount(amount: AmountOrMoney) -> Result<RequestedAmount, Problem> {
    match amount {
        AmountOrMoney::Plain(amount) => Ok(RequestedAmount::Decimal(amount.0)),
        AmountOrMoney::Money(money) => {
            let mut faults = web::Faults::new();
            let money = faults.check("/amount/amount", money.to_money());
            faults.into_result(money.map(RequestedAmount::Money))
        }
    }
}

/// Which side of a contract an organisation is that sees something of it.
fn side(viewer: OrgId, owner: OrgId) -> escrow_api::Party {
    if viewer == owner { escrow_api::Party::Owner } else { escrow_api::Party::Contractor }
}

/// The money terms that the contract was signed with.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContractTerms)]
pub(super) struct TermsOut {
    /// The platform's fee in hundredths of a per cent.
    #[schema(example = 250)]
    fee_bps: u32,
    /// Who bears what the provider takes for a payment.
    processing_cost_bearer: CostBearer,
    /// The processing rate in hundredths of a per cent.
    #[schema(example = 290)]
    processing_bps: u32,
    /// The fixed part of the processing cost.
    processing_fixed: MoneyOut,
}

/// A signature under a contract.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContractSignature)]
pub(super) struct SignatureOut {
    /// For which side.
    party: Party,
    /// The person who signed.
    user_id: Uuid,
    /// When they signed.
    signed_at: DateTime<Utc>,
}

/// Why money is stopped.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Hold)]
pub(super) struct HoldOut {
    /// What it was placed for.
    // A server that is older than the one that placed it shows a word that it does not know as it is.
    #[schema(value_type = HoldKind)]
    kind: String,
    /// Whether it is on the milestone or on its whole contract.
    scope: HoldScope,
    /// Since when.
    since: DateTime<Utc>,
}

impl HoldOut {
    fn of(hold: &Hold) -> Self {
        Self { kind: hold.kind.clone(), scope: hold.scope().into(), since: hold.since }
    }
}

/// A proposal to end a contract.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContractTermination)]
pub(super) struct TerminationOut {
    /// Which party proposed it.
    party: Party,
    /// The person who proposed it.
    proposed_by: Uuid,
    /// Why, in their words. The other party reads it.
    reason: String,
    /// When it was proposed.
    proposed_at: DateTime<Utc>,
    /// Who agreed for the other party; null while it is open.
    agreed_by: Option<Uuid>,
    /// When the other party agreed; null while it is open.
    agreed_at: Option<DateTime<Utc>>,
}

/// A contract.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Contract, example = examples::contract)]
pub(super) struct ContractOut {
    /// The contract's id.
    id: Uuid,
    /// The tender that was awarded.
    tender_id: Uuid,
    /// The bid that won.
    bid_id: Uuid,
    /// The project of the owner's side.
    project_id: Uuid,
    /// The tender's title.
    title: String,
    /// Where it stands.
    status: ContractStatus,
    /// The owner's side: the organisation that tendered.
    owner_organization_id: Uuid,
    /// The contractor's side: the organisation that bid.
    contractor_organization_id: Uuid,
    /// The contract sum: its lines and its milestones add up to it.
    total: MoneyOut,
    /// On which terms its money moves.
    terms: TermsOut,
    /// SHA-256 of the contract document, hex: what both parties sign.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    document_sha256: String,
    /// Who signed so far, the oldest first: at most one per side.
    signatures: Vec<SignatureOut>,
    /// Its payable parts, in order.
    milestones: Vec<MilestoneOut>,
    /// Whether a hold on the whole contract blocks funding, approval and payout of all its milestones.
    frozen: bool,
    /// The open holds on the whole contract, the oldest first.
    holds: Vec<HoldOut>,
    /// Why it was cancelled or ended; null unless it was.
    cancel_reason: Option<String>,
    /// The proposal to end it that is open or was agreed to; null without one.
    termination: Option<TerminationOut>,
    /// When it came into force; null before.
    activated_at: Option<DateTime<Utc>>,
    /// When practical completion was declared; null before.
    completed_at: Option<DateTime<Utc>>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

impl ContractOut {
    pub(super) fn of(contract: &Contract, viewer: OrgId) -> Self {
        let fixed = kernel::Money::from_minor(contract.terms.processing_fixed, contract.total.currency());
        Self {
            id: contract.id.0,
            tender_id: contract.tender.0,
            bid_id: contract.bid.0,
            project_id: contract.project.0,
            title: contract.title.clone(),
            status: contract.status.into(),
            owner_organization_id: contract.owner.0,
            contractor_organization_id: contract.contractor.0,
            total: contract.total.into(),
            terms: TermsOut {
                fee_bps: contract.terms.fee_bps,
                processing_cost_bearer: contract.terms.bearer.into(),
                processing_bps: contract.terms.processing_bps,
                processing_fixed: fixed.into(),
            },
            document_sha256: contract.document_sha256.clone(),
            signatures: contract
                .signatures
                .iter()
                .map(|s| SignatureOut { party: s.party.into(), user_id: s.user.0, signed_at: s.signed_at })
                .collect(),
            milestones: contract.milestones.iter().map(|milestone| MilestoneOut::of(milestone, viewer)).collect(),
            frozen: !contract.holds.is_empty(),
            holds: contract.holds.iter().map(HoldOut::of).collect(),
            cancel_reason: contract.cancel_reason.clone(),
            termination: contract.termination.as_ref().map(|termination| TerminationOut {
                party: termination.party.into(),
                proposed_by: termination.proposed_by.0,
                reason: termination.reason.clone(),
                proposed_at: termination.proposed_at,
                agreed_by: termination.agreed_by.map(Uuid::from),
                agreed_at: termination.agreed_at,
            }),
            activated_at: contract.activated_at,
            completed_at: contract.completed_at,
            created_at: contract.created_at,
            updated_at: contract.updated_at,
        }
    }
}

/// A payable part of a contract.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Milestone, example = examples::milestone)]
pub(super) struct MilestoneOut {
    /// The milestone's id.
    id: Uuid,
    /// Its contract.
    contract_id: Uuid,
    /// Its place, from 1.
    position: u32,
    /// What is to be done.
    title: String,
    /// What it pays, of the contract sum.
    amount: MoneyOut,
    /// The day by which it is to be done; null if none was set.
    due_on: Option<NaiveDate>,
    /// Where it stands.
    status: MilestoneStatus,
    /// Whether a hold blocks funding, approval and payout.
    frozen: bool,
    /// The open holds that cover it, its contract's too, the oldest first.
    holds: Vec<HoldOut>,
    /// What is held for it and not reserved for a release.
    held: MoneyOut,
    /// How often work was submitted.
    submissions: u32,
    /// When work was last submitted; null before.
    submitted_at: Option<DateTime<Utc>>,
    /// When the owner's silence escalates; null unless work waits for the owner.
    review_due_at: Option<DateTime<Utc>>,
    /// Its protected payment: the one that is live or brought its money, else the newest; null before the first.
    escrow_id: Option<Uuid>,
    /// Its newest release; null before the first.
    release: Option<ReleaseOut>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

impl MilestoneOut {
    pub(super) fn of(milestone: &Milestone, viewer: OrgId) -> Self {
        Self {
            id: milestone.id.0,
            contract_id: milestone.contract.0,
            position: milestone.position,
            title: milestone.title.clone(),
            amount: milestone.amount.into(),
            due_on: milestone.due_on,
            status: milestone.status.into(),
            frozen: milestone.frozen,
            holds: milestone.holds.iter().map(HoldOut::of).collect(),
            held: milestone.held.into(),
            submissions: milestone.submissions,
            submitted_at: milestone.submitted_at,
            review_due_at: milestone.review_due_at,
            escrow_id: milestone.payment.map(Uuid::from),
            release: milestone.release.as_ref().map(|release| ReleaseOut::of(release, side(viewer, milestone.owner))),
            created_at: milestone.created_at,
            updated_at: milestone.updated_at,
        }
    }
}

/// Something said about submitted work.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MilestoneReview)]
pub(super) struct ReviewOut {
    /// Its id.
    id: Uuid,
    /// What was said.
    kind: ReviewKind,
    /// In the words of who said it; null if nothing was written.
    note: Option<String>,
    /// Texts and objects as they were submitted.
    #[schema(max_items = 100)]
    evidence: Vec<Evidence>,
    /// The amount approved; null unless it is an approval.
    amount: Option<MoneyOut>,
    /// The person who said it; null for the platform.
    user_id: Option<Uuid>,
    /// When it was said.
    at: DateTime<Utc>,
}

/// A milestone with what was said about its work.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MilestoneStory)]
pub(super) struct MilestoneStoryOut {
    #[serde(flatten)]
    milestone: MilestoneOut,
    /// The oldest first.
    reviews: Vec<ReviewOut>,
}

impl MilestoneStoryOut {
    pub(super) fn of(story: &MilestoneStory, viewer: OrgId) -> Self {
        let reviews = story.reviews.iter().map(|review| ReviewOut {
            id: review.id,
            kind: review.kind.into(),
            note: review.note.clone(),
            evidence: review.evidence.as_array().into_iter().flatten().cloned().map(Evidence).collect(),
            amount: review.amount.map(MoneyOut),
            user_id: review.by.map(Uuid::from),
            at: review.at,
        });
        Self { milestone: MilestoneOut::of(&story.milestone, viewer), reviews: reviews.collect() }
    }
}

/// A protected payment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Escrow, example = examples::escrow)]
pub(super) struct EscrowOut {
    /// The payment's id.
    id: Uuid,
    /// Its contract.
    contract_id: Uuid,
    /// The milestone that it pays.
    milestone_id: Uuid,
    /// Where the milestone stands.
    milestone_status: MilestoneStatus,
    /// `succeeded` is paid, `available` paid and can be released, `suspense` paid otherwise than asked.
    status: PaymentStatus,
    /// The milestone's amount.
    amount: MoneyOut,
    /// The platform's fee on it, taken at release.
    fee: MoneyOut,
    /// What the owner is charged: the amount and the processing cost on top.
    charged: MoneyOut,
    /// What is held and not reserved for a release.
    held: MoneyOut,
    /// The payer's: null to the contractor.
    payment_intent_id: Option<String>,
    /// From when on the provider lets its money be transferred; null until it is paid.
    available_on: Option<DateTime<Utc>>,
    /// Why the last attempt failed. The payer's: null to the contractor.
    last_error: Option<String>,
    /// Its newest release; null before the first.
    release: Option<ReleaseOut>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

impl EscrowOut {
    pub(super) fn of(escrow: &Payment, viewer: OrgId) -> Self {
        let side = side(viewer, escrow.owner);
        let payer = side == escrow_api::Party::Owner;
        Self {
            id: escrow.id.0,
            contract_id: escrow.contract.0,
            milestone_id: escrow.milestone.0,
            milestone_status: escrow.milestone_status.into(),
            status: escrow.status.into(),
            amount: escrow.amount.into(),
            fee: escrow.fee.into(),
            charged: escrow.charged.into(),
            held: escrow.held.into(),
            payment_intent_id: escrow.intent.clone().filter(|_| payer),
            available_on: escrow.available_on,
            last_error: escrow.last_error.clone().filter(|_| payer),
            release: escrow.release.as_ref().map(|release| ReleaseOut::of(release, side)),
            created_at: escrow.created_at,
            updated_at: escrow.updated_at,
        }
    }
}

/// One release of held money.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Release, example = examples::release)]
pub(super) struct ReleaseOut {
    /// The release's id.
    id: Uuid,
    /// The protected payment that it is paid from.
    escrow_id: Uuid,
    /// The milestone that it pays.
    milestone_id: Uuid,
    /// Its number among the milestone's releases, from 1.
    sequence: u32,
    /// `unknown` is being found out.
    status: ReleaseStatus,
    /// What leaves the held money.
    gross: MoneyOut,
    /// The platform's fee.
    fee: MoneyOut,
    /// What the contractor gets.
    net: MoneyOut,
    /// The provider's transfer, once sent.
    transfer_id: Option<String>,
    /// How much of the transfer was taken back at the provider.
    reversed: MoneyOut,
    /// How much was taken back, of this transfer or of one that replaced it, and is not settled: until it is, funding and releases of the contract are stopped.
    unsettled: MoneyOut,
    /// Why it does not arrive. The payee's: null to the owner.
    last_error: Option<String>,
    /// When it was approved and reserved.
    created_at: DateTime<Utc>,
    /// When the provider made the transfer; null before.
    sent_at: Option<DateTime<Utc>>,
}

impl ReleaseOut {
    pub(super) fn of(release: &Release, viewer: escrow_api::Party) -> Self {
        Self {
            id: release.id.0,
            escrow_id: release.payment.0,
            milestone_id: release.milestone.0,
            sequence: release.seq,
            status: release.status.into(),
            gross: release.gross.into(),
            fee: release.fee.into(),
            net: release.net.into(),
            transfer_id: release.transfer.clone(),
            reversed: release.reversed.into(),
            unsettled: release.unsettled.into(),
            last_error: release.last_error.clone().filter(|_| viewer == escrow_api::Party::Contractor),
            created_at: release.created_at,
            sent_at: release.sent_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, ToSchema)]
    struct Body {
        amount: Option<AmountOrMoney>,
    }

    fn requested_amount(body: &str) -> Result<Option<RequestedAmount>, Problem> {
        web::parse::<Body>(body.as_bytes())?.amount.map(super::requested_amount).transpose()
    }

    #[test]
    fn an_amount_is_money_or_a_plain_decimal() {
        let money = kernel::Money::from_minor(1_050, kernel::Currency::EUR);
        assert_eq!(requested_amount("{}").expect("fine"), None);
        assert_eq!(requested_amount(r#"{"amount": null}"#).expect("fine"), None);
        assert_eq!(
            requested_amount(r#"{"amount": {"amount": "10.5", "currency": "EUR"}}"#).expect("fine"),
            Some(RequestedAmount::Money(money))
        );
        let ten_fifty = Some(RequestedAmount::Decimal("10.5".parse().expect("a decimal")));
        assert_eq!(requested_amount(r#"{"amount": "10.50"}"#).expect("fine"), ten_fifty);
        assert_eq!(requested_amount(r#"{"amount": 10.5}"#).expect("fine"), ten_fifty);
        for wrong in [
            r#"{"amount": -1}"#,
            r#"{"amount": {"amount": "1"}}"#,
            r#"{"amount": []}"#,
            r#"{"amount": {"amount": "0.001", "currency": "EUR"}}"#,
        ] {
            assert_eq!(requested_amount(wrong).expect_err("refused").status().as_u16(), 422, "{wrong}");
        }
    }
}
