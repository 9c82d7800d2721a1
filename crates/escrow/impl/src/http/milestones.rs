//! `/api/milestones`.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use escrow_api::{Approval, Approve, Milestone, MilestoneId, Milestones, RequestChanges, SubmitWork};
use kernel::{OrgId, text};
use serde::{Deserialize, Serialize};
use tenants_api::ApprovalStatus;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AmountOrMoney, Authed, Faults, Id, Idempotent, Json, OneOf, OptionalBody, Problem, Reply};

use super::dto::{MilestoneOut, MilestoneStoryOut, requested_amount};
use super::evidence::Evidence;

/// The most characters of what one party writes about a milestone.
const MOST_NOTE: usize = 5_000;

/// Work to be submitted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SubmitWork, example = json!({"evidence": ["photo-1.jpg", {"kind": "measurement", "line": "01.10", "quantity": "118"}], "note": "Foundations done"}))]
pub(super) struct SubmitIn {
    /// Photos, measurements: texts or objects.
    #[serde(default)]
    #[schema(max_items = 100, value_type = Vec<Evidence>)]
    evidence: Option<Vec<Evidence>>,
    /// What was done, for the owner to read; may be left out.
    #[schema(max_length = 5000)]
    note: Option<String>,
}

/// What is to be changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RequestChanges, example = json!({"reason": "The sealing of the north wall is missing"}))]
pub(super) struct ChangesIn {
    /// What is to be changed. The contractor reads it.
    #[schema(min_length = 1, max_length = 5000)]
    reason: String,
}

/// How much is approved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ApproveMilestone, example = json!({"amount": {"amount": "10000.00", "currency": "EUR"}}))]
pub(super) struct ApproveIn {
    /// A part of what is held; all of it unless told otherwise.
    amount: Option<AmountOrMoney>,
}

type Status = OneOf<ApprovalStatus>;

/// Whether the approval is complete.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MilestoneApproval, example = json!({"status": "complete", "firstApproverId": null}))]
pub(super) struct ApprovalStateOut {
    /// Whether another person must approve as well.
    status: Status,
    /// Who approved first, while a second person is awaited; null otherwise.
    first_approver_id: Option<Uuid>,
}

/// The milestone with what came of the approval.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApprovedMilestone)]
pub(super) struct ApprovalOut {
    #[serde(flatten)]
    milestone: MilestoneOut,
    /// How far the approval has come.
    approval: ApprovalStateOut,
}

impl ApprovalOut {
    fn of(approval: &Approval, viewer: OrgId) -> Self {
        let waits = approval.waiting_since.is_some();
        let status = if waits { ApprovalStatus::Waiting } else { ApprovalStatus::Complete };
        let first_approver_id = approval.waiting_since.map(Uuid::from);
        Self {
            milestone: MilestoneOut::of(&approval.milestone, viewer),
            approval: ApprovalStateOut { status: status.into(), first_approver_id },
        }
    }
}

/// Read a milestone.
///
/// For both parties, with what was said about its work.
#[utoipa::path(responses((status = 200, description = "The milestone", body = MilestoneStoryOut)))]
#[get("/api/milestones/{id}")]
pub(super) async fn read(
    Authed(ctx): Authed,
    Id(id): Id<MilestoneId>,
    request: HttpRequest,
    service: Data<dyn Milestones>,
) -> Result<HttpResponse, Problem> {
    let story = service.get(&ctx, id).await?;
    Ok(web::single(&request, &MilestoneStoryOut::of(&story, ctx.org)))
}

