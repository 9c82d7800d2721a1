//! The root middleware: everything that every request and every answer goes through, in one future.

use std::future::{Ready, ready};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode, Uri, header};
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tracing::Instrument;

use super::rate_limit::Standing;
use super::{AppDeps, access_log, client, compress, cors, instruments, rate_limit, request_id, security_headers, trace};
use crate::Problem;
use crate::extract::{Caller, resolve};

/// Wraps the whole App.
pub struct Root(Rc<AppDeps>);

impl Root {
    pub fn new(deps: &AppDeps) -> Self {
        Self(Rc::new(deps.clone()))
    }
}

impl<S, B> Transform<S, ServiceRequest> for Root
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Transform = RootService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(RootService { service: Rc::new(service), deps: Rc::clone(&self.0) }))
    }
}

pub struct RootService<S> {
    service: Rc<S>,
    deps: Rc<AppDeps>,
}

impl<S, B> Service<ServiceRequest> for RootService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let visit = Visit::begin(&request, &self.deps);
        let service = Rc::clone(&self.service);
        let asked = visit.shown_path().map(|path| (&visit.method, path));
        let span = trace::root_span(asked, &visit.caller.request, request.headers());
        Box::pin(visit.run(request, service).instrument(span))
    }
}

/// One request on its way through.
struct Visit {
    deps: Rc<AppDeps>,
    caller: Caller,
    method: Method,
    uri: Uri,
    /// The pattern that the path matches.
    route: Option<String>,
    /// Whether who called it is nobody's to read.
    sealed: bool,
    origin: Option<HeaderValue>,
    gzip: bool,
    standings: Vec<Standing>,
    started: Instant,
}

impl Visit {
    fn begin(request: &ServiceRequest, deps: &Rc<AppDeps>) -> Self {
        let headers = request.headers();
        let peer = request.peer_addr().map(|socket| socket.ip());
        let route = request.match_pattern();
        let caller = Caller {
            request: request_id::of(headers),
            address: client::address(peer, headers, &deps.settings.trusted_proxies),
            session: None,
        };
        Self {
            caller,
            method: request.method().clone(),
            uri: request.uri().clone(),
            sealed: route.as_deref().is_some_and(|route| deps.routes.is_sealed(route)),
            route,
            origin: cors::allowed_origin(headers, &deps.settings.allowed_origins),
            gzip: compress::accepted(headers),
            standings: Vec::new(),
            deps: Rc::clone(deps),
            started: Instant::now(),
        }
    }

