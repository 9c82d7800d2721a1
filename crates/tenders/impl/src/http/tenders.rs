//! Drafts, reading, invitations.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use chrono::{DateTime, Utc};
use kernel::TenderId;
use serde::Deserialize;
use tenders_api::{Filter, Invitation, Retender, TenderView, Tenders};
use utoipa::{IntoParams, ToSchema};
use web::{Authed, Id, Idempotent, IfMatch, Json, List, Listing, Paging, Patch, Problem, Reply};

use super::dto::{InvitationIn, InvitationOut, TenderIn, TenderOut, TenderRole, TenderStatus};
use super::examples;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TenderQuery {
    /// `owner`: the own organisation's; `bidder`: those of others that it may bid for. Both unless told otherwise.
    #[param(inline)]
    role: Option<TenderRole>,
    /// Only tenders in this state.
    #[param(inline)]
    status: Option<TenderStatus>,
}

/// When the repeated tender ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RepeatTender, example = json!({"submissionDeadline": "2099-09-30T12:00:00Z", "questionsUntil": "2099-09-23T12:00:00Z"}))]
pub struct RetenderIn {
    /// Bids are taken before this instant of the server's clock.
    submission_deadline: DateTime<Utc>,
    /// Questions are taken before this instant; may be left out.
    questions_until: Option<DateTime<Utc>>,
}

fn created(view: &TenderView) -> Reply {
    Reply::created(format!("/api/tenders/{}", view.tender.id), &TenderOut::from(view)).etag()
}

pub fn shown(view: &TenderView) -> Reply {
    Reply::ok(&TenderOut::from(view)).etag()
}

/// List tenders.
///
/// Those of the organisation, and those that it may bid for.
#[utoipa::path(params(TenderQuery, Paging), responses((status = 200, description = "Newest first, without lines and milestones", body = List<TenderOut>)))]
#[get("/api/tenders")]
pub async fn list(
    Authed(ctx): Authed,
    listing: Listing<TenderQuery>,
    service: Data<dyn Tenders>,
) -> Result<HttpResponse, Problem> {
    let TenderQuery { role, status } = &listing.filter;
    let filter = Filter { side: role.map(|role| role.0), status: status.map(|status| status.0) };
    let page = service.list(&ctx, filter, listing.page()).await?;
    Ok(listing.reply(page, |view| TenderOut::brief(&view)))
}

/// Create a draft.
///
/// Only the own organisation sees it until it is published.
#[utoipa::path(responses(
    (status = 201, description = "The draft", body = TenderOut),
    (status = 404, description = "There is no such project, or no such schedule of quantities"),
    (status = 422, description = "`INVALID`, with every fault: such as `OTHER_PROJECT`, `IN_THE_PAST`, `AFTER_DEADLINE`, `CURRENCY_MISMATCH`, `MIXED_KINDS`, `PERCENT_SUM`")
))]
#[post("/api/tenders")]
pub async fn create(
    Authed(ctx): Authed,
    once: Idempotent,
    service: Data<dyn Tenders>,
    body: Json<TenderIn>,
) -> Result<HttpResponse, Problem> {
    let draft = body.0.try_into()?;
    once.run(ctx, async |ctx| service.create(&ctx, draft).await, created).await
}

/// Read a tender.
///
/// A bidder sees the published part.
#[utoipa::path(responses((status = 200, description = "The tender", body = TenderOut)))]
#[get("/api/tenders/{id}")]
pub async fn read(
    Authed(ctx): Authed,
    Id(id): Id<TenderId>,
    request: HttpRequest,
    service: Data<dyn Tenders>,
) -> Result<HttpResponse, Problem> {
    Ok(web::conditional(&request, shown(&service.get(&ctx, id).await?)))
}

fn view_tag(view: &TenderView) -> String {
    web::etag(&TenderOut::from(view))
}

/// Replace a draft.
///
/// With all its milestones; invitations stay.
#[utoipa::path(responses(
    (status = 200, description = "The changed draft", body = TenderOut),
    (status = 409, description = "`STATE_CONFLICT`: it is no draft any more"),
    (status = 422, description = "`INVALID`, as for a new one; it stays in its project (`IMMUTABLE`)")
))]
#[put("/api/tenders/{id}")]
pub async fn replace(
    Authed(ctx): Authed,
    Id(id): Id<TenderId>,
    if_match: IfMatch,
    service: Data<dyn Tenders>,
    body: Json<TenderIn>,
) -> Result<HttpResponse, Problem> {
    let expected = if_match.seen(service.changeable(&ctx, id), view_tag).await?.map(|seen| seen.tender.updated_at);
    Ok(shown(&service.replace(&ctx, id, expected, body.0.try_into()?).await?).response())
}

