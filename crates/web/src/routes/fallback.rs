//! What no route answers: 404, as a page for people, or 405 if the path exists for other methods. OPTIONS tells which.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};

use super::Routes;
use crate::Problem;
use crate::pages::missing;

/// The default service.
pub async fn fallback(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let routes = request.app_data::<Arc<Routes>>();
    let methods = routes.iter().flat_map(|routes| routes.methods_of(request.match_info().as_str()));
    let methods: Vec<_> = methods.map(Method::as_str).collect();
    if methods.is_empty()
        && let Some(page) = missing::page(&request)
    {
        return Ok(page);
    }
    answer(request.method(), methods)
}

/// What pages that are no routes answer to every other method.
pub async fn only_get(request: HttpRequest) -> Result<HttpResponse, Problem> {
    answer(request.method(), vec!["GET"])
}

fn answer(method: &Method, mut methods: Vec<&str>) -> Result<HttpResponse, Problem> {
    if methods.is_empty() {
        let detail = "there is no such path: GET /api/openapi.json lists them all";
        return Err(Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail));
    }
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    methods.sort_unstable();
    methods.dedup();
    let allow = methods.join(", ");
    if *method == Method::OPTIONS {
        return Ok(HttpResponse::NoContent().insert_header((header::ALLOW, allow)).finish());
    }
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", format!("this path takes {allow}"));
    Err(match HeaderValue::from_str(&allow) {
        Ok(allow) => problem.header(header::ALLOW, allow),
        Err(_) => problem,
    })
}