    async fn run<S, B>(mut self, request: ServiceRequest, service: Rc<S>) -> Result<ServiceResponse<BoxBody>, Error>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody + 'static,
    {
        if cors::is_preflight(request.method(), request.headers()) {
            let response = cors::preflight(self.origin.as_ref());
            return Ok(self.finish(request.into_response(response)).await);
        }
        if let Err(problem) = self.admit(&request).await {
            return Ok(self.finish(request.error_response(problem)).await);
        }
        request.extensions_mut().insert(self.caller.clone());
        // A panic poisons nothing of ours: what the request held is dropped, a transaction rolls back.
        match AssertUnwindSafe(service.call(request)).catch_unwind().await {
            Ok(Ok(response)) => Ok(self.finish(response.map_into_boxed_body()).await),
            Ok(Err(error)) => Err(self.bare(problem_of(&error)).into()),
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
                tracing::error!(panic = text.unwrap_or("(no text)"), "a handler panicked");
                Err(self.bare(Problem::internal()).into())
            }
        }
    }

    /// Counts the request and finds out who sent it. Only a rate limit refuses here; a missing session is the handler's to refuse.
    async fn admit(&mut self, request: &ServiceRequest) -> Result<(), Problem> {
        if !request.path().starts_with("/api") {
            return Ok(());
        }
        let deps = Rc::clone(&self.deps);
        deps.limits.admit(self.caller.address)?;
        let headers = request.headers();
        if headers.contains_key(header::AUTHORIZATION) || headers.contains_key(header::COOKIE) {
            self.caller.session = Some(resolve(&*deps.sessions, request.method(), headers, &deps.settings.allowed_origins).await);
        }
        match self.caller.live() {
            Some(session) => self.standings.extend(deps.limits.caller(session.user, session.org)?.into_iter().flatten()),
            None => self.standings.extend(deps.limits.address(self.caller.address)?),
        }
        Ok(())
    }

    /// Completes an answer and tells logs, metrics and the audit trail about it.
    async fn finish(self, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        let problem = problem_in(response.response());
        let (request, mut response) = response.into_parts();
        if let Some(mut problem) = problem {
            if let (Some(denied), Some(ctx)) = (problem.denied(), self.caller.ctx()) {
                self.deps.denials.denied(&ctx, denied, &format!("{} {}", self.method, self.route())).await;
            }
            problem.complete(self.uri.path(), self.caller.request.as_str());
            response = problem.error_response();
        }
        self.decorate(response.headers_mut());
        if self.gzip {
            response = compress::apply(response, self.deps.settings.compress_from).await;
        }
        self.record(response.status());
        ServiceResponse::new(request, response)
    }

    /// An answer for which no request is left to hang it on: complete in itself, and recorded as any other.
    fn bare(&self, mut problem: Problem) -> Problem {
        problem.complete(self.uri.path(), self.caller.request.as_str());
        let mut headers = HeaderMap::new();
        self.decorate(&mut headers);
        self.record(problem.status());
        headers.into_iter().fold(problem, |problem, (name, value)| problem.header(name, value))
    }

    fn route(&self) -> &str {
        self.route.as_deref().unwrap_or(instruments::NO_ROUTE)
    }

    /// The path, where logs may show it.
    fn shown_path(&self) -> Option<&str> {
        (self.route.is_some() && !self.sealed).then(|| self.uri.path())
    }

    fn decorate(&self, headers: &mut HeaderMap) {
        // An id is a token of visible ASCII by construction.
        if let Ok(id) = HeaderValue::from_str(self.caller.request.as_str()) {
            headers.insert(request_id::X_REQUEST_ID, id);
        }
        security_headers::add(headers, self.deps.settings.hsts);
        rate_limit::add(headers, &self.standings);
        cors::add(headers, self.origin.as_ref());
    }

    /// Tells metrics and the access log.
    fn record(&self, status: StatusCode) {
        let took = self.started.elapsed();
        if self.sealed {
            instruments::record_sealed(status, took);
        } else {
            instruments::record(&self.method, self.route(), status, took);
        }
        if !self.deps.settings.access_log {
            return;
        }
        if self.sealed {
            return access_log::write_sealed(status, &self.caller.request);
        }
        let session = self.caller.live();
        access_log::write(&access_log::Line {
            method: &self.method,
            route: self.route(),
            path: self.shown_path(),
            status,
            took,
            request: &self.caller.request,
            user: session.map(|session| session.user),
            org: session.map(|session| session.org),
            address: self.caller.address,
        });
    }
}

/// What went wrong, if something did: an error, or an answer that tells it by its status alone, as actix gives for a wrong method.
fn problem_in(response: &HttpResponse<BoxBody>) -> Option<Problem> {
    if let Some(error) = response.error() {
        return Some(problem_of(error));
    }
    let status = response.status();
    let silent = (status.is_client_error() || status.is_server_error())
        && matches!(response.body().size(), BodySize::None | BodySize::Sized(0));
    silent.then(|| of_status(status, status.canonical_reason().unwrap_or_default()))
}

/// Ours as it is; errors of actix by their status alone.
fn problem_of(error: &Error) -> Problem {
    if let Some(problem) = error.as_error::<Problem>() {
        return problem.clone();
    }
    let status = error.as_response_error().status_code();
    if status.is_server_error() {
        tracing::error!(%error, "an error of the HTTP layer");
        return Problem::internal();
    }
    of_status(status, &error.to_string())
}

fn of_status(status: StatusCode, detail: &str) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(status, "METHOD_NOT_ALLOWED", "this path does not take this method"),
        status if status.is_server_error() => Problem::internal(),
        status => Problem::new(status, "BAD_REQUEST", detail.to_owned()),
    }
}
