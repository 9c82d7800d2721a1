//! The transitions of a tender.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use kernel::TenderId;
use serde::Deserialize;
use tenders_api::{Approval, Award, Awarding, Step, TenderView, Tenders};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authed, Id, Idempotent, Json, Problem, Reply};

use super::dto::{AwardOut, StepOut, TenderOut};

/// The new deadline.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = TenderExtension, example = json!({"submissionDeadline": "2099-04-15T12:00:00Z"}))]
pub struct ExtendIn {
    /// Later than the present one.
    submission_deadline: DateTime<Utc>,
}

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = TenderCancellation, example = json!({"reason": "No demand any more"}))]
pub struct CancelIn {
    /// Bidders read it.
    #[schema(min_length = 1, max_length = 2000, example = "No demand any more")]
    reason: String,
}

/// Why an award is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = AwardCancellation, example = json!({"reason": "The winner cannot start in time"}))]
pub struct CancelAwardIn {
    /// The bidder reads it.
    #[schema(min_length = 1, max_length = 2000, example = "The winner cannot start in time")]
    reason: String,
}

/// The decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = AwardDecision, example = json!({
    "bidId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b31", "reason": "The best price of all complete bids"
}))]
pub struct AwardIn {
    /// The bid that wins.
    bid_id: Uuid,
    /// Needed unless the bid ranks first among those that are still in.
    #[schema(max_length = 2000)]
    reason: Option<String>,
}

fn step(step: &Step) -> Reply {
    let waiting = step.approval.as_ref().is_some_and(Approval::is_waiting);
    Reply::json(if waiting { StatusCode::ACCEPTED } else { StatusCode::OK }, &StepOut::from(step))
}

fn alone(view: &TenderView) -> Reply {
    Reply::ok(&StepOut { tender: TenderOut::from(view), approval: None })
}

/// Publish a draft.
///
/// At or above the approval threshold, or without an estimate for every line, a second person must do the same.
#[utoipa::path(responses(
    (status = 200, description = "It takes bids", body = StepOut),
    (status = 202, description = "A second person must do the same", body = StepOut),
    (status = 409, description = "`STATE_CONFLICT`: it is not a draft · `APPROVER_NOT_YET`: the caller does not count as a second person yet"),
    (status = 422, description = "`TENDER_NOT_READY`: it cannot be published yet; with everything that is missing: such as `SOQ_NOT_FROZEN`, `SOQ_WITHOUT_PAYABLE_LINE`, `UNIT_MISSING`, `QUANTITY_MISSING`, `PROVISIONAL_SUM_MISSING`, `NO_INVITATION`, `TOO_SOON` · `INVALID`: no charge could pay a milestone (`MILESTONE_NOT_PAYABLE`)")
))]
#[post("/api/tenders/{id}/publish")]
pub async fn publish(
    Authed(ctx): Authed,
    Id(id): Id<TenderId>,
    once: Idempotent,
    service: Data<dyn Tenders>,
) -> Result<HttpResponse, Problem> {
    once.run(ctx, async |ctx| service.publish(&ctx, id).await, step).await
}

/// Move the deadline later.
///
/// Only before it has passed. Bids that were submitted stay.
#[utoipa::path(responses(
    (status = 200, description = "With the new deadline", body = StepOut),
    (status = 409, description = "`STATE_CONFLICT`: it is not published"),
    (status = 422, description = "`TENDER_CLOSED`: the deadline has passed; with `deadline` and `serverTime` · `INVALID`: not later than the present one (`NOT_LATER`)")
))]
#[post("/api/tenders/{id}/extend")]
pub async fn extend(
    Authed(ctx): Authed,
    Id(id): Id<TenderId>,
    once: Idempotent,
    service: Data<dyn Tenders>,
    body: Json<ExtendIn>,
) -> Result<HttpResponse, Problem> {
    let deadline = body.0.submission_deadline;
    once.run(ctx, async |ctx| service.extend(&ctx, id, deadline).await, alone).await
}

/// Cancel a tender.
///
/// Bids that were not opened never will be: the tender's key is erased from the database, so that no server reads them any
/// more, the bidders' own offers included. Backups and write-ahead logs of the database from before keep the key, wrapped by the platform's seal key;
/// whoever holds such a backup and that seal key could still unwrap it, until the platform has rotated and destroyed the seal key.
///
/// Once closed, at or above the approval threshold or without an estimate for every line, a second person must give the same reason.
#[utoipa::path(responses(
    (status = 200, description = "It is cancelled", body = StepOut),
    (status = 202, description = "A second person must do the same", body = StepOut),
    (status = 409, description = "`STATE_CONFLICT`: it is over, or its contract is in force · `SAME_PERSON`: the caller belongs to a bidder · `APPROVER_NOT_YET`: the caller does not count as a second person yet")
))]
#[post("/api/tenders/{id}/cancel")]
pub async fn cancel(
    Authed(ctx): Authed,
    Id(id): Id<TenderId>,
    once: Idempotent,
    service: Data<dyn Tenders>,
    body: Json<CancelIn>,
) -> Result<HttpResponse, Problem> {
    let reason = body.0.reason;
    once.run(ctx, async |ctx| service.cancel(&ctx, id, reason).await, step).await
}

