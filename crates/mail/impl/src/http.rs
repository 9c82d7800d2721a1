//! `/api/webhooks/resend`.

use std::borrow::Cow;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use mail_api::SignedReport;
use serde::Serialize;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use web::{Guard, Problem, RawBody, Reply};

use crate::service::{Error, Service};

/// Adds the endpoint.
pub(crate) fn routes(r: &mut web::Routes) {
    r.tag("Mail webhooks", "What the mail provider tells us.").resource("mailWebhooks").add(Guard::Public, || resend);
}

/// The report is noted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MailReportReceived)]
struct ReceivedOut {
    /// Always true: what follows from it is done.
    received: bool,
}

/// What the provider sends: its own object, which is looked into no further than this.
#[allow(dead_code)]
struct Report;

impl PartialSchema for Report {
    fn schema() -> RefOr<Schema> {
        let text = |about: &str| ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).description(Some(about));
        ObjectBuilder::new()
            .property("type", text("What happened, in the provider's words."))
            .required("type")
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
            .description(Some("A report of the mail provider, with all of its members."))
            .into()
    }
}

impl ToSchema for Report {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("MailReport")
    }
}

/// Take in a report of the mail provider.
///
/// The raw body is verified against `svix-signature`. A mail that came back, or that somebody complained of, is noted; to an address that takes no
/// mail, or whose owner does not want ours, nothing more is sent. Everything else is taken and nothing follows from it.
#[utoipa::path(
    request_body(content = Report, description = "A report, as the provider sends it", content_type = "application/json", example = json!({
        "type": "email.bounced", "created_at": "2126-11-27T04:50:00.000Z",
        "data": {"email_id": "56761188-7520-42d8-8898-ff6fc54ce618", "to": ["ada@example.com"], "bounce": {"type": "Permanent", "message": "no such mailbox"}}
    })),
    params(
        ("svix-id" = Option<String>, Header, description = "The id of the delivery"),
        ("svix-timestamp" = Option<String>, Header, description = "When it was signed, in seconds"),
        ("svix-signature" = Option<String>, Header, description = "`v1,…`, one or several")
    ),
    responses(
        (status = 200, description = "It is noted", body = ReceivedOut),
        (status = 400, description = "`BAD_SIGNATURE`: it is not from the provider, or no report"),
        (status = 404, description = "`NOT_FOUND`: this server takes no reports of a mail provider")
    )
)]
#[post("/api/webhooks/resend")]
async fn resend(request: HttpRequest, service: Data<Service>, body: RawBody) -> Result<HttpResponse, Problem> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let report = SignedReport {
        id: header("svix-id"),
        timestamp: header("svix-timestamp"),
        signature: header("svix-signature"),
        body: &body.0,
    };
    match service.take_report(&report).await {
        Ok(()) => Ok(Reply::ok(&ReceivedOut { received: true }).response()),
        Err(Error::NotTheirs(refused)) => Err(Problem::malformed("BAD_SIGNATURE", refused.to_string())),
        Err(Error::NotConfigured) => Err(Problem::not_found()),
        Err(Error::Fault(fault)) => Err(fault.into()),
    }
}
