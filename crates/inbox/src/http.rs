//! `/api/webhooks/stripe`.

use std::borrow::Cow;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use serde::Serialize;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
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

/// What the provider sends: its own object, which is looked into no further than this, and kept whole.
#[allow(dead_code)]
struct Event;

impl PartialSchema for Event {
    fn schema() -> RefOr<Schema> {
        let text = |about: &str| ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).description(Some(about));
        ObjectBuilder::new()
            .property("id", text("The provider's id of the event: kept once."))
            .property("type", text("What happened, in the provider's words."))
            .required("id")
            .required("type")
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
            .description(Some("An event of the payment provider, with all of its members."))
            .into()
    }
}

impl ToSchema for Event {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ProviderEvent")
    }
}

/// Take in an event of the payment provider.
///
/// The raw body is verified against `Stripe-Signature`. 200 once the event is stored, also if it was before.
#[utoipa::path(
    request_body(content = Event, description = "An event, as the provider sends it", content_type = "application/json", example = json!({
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
