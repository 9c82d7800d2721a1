//! What the document says of operations that speak SCIM (RFC 7644): its media type, and its own shape of errors.

use utoipa::openapi::path::Operation;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::{ContentBuilder, Ref, RefOr};

use crate::problem::scim::SCIM_JSON;

/// Has an operation, otherwise complete, speak SCIM.
pub fn speak(operation: &mut Operation) {
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        let contents: Vec<_> = std::mem::take(&mut body.content).into_iter().collect();
        body.content.extend(contents.into_iter().map(|(_, content)| (SCIM_JSON.to_owned(), content)));
    }
    let responses = &mut operation.responses.responses;
    // What is understood, but wrong, is 400 there.
    responses.remove("422");
    for (status, response) in responses.iter_mut() {
        if status.starts_with(['4', '5']) {
            let (described, headers) = match &*response {
                RefOr::T(given) => (given.description.clone(), given.headers.clone()),
                RefOr::Ref(_) => (told_by(status).to_owned(), Default::default()),
            };
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ScimError"))).build();
            let mut error = ResponseBuilder::new().description(described).content(SCIM_JSON, content).build();
            error.headers = headers;
            *response = RefOr::T(error);
        } else if let RefOr::T(response) = response {
            let contents: Vec<_> = std::mem::take(&mut response.content).into_iter().collect();
            response.content.extend(contents.into_iter().map(|(_, content)| (SCIM_JSON.to_owned(), content)));
        }
    }
}

/// What a status means where no handler says more.
fn told_by(status: &str) -> &'static str {
    match status {
        "400" => "The request cannot be understood, or is wrong: `scimType` and `detail` say how",
        "401" => "Not signed in",
        "403" => "Signed in, but not permitted: `missingPermission` names what is missing",
        "404" => "Absent, or another organisation's",
        "408" => "The body did not come in time; the connection is closed",
        "409" => "The state does not allow it",
        "412" => "If-Match names another state, or somebody was faster",
        "413" => "The body is too large",
        "415" => "The body is neither `application/scim+json` nor `application/json`",
        "429" => "Too often: come back after Retry-After seconds",
        "503" => "A dependency is down: come back after Retry-After seconds",
        _ => "Our fault; nothing about it is shown",
    }
}
