//! What the contract document looks like. The document itself is written once, when the contract is opened (`model::document`), and given byte for
//! byte: these types are there for the OpenAPI document alone.

use chrono::NaiveDate;
use utoipa::ToSchema;
use utoipa::openapi::schema::RefBuilder;
use utoipa::openapi::{RefOr, Schema};
use uuid::Uuid;
use web::{Decimal4Out, MoneyOut, OneOf};

type CostBearer = OneOf<escrow_api::CostBearer>;

/// A line's kind has its names in the domain of schedules, which is above this one: the document has them under this name.
fn line_kind() -> RefOr<Schema> {
    RefBuilder::new().ref_location_from_schema_name("LineKind").description(Some("How it counts.")).into()
}

/// What both parties sign.
#[derive(ToSchema)]
#[schema(as = ContractDocument, rename_all = "camelCase")]
#[allow(dead_code)]
pub(super) struct DocumentOut {
    /// The contract.
    contract_id: Uuid,
    /// The tender that was awarded.
    tender_id: Uuid,
    /// The bid that won.
    bid_id: Uuid,
    /// The project of the owner's side.
    project_id: Uuid,
    /// The tender's title.
    title: String,
    /// The owner's side.
    owner: PartyOut,
    /// The contractor's side.
    contractor: PartyOut,
    /// The contract sum.
    total: MoneyOut,
    /// The works, in order.
    lines: Vec<LineOut>,
    /// The payable parts, in order.
    milestones: Vec<PartOut>,
    /// On which terms its money moves.
    terms: TermsOut,
}

/// A party of a contract, as the document names it.
#[derive(ToSchema)]
#[schema(as = ContractDocumentParty, rename_all = "camelCase")]
#[allow(dead_code)]
pub(super) struct PartyOut {
    /// The organisation.
    organization_id: Uuid,
    /// What it was called when the contract was opened.
    name: String,
}

/// A line of the contract's schedule.
#[derive(ToSchema)]
#[schema(as = ContractDocumentLine, rename_all = "camelCase")]
#[allow(dead_code)]
pub(super) struct LineOut {
    /// Its place, from 1.
    position: u32,
    /// The line of the tender that it comes from.
    soq_line_id: Uuid,
    /// Its number as written; may be empty.
    code: String,
    /// What is to be done.
    description: String,
    /// How it counts.
    #[schema(schema_with = line_kind)]
    kind: String,
    /// Code of UNECE Recommendation 20 or 21, or the unit as written where there is none for it; null without one.
    unit_code: Option<String>,
    /// In units of measure; null of headings and texts.
    quantity: Option<Decimal4Out>,
    /// Per unit of measure; null of headings and texts.
    rate: Option<Decimal4Out>,
    /// round_half_up(quantity × rate); null of headings and texts.
    amount: Option<MoneyOut>,
    /// Whether the amount counts in the contract sum.
    counts: bool,
}

/// A payable part, as the document has it.
#[derive(ToSchema)]
#[schema(as = ContractDocumentMilestone, rename_all = "camelCase")]
#[allow(dead_code)]
pub(super) struct PartOut {
    /// Its place, from 1.
    position: u32,
    /// What is to be done.
    title: String,
    /// What it pays, of the contract sum.
    amount: MoneyOut,
    /// The day by which it is to be done; null if none was set.
    due_on: Option<NaiveDate>,
}

/// The money terms, as the document has them.
#[derive(ToSchema)]
#[schema(as = ContractDocumentTerms, rename_all = "camelCase")]
#[allow(dead_code)]
pub(super) struct TermsOut {
    /// The platform's fee in hundredths of a per cent.
    fee_bps: u32,
    /// Who bears what the provider takes for a payment.
    processing_cost_bearer: CostBearer,
    /// The processing rate in hundredths of a per cent.
    processing_bps: u32,
    /// The fixed part of the processing cost, in minor units of the currency.
    processing_fixed_minor: i64,
}