/// Submit work.
///
/// The contractor's. The owner's review clock starts.
#[utoipa::path(request_body = SubmitIn, responses(
    (status = 200, description = "The milestone, in review", body = MilestoneOut),
    (status = 409, description = "`STATE_CONFLICT`: it is not funded, or the contract not active"),
    (status = 422, description = "`INVALID`: what is neither a text nor an object is no evidence (`WRONG_TYPE`), or another fault")
))]
#[post("/api/milestones/{id}/submit")]
pub(super) async fn submit(
    Authed(ctx): Authed,
    Id(milestone): Id<MilestoneId>,
    once: Idempotent,
    service: Data<dyn Milestones>,
    body: OptionalBody<SubmitIn>,
) -> Result<HttpResponse, Problem> {
    let viewer = ctx.org;
    let evidence: Vec<_> = body.0.evidence.unwrap_or_default().into_iter().map(|Evidence(item)| item).collect();
    let mut faults = Faults::new();
    for (index, _) in evidence.iter().enumerate().filter(|(_, item)| item.as_str().is_some_and(text::is_blank)) {
        faults.push(format!("/evidence/{index}"), "REQUIRED", "must not be blank");
    }
    let note = text::optional_prose(body.0.note.as_deref(), MOST_NOTE).unwrap_or_else(|flaw| {
        let fault = flaw.at("/note");
        faults.push(fault.pointer, fault.code, fault.detail);
        None
    });
    faults.finish()?;
    let cmd = SubmitWork { milestone, evidence, note };
    once.run(
        ctx,
        async |ctx| service.submit(&ctx, cmd).await,
        move |milestone: &Milestone| Reply::ok(&MilestoneOut::of(milestone, viewer)),
    )
    .await
}

/// Ask for changes.
///
/// The owner's. The milestone is funded again and waits for new work.
#[utoipa::path(responses(
    (status = 200, description = "The milestone", body = MilestoneOut),
    (status = 409, description = "`STATE_CONFLICT`: it is not in review")
))]
#[post("/api/milestones/{id}/request-changes")]
pub(super) async fn request_changes(
    Authed(ctx): Authed,
    Id(milestone): Id<MilestoneId>,
    once: Idempotent,
    service: Data<dyn Milestones>,
    body: Json<ChangesIn>,
) -> Result<HttpResponse, Problem> {
    let reason = text::prose(&body.0.reason, MOST_NOTE).map_err(|flaw| Problem::invalid(vec![flaw.at("/reason")]))?;
    let viewer = ctx.org;
    let cmd = RequestChanges { milestone, reason };
    once.run(
        ctx,
        async |ctx| service.request_changes(&ctx, cmd).await,
        move |milestone: &Milestone| Reply::ok(&MilestoneOut::of(milestone, viewer)),
    )
    .await
}

/// Approve work.
///
/// The owner's, never the payee's side. The money is reserved for the contractor. At or above the organisation's approval threshold a
/// second person must do the same: until then `approval.status` is `waiting`.
#[utoipa::path(request_body = ApproveIn, responses(
    (status = 200, description = "It is approved", body = ApprovalOut),
    (status = 202, description = "A second person must do the same", body = ApprovalOut),
    (status = 409, description = "`SAME_PERSON`: someone of the payee's side cannot approve · `ON_HOLD`: a hold of kind `holdKind` is open on the `holdOn` since `holdSince` · `APPROVER_NOT_YET`: the caller does not count as a second person yet · `STATE_CONFLICT`: it is not in review"),
    (status = 422, description = "`INVALID`: the part is `OUT_OF_RANGE`, `TOO_SMALL`, leaves a `REST_TOO_SMALL`, or is in another currency (`CURRENCY_MISMATCH`)")
))]
#[post("/api/milestones/{id}/approve")]
pub(super) async fn approve(
    Authed(ctx): Authed,
    Id(milestone): Id<MilestoneId>,
    once: Idempotent,
    service: Data<dyn Milestones>,
    body: OptionalBody<ApproveIn>,
) -> Result<HttpResponse, Problem> {
    let viewer = ctx.org;
    let cmd = Approve { milestone, amount: body.0.amount.map(requested_amount).transpose()? };
    once.run(
        ctx,
        async |ctx| service.approve(&ctx, cmd).await,
        move |approval: &Approval| {
            let status = if approval.waiting_since.is_some() { StatusCode::ACCEPTED } else { StatusCode::OK };
            Reply::json(status, &ApprovalOut::of(approval, viewer))
        },
    )
    .await
}
