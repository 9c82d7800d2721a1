//! `GET /api/audit` and `GET /api/audit/verify`.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use audit_api::{Audit, Entry, Filter, Verification, perm};
use chrono::{DateTime, Utc};
use kernel::UserId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{Authed, List, Problem, Query, Reply, Routes};

/// Adds this crate's endpoints.
pub fn routes(r: &mut Routes) {
    r.tag("Audit", "Who did what: an append-only trail that anybody entitled can verify.");
    r.add(perm::READ, || list);
    r.add(perm::READ, || verify);
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ListQuery {
    /// The most items to return: 1 to 100, 20 unless told otherwise.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u16>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Only entries about this kind of thing, such as `tender`.
    entity_type: Option<String>,
    /// Only entries about this thing.
    entity_id: Option<Uuid>,
    /// Only entries of this person.
    actor_id: Option<Uuid>,
    /// Only this verb, such as `tenders.award`.
    action: Option<String>,
}

/// An entry of the trail.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry)]
struct EntryOut {
    id: Uuid,
    at: DateTime<Utc>,
    /// Who acted; null for the platform itself.
    #[schema(required = true)]
    actor_id: Option<Uuid>,
    /// The verb.
    #[schema(examples("projects.update"))]
    action: String,
    /// Whether it was refused.
    denied: bool,
    #[schema(examples("project"))]
    entity_type: String,
    entity_id: Uuid,
    request_id: String,
    /// The state before; null if the thing was made.
    #[schema(required = true, value_type = Option<Object>)]
    before: Option<Value>,
    /// The state after; null if the thing is gone.
    #[schema(required = true, value_type = Option<Object>)]
    after: Option<Value>,
    /// Place in the organisation's chain, from 1.
    sequence: i64,
    /// SHA-256 over this entry and the hash before, hex.
    hash: String,
    /// The hash before, hex; zeros for the first.
    previous_hash: String,
}

impl From<Entry> for EntryOut {
    fn from(e: Entry) -> Self {
        Self {
            id: e.id.0,
            at: e.at,
            actor_id: e.actor_id.map(|UserId(id)| id),
            action: e.action,
            denied: e.denied,
            entity_type: e.entity_type,
            entity_id: e.entity_id,
            request_id: e.request_id,
            before: e.before,
            after: e.after,
            sequence: e.sequence,
            hash: hex(&e.hash),
            previous_hash: hex(&e.previous_hash),
        }
    }
}

/// What the verification found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditVerification)]
struct VerificationOut {
    /// Whether every entry is there, unchanged and in its place.
    valid: bool,
    /// How many entries the chain has.
    entries: i64,
    /// The newest hash, hex; zeros if there is none.
    head_hash: String,
    /// The first place at which the chain is broken; null if it is sound.
    #[schema(required = true)]
    broken_at: Option<i64>,
}

impl From<Verification> for VerificationOut {
    fn from(v: Verification) -> Self {
        Self { valid: v.valid, entries: v.entries, head_hash: hex(&v.head_hash), broken_at: v.broken_at }
    }
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
        text
    })
}

/// Lists the organisation's trail, newest first.
#[utoipa::path(params(ListQuery), responses((status = 200, description = "A page of entries", body = List<EntryOut>)))]
#[get("/api/audit")]
async fn list(Authed(ctx): Authed, audit: Data<dyn Audit>, Query(query): Query<ListQuery>) -> Result<HttpResponse, Problem> {
    let page = web::page(query.limit, query.cursor.as_deref())?;
    let filter = Filter {
        entity_type: query.entity_type,
        entity_id: query.entity_id,
        actor_id: query.actor_id.map(UserId),
        action: query.action,
    };
    let entries = audit.list(&ctx, &filter, page).await?;
    Ok(Reply::ok(&List::of(entries, EntryOut::from)).response())
}

/// Recomputes the organisation's whole chain.
#[utoipa::path(responses((status = 200, description = "What was found", body = VerificationOut)))]
#[get("/api/audit/verify")]
async fn verify(Authed(ctx): Authed, audit: Data<dyn Audit>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&VerificationOut::from(audit.verify(&ctx).await?)).response())
}
