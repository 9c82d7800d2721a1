//! The root middleware: everything that every request and every answer goes through, in one future.

use std::future::{Ready, ready};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, Method, StatusCode, Uri, header};
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tracing::Instrument;

use super::rate_limit::Standing;
use super::support::{self, Asked};
use super::{AppDeps, access_log, compress, cors, head, health, instruments, rate_limit, request_id, security_headers, trace};
use crate::crowd::{Seat, Serving};
use crate::docs::OPENAPI_PATH;
use crate::extract::{Caller, Credential, refuse_all, resolve};
use crate::problem::scim;
use crate::{Guard, Problem, client};

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

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let mut visit = Visit::begin(&request, &self.deps);
        let asked = visit.shown_path().map(|path| (&visit.method, path));
        let span = trace::root_span(asked, &visit.caller.request, request.headers());
        visit.head = head::as_get(&mut request);
        let service = Rc::clone(&self.service);
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
    /// Whether the answer is to have no body.
    head: bool,
    standings: Vec<Standing>,
    started: Instant,
    serving: Serving,
}

impl Visit {
    fn begin(request: &ServiceRequest, deps: &Rc<AppDeps>) -> Self {
        let headers = request.headers();
        let peer = request.peer_addr().map(|socket| socket.ip());
        // By the path that routing goes by, in which `%61` is `a`: not by the text that the client chose.
        let route = request.resource_map().match_pattern(request.match_info().as_str());
        let caller = Caller {
            request: request_id::of(headers),
            address: client::address(peer, headers, &deps.settings.trusted_proxies, deps.settings.client_ip_header),
            credential: None,
            token: None,
            stale: false,
        };
        Self {
            caller,
            method: request.method().clone(),
            uri: request.uri().clone(),
            sealed: route.as_deref().is_some_and(|route| deps.routes.is_sealed(route)),
            route,
            origin: cors::allowed_origin(headers, &deps.settings.allowed_origins),
            gzip: compress::accepted(headers),
            head: false,
            standings: Vec::new(),
            deps: Rc::clone(deps),
            started: Instant::now(),
            serving: Serving::begin(request.conn_data::<Arc<Seat>>()),
        }
    }

