//! Evaluation of opened bids, and the record of the opening.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use kernel::{BidId, TenderId};
use serde::{Deserialize, Serialize};
use tenders_api::{Approval, BidStep, Disqualification, OpeningRecord, Tenders};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authed, Id, Idempotent, Json, MoneyOut, Problem, Reply};

use super::bids::{BidOut, ProofOut, shown};
use super::dto::ApprovalOut;
use super::examples;

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = DisqualifyBid, example = json!({"reasonCode": "NOT_RESPONSIVE", "reason": "The proof of insurance is missing"}))]
pub struct DisqualifyIn {
    /// A short word for it, such as `INCOMPLETE`. The bidder reads it.
    #[schema(pattern = "^[A-Z][A-Z0-9_]{2,63}$", example = "NOT_RESPONSIVE")]
    reason_code: String,
    /// The bidder reads it.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
}

/// A bid after a verb that may need two persons.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BidTransition)]
pub struct BidStepOut {
    /// The bid as it is now.
    bid: BidOut,
    /// Null if one person is enough.
    approval: Option<ApprovalOut>,
}

/// The record of an opening. Its root is that of a perfect binary tree over the sorted leaves `sha256(00 ‖ receipt)` of every bid and,
/// up to `leaves` of them, `sha256(00 ‖ sha256(02 ‖ decoySeed ‖ i))` for i = 1, 2, … (four bytes, big endian).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OpeningRecord, example = examples::opening_record)]
pub struct OpeningRecordOut {
    /// The tender.
    tender_id: Uuid,
    /// Hex: fixed at closing.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    root: String,
    /// Of every opened bid, hex, sorted.
    receipts: Vec<String>,
    /// What the decoys were made from that hid the number of bids until the opening, hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    decoy_seed: String,
    /// How many leaves the tree has, decoys among them: a power of two.
    leaves: usize,
    /// When the bids were opened.
    opened_at: DateTime<Utc>,
    /// Who opened: for the owner.
    opened_by: Vec<Uuid>,
    /// The caller's own bid in the tree; null to the owner.
    own_proof: Option<ProofOut>,
    /// For the owner.
    ranking: Vec<RankOut>,
    /// Sealed offers that could not be read: they are disqualified with the code `UNREADABLE` and have no rank. For the owner.
    unreadable: Vec<UnreadableOut>,
}

/// A bid whose offer could not be read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UnreadableBid)]
pub struct UnreadableOut {
    /// The bid.
    bid_id: Uuid,
    /// The organisation that bids.
    bidder_organization_id: Uuid,
}

/// A bid's place.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BidRank)]
pub struct RankOut {
    /// The bid.
    bid_id: Uuid,
    /// The organisation that bids.
    bidder_organization_id: Uuid,
    /// Its place, from 1: the lowest total first, then the earliest receipt.
    #[schema(minimum = 1)]
    rank: u32,
    /// What it comes to.
    total: MoneyOut,
}

impl From<&OpeningRecord> for OpeningRecordOut {
    fn from(record: &OpeningRecord) -> Self {
        let ranking = record.ranking.iter().map(|(bid, bidder, rank, total)| RankOut {
            bid_id: (*bid).into(),
            bidder_organization_id: (*bidder).into(),
            rank: *rank,
            total: (*total).into(),
        });
        let unreadable = record
            .unreadable
            .iter()
            .map(|(bid, bidder)| UnreadableOut { bid_id: (*bid).into(), bidder_organization_id: (*bidder).into() });
        Self {
            tender_id: record.tender.into(),
            root: hex::encode(record.root),
            receipts: record.receipts.iter().map(hex::encode).collect(),
            decoy_seed: hex::encode(record.decoy_seed),
            leaves: record.leaves,
            opened_at: record.opened_at,
            opened_by: record.opened_by.iter().map(|person| (*person).into()).collect(),
            own_proof: record.own_proof.as_ref().map(Into::into),
            ranking: ranking.collect(),
            unreadable: unreadable.collect(),
        }
    }
}

/// Accept an opened bid as valid.
///
/// It was looked at and can be awarded. A bid that was disqualified stays so.
#[utoipa::path(responses(
    (status = 200, description = "It is valid", body = BidOut),
    (status = 409, description = "`STATE_CONFLICT`: the bid is not merely opened, or its tender not in evaluation · `SAME_PERSON`: the caller belongs to a bidder")
))]
#[post("/api/bids/{id}/accept")]
pub async fn accept(
    Authed(ctx): Authed,
    Id(id): Id<BidId>,
    once: Idempotent,
    service: Data<dyn Tenders>,
) -> Result<HttpResponse, Problem> {
    once.run(ctx, async |ctx| service.accept(&ctx, id).await, shown).await
}

/// Disqualify a bid.
///
/// The first in rank at or above the approval threshold needs a second person, who gives the same reason.
#[utoipa::path(responses(
    (status = 200, description = "It is disqualified", body = BidStepOut),
    (status = 202, description = "A second person must do the same", body = BidStepOut),
    (status = 409, description = "`STATE_CONFLICT`: the bid is out or awarded, or its tender not in evaluation · `SAME_PERSON`: the caller belongs to a bidder · `APPROVER_NOT_YET`: the caller does not count as a second person yet"),
    (status = 422, description = "`INVALID`: only the opening finds a bid `UNREADABLE` (`NOT_ALLOWED` at /reasonCode)")
))]
#[post("/api/bids/{id}/disqualify")]
pub async fn disqualify(
    Authed(ctx): Authed,
    Id(id): Id<BidId>,
    once: Idempotent,
    service: Data<dyn Tenders>,
    body: Json<DisqualifyIn>,
) -> Result<HttpResponse, Problem> {
    let why = Disqualification { code: body.0.reason_code, reason: body.0.reason };
    let render = |step: &BidStep| {
        let waiting = step.approval.as_ref().is_some_and(Approval::is_waiting);
        let dto = BidStepOut { bid: BidOut::from(&step.bid), approval: step.approval.map(Into::into) };
        Reply::json(if waiting { StatusCode::ACCEPTED } else { StatusCode::OK }, &dto)
    };
    once.run(ctx, async |ctx| service.disqualify(&ctx, id, why).await, render).await
}

/// Read the record of the opening.
///
/// Whole for the owner; for every organisation that has a receipt, whatever became of its bid, hashes and the proof of its own bid.
#[utoipa::path(responses((status = 200, description = "The record", body = OpeningRecordOut)))]
#[get("/api/tenders/{id}/opening-record")]
pub async fn opening_record(
    Authed(ctx): Authed,
    Id(id): Id<TenderId>,
    service: Data<dyn Tenders>,
) -> Result<HttpResponse, Problem> {
    let record = service.opening_record(&ctx, id).await?;
    Ok(Reply::ok(&OpeningRecordOut::from(&record)).response())
}