/// Change a draft.
///
/// What is left out stays; milestones are replaced as a whole.
#[utoipa::path(request_body(content = TenderIn, example = examples::tender_patch), responses(
    (status = 200, description = "The changed draft", body = TenderOut),
    (status = 409, description = "`STATE_CONFLICT`: it is no draft any more"),
    (status = 422, description = "`INVALID`, as for a new one; it stays in its project (`IMMUTABLE`)")
))]
#[patch("/api/tenders/{id}")]
pub async fn change(
    Authed(ctx): Authed,
    Id(id): Id<TenderId>,
    if_match: IfMatch,
    service: Data<dyn Tenders>,
    patch: Patch<TenderIn>,
) -> Result<HttpResponse, Problem> {
    let changed = web::unless_overtaken(async || {
        let current = service.changeable(&ctx, id).await?;
        if_match.check(&view_tag(&current))?;
        let body = patch.apply(&TenderIn::from(&current))?;
        Ok(service.replace(&ctx, id, Some(current.tender.updated_at), body.try_into()?).await)
    });
    Ok(shown(&changed.await?).response())
}

/// Delete a draft.
///
/// With its milestones and invitations. What was published is cancelled instead.
#[utoipa::path(responses(
    (status = 204, description = "It is gone"),
    (status = 409, description = "`STATE_CONFLICT`: it is no draft any more")
))]
#[delete("/api/tenders/{id}")]
pub async fn remove(
    Authed(ctx): Authed,
    Id(id): Id<TenderId>,
    if_match: IfMatch,
    service: Data<dyn Tenders>,
) -> Result<HttpResponse, Problem> {
    let expected = if_match.seen(service.changeable(&ctx, id), view_tag).await?.map(|seen| seen.tender.updated_at);
    service.delete(&ctx, id, expected).await?;
    Ok(Reply::no_content().response())
}

/// Repeat an unsuccessful or cancelled tender as a new draft.
///
/// With the same schedule, milestones and invitations; the old tender stays as it ended.
#[utoipa::path(responses(
    (status = 201, description = "The new draft", body = TenderOut),
    (status = 409, description = "`STATE_CONFLICT`: it is neither unsuccessful nor cancelled")
))]
#[post("/api/tenders/{id}/retender")]
pub async fn retender(
    Authed(ctx): Authed,
    Id(id): Id<TenderId>,
    once: Idempotent,
    service: Data<dyn Tenders>,
    body: Json<RetenderIn>,
) -> Result<HttpResponse, Problem> {
    let new = Retender { submission_deadline: body.0.submission_deadline, questions_until: body.0.questions_until };
    once.run(ctx, async |ctx| service.retender(&ctx, id, new).await, created).await
}

/// Invite a bidder.
///
/// An organisation, or whoever signs in with an e-mail address. One by e-mail counts for the person who signs in with that address, in whichever organisation they act; once they bid, for that
/// organisation. The answer is the same whether the address is known or not.
#[utoipa::path(responses(
    (status = 201, description = "The invitation", body = InvitationOut),
    (status = 409, description = "`ALREADY_INVITED`: this bidder is invited already · `STATE_CONFLICT`: it is neither a draft nor published"),
    (status = 422, description = "`TENDER_CLOSED`: the deadline has passed; with `deadline` and `serverTime` · `INVALID`: `OWN_ORGANIZATION` or `UNKNOWN_ORGANIZATION` at /organizationId, or another fault")
))]
#[post("/api/tenders/{id}/invitations")]
pub async fn invite(
    Authed(ctx): Authed,
    Id(id): Id<TenderId>,
    once: Idempotent,
    service: Data<dyn Tenders>,
    body: Json<InvitationIn>,
) -> Result<HttpResponse, Problem> {
    let invitee = body.0.into_invitee()?;
    let render =
        move |invitation: &Invitation| Reply::created(format!("/api/tenders/{id}/invitations"), &InvitationOut::from(invitation));
    once.run(ctx, async |ctx| service.invite(&ctx, id, invitee).await, render).await
}

/// List invitations to bid.
///
/// Whom the owner invited. Whether an address is somebody's is not told.
#[utoipa::path(params(Paging), responses((status = 200, description = "Newest first", body = List<InvitationOut>)))]
#[get("/api/tenders/{id}/invitations")]
pub async fn invitations(
    Authed(ctx): Authed,
    Id(id): Id<TenderId>,
    listing: Listing,
    service: Data<dyn Tenders>,
) -> Result<HttpResponse, Problem> {
    let page = service.invitations(&ctx, id, listing.page()).await?;
    Ok(listing.reply(page, |invitation| InvitationOut::from(&invitation)))
}
