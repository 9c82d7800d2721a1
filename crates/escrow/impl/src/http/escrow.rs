//! `/api/escrow`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use escrow_api::{Fund, Funding, Party, PaymentId, Payments, Releasing};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AmountOrMoney, Authed, Id, Idempotent, Json, List, Listing, Paging, Problem, Reply};

use super::dto::{EscrowOut, ReleaseOut, requested_amount};

/// A milestone to be funded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = FundMilestone, example = json!({"milestoneId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b41"}))]
pub(super) struct FundIn {
    /// The milestone to pay for.
    milestone_id: Uuid,
    /// If given, it must be the milestone's project.
    project_id: Option<Uuid>,
    /// If given, it must be the milestone's amount.
    amount: Option<AmountOrMoney>,
}

/// What the payer's browser needs to pay.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PaymentIntent, example = json!({
    "id": "pi_3MtwBwLkdIwHu7ix28a3tqPa", "clientSecret": "pi_3MtwBwLkdIwHu7ix28a3tqPa_secret_YrKJUKribcBjcG8HVhfZluoGH"
}))]
pub(super) struct IntentOut {
    /// The provider's id of the payment.
    #[schema(example = "pi_3MtwBwLkdIwHu7ix28a3tqPa")]
    id: String,
    /// A secret of the payer, with which the browser pays; null if the provider gives none any more.
    client_secret: Option<String>,
}

/// A payment that waits for its payer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Funding)]
pub(super) struct FundingOut {
    /// The protected payment.
    escrow: EscrowOut,
    /// What the payer's browser needs.
    payment_intent: IntentOut,
}

impl FundingOut {
    /// To the owner, whose verb it is.
    fn of(funding: &Funding) -> Self {
        let payment_intent = IntentOut { id: funding.intent.clone(), client_secret: funding.client_secret.clone() };
        Self { escrow: EscrowOut::of(&funding.payment, funding.payment.owner), payment_intent }
    }
}

/// A release that is on its way, or was sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Releasing)]
pub(super) struct ReleasingOut {
    /// The protected payment, after it.
    escrow: EscrowOut,
    /// The release.
    release: ReleaseOut,
}

impl ReleasingOut {
    /// To the owner, whose verb it is.
    fn of(releasing: &Releasing) -> Self {
        let escrow = &releasing.payment;
        Self { escrow: EscrowOut::of(escrow, escrow.owner), release: ReleaseOut::of(&releasing.release, Party::Owner) }
    }
}

/// List protected payments.
///
/// Of all contracts in which the organisation is a party.
#[utoipa::path(params(Paging), responses((status = 200, description = "Newest first", body = List<EscrowOut>)))]
#[get("/api/escrow")]
pub(super) async fn list(Authed(ctx): Authed, listing: Listing, service: Data<dyn Payments>) -> Result<HttpResponse, Problem> {
    let page = service.list(&ctx, listing.page()).await?;
    Ok(listing.reply(page, |escrow| EscrowOut::of(&escrow, ctx.org)))
}

/// Fund a milestone.
///
/// Starts a payment to the platform's own balance, where the money is held until release. Asked again before it is paid, the same payment
/// is taken up.
#[utoipa::path(responses(
    (status = 201, description = "The payment, waiting for its payer", body = FundingOut),
    (status = 404, description = "There is no such milestone"),
    (status = 409, description = "`HELD_TOO_LONG`: the milestone `milestoneId` of the contract holds money since `heldSince`, which must be released or refunded first · `ON_HOLD`: a hold of kind `holdKind` is open on the `holdOn` since `holdSince` · `STATE_CONFLICT`: it is not planned; also while the contract is suspended because the contractor's account is closed"),
    (status = 422, description = "`INVALID`: `MISMATCH` at /projectId or /amount · `PROVIDER_REFUSED`: the payment provider refuses it, in its words"),
    (status = 503, description = "`COVERAGE_SHORT`: new funding in the currency is paused · `UNAVAILABLE`; come back after Retry-After seconds",
        headers(("Retry-After" = u32, description = "Seconds to wait.")))
))]
#[post("/api/escrow")]
pub(super) async fn fund(
    Authed(ctx): Authed,
    once: Idempotent,
    service: Data<dyn Payments>,
    body: Json<FundIn>,
) -> Result<HttpResponse, Problem> {
    let cmd = Fund {
        milestone: body.0.milestone_id.into(),
        project: body.0.project_id.map(Into::into),
        amount: body.0.amount.map(requested_amount).transpose()?,
    };
    let render = |funding: &Funding| Reply::created(format!("/api/escrow/{}", funding.payment.id), &FundingOut::of(funding));
    once.run(ctx, async |ctx| service.fund(&ctx, cmd).await, render).await
}

/// Read a protected payment.
///
/// For both parties; what is the payer's alone is null to the contractor.
#[utoipa::path(responses((status = 200, description = "The payment", body = EscrowOut)))]
#[get("/api/escrow/{id}")]
pub(super) async fn read(
    Authed(ctx): Authed,
    Id(id): Id<PaymentId>,
    request: HttpRequest,
    service: Data<dyn Payments>,
) -> Result<HttpResponse, Problem> {
    let escrow = service.get(&ctx, id).await?;
    Ok(web::single(&request, &EscrowOut::of(&escrow, ctx.org)))
}

/// Release an approved milestone's money.
///
/// The transfer follows at once in the background; `release.status` becomes `sent`. A repeated or concurrent call releases once. While
/// releases in the currency are paused it stays `sending` and follows by itself.
#[utoipa::path(responses(
    (status = 200, description = "The release", body = ReleasingOut),
    (status = 409, description = "`STATE_CONFLICT`: not approved yet · `SAME_PERSON`: someone of the payee's side cannot release · `PAYEE_NOT_ACTIVE`: the contractor's payee account cannot receive transfers yet · `ON_HOLD`: a hold of kind `holdKind` is open on the `holdOn` since `holdSince`")
))]
#[post("/api/escrow/{id}/release")]
pub(super) async fn release(
    Authed(ctx): Authed,
    Id(id): Id<PaymentId>,
    once: Idempotent,
    service: Data<dyn Payments>,
) -> Result<HttpResponse, Problem> {
    once.run(ctx, async |ctx| service.release(&ctx, id).await, |releasing: &Releasing| Reply::ok(&ReleasingOut::of(releasing)))
        .await
}