    async fn run<S, B>(mut self, request: ServiceRequest, service: Rc<S>) -> Result<ServiceResponse<BoxBody>, Error>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody + 'static,
    {
        if cors::is_preflight(request.method(), request.headers()) {
            if let Err(problem) = self.count_stranger() {
                return Ok(self.finish(request.error_response(problem)).await);
            }
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

    /// Counts a request that never says who sent it, as one whose sender is not signed in.
    fn count_stranger(&mut self) -> Result<(), Problem> {
        if self.route.as_deref().is_some_and(health::is_probe) {
            return Ok(());
        }
        let deps = Rc::clone(&self.deps);
        deps.limits.admit(&self.caller)?;
        self.standings.extend(deps.limits.address(&self.caller)?);
        Ok(())
    }

    /// Counts the request and finds out who sent it. A missing session is the handler's to refuse.
    async fn admit(&mut self, request: &ServiceRequest) -> Result<(), Problem> {
        if self.route.as_deref().is_some_and(health::is_probe) {
            return self.refuse_unknown_parameters(request);
        }
        let deps = Rc::clone(&self.deps);
        deps.limits.admit(&self.caller)?;
        let headers = request.headers();
        refuse_doubled(headers)?;
        if headers.contains_key(header::AUTHORIZATION) || headers.contains_key(header::COOKIE) {
            let address = self.caller.address;
            let (credential, token) = resolve(&*deps.sessions, &self.method, headers, address, &deps.settings).await;
            self.caller.stale = matches!(&credential, Ok(Credential::Session(session)) if deps.sessions.is_stale(session));
            (self.caller.credential, self.caller.token) = (Some(credential), token);
        }
        match self.caller.live() {
            // An operator takes nothing from the organisation's own people.
            None | Some(Credential::Support(_)) => self.standings.extend(deps.limits.address(&self.caller)?),
            Some(known) => self.standings.extend(deps.limits.caller(&self.caller, known)?.into_iter().flatten()),
        }
        self.refuse_keys(request)?;
        self.refuse_bound(request)?;
        self.refuse_stale(request)?;
        self.admit_support(request).await?;
        self.refuse_unknown_parameters(request)
    }

    /// What support asks for is noted before anything of it is done; what it does not read is refused, whoever would have refused it otherwise.
    async fn admit_support(&self, request: &ServiceRequest) -> Result<(), Problem> {
        let Some(Credential::Support(session)) = self.caller.live() else { return Ok(()) };
        // As it is routed: HEAD is GET by now.
        let refused = match support::asked(&self.deps.routes, request.method(), self.route.as_deref()) {
            Asked::Nothing => return Ok(()),
            Asked::Reading => false,
            Asked::Other => true,
        };
        let route = support::named(request.method(), self.route(), self.sealed);
        self.deps.sessions.note_support(session, &self.caller.request, &route, refused).await?;
        if refused { Err(Problem::not_for_support()) } else { Ok(()) }
    }

    /// What wants a natural person is refused to API keys, whatever their scopes say.
    fn refuse_keys(&self, request: &ServiceRequest) -> Result<(), Problem> {
        let (Some(route), Some(Credential::Key(_))) = (&self.route, self.caller.live()) else { return Ok(()) };
        // As it is routed: HEAD is GET by now.
        match self.deps.routes.wants_person(request.method(), route) {
            Some(permission) => Err(Problem::person_required(permission)),
            None => Ok(()),
        }
    }

    /// What is the person's own is refused to a session that an organisation's issuer made, and pages, which are for people, do not know it.
    fn refuse_bound(&mut self, request: &ServiceRequest) -> Result<(), Problem> {
        let bound = matches!(self.caller.live(), Some(Credential::Session(session)) if session.bound);
        let (Some(route), true) = (&self.route, bound) else { return Ok(()) };
        // As it is routed: HEAD is GET by now.
        match self.deps.routes.wants_own(request.method(), route) {
            Some(true) => Err(auth_api::Error::SingleSignOnSession.into()),
            Some(false) => Ok(()),
            None => {
                (self.caller.credential, self.caller.token, self.caller.stale) = (None, None, false);
                Ok(())
            }
        }
    }

    /// What wants a fresh proof of who the caller is is refused to whoever gave theirs too long ago.
    fn refuse_stale(&self, request: &ServiceRequest) -> Result<(), Problem> {
        let (Some(route), true) = (&self.route, self.caller.stale) else { return Ok(()) };
        // As it is routed: HEAD is GET by now.
        if self.deps.routes.steps_up(request.method(), route) {
            return Err(Problem::step_up_required(self.caller.step_up_by()));
        }
        Ok(())
    }

    /// A parameter that nobody reads is refused everywhere, not only where others are read. Whoever is to sign in first is told that instead.
    fn refuse_unknown_parameters(&self, request: &ServiceRequest) -> Result<(), Problem> {
        let (Some(route), false) = (&self.route, request.query_string().is_empty()) else { return Ok(()) };
        // Directories add parameters of their own, which are to be ignored.
        if scim::speaks(route) {
            return Ok(());
        }
        if health::is_probe(route) || route == OPENAPI_PATH {
            return refuse_all(request.query_string());
        }
        // As it is routed: HEAD is GET by now.
        let (routes, method) = (&self.deps.routes, request.method());
        let known = self.caller.live().is_some() || routes.guard_of(method, route) == Some(&Guard::Public);
        if known && !routes.takes_query(method, route) { refuse_all(request.query_string()) } else { Ok(()) }
    }

    /// Completes an answer and tells logs, metrics and the audit trail about it.
    async fn finish(mut self, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        let problem = problem_in(response.response());
        let (request, mut response) = response.into_parts();
        // The stricter limit that the handler's own extractor counted for.
        self.standings.extend(request.extensions().get::<Standing>());
        if let Some(mut problem) = problem {
            if let Some((denied, ctx)) = problem.denied().cloned().zip(self.caller.ctx()) {
                self.deps.denials.denied(&ctx, &denied, &format!("{} {}", self.method, self.route())).await;
                if problem.code() == "PERMISSION_DENIED" && !auth_api::factor_allows(&ctx, denied.permission) {
                    problem = Problem::mfa_required(denied);
                }
            }
            problem.complete(self.uri.path(), self.caller.request.as_str());
            response = if scim::speaks(self.uri.path()) { scim::response(&problem) } else { problem.error_response() };
        }
        self.decorate(response.headers_mut());
        self.deps.drain.close(&mut response);
        if self.gzip {
            response = compress::apply(response, self.deps.settings.compress_from).await;
        }
        if self.head {
            response = head::without_body(response);
        }
        self.record(response.status());
        if response.status() == StatusCode::REQUEST_TIMEOUT {
            // What is left of the body would be taken for the next request.
            response.head_mut().set_connection_type(ConnectionType::Close);
            self.serving.say_goodbye();
        }
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
        let known = self.caller.live();
        access_log::write(&access_log::Line {
            method: &self.method,
            route: self.route(),
            path: self.shown_path(),
            status,
            took,
            request: &self.caller.request,
            user: known.and_then(Credential::user),
            org: known.map(Credential::org),
            key: known.and_then(Credential::key),
            support: known.and_then(Credential::support),
            address: self.caller.address,
        });
    }
}

/// Refuses a request that says twice what only one of two readers would take: a proxy may have looked at the other.
fn refuse_doubled(headers: &HeaderMap) -> Result<(), Problem> {
    const ONCE: [HeaderName; 6] = [
        header::AUTHORIZATION,
        header::HOST,
        header::CONTENT_TYPE,
        header::ORIGIN,
        header::IF_MATCH,
        HeaderName::from_static("idempotency-key"),
    ];
    match ONCE.iter().find(|name| headers.get_all(*name).nth(1).is_some()) {
        None => Ok(()),
        Some(name) => {
            let detail = format!("the header {name} is given twice: which one counts would be a guess");
            Err(Problem::malformed("DUPLICATE_HEADER", detail))
        }
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
    silent.then(|| of_status(status))
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
    of_status(status)
}

fn of_status(status: StatusCode) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(status, "METHOD_NOT_ALLOWED", "this path does not take this method"),
        status if status.is_server_error() => Problem::internal(),
        status => Problem::new(status, "BAD_REQUEST", status.canonical_reason().unwrap_or("the request cannot be answered")),
    }
}
