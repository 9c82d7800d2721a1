//! One request to `/v1/…`, from its headers to its answer: key, account, fault, idempotency, work, expansion, record.

use crate::control::faults::{self, Fault, FaultKind};
use crate::control::request_log::{self, RequestRecord};
use crate::http::routes::{self, Route};
use crate::http::{auth, idempotency};
use crate::objects::{due, expand};
use crate::protocol::{ApiError, Call, Key, Request, form, params};
use crate::world::{Origin, State, ids};
use serde_json::{Map, Value};

/// An answer on its way to the socket.
#[derive(Debug)]
pub(crate) struct Answer {
    pub request_id: String,
    pub status: u16,
    pub body: Value,
    /// The request whose answer is repeated.
    pub original_request: Option<String>,
    pub idempotency_key: Option<String>,
    pub version: String,
}

/// What the socket has to do.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Answer.
    Answer(Answer),
    /// Wait, then close the connection.
    Hang { delay_ms: u64 },
    /// Wait, then call [`resume`].
    Later { delay_ms: u64, pending: Box<Pending> },
}

/// A request on which work goes on.
#[derive(Debug)]
pub(crate) struct Pending {
    request: Request,
    request_id: String,
    busy_key: Option<String>,
}

/// Serves a request, up to the point where a fault interferes. The caller commits the store before acting on the outcome.
pub(crate) fn serve(state: &mut State, request: Request) -> Outcome {
    let request_id = ids::new("req");
    due::enter(state, Origin { request: Some(request_id.clone()), idempotency_key: request.idempotency_key.clone() });
    match faults::take(state, &request.method, &request.path) {
        None => Outcome::Answer(work(state, &request, request_id, None)),
        Some(fault) => serve_with_fault(state, request, request_id, &fault),
    }
}

fn serve_with_fault(state: &mut State, request: Request, request_id: String, fault: &Fault) -> Outcome {
    tracing::debug!(request = %request_id, path = %request.path, kind = ?fault.kind, "fault");
    match fault.kind {
        FaultKind::Delay => {
            let busy_key = request.idempotency_key.as_deref().map(|key| key_row(&request, key));
            if let Some(key) = &busy_key
                && !state.busy_keys.insert(key.clone())
            {
                return Outcome::Answer(work(state, &request, request_id, None));
            }
            Outcome::Later { delay_ms: fault.delay_ms, pending: Box::new(Pending { request, request_id, busy_key }) }
        }
        FaultKind::Status429 | FaultKind::Status500 | FaultKind::Status500After => {
            Outcome::Answer(work(state, &request, request_id, Some(fault)))
        }
        FaultKind::TimeoutAfter | FaultKind::TimeoutBefore => {
            work(state, &request, request_id, Some(fault));
            Outcome::Hang { delay_ms: fault.delay_ms }
        }
        FaultKind::DisconnectAfter | FaultKind::DisconnectBefore => {
            work(state, &request, request_id, Some(fault));
            Outcome::Hang { delay_ms: 0 }
        }
    }
}

/// Goes on with a request that was delayed.
pub(crate) fn resume(state: &mut State, pending: Pending) -> Answer {
    abandon(state, &pending);
    due::enter(
        state,
        Origin { request: Some(pending.request_id.clone()), idempotency_key: pending.request.idempotency_key.clone() },
    );
    work(state, &pending.request, pending.request_id, None)
}

/// Gives up a delayed request whose caller has gone.
pub(crate) fn abandon(state: &mut State, pending: &Pending) {
    if let Some(key) = &pending.busy_key {
        state.busy_keys.remove(key);
    }
}

fn key_row(request: &Request, key: &str) -> String {
    idempotency::row(request.account.as_deref().unwrap_or_default(), key)
}

