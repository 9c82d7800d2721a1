//! The error of SCIM (RFC 7644 §3.12): below `/scim/` every problem is told in this shape, whoever found it.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use super::Problem;

/// The media type of SCIM, of its errors too.
pub(crate) const SCIM_JSON: &str = "application/scim+json";
/// Below it everything speaks SCIM.
const BELOW: &str = "/scim/";
/// What an error says that it is.
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Our codes, and what SCIM calls them. A code that is not here has no word there.
const TYPES: [(&str, &str); 14] = [
    ("INVALID", "invalidValue"),
    ("INVALID_VALUE", "invalidValue"),
    ("INVALID_FILTER", "invalidFilter"),
    ("INVALID_PATH", "invalidPath"),
    ("INVALID_SYNTAX", "invalidSyntax"),
    ("MALFORMED_JSON", "invalidSyntax"),
    ("NESTED_TOO_DEEPLY", "invalidSyntax"),
    ("DUPLICATE_MEMBER", "invalidSyntax"),
    ("BODY_INCOMPLETE", "invalidSyntax"),
    ("NO_TARGET", "noTarget"),
    ("MUTABILITY", "mutability"),
    ("TOO_MANY", "tooMany"),
    ("NOT_UNIQUE", "uniqueness"),
    ("BODY_TOO_LARGE", "tooMany"),
];

/// An error of SCIM.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScimError, example = json!({
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "400", "scimType": "invalidFilter",
    "detail": "the filter ends too early"
}))]
pub struct ScimErrorBody {
    /// That it is an error.
    schemas: Vec<String>,
    /// The HTTP status, as a text.
    status: String,
    /// What kind of error it is, where SCIM has a word for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    scim_type: Option<String>,
    /// What is wrong this time and what would be right.
    detail: String,
    /// For a refusal: the permission that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    missing_permission: Option<String>,
}

/// Whether what is asked for at this path speaks SCIM.
pub(crate) fn speaks(path: &str) -> bool {
    path.starts_with(BELOW)
}

/// The problem as it is told there. What we call 422 is 400: SCIM has no other word for input that is understood, but wrong.
pub(crate) fn response(problem: &Problem) -> HttpResponse {
    let body = problem.body();
    let status = match problem.status() {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        status => status,
    };
    let several = body.errors.iter().map(|fault| format!("{}: {}", fault.pointer, fault.detail)).collect::<Vec<_>>();
    let scim_type = TYPES.iter().find(|(code, _)| *code == body.code).map(|(_, word)| (*word).to_owned());
    let told = ScimErrorBody {
        schemas: vec![ERROR.to_owned()],
        status: status.as_u16().to_string(),
        scim_type,
        // Its shape has no room for faults of single fields.
        detail: if several.len() > 1 { several.join("; ") } else { body.detail },
        missing_permission: body.missing_permission,
    };
    let mut response = problem.error_response();
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(SCIM_JSON));
    // A list of strings always serialises.
    response.set_body(serde_json::to_vec(&told).unwrap_or_default()).map_into_boxed_body()
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use kernel::FieldFault;
    use serde_json::{Value, json};

    use super::*;

    async fn told(problem: Problem) -> (u16, Value) {
        let response = response(&problem);
        assert_eq!(response.headers().get(header::CONTENT_TYPE).expect("a type"), SCIM_JSON);
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body()).await.expect("a body");
        (status, serde_json::from_slice(&bytes).expect("JSON"))
    }

    #[actix_web::test]
    async fn a_problem_is_told_in_the_words_of_scim() {
        let (status, body) = told(Problem::invalid_at("/userName", "REQUIRED", "is required")).await;
        assert_eq!(status, 400);
        let expected =
            json!({"schemas": [ERROR], "status": "400", "scimType": "invalidValue", "detail": "/userName: is required"});
        assert_eq!(body, expected);
        let (status, body) = told(Problem::not_found()).await;
        assert_eq!((status, &body["status"], body.get("scimType")), (404, &json!("404"), None));
    }

    #[actix_web::test]
    async fn every_fault_of_several_is_told_in_the_one_text() {
        let faults = vec![FieldFault::new("/a", "REQUIRED", "is required"), FieldFault::new("/b", "TOO_LONG", "is too long")];
        let (_, body) = told(Problem::invalid(faults)).await;
        assert_eq!(body["detail"], "/a: is required; /b: is too long");
    }
}
