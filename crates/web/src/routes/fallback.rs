//! What no route answers: 404, or 405 if the path exists for other methods.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use super::Routes;
use crate::Problem;

/// The default service.
pub async fn fallback(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let routes = request.app_data::<Arc<Routes>>();
    let mut methods: Vec<_> =
        routes.iter().flat_map(|routes| routes.methods_of(request.match_info().as_str())).map(|method| method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    methods.dedup();
    if methods.is_empty() {
        let detail = "there is no such path: GET /api/openapi.json lists them all";
        return Err(Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail));
    }
    let allow = methods.join(", ");
    let detail = format!("this path takes {allow}");
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail);
    Err(match HeaderValue::from_str(&allow) {
        Ok(allow) => problem.header(header::ALLOW, allow),
        Err(_) => problem,
    })
}
