//! `/api/webhooks/stripe`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Guard, Problem, RawBody, Reply};

use crate::{Error, Service};

/// Adds the endpoint.
pub(crate) fn routes(r: &mut web::Routes) {
    r.tag("Webhooks", "What the payment provider tells us.").resource("webhooks").add(Guard::Public, || stripe);
}

/// The event is kept.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventReceived)]
struct ReceivedOut {
    /// Always true: the event is stored.
    received: bool,
}

/// Take in an event of the payment provider.
///
/// The raw body is verified against `Stripe-Signature`. 200 once the event is stored, also if it was before.
#[utoipa::path(
    request_body(content = Value, description = "An event, as the provider sends it", content_type = "application/json", example = json!({
        "id": "evt_1Qj4sN2eZvKYlo2C8cJ3dT5x", "object": "event", "type": "account.updated", "created": 1795248000, "livemode": false,
        "data": {"object": {"id": "acct_1Nv0FGQ9RKHgCVdK", "object": "account"}}
    })),
    params(("Stripe-Signature" = Option<String>, Header, description = "`t=…,v1=…`")),
    responses(
        (status = 200, description = "It is kept", body = ReceivedOut),
        (status = 400, description = "`BAD_SIGNATURE`: it is not from the provider, or not an event")
    )
)]
#[post("/api/webhooks/stripe")]
async fn stripe(request: HttpRequest, service: Data<Service>, body: RawBody) -> Result<HttpResponse, Problem> {
    let signature = request.headers().get("Stripe-Signature").and_then(|value| value.to_str().ok());
    match service.take(signature, &body.0).await {
        Ok(_) => Ok(Reply::ok(&ReceivedOut { received: true }).response()),
        Err(Error::Refused(refused)) => Err(Problem::malformed("BAD_SIGNATURE", refused.to_string())),
        Err(Error::Fault(fault)) => Err(fault.into()),
    }
}
