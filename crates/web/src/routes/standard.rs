//! The problem answers that operations share, and which of them an operation can give.

use actix_web::http::StatusCode;
use kernel::{FieldFault, Permission};
use serde_json::json;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Header, Ref, RefOr, Response};

use super::{Entry, Guard, refusals};
use crate::Problem;
use crate::problem::PROBLEM_JSON;

/// The component of the answer to who has what there is.
const NOT_MODIFIED: &str = "NotModified";

/// Component name, status, description, example.
fn problems() -> Vec<(&'static str, &'static str, Problem)> {
    let denied = kernel::Denied { permission: Permission("tenders.award"), project: None };
    let mut forbidden = Problem::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", denied.to_string());
    forbidden.set_denied(denied);
    let status = |status, code, detail| Problem::new(status, code, detail);
    vec![
        (
            "BadRequest",
            "The request cannot be understood: MALFORMED_JSON, NESTED_TOO_DEEPLY, DUPLICATE_MEMBER, DUPLICATE_HEADER, ENTITY_TAG_INVALID, \
             CURSOR_OF_ANOTHER_LIST, BODY_INCOMPLETE, BAD_REQUEST",
            Problem::malformed("MALFORMED_JSON", "the body is not JSON: a value is expected here (line 1, column 1)"),
        ),
        ("Unauthorized", "Not signed in", Problem::unauthenticated()),
        (
            "Forbidden",
            "Signed in, but not permitted: `missingPermission` names what is missing, also where that is a second factor, which the organisation asks for \
             (MFA_REQUIRED). STEP_UP_REQUIRED, where `x-step-up` says so or what is asked for is weighty: the caller proved who they are more than \
             `maxAgeSeconds` ago, and does so again by what `stepUp` names. Or ORIGIN_NOT_ALLOWED, for a write with the cookie; for an API key \
             PERSON_REQUIRED or ADDRESS_NOT_ALLOWED; for a support session NOT_FOR_SUPPORT; ORGANIZATION_SUSPENDED, in an organisation that the platform \
             has suspended; SINGLE_SIGN_ON_REQUIRED, in one that signs its people in itself, at `signInPath`; SINGLE_SIGN_ON_SESSION, for what is the \
             person's own, in a session that such a sign-in made",
            forbidden,
        ),
        ("NotFound", "Absent, or another organisation's", Problem::not_found()),
        (
            "RequestTimeout",
            "The body did not come in time; the connection is closed",
            status(
                StatusCode::REQUEST_TIMEOUT,
                "BODY_TIMEOUT",
                "the body did not come in time: send the request again, and the body without pauses",
            ),
        ),
        (
            "Conflict",
            "The state does not allow it (STATE_CONFLICT)",
            Problem::conflict("STATE_CONFLICT", "only a draft can be changed").current_state("published"),
        ),
        (
            "PreconditionFailed",
            "If-Match names another state, or somebody was faster",
            status(
                StatusCode::PRECONDITION_FAILED,
                "PRECONDITION_FAILED",
                "the resource changed since you read it: read it again and repeat the change",
            ),
        ),
        (
            "PayloadTooLarge",
            "The body is too large",
            status(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", "the body may have at most 1048576 bytes"),
        ),
        (
            "UnsupportedMediaType",
            "The body is not JSON by its Content-Type, or it is encoded (UNSUPPORTED_CONTENT_ENCODING)",
            status(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UNSUPPORTED_MEDIA_TYPE",
                "the body must be sent as `Content-Type: application/json`, in UTF-8",
            ),
        ),
        (
            "UnprocessableEntity",
            "Understood, but wrong (INVALID): every fault with its place and its code, such as REQUIRED, WRONG_TYPE, UNKNOWN_FIELD, \
             UNKNOWN_PARAMETER, NOT_ONE_OF, OUT_OF_RANGE, TOO_SHORT, TOO_LONG, TOO_FEW, TOO_MANY, TOO_MANY_DECIMALS, INVALID_FORMAT, \
             INVALID_CHARACTER",
            Problem::invalid(vec![FieldFault::new("/name", "REQUIRED", "is required")]),
        ),
        (
            "TooManyRequests",
            "Too often: come back after Retry-After seconds",
            status(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", "too many requests: try again after Retry-After seconds")
                .retry_after(1),
        ),
        ("InternalServerError", "Our fault; nothing about it is shown", Problem::internal()),
        (
            "ServiceUnavailable",
            "A dependency is down, or too many connections are open (TOO_MANY_CONNECTIONS): come back after Retry-After seconds",
            Problem::unavailable(),
        ),
    ]
}

/// The components.
pub fn responses() -> Vec<(&'static str, Response)> {
    let build = |(name, text, mut problem): (&'static str, &'static str, Problem)| {
        problem.complete("/api/…", "0199d0c4f3a27c5e8a6f0d1b2c3d4e5f");
        let content =
            ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).example(Some(json!(problem.body()))).build();
        let mut response =
            ResponseBuilder::new().description(text).content(PROBLEM_JSON, content).header("X-Request-Id", request_id());
        if matches!(problem.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response = response.header("Retry-After", header(Type::Integer, "Seconds to wait."));
        }
        if problem.status() == StatusCode::UNAUTHORIZED {
            response = response.header(
                "WWW-Authenticate",
                header(Type::String, "`Bearer`, with `error=\"invalid_token\"` if a token was sent."),
            );
        }
        (name, response.build())
    };
    let not_modified = ResponseBuilder::new()
        .description("What you have is what there is: one of the ETags of If-None-Match")
        .header("X-Request-Id", request_id())
        .header("ETag", etag())
        .build();
    problems().into_iter().map(build).chain([(NOT_MODIFIED, not_modified)]).collect()
}

/// Adds the problem answers that this operation can give besides those it names itself, and the headers of its successes.
pub fn complete_responses(operation: &mut Operation, entry: &Entry) {
    let Entry { info, keyed, conditional, tagged, .. } = entry;
    let method = info.method.as_str();
    let body = operation.request_body.is_some();
    let signed_in = info.guard != Guard::Public;
    let possible = [
        ("400", "BadRequest", true),
        ("401", "Unauthorized", signed_in),
        ("403", "Forbidden", signed_in),
        ("404", "NotFound", info.path.contains('{')),
        ("408", "RequestTimeout", body),
        // Under a key, while the first request runs; whatever else is in the way of a verb, its handler says.
        ("409", "Conflict", *keyed),
        ("412", "PreconditionFailed", *conditional),
        ("413", "PayloadTooLarge", body),
        ("415", "UnsupportedMediaType", body),
        ("422", "UnprocessableEntity", true),
        ("429", "TooManyRequests", true),
        ("500", "InternalServerError", true),
        ("503", "ServiceUnavailable", true),
    ];
    let responses = &mut operation.responses.responses;
    if *tagged && method == "GET" {
        responses.entry("304".to_owned()).or_insert_with(|| RefOr::Ref(Ref::from_response_name(NOT_MODIFIED)));
    }
    for (status, name, _) in possible.into_iter().filter(|(_, _, possible)| *possible) {
        responses.entry(status.to_owned()).or_insert_with(|| RefOr::Ref(Ref::from_response_name(name)));
    }
    for (status, response) in responses.iter_mut() {
        let RefOr::T(response) = response else { continue };
        response.headers.entry("X-Request-Id".into()).or_insert_with(|| RefOr::T(request_id()));
        if !status.starts_with('2') {
            problem_content(status, response);
            continue;
        }
        let text = "What is left and for how long, as in draft-ietf-httpapi-ratelimit-headers-10.";
        response.headers.entry("RateLimit".into()).or_insert_with(|| RefOr::T(header(Type::String, text)));
        let text = "The limits that apply.";
        response.headers.entry("RateLimit-Policy".into()).or_insert_with(|| RefOr::T(header(Type::String, text)));
        if *tagged {
            response.headers.entry("ETag".into()).or_insert_with(|| RefOr::T(etag()));
        }
        if *keyed {
            let text = "`true` if this answer was given before under the same Idempotency-Key.";
            response.headers.entry("Idempotency-Replayed".into()).or_insert_with(|| RefOr::T(header(Type::String, text)));
        }
        if status == "201" {
            response.headers.entry("Location".into()).or_insert_with(|| RefOr::T(header(Type::String, "The new resource.")));
        }
    }
}

/// An error that a handler documents with words alone still has the shape of every error, and shows what the words say.
fn problem_content(status: &str, response: &mut Response) {
    if response.content.is_empty() {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        response.content.insert(PROBLEM_JSON.to_owned(), RefOr::T(content));
    }
    let Ok(status) = status.parse::<StatusCode>() else { return };
    let usual: Vec<Problem> = problems().into_iter().map(|(_, _, problem)| problem).collect();
    for content in response.content.values_mut() {
        if let RefOr::T(content) = content
            && content.example.is_none()
            && content.examples.is_empty()
        {
            content.examples = refusals::examples(status, &response.description, &usual);
        }
    }
}

fn etag() -> Header {
    header(Type::String, "Strong entity tag, for If-Match and If-None-Match.")
}

fn request_id() -> Header {
    header(Type::String, "The id of this request.")
}

fn header(kind: Type, text: &str) -> Header {
    HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(SchemaType::new(kind)))).description(Some(text)).build()
}