/// Does the work (unless a fault prevents it), remembers and records it.
fn work(state: &mut State, request: &Request, request_id: String, fault: Option<&Fault>) -> Answer {
    let mut record = RequestRecord {
        id: request_id.clone(),
        at: state.now,
        method: request.method.clone(),
        path: request.path.clone(),
        params: Map::new(),
        idempotency_key: request.idempotency_key.clone(),
        account: request.account.clone(),
        status: None,
        replayed: false,
        fault: fault.map(|f| serde_json::json!(f.kind)),
    };
    let mut answer = Answer {
        request_id: request_id.clone(),
        status: 200,
        body: Value::Null,
        original_request: None,
        idempotency_key: request.idempotency_key.clone(),
        version: request.version.clone().unwrap_or_else(|| state.config.api_version.clone()),
    };
    match sent(request).and_then(|tree| {
        record.params = tree;
        attempt(state, request, &request_id, &record.params, fault)
    }) {
        Ok(Done { status, body, original_request }) => {
            answer.status = status;
            answer.body = body;
            answer.original_request = original_request;
        }
        Err(error) => {
            answer.status = error.status;
            answer.body = error.body(&request_id);
        }
    }
    let lost_before = fault.is_some_and(|f| matches!(f.kind, FaultKind::TimeoutBefore | FaultKind::DisconnectBefore));
    record.status = (!lost_before).then_some(answer.status);
    record.replayed = answer.original_request.is_some();
    request_log::add(state, &record);
    answer
}

struct Done {
    status: u16,
    body: Value,
    original_request: Option<String>,
}

fn sent(request: &Request) -> Result<Map<String, Value>, ApiError> {
    let mut tree = form::parse(request.query.as_bytes())?;
    if request.method == "POST" {
        tree.extend(form::parse(&request.body)?);
    }
    Ok(tree)
}

/// The work itself: everything that can end in an error.
fn attempt(
    state: &mut State,
    request: &Request,
    id: &str,
    tree: &Map<String, Value>,
    fault: Option<&Fault>,
) -> Result<Done, ApiError> {
    let nothing = || Done { status: 0, body: Value::Null, original_request: None };
    match fault.map(|f| f.kind) {
        Some(FaultKind::Status429) => return Err(ApiError::rate_limited()),
        Some(FaultKind::TimeoutBefore | FaultKind::DisconnectBefore) => return Ok(nothing()),
        _ => {}
    }
    let key = auth::key(request.authorization.as_deref(), &state.config.secret_key)?;
    let account = auth::account(state, request.account.as_deref())?;
    let (route, captured) = routes::find(&request.method, &request.path)?;
    if key == Key::Publishable && !route.browser {
        return Err(ApiError::unauthorized(
            "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.",
        )
        .code("secret_key_required"));
    }
    let idempotent = request.idempotency_key.as_deref().filter(|key| request.method == "POST" && !key.is_empty());
    let row = idempotent.map(|key| key_row(request, key));
    if let (Some(key), Some(row)) = (idempotent, &row)
        && let Some(replay) = idempotency::look_up(state, row, key, &request.path, tree)?
    {
        return Ok(Done { status: replay.status, body: replay.body, original_request: Some(replay.original_request) });
    }
    let checked = params::check(route.params, tree)?;
    let call = Call { account, key, url: request.path.clone(), params: checked, captured };
    let result = match fault.map(|f| f.kind) {
        Some(kind) if !kind.works() => Err(ApiError::server("The sandbox was told to fail (fault status500); nothing was done.")),
        Some(FaultKind::Status500After) => {
            let _ = run(state, route, &call);
            Err(ApiError::server("The sandbox was told to fail (fault status500After); the work was done all the same."))
        }
        _ => run(state, route, &call),
    };
    if let Some(row) = &row {
        match &result {
            Ok(body) => idempotency::remember(state, row, &request.path, tree, 200, body, id),
            Err(e) if e.remembered => idempotency::remember(state, row, &request.path, tree, e.status, &e.body(id), id),
            Err(_) => {}
        }
    }
    result.map(|body| Done { status: 200, body, original_request: None })
}

fn run(state: &mut State, route: &Route, call: &Call) -> Result<Value, ApiError> {
    let wanted = expand::wanted(call)?;
    let body = (route.handler)(state, call)?;
    let mut body = state.present(&body);
    expand::apply(state, &mut body, &wanted)?;
    Ok(body)
}