/// Open the bids.
///
/// At or above the approval threshold, or without an estimate for every line, two persons must do so. Number, receipts and root of the sealed bids are rebuilt and compared with what was fixed at closing. If they do not agree, nothing is opened.
#[utoipa::path(responses(
    (status = 200, description = "The bids are open", body = StepOut),
    (status = 202, description = "A second person must do the same", body = StepOut),
    (status = 409, description = "`STATE_CONFLICT`: it is not closed · `SEAL_BROKEN`: the bids are not those that were counted at closing · `SAME_PERSON`: the caller belongs to a bidder · `APPROVER_NOT_YET`: the caller does not count as a second person yet")
))]
#[post("/api/tenders/{id}/open")]
pub async fn open(
    Authed(ctx): Authed,
    Id(id): Id<TenderId>,
    once: Idempotent,
    service: Data<dyn Tenders>,
) -> Result<HttpResponse, Problem> {
    once.run(ctx, async |ctx| service.open(&ctx, id).await, step).await
}

/// Award a tender.
///
/// The winning rates become a contract that both parties sign. At or above the approval threshold a second person must award the same bid for the same reason.
#[utoipa::path(responses(
    (status = 200, description = "It is awarded", body = AwardOut),
    (status = 202, description = "A second person must do the same", body = AwardOut),
    (status = 409, description = "`STATE_CONFLICT`: the bids are not open, or this one is out · `BID_EXPIRED`: its last day is over · `SAME_PERSON`: the caller belongs to a bidder · `APPROVER_NOT_YET`: the caller does not count as a second person yet"),
    (status = 422, description = "`INVALID`: a better bid is passed over without a reason (`REQUIRED`), or no charge could pay a milestone (`MILESTONE_NOT_PAYABLE`)")
))]
#[post("/api/tenders/{id}/award")]
pub async fn award(
    Authed(ctx): Authed,
    Id(id): Id<TenderId>,
    once: Idempotent,
    service: Data<dyn Tenders>,
    body: Json<AwardIn>,
) -> Result<HttpResponse, Problem> {
    let award = Award { bid: body.0.bid_id.into(), reason: body.0.reason };
    let render = |awarding: &Awarding| {
        let status = if awarding.approval.is_waiting() { StatusCode::ACCEPTED } else { StatusCode::OK };
        Reply::json(status, &AwardOut::from(awarding))
    };
    once.run(ctx, async |ctx| service.award(&ctx, id, award).await, render).await
}

/// Take an award back before its contract is in force.
///
/// The contract is cancelled, the tender is in evaluation again, and any bid that is still in can be awarded. At or above the approval
/// threshold a second person must give the same reason.
#[utoipa::path(responses(
    (status = 200, description = "It is in evaluation again", body = StepOut),
    (status = 202, description = "A second person must do the same", body = StepOut),
    (status = 409, description = "`STATE_CONFLICT`: it is not awarded, or its contract is in force · `SAME_PERSON`: the caller belongs to a bidder · `APPROVER_NOT_YET`: the caller does not count as a second person yet")
))]
#[post("/api/tenders/{id}/cancel-award")]
pub async fn cancel_award(
    Authed(ctx): Authed,
    Id(id): Id<TenderId>,
    once: Idempotent,
    service: Data<dyn Tenders>,
    body: Json<CancelAwardIn>,
) -> Result<HttpResponse, Problem> {
    let reason = body.0.reason;
    once.run(ctx, async |ctx| service.cancel_award(&ctx, id, reason).await, step).await
}

/// End an evaluation in which no bid can be awarded.
///
/// Once no bid is left that could be awarded. The tender can be repeated.
#[utoipa::path(responses(
    (status = 200, description = "It is unsuccessful", body = StepOut),
    (status = 409, description = "`STATE_CONFLICT`: it is not in evaluation, or a bid could be awarded · `SAME_PERSON`: the caller belongs to a bidder")
))]
#[post("/api/tenders/{id}/unsuccessful")]
pub async fn conclude_unsuccessful(
    Authed(ctx): Authed,
    Id(id): Id<TenderId>,
    once: Idempotent,
    service: Data<dyn Tenders>,
) -> Result<HttpResponse, Problem> {
    once.run(ctx, async |ctx| service.conclude_unsuccessful(&ctx, id).await, alone).await
}
