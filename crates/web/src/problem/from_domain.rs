//! Domain error → `Problem`: the only place where a kind becomes a status.

use std::fmt::Write as _;

use actix_web::http::StatusCode;
use kernel::{DomainError, Fault, FaultKind, Kind};

use super::Problem;
use crate::app::rate_limit;

impl<E: DomainError> From<E> for Problem {
    fn from(error: E) -> Self {
        if let Some(fault) = error.fault() {
            return from_fault(fault);
        }
        if error.kind() == Kind::Internal {
            tracing::error!(code = error.code(), error = %chain(&error), "internal error");
            return Self::internal();
        }
        let fields = error.fields();
        let mut problem = match error.kind() {
            Kind::Invalid if !fields.is_empty() && error.code() == "INVALID" => Self::invalid(fields),
            kind => {
                let mut problem = Self::new(status_of(kind), error.code(), error.to_string());
                problem.set_errors(fields);
                problem
            }
        };
        problem.0.current_state = error.current_state();
        for (member, value) in error.extra() {
            problem = problem.with(member, value);
        }
        if let Some(denied) = error.denied() {
            problem.set_denied(denied.clone());
        }
        match error.kind() {
            Kind::Unauthenticated => problem.challenge(),
            Kind::TooMany => match error.spent() {
                Some(spent) => rate_limit::spent(problem, &spent),
                None => problem.retry_after(1),
            },
            Kind::Unavailable => problem.retry_after(error.retry_after().map_or(1, rate_limit::whole_seconds)),
            _ => problem,
        }
    }
}

fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Stale => StatusCode::PRECONDITION_FAILED,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn from_fault(fault: &Fault) -> Problem {
    match fault.kind() {
        FaultKind::Internal => {
            tracing::error!(error = %chain(fault), location = %fault.location(), "fault");
            Problem::internal()
        }
        FaultKind::Unavailable => {
            tracing::warn!(error = %chain(fault), location = %fault.location(), "a dependency does not answer");
            Problem::unavailable()
        }
        FaultKind::Replayed(_) => {
            tracing::error!(location = %fault.location(), "a stored answer left its verb elsewhere than through `Idempotent::run`");
            Problem::internal()
        }
        FaultKind::InFlight => {
            let detail = "a request with this Idempotency-Key is still running: ask again after Retry-After seconds";
            Problem::conflict(fault.code(), detail).retry_after(1)
        }
        FaultKind::KeyReused => {
            let detail = "this Idempotency-Key was used for another request: send a fresh key with a new request";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, fault.code(), detail)
        }
        FaultKind::PersonRequired(permission) => Problem::person_required(Some(*permission)),
        FaultKind::StepUpRequired => Problem::step_up_required(None),
    }
}

/// The error and everything behind it, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
