//! `/api/webhooks/stripe`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use escrow_api::Error;
use kernel::DomainError;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Problem, RawBody, Reply};

use crate::Service;

/// The event is kept.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventReceived)]
pub(super) struct ReceivedOut {
    /// Always true: the event is stored.
    received: bool,
}

/// Take in an event of the payment provider.
///
/// The raw body is verified against `Stripe-Signature`. 200 once the event is stored, also if it was before.
#[utoipa::path(
    request_body(content = Value, description = "An event, as the provider sends it", content_type = "application/json"),
    params(("Stripe-Signature" = Option<String>, Header, description = "`t=…,v1=…`")),
    responses(
        (status = 200, description = "It is kept", body = ReceivedOut),
        (status = 400, description = "`BAD_SIGNATURE`: it is not from the provider, or not an event")
    )
)]
#[post("/api/webhooks/stripe")]
pub(super) async fn stripe(request: HttpRequest, service: Data<Service>, body: RawBody) -> Result<HttpResponse, Problem> {
    let signature = request.headers().get("Stripe-Signature").and_then(|value| value.to_str().ok());
    match service.take_event(signature, &body.0).await {
        Ok(_) => Ok(Reply::ok(&ReceivedOut { received: true }).response()),
        Err(error @ Error::BadSignature(_)) => Err(Problem::malformed(error.code(), error.to_string())),
        Err(error) => Err(error.into()),
    }
}
