//! `/api/webhooks/leaked-keys`: what GitHub's secret scanning tells of our keys.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use auth_api::{Judged, Label, LeakReport, Leaks, Unheard};
use serde::Serialize;
use utoipa::ToSchema;
use web::{OneOf, Problem, RawBody, Reply, RequestInfo};

/// What was found, in the reporter's own words.
#[derive(ToSchema)]
#[schema(as = LeakedKey)]
#[allow(dead_code)]
struct FoundIn {
    /// The text that looks like a key.
    #[schema(max_length = 10000)]
    token: String,
    /// What the reporter takes it for.
    #[schema(max_length = 10000)]
    r#type: String,
    /// Where it was found.
    #[schema(max_length = 10000)]
    url: Option<String>,
    /// In what it was found, such as `content` or `commit`.
    #[schema(max_length = 10000)]
    source: Option<String>,
}

/// A report: all that was found at a time.
#[derive(ToSchema)]
#[schema(as = LeakReport, max_items = 1000)]
#[allow(dead_code)]
struct ReportIn(Vec<FoundIn>);

type JudgedAs = OneOf<Label>;

/// What it is.
#[derive(Serialize, ToSchema)]
#[schema(as = LeakedKeyJudged)]
struct JudgedOut {
    /// The text that was reported.
    token_raw: String,
    /// What the reporter took it for.
    token_type: String,
    /// Whether it is, or was, a key.
    label: JudgedAs,
}

/// What came of a report, in its order.
#[derive(Serialize, ToSchema)]
#[schema(as = LeakReportJudged)]
struct ReportOut(Vec<JudgedOut>);

impl From<Judged> for JudgedOut {
    fn from(judged: Judged) -> Self {
        Self { token_raw: judged.token, token_type: judged.taken_for, label: judged.label.into() }
    }
}

/// Take in a report of leaked keys.
///
/// As GitHub's secret scanning partner program sends it, signed with a key of its list. A key of ours is revoked at once, and its organisation finds
/// it in the trail. Off, which is 404, unless the deployment names where the reporter's public keys are.
#[utoipa::path(
    request_body(content = ReportIn, description = "What was found", content_type = "application/json", example = json!([{
        "token": "b14_live_0000000000000000000000000000000000000000000000000", "type": "build14_api_key",
        "url": "https://github.com/octocat/Hello-World/blob/main/.env", "source": "content"
    }])),
    params(
        ("Github-Public-Key-Identifier" = Option<String>, Header, description = "Which of the reporter's keys signed it"),
        ("Github-Public-Key-Signature" = Option<String>, Header, description = "The signature of the raw body: ECDSA on P-256 with SHA-256, ASN.1 in base 64"),
    ),
    responses(
        (status = 200, description = "What each of them is", body = ReportOut),
        (status = 400, description = "`BAD_SIGNATURE`: it is not from the reporter, or no report"),
        (status = 404, description = "`NOT_FOUND`: reports are not taken here"),
    )
)]
#[post("/api/webhooks/leaked-keys")]
pub(super) async fn report(
    request: HttpRequest,
    info: RequestInfo,
    leaks: Data<dyn Leaks>,
    body: RawBody,
) -> Result<HttpResponse, Problem> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let (identifier, signature) = (header("Github-Public-Key-Identifier"), header("Github-Public-Key-Signature"));
    match leaks.hear(LeakReport { request: &info.request, identifier, signature, body: &body.0 }).await {
        Ok(judged) => Ok(Reply::ok(&ReportOut(judged.into_iter().map(JudgedOut::from).collect())).response()),
        Err(Unheard::Off) => Err(Problem::not_found()),
        Err(Unheard::Refused(why)) => Err(Problem::malformed("BAD_SIGNATURE", why)),
        Err(Unheard::Fault(fault)) => Err(fault.into()),
    }
}
