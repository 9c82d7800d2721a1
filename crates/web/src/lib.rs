//! HTTP conventions of docs/API.md over actix-web: one way to read a request, one way to answer, one shape of error, one list of routes.
//!
//! A handler takes extractors ([`Authed`], [`Id`], [`Query`], [`Json`], [`Idempotent`], [`IfMatch`]), calls one service verb and answers a
//! DTO; every domain error becomes a [`Problem`] by `?`. A domain adds its handlers to [`Routes`], each with its permission. [`app()`] puts
//! the layers around them, the same for the server and for tests, and the pages that people see. README.md shows each shape.
//!
//! Invariants: this crate alone maps error kinds to statuses; a 500 shows nothing internal; a request body reaches a handler only if its
//! own OpenAPI schema allows it; the organisation comes from the session alone.

mod app;
mod client;
mod crowd;
pub mod docs;
mod extract;
mod json;
mod page;
mod pages;
mod problem;
mod reply;
mod routes;
mod serve;
mod values;

pub use app::{
    AppDeps, AuthRateLimit, DenialLog, Drain, Limits, Quota, RateLimits, Readiness, Settings, SpentLimit, SpentLog, app,
    describe_health, describe_metrics,
};
pub use auth_api::Network;
pub use client::ClientIpHeader;
pub use extract::{
    Authed, AuthedUntil, Body as Json, CurrentSession, FormBody, Id, IdempotencySecret, Idempotent, IfMatch, Listing, NoBody,
    OptionalBody, PLAIN_SESSION_COOKIE, Patch, Presented, Query, RawBody, RequestInfo, SESSION_COOKIE, ScimBody, ScimObject,
    Unchanged, parameter, session_cookie, unless_overtaken,
};
pub use json::parse;
pub use page::{List, Paging};
pub use pages::{ActingPage, Development, Form, FormPage, LinkPage, Login, Offer, Place, Script};
pub use problem::{FaultBody, FaultReason, Faults, Problem, ProblemBody};
pub use reply::{IDEMPOTENCY_REPLAYED, Reply, conditional, etag, single};
pub use routes::{Guard, RouteInfo, Routes};
pub use serve::{Listening, serve};
pub use values::{AmountIn, AmountOrMoney, CurrencyCode, Decimal4, Decimal4Out, MoneyIn, MoneyOut, OneOf, iso_date, rfc3339};
